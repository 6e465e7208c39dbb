"""Cuts HTML that is too long, at a tag boundary, and closes what is then open.

Meant for the result of :func:`postroom.sanitise.html.make_safe`, where every element that needs an end tag has
one; other HTML is cut at a tag too, only what is closed may differ from what a browser thinks is open. Linear.
"""

import re

from postroom.sanitise._tokens import TOKEN, VOID_ELEMENTS

_LONG_TEXT_CHARS = 4096
_MAX_LOOK_BACK = 16


def cut_html(html: str, max_chars: int) -> tuple[str, bool]:
    """Return ``html`` cut to at most ``max_chars`` characters, end tags included, and whether it was cut.

    The cut is before or after a tag; a text of over 4,096 characters that does not fit is cut between two words.
    """
    if len(html) <= max_chars:
        return html, False
    end = _last_boundary(html, max_chars)
    return html[:end] + _closing_tags(html, end), True


def _last_boundary(html: str, max_chars: int) -> int:
    open_tags: list[str] = []
    closing_chars = 0
    kept = 0
    for match in TOKEN.finditer(html):
        if match.start() + closing_chars > max_chars:
            break
        kept = match.start()
        change = _step(match, open_tags)
        if match.end() + closing_chars + change > max_chars:
            break
        closing_chars += change
        kept = match.end()
    next_tag = html.find("<", kept)
    text_chars = (next_tag if next_tag >= 0 else len(html)) - kept
    if text_chars <= _LONG_TEXT_CHARS:
        return kept
    return kept + _word_boundary(html[kept : kept + min(text_chars, max_chars - kept - closing_chars)])


def _word_boundary(text: str) -> int:
    """Return where the last word of ``text`` begins; without spaces, where it certainly cuts no entity."""
    space = max(text.rfind(" "), text.rfind("\n"))
    if space >= 0:
        return space
    entity = text.rfind("&")
    return entity if entity >= 0 and ";" not in text[entity:] else len(text)


def _step(match: re.Match[str], open_tags: list[str]) -> int:
    """Follow one tag in ``open_tags``; return by how many characters the end tags to be added change."""
    name = match["name"]
    if name is None:
        name = match["raw"] if match["raw"] and not match["close"] else _raw_end(match.group())
        if name is None:
            return 0
    name = name.lower()
    if match["close"] or match.group().startswith("</"):
        return _close(name, open_tags)
    if name in VOID_ELEMENTS:
        return 0
    open_tags.append(name)
    return len(name) + 3


def _raw_end(tag: str) -> str | None:
    """Return the name of an end tag of an element with raw text, None for comments and the like."""
    match = re.match(r"</([a-zA-Z]+)", tag)
    return match.group(1) if match else None


def _close(name: str, open_tags: list[str]) -> int:
    if name not in open_tags[-_MAX_LOOK_BACK:]:
        return 0
    change = 0
    closed = ""
    while closed != name:
        closed = open_tags.pop()
        change -= len(closed) + 3
    return change


def _closing_tags(html: str, end: int) -> str:
    open_tags: list[str] = []
    for match in TOKEN.finditer(html, 0, end):
        _step(match, open_tags)
    return "".join(f"</{name}>" for name in reversed(open_tags))
