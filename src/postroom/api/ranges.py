"""Range requests for bytes (RFC 9110 §14): one range, as downloads are resumed with.

Several ranges at once, other units and broken headers are ignored, which the RFC allows (§14.2): the answer is then
the whole. A range that begins beyond the end is refused with 416.
"""

import re
from typing import NamedTuple

_RANGE = re.compile(rb"\s*bytes\s*=\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.IGNORECASE)


class Span(NamedTuple):
    """Bytes from ``start`` to before ``end``."""

    start: int
    end: int


class UnsatisfiableError(Exception):
    """The range lies outside of the content."""


def is_range(header: bytes | None) -> bool:
    """Tell whether ``header`` asks for one range of bytes."""
    if header is None:
        return False
    found = _RANGE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return False
    return not (found[1] and found[2]) or int(found[1]) <= int(found[2])


def find_span(header: bytes | None, size: int) -> Span | None:
    """Return the range that ``header`` asks for of ``size`` bytes, None for the whole.

    Raises UnsatisfiableError.
    """
    if header is None or not is_range(header):
        return None
    found = _RANGE.fullmatch(header)
    assert found is not None  # noqa: S101 (is_range has matched it)
    first, last = found[1], found[2]
    if not first:
        if int(last) == 0 or size == 0:
            raise UnsatisfiableError
        return Span(max(0, size - int(last)), size)
    start = int(first)
    if start >= size:
        raise UnsatisfiableError
    return Span(start, min(size, int(last) + 1) if last else size)
