"""Tells HTML that would cost a tree builder far more than its length, before one sees it.

Parsing HTML is not linear. Every start tag may walk all open elements, so deep nesting costs the square of the
length; and formatting elements that are left open are made anew in every later block (HTML standard, section
13.2.4.3), so 10 KB of ``<font>`` and 10 KB of ``<p>`` become millions of elements. Mail decides its own nesting,
so this is decided here first.

Algorithm: small input passes on counts alone. Else the exact tokeniser's tags run through a model of the open
elements which never thinks less is open than a tree builder has: an end tag counts only where a tree builder
must obey it. The work is added up and compared with what a large honest mail needs (tens of times less).

:func:`tame` first renames the elements whose content follows other rules (SVG, MathML, ``select``, ``template``,
framesets, ``noscript``, ``xmp``): as unknown elements they obey the plain ones, the model stays true, and a whole
class of mutation attacks is gone. What is too costly loses its formatting tags, and if it still is, everything but
its text.
"""

import re

from postroom.patterns import compile_pattern
from postroom.sanitise._tokens import TOKEN, VOID_ELEMENTS
from postroom.sanitise._words import words

FORMATTING_ELEMENTS = words("a b big code em font i nobr s small strike strong tt u")

_SMALL_TAG_COUNT = 400
_QUICK_TAG_COUNT = 4000
_QUICK_CLONED_BYTES = 16_000_000
_MAX_DEPTH_WORK = 10_000_000
_MAX_CLONED_BYTES = 64_000_000
_ELEMENT_BYTES = 100
_LOOK_BACK = 8
_MAX_BLOCKS_ADOPTED = 3

# The beginnings of those names: much faster to look for than the names, and rare in mail. End tags go first.
_MAYBE_FOREIGN = compile_pattern(
    "<(?=[a-zA-Z]{2})(?:[sS][vVeE]|[mM][aA]|[tT][eE]|[fF][rR]|[pP][lL]|[iI][sS]|[iI][mM][aA]|[kK][eE]|[lL][iI][sS]|[aA][pP]"
    "|[nN][oO][sS]|[xX][mM]|[oO][bB])"
)
_FOREIGN = compile_pattern(
    r"<(/?)(?=(?:svg|math|select|template|frameset|frame|plaintext|image|isindex|keygen|listing|applet|marquee|noscript|xmp"
    r"|object)[\t\n\f\r />])",
    re.IGNORECASE,
)
# Looking at one letter first spares most tags the list of names.
_FORMATTING = rf"<(?=[abcefinstuABCEFINSTU])(?:{'|'.join(sorted(FORMATTING_ELEMENTS))})(?=[\t\n\f\r />])"
_FORMATTING_TAG = compile_pattern(_FORMATTING + r"(?:[^>\"']++|\"[^\"]*+\"?|'[^']*+'?)*+>?", re.IGNORECASE)
_ANY_FORMATTING_TAG = compile_pattern(
    rf"</?(?:{'|'.join(sorted(FORMATTING_ELEMENTS))})(?=[\t\n\f\r />])[^>]*+(?:>|\Z)", re.IGNORECASE
)
_DOUBLE_ESCAPED_SCRIPT = compile_pattern(r"<!--[^<]*+(?:<(?!script)[^<]*+)*+<script", re.IGNORECASE)

_IN_BLOCK = frozenset({"p"})
_CELL = frozenset({"p", "td", "th"})
_ROW = _CELL | {"tr"}
_SECTION = _ROW | {"tbody", "thead", "tfoot", "caption", "colgroup"}
# What a start tag ends without an end tag, where it is the innermost open element.
_IMPLIED_BY_START = {
    **dict.fromkeys(
        words("""address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer
        form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary ul"""),
        _IN_BLOCK,
    ),
    "li": frozenset({"p", "li"}),
    **dict.fromkeys(("dt", "dd"), frozenset({"p", "dt", "dd"})),
    **dict.fromkeys(("td", "th"), _CELL),
    "tr": _ROW,
    **dict.fromkeys(("tbody", "thead", "tfoot"), _SECTION),
    "option": frozenset({"option"}),
}
# What an end tag ends on its way, where it is the innermost open element.
_IMPLIED_BY_END = {
    **dict.fromkeys(("div", "blockquote", "center", "td", "th", "section", "article", "form"), _IN_BLOCK),
    **dict.fromkeys(("ul", "ol", "menu", "dir"), frozenset({"p", "li"})),
    "dl": frozenset({"p", "dt", "dd"}),
    "tr": _CELL,
    **dict.fromkeys(("tbody", "thead", "tfoot"), _ROW),
    "table": _SECTION,
}
_NOTHING: frozenset[str] = frozenset()
# Elements that keep end tags inside them from reaching formatting elements opened before them.
_MARKERS = frozenset({"td", "th", "caption"})
_MARK = ("", 0, 0)


def tame(html: str) -> str | None:
    """Return ``html`` such that a tree builder handles it in good time; None if only its text can be shown."""
    if _MAYBE_FOREIGN.search(html):
        html = _FOREIGN.sub(r"<\1x-", html)
    if not is_costly(html):
        return html
    html = _ANY_FORMATTING_TAG.sub("", html)
    return None if is_costly(html) else html


def is_costly(html: str) -> bool:
    """Tell whether parsing ``html`` may cost far more than its length suggests."""
    tag_count = html.count("<")
    if tag_count * len(html) < _QUICK_CLONED_BYTES and tag_count <= _SMALL_TAG_COUNT:
        return False
    if tag_count <= _QUICK_TAG_COUNT:
        formatting = _FORMATTING_TAG.findall(html)
        block_count = tag_count - html.count("</") - len(formatting)
        formatting_bytes = sum(map(len, formatting)) + _ELEMENT_BYTES * len(formatting)
        # A tag that seems to hold others may have been misread; only the model reads quotes exactly.
        if formatting_bytes * block_count < _QUICK_CLONED_BYTES and not any(
            "<" in tag[1:] for tag in formatting
        ):
            return False
    return _Model().is_costly(html)


class _Model:
    """The open elements as a tree builder has them, or more; and the work done so far."""

    def __init__(self) -> None:
        self._open: list[str] = []
        # Formatting elements: name, number of other elements open around it, bytes of its tag. And marks.
        self._formatting: list[tuple[str, int, int]] = []
        self._formatting_count = 0
        self._formatting_bytes = 0

    def is_costly(self, html: str) -> bool:
        depth_work = 0
        cloned_bytes = 0
        for match in TOKEN.finditer(html):
            name = match.group("name")
            if name is None:
                content = match.group("content")
                if content and "<!--" in content and _DOUBLE_ESCAPED_SCRIPT.search(content):
                    # Such a script does not end where it seems to; nothing after it can be told.
                    return True
                continue
            name = name.lower()
            if match.group("close"):
                self._end(name)
            elif name in FORMATTING_ELEMENTS:
                self._start_formatting(name, match.end() - match.start())
            else:
                self._start(name)
                cloned_bytes += self._formatting_bytes
            depth_work += len(self._open) + self._formatting_count
            if depth_work > _MAX_DEPTH_WORK or cloned_bytes > _MAX_CLONED_BYTES:
                return True
        return False

    def _start(self, name: str) -> None:
        if name in VOID_ELEMENTS:
            return
        implied = _IMPLIED_BY_START.get(name, _NOTHING)
        while self._open and self._open[-1] in implied:
            self._open.pop()
        self._open.append(name)
        if name in _MARKERS:
            self._formatting.append(_MARK)

    def _start_formatting(self, name: str, tag_chars: int) -> None:
        size_bytes = tag_chars + _ELEMENT_BYTES
        self._formatting.append((name, len(self._open), size_bytes))
        self._formatting_count += 1
        self._formatting_bytes += size_bytes

    def _end(self, name: str) -> None:
        if name in FORMATTING_ELEMENTS:
            self._end_formatting(name)
            return
        implied = _IMPLIED_BY_END.get(name, _NOTHING)
        kept = len(self._open)
        lowest = max(0, kept - _LOOK_BACK)
        while kept > lowest and self._open[kept - 1] != name and self._open[kept - 1] in implied:
            kept -= 1
        if kept and self._open[kept - 1] == name:
            del self._open[kept - 1 :]
            if name in _MARKERS and self._formatting and self._formatting[-1] is _MARK:
                self._formatting.pop()

    def _end_formatting(self, name: str) -> None:
        for index in range(len(self._formatting) - 1, max(-1, len(self._formatting) - 1 - _LOOK_BACK), -1):
            candidate = self._formatting[index]
            if candidate is _MARK:
                return
            if candidate[0] == name:
                if len(self._open) - candidate[1] <= _MAX_BLOCKS_ADOPTED:
                    del self._formatting[index]
                    self._formatting_count -= 1
                    self._formatting_bytes -= candidate[2]
                return
