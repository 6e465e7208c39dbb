"""`postroom import` and `postroom export`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.terminal import say, warn

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.domain.directory import AccountDetails
    from postroom.domain.transfer import ImportOptions, TransferReport
    from postroom.store import Store

Flag = Annotated[bool, Parameter(negative=())]

_SOME_FAILED = 1
_STEPS = 10


class Progress(Protocol):
    """Shows how a transfer goes on."""

    def start(self, total_bytes: int) -> None:
        """Begin to show."""

    def advance(self, read_bytes: int) -> None:
        """So many more bytes are done."""

    def report(self, origin: str, reason: str) -> None:
        """A message could not be transferred."""

    def stop(self, *, complete: bool) -> None:
        """End showing; ``complete`` where all of the source is done."""


class Bar:
    """A bar, on a terminal."""

    def __init__(self, verb: str) -> None:
        from rich.progress import (  # noqa: PLC0415 (commands start quickly)
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns)
        self._task = self._bar.add_task(verb, start=False)

    def start(self, total_bytes: int) -> None:
        """Begin to show."""
        self._bar.update(self._task, total=total_bytes)
        self._bar.start_task(self._task)
        self._bar.start()

    def advance(self, read_bytes: int) -> None:
        """So many more bytes are done."""
        self._bar.advance(self._task, read_bytes)

    def report(self, origin: str, reason: str) -> None:
        """A message could not be transferred."""
        self._bar.console.print(f"postroom: {origin}: {reason}", markup=False, highlight=False)

    def stop(self, *, complete: bool) -> None:
        """End showing."""
        if complete:
            self._bar.update(self._task, completed=self._bar.tasks[0].total)
        self._bar.stop()


class Lines:
    """A line for each tenth, where there is no terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._total = self._done = self._steps = 0

    def start(self, total_bytes: int) -> None:
        """Begin to show."""
        self._total = total_bytes

    def advance(self, read_bytes: int) -> None:
        """So many more bytes are done."""
        self._done += read_bytes
        steps = min(self._done * _STEPS // self._total, _STEPS) if self._total else 0
        if steps > self._steps:
            self._steps = steps
            say(f"{self._verb} {self._done} of {self._total} bytes")
            sys.stdout.flush()

    def report(self, origin: str, reason: str) -> None:
        """A message could not be transferred."""
        warn(f"{origin}: {reason}")

    def stop(self, *, complete: bool) -> None:
        """Nothing is left to be shown."""


def import_mail(
    address: str,
    /,
    *paths: Path,
    folder: str = "",
    duplicates: Flag = False,
    read: Flag = False,
    options: Options = DEFAULTS,
) -> int:
    """Bring mail into an account. It may be interrupted and repeated: what is there already is left out.

    Args:
        address: Any address of the account.
        paths: mbox files, Maildirs, .eml files, and folders of them.
        folder: Folder for the mail, levels separated by /; else the Inbox. It is made if it is missing.
        duplicates: File what the folder has already once more.
        read: Mark the mails as read.
        options: Where the configuration is.
    """
    from postroom.domain.transfer import ImportOptions  # noqa: PLC0415 (commands start quickly)
    from postroom.errors import bad_parameter  # noqa: PLC0415

    if not paths:
        raise bad_parameter("paths", "name at least one file or folder to import")
    wanted = ImportOptions(folder=folder, duplicates=duplicates, mark_read=read)
    return asyncio.run(_import(options.load_for_store(), address, paths=paths, wanted=wanted))


async def _import(config: "Config", address: str, *, paths: tuple[Path, ...], wanted: "ImportOptions") -> int:
    from postroom.domain.ingest import Ingest  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.mail_files import count_bytes  # noqa: PLC0415
    from postroom.domain.transfer import Importer  # noqa: PLC0415

    async with _opened_account(config, address) as (store, details):
        progress = _new_progress("read")
        ingest = Ingest(store, config.classes)
        importer = Importer(store, ingest, details.account.account_id, options=wanted, watcher=progress)
        progress.start(sum(map(count_bytes, paths)))
        with _reported(progress, "imported", importer.report):
            await importer.run(paths)
    return _SOME_FAILED if importer.report.failed else 0


def export_mail(address: str, path: Path, /, *, folder: str = "", options: Options = DEFAULTS) -> int:
    """Write the mail of an account to an mbox file, or a Maildir with its folders.

    A Maildir may be written again: only what is new is added.

    Args:
        address: Any address of the account.
        path: An mbox file to be made, if the name ends in .mbox; else a Maildir.
        folder: Only this folder, levels separated by /.
        options: Where the configuration is.
    """
    return asyncio.run(_export(options.load_for_store(), address, path, folder=folder))


async def _export(config: "Config", address: str, path: Path, *, folder: str) -> int:
    from postroom.domain.export import Exporter  # noqa: PLC0415 (commands start quickly)

    async with _opened_account(config, address) as (store, details):
        progress = _new_progress("wrote")
        exporter = Exporter(store, details.account.account_id, watcher=progress)
        folders = await exporter.list_folders(folder)
        write = exporter.write_mbox if path.suffix.lower() == ".mbox" else exporter.write_maildir
        progress.start(sum(one.size_bytes for one in folders))
        with _reported(progress, "exported", exporter.report):
            await write(path, folders)
    return _SOME_FAILED if exporter.report.failed else 0


@asynccontextmanager
async def _opened_account(config: "Config", address: str) -> "AsyncIterator[tuple[Store, AccountDetails]]":
    from postroom.auth.passwords import PasswordHasher  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.directory import Directory  # noqa: PLC0415

    async with opened_store(config) as store:
        hasher = PasswordHasher(config.auth)
        directory = Directory(store, hasher, config.classes, primary_domain=config.primary_domain)
        details = await directory.get_account(address)
        hasher.close()
        yield store, details


def _new_progress(verb: str) -> Progress:
    make: Callable[[str], Progress] = Bar if sys.stdout.isatty() else Lines
    return make(verb)


@contextmanager
def _reported(progress: Progress, verb: str, report: "TransferReport") -> Iterator[None]:
    """End the progress and say what was done, also where the transfer failed or was interrupted."""
    complete = False
    try:
        yield
        complete = True
    finally:
        progress.stop(complete=complete)
        text = f"{verb} {report.done} message{'' if report.done == 1 else 's'}"
        if report.skipped:
            text += f", {report.skipped} {'was' if report.skipped == 1 else 'were'} there already"
        if report.failed:
            text += f", {report.failed} could not be {verb}"
        say(text)
