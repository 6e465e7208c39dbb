"""HTML to plain text and back.

Algorithm of :func:`html_to_text`: no tree is built. The exact tokeniser gives tags and text; blocks, line breaks,
table cells and quotes leave one-character marks between the texts, and the marks become line breaks at the end.
So it is linear, never recurses, and costs the same whatever the nesting.

Invariants: neither direction raises on any ``str``. Text from HTML has no line that ends in a space, and no control
characters but tab and line feed. HTML from text holds no tags but ``p``, ``br``,
``a`` and ``blockquote``, and no addresses but ``http``, ``https`` and ``mailto``.
"""

import functools
import re
from collections.abc import Iterator
from html import escape, unescape

from postroom.patterns import compile_pattern
from postroom.sanitise._tokens import TOKEN
from postroom.sanitise._words import words

_LINE, _PARAGRAPH, _BREAK, _QUOTE, _UNQUOTE, _CELL = "\x01", "\x02", "\x03", "\x04", "\x05", "\x06"
_MARKS = _LINE + _PARAGRAPH + _BREAK + _QUOTE + _UNQUOTE + _CELL

_PARAGRAPH_TAGS = words("p h1 h2 h3 h4 h5 h6 ul ol dl menu dir pre listing xmp hr figure fieldset")
_LINE_TAGS = words(
    "address article aside body caption center details dd div dt figcaption footer form header html legend li main"
    " nav option section summary table tbody tfoot thead tr"
)
_MARK_BY_TAG = {
    **dict.fromkeys(_PARAGRAPH_TAGS, _PARAGRAPH),
    **dict.fromkeys(_LINE_TAGS, _LINE),
    "br": _BREAK,
    "td": _CELL,
    "th": _CELL,
}
_SPECIAL_TAGS = frozenset({"li", "ol", "ul", "pre", "blockquote", "template", "svg", "math", "select"})
_HIDDEN_TAGS = frozenset({"template", "svg", "math", "select"})
_MAX_LIST_DEPTH = 8
_MAX_QUOTE_DEPTH = 20

_MARK_RUN = compile_pattern(f"([{_MARKS}][ {_MARKS}]*)")
_QUOTE_EDGE = compile_pattern(f"([{_QUOTE}{_UNQUOTE}])")
_CONTROL = compile_pattern(f"[^\t\n -~\xa0-\ud7ff\ue000-\U0010ffff{_QUOTE}{_UNQUOTE}]")
_WITHOUT_CONTROLS = dict.fromkeys(
    code for code in (*range(32), 127) if chr(code) not in f"\t\n{_QUOTE}{_UNQUOTE}"
)
_TRAILING_SPACE = compile_pattern(r"(?<![ \t])[ \t]++\n")


def html_to_text(html: str) -> str:
    """Return the text of ``html``: one line a block, ``> `` before quotes, tabs between cells, "- " before items.

    Scripts, styles, titles and comments are left out; hidden elements are not. Entities are decoded.
    """
    for mark in _MARKS:
        if mark in html:
            html = html.replace(mark, "")
    text = "".join(_Extractor().pieces(html))
    # Words are not to be split by line ends of the source; runs of spaces are one.
    for space in ("\r\n", *"\n\t\r\f\v"):
        text = text.replace(space, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    pieces = _MARK_RUN.split(text)
    pieces[1::2] = map(_line_ends_of, pieces[1::2])
    text = "".join(pieces)
    if "&" in text:
        text = unescape(text)
    if text.isascii():
        text = text.translate(_WITHOUT_CONTROLS)
    else:
        text = _without_controls(text)
        if "\xa0" in text:
            text = _TRAILING_SPACE.sub("\n", text.replace("\xa0", " "))
    if _QUOTE in text:
        text = "".join(_quoted(text))
    text = text.replace(" \n", "\n")
    return (_TRAILING_SPACE.sub("\n", text) if " \n" in text else text).strip()


class _Extractor:
    """Turns tags into marks; remembers lists and preformatted text."""

    def __init__(self) -> None:
        self._lists: list[int] = []
        self._preformatted = 0
        self._hidden = ""

    def pieces(self, html: str) -> list[str]:
        """Return the texts of ``html`` with the marks of its tags between them."""
        pieces: list[str] = []
        position = 0
        for match in TOKEN.finditer(html):
            start, end = match.span()
            if start > position and not self._hidden:
                text = html[position:start]
                pieces.append(_kept_spaces(text) if self._preformatted else text)
            position = end
            name = match[2]
            if name is None:
                if match["raw"] and match["raw"].lower() == "xmp" and not self._hidden:
                    pieces.append(f"{_PARAGRAPH}{_kept_spaces(match['content'])}{_PARAGRAPH}")
                continue
            if name not in _MARK_BY_TAG:
                name = name.lower()
            if name in _SPECIAL_TAGS:
                pieces.append(self._special(name, bool(match[1])))
            elif not self._hidden and (mark := _MARK_BY_TAG.get(name)):
                pieces.append(mark)
        if position < len(html) and not self._hidden:
            pieces.append(html[position:])
        return pieces

    def _special(self, name: str, is_end: bool) -> str:
        if name in _HIDDEN_TAGS:
            self._hide(name, is_end)
            return ""
        if self._hidden:
            return ""
        if name == "li":
            return _LINE if is_end else f"{_LINE}{self._bullet()}"
        if name in {"ol", "ul"}:
            return self._list(name, is_end)
        if name == "pre":
            self._preformatted = max(0, self._preformatted + (-1 if is_end else 1))
            return _PARAGRAPH
        return _UNQUOTE if is_end else _QUOTE

    def _hide(self, name: str, is_end: bool) -> None:
        # One level is enough: the content of these is not nested in mail.
        if is_end:
            self._hidden = "" if self._hidden == name else self._hidden
        elif not self._hidden:
            self._hidden = name

    def _list(self, name: str, is_end: bool) -> str:
        if not is_end:
            self._lists.append(1 if name == "ol" else 0)
        elif self._lists:
            self._lists.pop()
        return _LINE if self._lists and not is_end else _PARAGRAPH

    def _bullet(self) -> str:
        indent = "\xa0\xa0" * min(len(self._lists) - 1, _MAX_LIST_DEPTH)
        if not self._lists or not self._lists[-1]:
            return f"{indent}- "
        number = self._lists[-1]
        self._lists[-1] += 1
        return f"{indent}{number}. "


def _kept_spaces(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", _BREAK).replace(" ", "\xa0")


def _line_ends_of(marks: str) -> str:
    return _cached_line_ends(marks) if len(marks) <= 16 else _line_ends(marks)


def _line_ends(marks: str) -> str:
    """Return the line ends, cell separator and quote edges that a run of marks stands for."""
    marks = marks.replace(" ", "")
    if not marks.strip(_CELL):
        return "\t"
    if _QUOTE in marks or _UNQUOTE in marks:
        edges = "".join(mark for mark in marks if mark in {_QUOTE, _UNQUOTE})
        return f"\n{edges}\n"
    is_paragraph = _PARAGRAPH in marks or _BREAK + _BREAK in marks or _LINE + _BREAK in marks
    return "\n\n" if is_paragraph else "\n"


_cached_line_ends = functools.lru_cache(maxsize=1024)(_line_ends)


def _without_controls(text: str) -> str:
    # All that the slow expression looks for is not printable.
    if text.replace("\n", "").replace("\t", "").replace("\xa0", "").isprintable():
        return text
    return _CONTROL.sub(_visible_control, text)


def _visible_control(control: re.Match[str]) -> str:
    return "\ufffd" if control.group() >= "\ud800" else ""


def _quoted(text: str) -> Iterator[str]:
    """Yield the lines of ``text`` with "> " for each quote they stand in, and an empty line around quotes."""
    depth = 0
    for part in _QUOTE_EDGE.split(text):
        if part == _QUOTE:
            depth += 1
        elif part == _UNQUOTE:
            depth = max(0, depth - 1)
        elif content := part.strip("\n "):
            prefix = ">" * min(depth, _MAX_QUOTE_DEPTH)
            lines = content.split("\n")
            yield "\n".join([f"{prefix} {line}" for line in lines]) if prefix else content
            yield "\n\n"


_QUOTE_PREFIX = compile_pattern(r">(?: ?>)*+ ?")
# Over escaped text: an address may hold &amp; but ends before &lt;, &gt; and quotes.
_LINK = compile_pattern(
    r"(?P<url>\b(?:https?://|mailto:)(?:[^\s<>&\"']|&amp;)++)"
    r"|(?P<address>(?<![\w.%+@-])[\w.%+-]++@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++)",
    re.IGNORECASE,
)
_MAX_BRACKETS = 8
_SPACE_RUN = compile_pattern(r"(?:^| ) +|^ ")


def text_to_html(text: str) -> str:
    """Return safe HTML that shows ``text``: paragraphs, line breaks, quotes as ``blockquote``, addresses as links.

    Lines that begin with ">" are quotes, nested to at most 20. The result may be shown as it is.
    """
    html: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in _without_controls(text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        prefix = _QUOTE_PREFIX.match(line)
        line_depth = min(prefix.group().count(">"), _MAX_QUOTE_DEPTH) if prefix else 0
        content = line[prefix.end() :] if prefix else line
        is_blank = not content.strip()
        if is_blank or line_depth != depth:
            _end_paragraph(html, paragraph)
        html.extend(["</blockquote>\n"] * (depth - line_depth))
        html.extend(['<blockquote type="cite">\n'] * (line_depth - depth))
        depth = line_depth
        if not is_blank:
            paragraph.append(_line_html(content))
    _end_paragraph(html, paragraph)
    html.extend(["</blockquote>\n"] * depth)
    return "".join(html)


def _end_paragraph(html: list[str], paragraph: list[str]) -> None:
    if paragraph:
        lines = "<br>\n".join(paragraph)
        html.append(f"<p>{lines}</p>\n")
        paragraph.clear()


def _line_html(line: str) -> str:
    html = escape(line.replace("\t", "    "), quote=False)
    if "://" in html or "@" in html or "mailto:" in html:
        html = _LINK.sub(_link_html, html)
    if "  " in html or html.startswith(" "):
        html = _SPACE_RUN.sub(_unbroken_spaces, html)
    return html


def _unbroken_spaces(run: re.Match[str]) -> str:
    spaces = len(run.group())
    return "&nbsp;" * (spaces - 1) + " " if run.start() else "&nbsp;" * spaces


def _link_html(match: re.Match[str]) -> str:
    url, address = match.group("url"), match.group("address")
    if address:
        return _anchor(f"mailto:{address}", address)
    # Punctuation after an address belongs to the sentence; a closing bracket too, unless it was opened inside.
    shown = url.rstrip(".,;:!?*" if "(" in url else ".,;:!?*)]")
    for _ in range(_MAX_BRACKETS):
        if not shown.endswith(")") or shown.count(")") <= shown.count("("):
            break
        shown = shown[:-1].rstrip(".,;:!?*")
    if shown.endswith("&amp"):
        shown = shown.removesuffix("&amp")
    if len(shown) <= len("mailto:"):
        return url
    return _anchor(shown, shown) + url[len(shown) :]


def _anchor(url: str, shown: str) -> str:
    return f'<a href="{url}" target="_blank" rel="noopener noreferrer">{shown}</a>'
