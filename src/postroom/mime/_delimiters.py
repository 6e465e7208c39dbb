"""Delimiter lines of multiparts (RFC 2046 §5.1.1): ``--boundary``, and ``--boundary--`` to close."""

import re
from collections.abc import Container, Iterable

from postroom.mime.raw import Raw
from postroom.patterns import compile_pattern

_PATTERN_BYTES = 32
_LONGEST_SKIPPED_BYTES = 998


def is_delimiter(raw: Raw, position: int, *, end: int, boundaries: Container[bytes]) -> bool:
    """Return whether the line at ``position``, which begins with ``--``, delimits one of the ``boundaries``."""
    line_end = raw.find(b"\n", position, end)
    return find_boundary(raw[position + 2 : line_end if line_end >= 0 else end], boundaries)[0] is not None


def find_boundary(line: bytes, boundaries: Container[bytes]) -> tuple[bytes | None, bool]:
    """Return which of the ``boundaries`` a line delimits, if any, and whether it is a close delimiter.

    ``line`` is without its leading ``--``. The line as a whole counts before its first word.
    """
    key = line.rstrip(b" \t\r")
    if key in boundaries:
        return key, False
    if key[-2:] == b"--" and (closed := key[:-2].rstrip(b" \t")) in boundaries:
        return closed, True
    if b" " in key or b"\t" in key:
        return find_boundary(key.split(None, 1)[0], boundaries) if key[:1] not in b" \t" else (None, False)
    return None, False


def candidate_pattern(boundaries: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return a pattern that finds every delimiter line of the ``boundaries``, and few others, by its line end before.

    Of long boundaries only the beginning is in it, so that a pattern stays small.
    """
    choices = [
        re.escape(boundary[:_PATTERN_BYTES])
        if len(boundary) > _PATTERN_BYTES
        else re.escape(boundary) + _BEHIND
        for boundary in boundaries
    ]
    return compile_pattern(rb"\n--(?:" + b"|".join(choices) + b")")


def skip_delimiters(raw: Raw, position: int, *, end: int, boundary: bytes) -> int:
    """Return the first line from ``position`` on that is not the delimiter once more: repeated ones count as one."""
    line = raw[position : position + len(boundary) + 3]
    if (
        line[:-1] != b"--" + boundary
        or line[-1:] not in _BEHIND_REPEATED
        or len(boundary) > _LONGEST_SKIPPED_BYTES
    ):
        return position
    run = compile_pattern(rb"(?:--" + re.escape(boundary) + rb"(?:[ \t](?![ \t]*--)[^\n]*+|\r)?\n)*+")
    match = run.match(raw, position, end)
    return match.end() if match else position


_BEHIND = rb"(?:[ \t]*--)?(?:[ \t\r\n]|\Z)"
_BEHIND_REPEATED = (b" ", b"\t", b"\r", b"\n")
