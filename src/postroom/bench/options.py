"""What to measure, and how long."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from postroom.bench.corpus import CORPUS_SEED
from postroom.errors import bad_parameter

GROUPS = (
    "deliveries",
    "flags",
    "counter",
    "list",
    "content",
    "attachment",
    "finding",
    "sending",
    "changes",
    "contacts",
    "guessing",
    "server",
)
"""The groups of measurements, in the order in which they are taken."""

DEFAULT_SIZES = (1_000, 20_000, 100_000)


def _option(name: str, text: str) -> Parameter:
    return Parameter(name=f"--{name}", help=text, negative=())


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of a run, and of the command line that starts it; ``checked`` before use."""

    sizes: Annotated[
        tuple[int, ...], _option("size", "Mails in the mailbox; give it several times for several mailboxes.")
    ] = DEFAULT_SIZES
    store_url: Annotated[
        str,
        _option("store", 'Where mail is kept: "sqlite:" or the postgresql:// URL of a database for this.'),
    ] = "sqlite:"
    quick: Annotated[
        bool, _option("quick", "One small mailbox and short measurements: shows that all works.")
    ] = False
    only: Annotated[tuple[str, ...], _option("only", f"Only this group, of {', '.join(GROUPS)}.")] = ()
    seconds: Annotated[float, _option("seconds", "Length of one measurement.")] = 2.0
    repeats: Annotated[int, _option("repeats", "How often each is taken; the median counts.")] = 3
    connections: Annotated[int, _option("connections", "Connections of the load client.")] = 16
    seed: Annotated[int, _option("seed", "Seed of the corpus.")] = CORPUS_SEED
    attachment_bytes: Annotated[int, _option("attachment-bytes", "Size of the large attachment.")] = (
        50 * 2**20
    )
    data_dir: Annotated[
        Path | None, _option("data-dir", "Make the stores here and leave them; else they are temporary.")
    ] = None
    json_path: Annotated[Path | None, _option("json", "Write the figures to this file as JSON.")] = None
    markdown_path: Annotated[
        Path | None, _option("markdown", "Write the tables to this file as Markdown.")
    ] = None

    def checked(self) -> "BenchOptions":
        """Return the options with ``quick`` carried out; raises ``PostroomError`` (``badParameter``)."""
        options = self
        if self.quick:
            sizes = (1_000,) if self.sizes == DEFAULT_SIZES else self.sizes
            options = replace(self, quick=False, sizes=sizes, seconds=0.5, repeats=1)
        if not options.sizes or min(options.sizes) < 20:
            raise bad_parameter("size", "a mailbox has 20 mails at least")
        if options.seconds <= 0 or options.repeats < 1 or options.connections < 1:
            raise bad_parameter("seconds", "seconds, repeats and connections must be positive")
        unknown = set(options.only) - set(GROUPS)
        if unknown:
            raise bad_parameter("only", f"{', '.join(sorted(unknown))}: not one of {', '.join(GROUPS)}")
        return options

    def wants(self, group: str) -> bool:
        """Return whether ``group`` is to be measured."""
        return not self.only or group in self.only

    @property
    def store_kind(self) -> str:
        """The engine's name, without what the URL says besides."""
        return self.store_url.partition(":")[0]

    def command(self) -> str:
        """Return the command that repeats this run; a database server's URL is shortened to its kind."""
        words = ["postroom bench", *(f"--size {size}" for size in self.sizes)]
        if self.store_kind != "sqlite":
            words.append(f"--store {self.store_kind}://…")
        words += [f"--only {group}" for group in self.only]
        return " ".join([*words, f"--seconds {self.seconds:g}", f"--repeats {self.repeats}"])
