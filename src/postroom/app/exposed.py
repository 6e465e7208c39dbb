"""Files of the server that others on the machine could read or change; looked for at start, and warned of.

The data folder alone decides of what is in it, unless others may enter it. Where they may, what lies at its top and
the keys of DKIM are looked at, not every message.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from postroom.config.root import Config

_OTHERS = 0o077
_ENTER = 0o011


class Exposed(NamedTuple):
    """A file or folder that is not its owner's alone."""

    path: Path
    problem: str
    remedy: str


def find_exposed(config: Config) -> list[Exposed]:
    """Return what lies open, of the data folder and the keys of certificates."""
    keys = [config.http.tls_key or config.http.tls_certificate]
    if config.submission.is_on:
        keys.append(config.submission.key or config.submission.certificate)
    found = [_look(Path(key), stat.S_IRWXO | stat.S_IWGRP) for key in dict.fromkeys(keys) if key]
    found += [_look(path, _OTHERS) for path in _iter_data(config.data_dir)]
    return [one for one in found if one is not None]


def _iter_data(folder: Path) -> Iterator[Path]:
    yield folder
    try:
        if not folder.stat().st_mode & _ENTER:
            return
        yield from sorted(folder.iterdir())
        yield from sorted((folder / "dkim").glob("*/*"))
    except OSError:
        return  # What cannot be read, the server will stumble over by itself.


def _look(path: Path, forbidden: int) -> Exposed | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    mode = stat.S_IMODE(facts.st_mode)
    if not mode & forbidden:
        return None
    verb = "changed" if mode & forbidden & 0o022 else "read"
    wanted = "700" if stat.S_ISDIR(facts.st_mode) else "600"
    return Exposed(path, f"can be {verb} by others (mode {mode:o})", f"chmod {wanted} {path}")
