"""Finds the quoted parts of HTML: what was written before, by someone else, and is repeated below an answer.

Mail has no mark for it but custom: the containers that mail clients put around what they quote, and the rule or
header block with which Outlook begins it (everything after it is quoted). For plain text see
:mod:`postroom.mime.text`.

Invariants: ranges are in characters, in order, apart from each other, and each holds whole elements; never raises;
linear.
"""

import re

from postroom.patterns import compile_pattern
from postroom.sanitise._policy import QUOTE_CLASSES
from postroom.sanitise._tokens import TOKEN, VOID_ELEMENTS

_CONTAINER_CLASSES = QUOTE_CLASSES - {"WordSection1", "mail-quote", "gmail_attr", "OutlookMessageHeader"}
_HINT = compile_pattern(
    r"<blockquote|_quote|gmail_extra|moz-cite|zmail_extra|mail-quote|OutlookM|RplyFwdMsg|appendonsend"
)
_CLASS = compile_pattern(r'\bclass="([^"]*)"')
_CITE = compile_pattern(r'\btype="cite"', re.IGNORECASE)
# From here to the end of the element around it, everything is quoted.
_BEGINNING = compile_pattern(
    r'\bid="(?:mail-)?(?:x_)*(?:divRplyFwdMsg|appendonsend)"|\bclass="(?:mail-quote|OutlookMessageHeader)"'
)
_BLANK = compile_pattern(r"(?:\s|&nbsp;|<br>)*+")


def quoted_parts_html(html: str) -> list[tuple[int, int]]:
    """Return the [start, end) ranges of the outermost quoted parts of ``html``, as ``make_safe`` has written it."""
    if not _HINT.search(html):
        return []
    return _joined(_QuoteFinder(html).find(), html)


class _QuoteFinder:
    """Walks the tags of HTML and notes where quotes begin and end."""

    def __init__(self, html: str) -> None:
        self._html = html
        # Open elements: name, where the start tag begins, where it ends.
        self._open: list[tuple[str, int, int]] = []
        self._start = -1
        # The quote ends with the end tag that leaves this many elements open.
        self._depth = 0
        self._holds_end_tag = False

    def find(self) -> list[tuple[int, int]]:
        found = []
        for match in TOKEN.finditer(self._html):
            name = match["name"]
            if name is None:
                continue
            if not match["close"]:
                self._begin(name.lower(), match)
            elif self._end(name.lower()):
                found.append((self._start, match.end() if self._holds_end_tag else match.start()))
                self._start = -1
        if self._start >= 0:
            found.append((self._start, len(self._html)))
        return found

    def _begin(self, name: str, match: re.Match[str]) -> None:
        if self._start < 0 and match["attributes"]:
            self._look(name, match)
        if name not in VOID_ELEMENTS:
            self._open.append((name, *match.span()))

    def _look(self, name: str, match: re.Match[str]) -> None:
        attributes = match["attributes"]
        start, depth = match.start(), len(self._open)
        if _is_container(name, attributes):
            self._start, self._depth, self._holds_end_tag = start, depth, True
        elif _BEGINNING.search(attributes):
            # The mark often stands alone in an element of its own; what is quoted follows after that one.
            while depth and not self._html[self._open[depth - 1][2] : start].strip():
                depth -= 1
                start = self._open[depth][1]
            self._start, self._depth, self._holds_end_tag = start, depth - 1, False

    def _end(self, name: str) -> bool:
        """Follow an end tag; tell whether the quote ends with it."""
        if not self._open or self._open[-1][0] != name:
            return False
        self._open.pop()
        return self._start >= 0 and len(self._open) <= self._depth


def _is_container(name: str, attributes: str) -> bool:
    if name == "blockquote" and _CITE.search(attributes):
        return True
    classes = _CLASS.search(attributes)
    return classes is not None and not _CONTAINER_CLASSES.isdisjoint(classes.group(1).split())


def _joined(ranges: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Return ``ranges`` with those made one that have nothing to read between them."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and _BLANK.fullmatch(text, joined[-1][1], start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
