"""Maildirs: a file for each message, flags in its name; folders as Maildir++ has them.

``new`` holds what nobody has seen, ``cur`` the rest, with the flags behind ``:2,`` (P passed on, R replied, S seen,
T trashed, D draft, F flagged). A folder below the main one is a directory whose name begins with a dot and has dots
between its levels, in modified UTF-7 (RFC 3501 §5.1.3); a directory of plain Maildirs gives folders by its own
levels. The time of a message is that of its file, or the one its name begins with, whichever is earlier: copying
changes the first, and filing by IMAP sets it back.
"""

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path

from postroom.domain.filing import Flags
from postroom.domain.mail_source import Found, FoundMessage, Unusable, read_small_file, with_crlf
from postroom.model.mail import REFW_FORWARDED, REFW_REPLIED

_INFO = re.compile(r"[:;!]2,([A-Za-z]*)$")
_STAMP = re.compile(r"(\d{8,11})\.")
_ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")
_TO_ENCODE = re.compile(r"&|[^\x20-\x7e]+|\.")


def is_maildir(path: Path) -> bool:
    """Return whether a directory is a Maildir."""
    return (path / "cur").is_dir() and (path / "new").is_dir()


def iter_maildir(path: Path, folder: tuple[str, ...] = ()) -> Iterator[Found]:
    """Yield the messages of a Maildir and of its Maildir++ folders, each in the order of names."""
    for part in ("cur", "new"):
        try:
            names = sorted(os.listdir(path / part))  # noqa: PTH208 (a Path for each of a million names is slow)
        except OSError as error:
            yield Unusable(str(path / part), f"cannot be read: {error.strerror}")
            continue
        for name in names:
            if not name.startswith("."):
                yield _read_message(path / part / name, folder, is_new=part == "new")
    for sub in sorted(path.iterdir()):
        if sub.name.startswith(".") and is_maildir(sub):
            names = [decode_utf7(name) for name in sub.name[1:].split(".") if name]
            yield from iter_maildir(sub, (*folder, *names))


def _read_message(path: Path, folder: tuple[str, ...], *, is_new: bool) -> Found:
    raw = read_small_file(path)
    if isinstance(raw, Unusable):
        return raw
    info = _INFO.search(path.name)
    stamp = _STAMP.match(path.name)
    date = int(path.stat().st_mtime)
    if stamp:
        date = min(date, int(stamp[1]))
    flags = Flags() if is_new or info is None else parse_flags(info[1])
    return FoundMessage(str(path), with_crlf(raw), max(date, 0), flags, folder, len(raw))


def parse_flags(letters: str) -> Flags:
    """Return the flags that the letters behind ``:2,`` mean."""
    return Flags(
        is_unread="S" not in letters,
        is_flagged="F" in letters,
        is_draft="D" in letters,
        is_deleted="T" in letters,
        refw=REFW_REPLIED * ("R" in letters) + REFW_FORWARDED * ("P" in letters),
    )


def render_flags(flags: Flags) -> str:
    """Return the letters for flags, in the order of the alphabet, as the format asks for."""
    letters = {
        "D": flags.is_draft,
        "F": flags.is_flagged,
        "P": flags.refw & REFW_FORWARDED,
        "R": flags.refw & REFW_REPLIED,
        "S": not flags.is_unread,
        "T": flags.is_deleted,
    }
    return "".join(letter for letter, is_set in letters.items() if is_set)


def decode_utf7(text: str) -> str:
    """Return a folder name from modified UTF-7 (RFC 3501 §5.1.3); what is none is taken as it stands."""

    def decode(match: re.Match[str]) -> str:
        letters = match[1].replace(",", "/")
        try:
            return (
                base64.b64decode(letters + "=" * (-len(letters) % 4)).decode("utf-16-be") if letters else "&"
            )
        except ValueError:
            return match[0]

    return _ENCODED.sub(decode, text)


def encode_utf7(name: str) -> str:
    """Return one level of a folder name in modified UTF-7, a dot in it encoded too."""

    def encode(match: re.Match[str]) -> str:
        if match[0] == "&":
            return "&-"
        letters = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii").rstrip("=")
        return f"&{letters.replace('/', ',')}-"

    return _TO_ENCODE.sub(encode, name)
