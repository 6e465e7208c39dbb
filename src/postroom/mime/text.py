"""Plain text of a body: quoted parts, signature, snippet.

Recognised as quoted: runs of lines that begin with ``>`` (blank lines between them included), with the line before
them that introduces them ("On ... wrote:" in several languages); everything from a "-----Original Message-----"
line, from the header block of an older message as Outlook writes it, or from an introducing line behind which
nothing is marked. The signature begins at a line "-- " (RFC 3676 §4.3). One regular expression, anchored at line
ends, stops only at lines that may matter; each of those is looked at once, so the time is linear.
"""

import re

from postroom.mime._phrases import FROM, OPENING, ORIGINAL, SENT, WROTE
from postroom.patterns import compile_pattern

_SNIPPET_SOURCE_CHARS = 16_384
_SNIPPET_FIRST_CHARS = 512
_INTRODUCTION_CHARS = 400
_INTRODUCTION_LINES = 3

# The letters that a label begins with tell nearly all other lines apart at once.
_FROM_LETTERS = "".join(sorted({label[0] for label in FROM.split("|")}))
_CANDIDATE = compile_pattern(
    rf"\n(?:(?P<mark>[ \t]{{0,3}}>)|[ \t]*+[-_]{{2,}}+"
    rf"|(?P<header>(?=[*{_FROM_LETTERS}])\*?(?:{FROM})\s?[:：]))",
    re.IGNORECASE,
)
_RUN = compile_pattern(r"(?:(?:\n[ \t\r]*+)++>[^\n]*+)++")
_WROTE = compile_pattern(WROTE, re.IGNORECASE)
_DATED = compile_pattern(r"[\d@<]")
_OPENING = compile_pattern(OPENING, re.IGNORECASE)
_COLON_END = compile_pattern(r":[ \t\r]*+(?=\n|\Z)")
_ANY_COLON_END = compile_pattern(r"[:：][ \t\r]*+(?=\n|\Z)")
_ORIGINAL = compile_pattern(rf"[ \t]*[-_]{{2,}}[ \t]*(?:{ORIGINAL})[ \t]*[-_:]*[ \t\r]*", re.IGNORECASE)
_HEADER_BLOCK = compile_pattern(
    rf"(?:\n[ \t\r]*+)++\*?(?:{FROM})\s?[:：][^\n]*+(?:\n[^\n:：]{{0,200}}+)?"
    rf"\n[ \t\r]*+\*?(?:{SENT})\s?[:：]\*?[ \t]*[^\s]",
    re.IGNORECASE,
)
_SIGNATURE = compile_pattern(r"(?:\A|\n)-- ?\r?(?=\n|\Z)")
_INVISIBLE: dict[int, str | None] = dict.fromkeys(
    map(ord, "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060\ufeff")
)
_INVISIBLE |= dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2800), " ")
# All others are no printable characters to Python either.
_PRINTABLE_INVISIBLE = ("\u034f", "\u2800")
_JOINER_IN_SPACE = compile_pattern("[\u200c\u200d](?=[\\s\u200c\u200d])|(?<=[\\s\u200c\u200d])[\u200c\u200d]")


def quoted_parts(text: str) -> list[tuple[int, int]]:
    """Return the quoted parts of a plain text as [start, end) offsets in characters, ascending, not overlapping."""
    # With a line end in front, every line begins with one, whose offset is that of the line in ``text``.
    padded = "\n" + text
    found: list[tuple[int, int]] = []
    position = 0
    while match := _CANDIDATE.search(padded, position):
        start = match.start()
        if match["mark"] is not None:
            floor = position
            run = _RUN.match(padded, start)
            position = run.end() if run else match.end()
            found.append((_introduction_start(padded, start, floor=floor), position - 1))
        elif _begins_message(padded, match):
            found.append((start, len(text)))
            break
        else:
            position = match.end()
    return _with_unmarked(padded, found)


def make_snippet(text: str, max_chars: int = 256) -> str:
    """Return the beginning of a plain text in one line of at most ``max_chars``, without quotes and signature.

    Of a text that is nothing but those, the words without the marks.
    """
    source = text[:_SNIPPET_SOURCE_CHARS]
    own = _own_text(source)
    snippet = _collapse(own[:_SNIPPET_FIRST_CHARS])
    if len(snippet) <= max_chars and len(own) > _SNIPPET_FIRST_CHARS:
        snippet = _collapse(own)
    if not snippet:
        snippet = _collapse(re.sub(r"(?m)^[ \t]*>[> \t]*", "", source))
    return snippet[:max_chars].rstrip()


def _begins_message(padded: str, match: re.Match[str]) -> bool:
    """Return whether the candidate line begins an older message that goes on to the end."""
    start = match.start()
    if match["header"] is not None:
        return _HEADER_BLOCK.match(padded, start) is not None
    line_end = padded.find("\n", start + 1)
    line_end = len(padded) if line_end < 0 else line_end
    if line_end - start > _INTRODUCTION_CHARS:
        return False
    if _ORIGINAL.fullmatch(padded, start + 1, line_end):
        return True
    is_rule = not padded[start + 1 : line_end].strip(" \t\r-_")
    return is_rule and _HEADER_BLOCK.match(padded, line_end) is not None


def _introduction_start(padded: str, start: int, *, floor: int) -> int:
    """Return where the introduction of the quote at ``start`` begins, or ``start`` if it has none.

    Both are offsets of the line ends before lines in ``padded``; no introduction begins before ``floor``.
    """
    begin = max(floor, start - _INTRODUCTION_CHARS)
    before = padded[begin:start].rstrip()
    if not before.endswith((":", "：")):
        return start
    lines = before.split("\n")
    # The first piece is the end of a line that may have begun before ``begin``.
    found = start
    for count in range(1, min(_INTRODUCTION_LINES, len(lines) - 1) + 1):
        candidate = "\n".join(lines[-count:])
        if not lines[-count].strip():
            break
        if _WROTE.search(candidate) and _DATED.search(candidate):
            at = begin + len(before) - len(candidate) - 1
            if _OPENING.match(candidate):
                return at
            found = at if found == start else found
    return found


def _with_unmarked(padded: str, found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts, or the one from an introduction that comes before them all and has nothing marked."""
    limit = found[0][0] if found else len(padded)
    # A single first character is looked for faster than one of two.
    colon_end = _ANY_COLON_END if "：" in padded else _COLON_END
    for match in colon_end.finditer(padded, 0, limit):
        start = _introduction_start(padded, match.end(), floor=0)
        if start < match.start():
            return [(start, len(padded) - 1)]
    return found


def _own_text(text: str) -> str:
    """Return ``text`` without its quoted parts and its signature."""
    parts = quoted_parts(text)
    first = 0 if text.startswith("--") else text.find("\n--")
    signature = _SIGNATURE.search(text, first) if first >= 0 else None
    signed_at = signature.start() if signature else len(text)
    own: list[str] = []
    position = 0
    for start, end in [*parts, (len(text), len(text))]:
        own.append(text[position : min(start, max(position, signed_at))])
        position = end
    return "\n".join(own)


def _collapse(text: str) -> str:
    collapsed = " ".join(text.split())
    if collapsed.isprintable() and not any(char in collapsed for char in _PRINTABLE_INVISIBLE):
        return collapsed
    text = text.translate(_INVISIBLE)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINER_IN_SPACE.sub("", text)
    return " ".join(text.split())
