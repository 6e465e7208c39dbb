"""Breaks up long texts with many escapes, on which ``nh3`` needs time that grows with the square of their length.

Its serialiser looks through the whole rest of a text (or attribute value) for each ``&`` and each no-break space
that has to be escaped. One mail of 2 MiB of them would take half a minute. A comment divides a text into several,
and leaves no trace in the result; an attribute value of that kind is nothing that honest mail has.
"""

import re
from collections.abc import Iterator

from postroom.sanitise._tokens import TOKEN

_MANY_ESCAPES = 2000
_LONG_CHARS = 8192
_BREAK = "<!-- -->"
_NBSP = "\xa0"


def break_long_texts(html: str) -> str:
    """Return ``html`` with the same meaning, and no text too long to be written in good time."""
    if _escapes(html) < _MANY_ESCAPES or max(map(len, html.split("<"))) <= _LONG_CHARS:
        return html
    return "".join(_pieces(html))


def _escapes(text: str) -> int:
    return text.count("&") + text.count(_NBSP)


def _pieces(html: str) -> Iterator[str]:
    position = 0
    for match in TOKEN.finditer(html):
        yield _broken(html[position : match.start()])
        yield _without_long_attributes(match)
        position = match.end()
    yield _broken(html[position:])


def _without_long_attributes(match: re.Match[str]) -> str:
    tag = match.group()
    if match["name"] and len(tag) > _LONG_CHARS and _escapes(tag) > _MANY_ESCAPES:
        return f"<{match['close']}{match['name']}>"
    return tag


def _broken(text: str) -> str:
    """Return ``text`` with a break before an escape in every 8,192 characters; there, no entity is torn apart."""
    if len(text) <= _LONG_CHARS:
        return text
    pieces = []
    start = 0
    ampersand = no_break = 0
    while len(text) - start > _LONG_CHARS:
        earliest = start + _LONG_CHARS
        ampersand = _find_from(text, "&", earliest, known=ampersand)
        no_break = _find_from(text, _NBSP, earliest, known=no_break)
        end = min(ampersand, no_break)
        pieces.append(text[start:end])
        start = end
    pieces.append(text[start:])
    return _BREAK.join(pieces)


def _find_from(text: str, char: str, earliest: int, *, known: int) -> int:
    """Return where ``char`` is next; what is known from before is not searched again."""
    if known >= earliest:
        return known
    found = text.find(char, earliest)
    return found if found >= 0 else len(text)
