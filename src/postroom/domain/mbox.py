"""mbox files: messages one after the other, each behind a line that begins with ``From `` (RFC 4155).

A separator is such a line at the start of the file or after an empty line, with a time and a year in it, so that
text that begins with "From " and was not quoted by the writer does not split its message. Quoted lines
(``>From ``, and in mboxrd any number of ``>``) lose one ``>``; mboxo files read the same but for lines that had one
already. Flags are in ``Status`` and ``X-Status``, which belong to the file and not to the message, and so are taken
off; Thunderbird's are in ``X-Mozilla-Status`` and Gmail's in ``X-Gmail-Labels``, which stay.

A file of any size is read a line at a time; what is held is one message.
"""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from postroom.domain.filing import Flags
from postroom.domain.mail_source import (
    MAX_MESSAGE_BYTES,
    Found,
    FoundMessage,
    Unusable,
    find_header_date,
    parse_date,
    read_header_values,
    with_crlf,
    without_crlf,
)
from postroom.model.mail import REFW_FORWARDED, REFW_REPLIED

_LINE_BYTES = 1 << 20
"""Longer lines are read in pieces."""
_SEPARATOR = re.compile(rb"From .*?\d{1,2}:\d{2}.*\d{4}")
_DATE = re.compile(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[, ].*", re.DOTALL)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_UNQUOTED = re.compile(rb"^(>*From )", re.MULTILINE)
_STATUS = re.compile(rb"^(?:Status|X-Status):[^\n]*\n(?:[ \t][^\n]*\n)*", re.MULTILINE | re.IGNORECASE)
_MOZILLA_READ, _MOZILLA_REPLIED, _MOZILLA_MARKED, _MOZILLA_EXPUNGED = 0x1, 0x2, 0x4, 0x8
_MOZILLA_FORWARDED = 0x1000


def is_mbox(start: bytes) -> bool:
    """Return whether a file that starts like this is an mbox."""
    return start.lstrip(b"\r\n").startswith(b"From ")


def iter_mbox(path: Path) -> Iterator[Found]:
    """Yield the messages of an mbox file, in order."""
    try:
        with path.open("rb") as file:
            for number, (separator, raw, read_bytes) in enumerate(_split(file), 1):
                yield _read_message(f"{path}, message {number}", separator, raw, read_bytes=read_bytes)
    except OSError as error:
        yield Unusable(str(path), f"cannot be read: {error.strerror}")


def _split(file: BinaryIO) -> Iterator[tuple[bytes, bytes | None, int]]:
    """Yield separator, content (None: too large) and bytes taken of each message."""
    separator, lines, size, after_blank, at_line_start = b"", list[bytes](), 0, True, True
    while line := file.readline(_LINE_BYTES):
        if (
            at_line_start
            and after_blank
            and line.startswith(b"From ")
            and (_SEPARATOR.match(line) or not separator)
        ):
            if separator:
                yield separator, _join(lines, size), size
            separator, lines, size = line, [], len(line)
        else:
            size += len(line)
            if size <= MAX_MESSAGE_BYTES:
                lines.append(line)
        after_blank = at_line_start and line in {b"\n", b"\r\n"}
        at_line_start = line.endswith(b"\n")
    if separator:
        yield separator, _join(lines, size), size


def _join(lines: list[bytes], size: int) -> bytes | None:
    """Return the content of a message, without the empty line that ends it in the file."""
    if size > MAX_MESSAGE_BYTES:
        return None
    if len(lines) > 1 and lines[-1] in {b"\n", b"\r\n"}:
        lines = lines[:-1]
    return b"".join(lines)


def _read_message(origin: str, separator: bytes, raw: bytes | None, *, read_bytes: int) -> Found:
    if raw is None:
        return Unusable(origin, f"larger than {MAX_MESSAGE_BYTES} bytes", read_bytes)
    if not raw.strip():
        return Unusable(origin, "empty", read_bytes)
    values = read_header_values(raw)
    flags = _read_flags(values)
    if flags is None:
        return Unusable(origin, "deleted in Thunderbird, only not compacted yet", read_bytes)
    raw = _without_status(raw)
    if b">From " in raw:
        raw = _QUOTED.sub(rb"\1", raw)
    raw = with_crlf(raw)
    found = _DATE.search(separator)
    date = parse_date(found[0]) if found else None
    if date is None:
        date = find_header_date(values)
    return FoundMessage(origin, raw, int(time.time()) if date is None else date, flags, read_bytes=read_bytes)


def _without_status(raw: bytes) -> bytes:
    end = re.search(rb"\n\r?\n", raw)
    cut = end.end() if end else len(raw)
    return _STATUS.sub(b"", raw[:cut]) + raw[cut:]


def _read_flags(values: Mapping[bytes, bytes]) -> Flags | None:
    """Return the flags that the header of a message in an mbox says; None if the message is deleted."""
    letters = values.get(b"status", b"") + values.get(b"x-status", b"")
    labels = {label.strip() for label in values.get(b"x-gmail-labels", b"").split(b",")}
    mozilla = _parse_hex(values.get(b"x-mozilla-status", b""))
    if mozilla & _MOZILLA_EXPUNGED:
        return None
    is_read = b"R" in letters or bool(mozilla & _MOZILLA_READ)
    if b"x-gmail-labels" in values:
        is_read = b"Unread" not in labels
    replied = b"A" in letters or bool(mozilla & _MOZILLA_REPLIED)
    return Flags(
        is_unread=not is_read,
        is_flagged=b"F" in letters or b"Starred" in labels or bool(mozilla & _MOZILLA_MARKED),
        is_draft=b"T" in letters,
        is_deleted=b"D" in letters,
        refw=REFW_REPLIED * replied + REFW_FORWARDED * bool(mozilla & _MOZILLA_FORWARDED),
    )


def _parse_hex(text: bytes) -> int:
    return int(text, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,8}", text) else 0


def render_mbox_message(raw: bytes, *, date: int, flags: Flags) -> bytes:
    """Return a message as it stands in an mboxrd file: separator, status, quoted content, empty line."""
    line_end = b"\n"
    content = without_crlf(raw)
    if content is raw and b"\r\n" in raw:
        line_end = b"\r\n"
    stamp = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(date)).encode("ascii")
    status = b"Status: " + (b"O" if flags.is_unread else b"RO") + line_end
    more = _letters(flags)
    if more:
        status += b"X-Status: " + more + line_end
    if not content.endswith(b"\n"):
        content += line_end
    return b"From MAILER-DAEMON " + stamp + b"\n" + status + _UNQUOTED.sub(rb">\1", content) + b"\n"


def _letters(flags: Flags) -> bytes:
    letters = [
        (b"A", flags.refw & REFW_REPLIED),
        (b"D", flags.is_deleted),
        (b"F", flags.is_flagged),
        (b"T", flags.is_draft),
    ]
    return b"".join(letter for letter, is_set in letters if is_set)
