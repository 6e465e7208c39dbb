"""Finds messages in files and folders: mbox, Maildir, .eml files, and directories of any of them."""

import os
from collections.abc import Iterator
from pathlib import Path

from postroom.domain.filing import Flags
from postroom.domain.mail_source import (
    Found,
    FoundMessage,
    Unusable,
    find_header_date,
    read_header_values,
    read_small_file,
    with_crlf,
)
from postroom.domain.maildir import is_maildir, iter_maildir
from postroom.domain.mbox import is_mbox, iter_mbox

_MESSAGE_SUFFIXES = frozenset((".eml", ".msg", ".mail"))
_MBOX_SUFFIXES = frozenset((".mbox", ".mbx"))
_START_BYTES = 64


def iter_mail_files(path: Path) -> Iterator[Found]:
    """Yield the messages of a file or directory, in the order of names, and what cannot be used of it.

    Files in a directory that are neither mbox nor ``.eml`` are left out without a word.
    """
    if not path.exists():
        yield Unusable(str(path), "does not exist")
    elif path.is_dir():
        yield from _iter_directory(path, ())
    elif not path.is_file():
        yield Unusable(str(path), "neither a file nor a directory")
    elif is_mbox(_read_start(path)):
        yield from iter_mbox(path)
    elif path.suffix.lower() in _MBOX_SUFFIXES and path.stat().st_size:
        yield Unusable(str(path), "not an mbox file: it does not begin with a From line", path.stat().st_size)
    else:
        yield _read_message(path)


def _iter_directory(path: Path, folder: tuple[str, ...]) -> Iterator[Found]:
    if is_maildir(path):
        yield from iter_maildir(path, folder)
        return
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        yield Unusable(str(path), f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith(".") or (entry.is_dir() and entry.is_symlink()):
            continue  # a link to a directory may lead back up, without end
        if entry.is_dir():
            # A directory of Maildirs has folders by its levels; one of .eml files is only sorted for people.
            below = (*folder, entry.name) if _holds_maildirs(entry) else folder
            yield from _iter_directory(entry, below)
        elif entry.is_file() and _is_mail_file(entry):
            yield from iter_mail_files(entry)


def _holds_maildirs(path: Path) -> bool:
    try:
        return is_maildir(path) or any(is_maildir(entry) for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return False


def _is_mail_file(path: Path) -> bool:
    suffix = path.suffix.lower()
    return suffix in _MESSAGE_SUFFIXES or suffix in _MBOX_SUFFIXES or is_mbox(_read_start(path))


def _read_start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_START_BYTES)
    except OSError:
        return b""


def _read_message(path: Path) -> Found:
    raw = read_small_file(path)
    if isinstance(raw, Unusable):
        return raw
    date = find_header_date(read_header_values(raw))
    if date is None:
        date = max(int(path.stat().st_mtime), 0)
    return FoundMessage(str(path), with_crlf(raw), date, Flags(), read_bytes=len(raw))


def count_bytes(path: Path) -> int:
    """Return the bytes of all files of a source, for the progress."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += (Path(folder) / name).stat().st_size
            except OSError:
                continue
    return total
