"""What a reader of mail files finds, whatever their kind, and what is said of a message by itself."""

import email.utils
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from postroom.domain.filing import Flags

MAX_MESSAGE_BYTES = 256 << 20
"""Larger messages are reported and left out: one is held in memory."""
_LONGEST_HEADER_BYTES = 256 << 10
_LATEST = 4_102_444_800
"""The year 2100: what claims to be from later is not believed."""
_BARE_LF = re.compile(rb"(?<!\r)\n")


class FoundMessage(NamedTuple):
    """A message in a file."""

    origin: str
    """Where it is, for people."""
    raw: bytes
    """The message, with CRLF line ends."""
    date: int
    """Unix seconds: when it arrived, as well as the file tells."""
    flags: Flags
    folder: tuple[str, ...] = ()
    """Names of the folder within the source, from the top; () for its main folder."""
    read_bytes: int = 0
    """Bytes of the source that it takes, for the progress."""


class Unusable(NamedTuple):
    """Something in a source that is no message, or cannot be read."""

    origin: str
    reason: str
    read_bytes: int = 0


Found = FoundMessage | Unusable


def with_crlf(raw: bytes) -> bytes:
    """Return a message with CRLF line ends; one whose first line has them is left as it is, byte for byte."""
    first = raw.find(b"\n")
    if first < 0 or raw[:first].endswith(b"\r"):
        return raw
    if b"\r" not in raw:
        return raw.replace(b"\n", b"\r\n")  # many times quicker than the expression
    return _BARE_LF.sub(b"\r\n", raw)


def without_crlf(raw: bytes) -> bytes:
    """Return a message with LF line ends, or as it is where :func:`with_crlf` would not give the same again."""
    short = raw.replace(b"\r\n", b"\n")
    return short if with_crlf(short) == raw else raw


def read_header_values(raw: bytes) -> Mapping[bytes, bytes]:
    """Return the first value, unfolded, of each header field of the top of a message, by lower-case name."""
    block = re.split(rb"\r?\n\r?\n", raw[:_LONGEST_HEADER_BYTES], maxsplit=1)[0]
    values: dict[bytes, bytes] = {}
    for line in re.split(rb"\r?\n(?![ \t])", block):
        name, colon, value = line.partition(b":")
        if colon:
            values.setdefault(name.strip().lower(), re.sub(rb"\r?\n", b"", value).strip())
    return values


def find_header_date(values: Mapping[bytes, bytes]) -> int | None:
    """Return when a message arrived, by its topmost Received (RFC 5321 §4.4), else by its Date."""
    received = values.get(b"received", b"").rpartition(b";")[2]
    for text in (received, values.get(b"date", b"")):
        seconds = parse_date(text)
        if seconds is not None:
            return seconds
    return None


def parse_date(text: bytes) -> int | None:
    """Return the Unix seconds of a date (RFC 5322 §3.3, or as ``ctime`` writes it), None if it is none."""
    parsed = email.utils.parsedate_tz(text.decode("latin-1"))
    if parsed is None:
        return None
    try:
        seconds = int(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if 0 <= seconds < _LATEST else None


def read_small_file(path: Path) -> bytes | Unusable:
    """Return the content of a file that holds one message, or what is wrong with it."""
    try:
        size = path.stat().st_size
        if size > MAX_MESSAGE_BYTES:
            return Unusable(str(path), f"larger than {MAX_MESSAGE_BYTES} bytes", size)
        raw = path.read_bytes()
    except OSError as error:
        return Unusable(str(path), f"cannot be read: {error.strerror}")
    if not raw.strip():
        return Unusable(str(path), "empty", size)
    return raw
