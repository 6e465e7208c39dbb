"""Safe CSS: inline declarations and style sheets, by allow-lists of properties, functions and selectors.

Algorithm: nothing of the source is passed on as it is. A declaration is taken apart, its property looked up in
the level's list, its value matched against a grammar without ``url()`` or anything else that fetches, and then
written anew. Whatever is not understood is dropped, so a wrong guess about where a declaration ends costs looks
and never safety. Escapes (``\\75rl``) are not decoded: a declaration with a backslash is dropped, because a
function must be on the list by its plain name. Style sheets keep plain rules and simple ``@media`` blocks, and
every selector is tied to :data:`SCOPE_CLASS`, the element that wraps the mail, so that no rule reaches outside.

Invariants: output holds no ``<``, no backslash outside class names, no ``@`` but ``@media``; it is stable when
cleaned again; time is linear in the length. Follows CSS Syntax Level 3 and Selectors Level 4 where it matters.
"""

import functools
import re

from postroom.patterns import compile_pattern
from postroom.sanitise._css_names import FUNCTIONS, PROPERTIES

SCOPE_CLASS = "mail-body"
"""Class of the element that holds a mail with a style sheet; its rules reach nothing else."""

ID_PREFIX = "mail-"
"""Prefix of every id in a mail, so that none can be mistaken for one of the page around it."""

MAX_STYLESHEET_CHARS = 256 * 1024
_MAX_STYLE_CHARS = 64 * 1024
_MAX_VALUE_CHARS = 2000
_MAX_PAREN_DEPTH = 5

# Properties whose value decides whether they place an element where it has no business.
_PLACING = frozenset(("position", "margin", "margin-block", "margin-inline")) | {
    f"margin-{side}" for side in ("top", "right", "bottom", "left")
}

_COMMENT = compile_pattern(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SPECIAL = compile_pattern(r"[^\w\s#%.,+!/:;-]")
_PLAIN_VALUE = compile_pattern(r"[\w\s#%.,+!/-]+")
_RICH_VALUE = compile_pattern(r"""(?:[\w\s#%.,+!/*()-]|"[\w\s.,&+/@-]*+"|'[\w\s.,&+/@-]*+')++""")
_STRING = compile_pattern(r"\"[^\"]*\"|'[^']*'")
_FUNCTION = compile_pattern(r"([\w-]*)\s*\(")
_NEGATIVE = compile_pattern(r"(?:^|\s|\()-\s*[.\d]")
_DECLARATION = compile_pattern(
    r"""(?:[^;"'()\\]|\\.|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
    r"""|\((?:[^()"'\\]|\\.|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
    r"""|\((?:[^()"'\\]|\((?:[^()"'\\]|\([^()"'\\]*+\))*+\))*+\))*+\))++""",
    re.DOTALL,
)

_PSEUDO = (
    r"::?(?:hover|link|visited|active|focus|first-child|last-child|only-child|first-of-type|last-of-type|before"
    r"|after|first-letter|first-line|empty|nth-(?:last-)?(?:child|of-type)\([\w\s+-]*+\))(?![\w-])"
)
_COMPOUND = (
    r"(?=[a-zA-Z*.#\[:])(?:[a-zA-Z][\w-]*+|\*)?+(?:\.(?:[\w-]|\\[!%@:/.,+()\[\]])++|\#[\w-]++"
    r"|\[[\w-]++(?:[~|^$*]?=(?:\"[\w\s.,:/#*-]*+\"|'[\w\s.,:/#*-]*+'|[\w-]++))?+\s*+\]|" + _PSEUDO + r")*+"
)
_SELECTOR = compile_pattern(_COMPOUND + r"(?:(?:\s*+[>+~]\s*+|\s++)" + _COMPOUND + r")*+")
_ROOTS = compile_pattern(
    rf"(?:(?:html|body|:root|\.{SCOPE_CLASS})(?:\s*+>\s*+|\s++(?![+~>])|\Z))+", re.IGNORECASE
)
_ROOT_COMPOUND = compile_pattern(rf"(?:html|body|:root|\.{SCOPE_CLASS})(?![\w-])", re.IGNORECASE)
_ID = compile_pattern(rf"#(?!{ID_PREFIX})(?=[\w-])")
# A bracket is a condition and never a function's.
_MEDIA = compile_pattern(r"@media(?=[\s(])\(?(?:[\w\s:,)./-]|(?<![\w-])\()++", re.IGNORECASE)
_BRACE = compile_pattern(r"[{}]")
_SPACES = compile_pattern(r"\s+")


def clean_declarations(style: str, level: int) -> str:
    """Return the declarations of a ``style`` attribute that ``level`` (0 to 3) allows; "" if none is left.

    ``style`` is the attribute's value with HTML escapes undone; the result still has to be escaped for HTML.
    """
    if len(style) > _MAX_STYLE_CHARS:
        return ""
    properties = PROPERTIES[level]
    if "/*" in style:
        style = _COMMENT.sub(" ", style)
    style = " ".join(style.split())
    is_plain = not _SPECIAL.search(style)
    kept = []
    for declaration in style.split(";") if is_plain else _split_declarations(style):
        name, _, value = declaration.partition(":")
        name = name.strip().lower()
        if name not in properties:
            continue
        value = value.strip()
        # A plain style holds nothing but words, so a plain value needs no further look.
        is_safe = (value and ":" not in value) if is_plain else _is_safe_value(value)
        if is_safe and (name not in _PLACING or _may_place(name, value, level)):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def _split_declarations(style: str) -> list[str]:
    """Return the declarations of ``style``; what follows an unbalanced quote or bracket is left out."""
    found = []
    position = 0
    while position < len(style):
        match = _DECLARATION.match(style, position)
        if match is not None:
            found.append(match.group())
            position = match.end()
        elif style[position] != ";":
            break
        else:
            position += 1
    if position < len(style) and found:
        # The declaration that ran into the unbalanced character is incomplete.
        found.pop()
    return found


def _is_safe_value(value: str) -> bool:
    if len(value) > _MAX_VALUE_CHARS:
        return False
    return bool(_PLAIN_VALUE.fullmatch(value)) or _is_safe_rich_value(value)


def _may_place(name: str, value: str, level: int) -> bool:
    if name == "position":
        return value.lower().removesuffix("!important").strip() in {"static", "relative", "absolute"}
    # A negative margin moves an element over others, which is positioning by another name.
    return level == 0 or not _NEGATIVE.search(value)


def _is_safe_rich_value(value: str) -> bool:
    """Tell whether a value with strings or functions is made of known ones only, and is balanced."""
    if not _RICH_VALUE.fullmatch(value) or "/*" in value or "*/" in value:
        return False
    bare = _STRING.sub(" ", value)
    if not all(function.lower() in FUNCTIONS for function in _FUNCTION.findall(bare)):
        return False
    depth = 0
    for char in bare:
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        if not 0 <= depth <= _MAX_PAREN_DEPTH:
            return False
    return depth == 0


def clean_stylesheet(css: str, level: int) -> str:
    """Return the rules of ``css`` that ``level`` allows, tied to :data:`SCOPE_CLASS`; "" if none is left.

    The result may stand inside ``<style>`` as it is. Sheets over :data:`MAX_STYLESHEET_CHARS` are dropped.
    """
    if len(css) > MAX_STYLESHEET_CHARS:
        return ""
    if len(css) <= 16 * 1024:
        return _clean_stylesheet_cached(css, level)
    return _clean_stylesheet(css, level)


def _clean_stylesheet(css: str, level: int) -> str:
    css = _COMMENT.sub(" ", css.replace("<!--", " ").replace("-->", " "))
    return _Rules(level).read(css)


_clean_stylesheet_cached = functools.lru_cache(maxsize=64)(_clean_stylesheet)


class _Rules:
    """Reads a style sheet brace by brace and collects what is allowed."""

    def __init__(self, level: int) -> None:
        self._level = level
        self._kept: list[str] = []
        self._media = ""
        self._media_rules: list[str] = []
        self._selectors: str | None = None
        self._skipped_depth = 0

    def read(self, css: str) -> str:
        position = 0
        for brace in _BRACE.finditer(css):
            text = css[position : brace.start()]
            position = brace.end()
            if brace.group() == "{":
                self._open(text)
            else:
                self._close(text)
        self._end_media()
        return "".join(self._kept)

    def _open(self, text: str) -> None:
        # A block inside a rule or an unknown block: all of it goes, up to the brace that ends the outermost.
        if self._skipped_depth or self._selectors is not None:
            self._skipped_depth += 1 if self._skipped_depth else 2
            self._selectors = None
            return
        # Statements such as @import end in a semicolon and may stand before the prelude.
        prelude = text.rpartition(";")[2].strip()
        if not prelude.startswith("@"):
            self._selectors = prelude
        elif not self._media and _MEDIA.fullmatch(prelude):
            self._media = _SPACES.sub(" ", prelude.lower())
        else:
            self._skipped_depth = 1

    def _close(self, text: str) -> None:
        if self._skipped_depth:
            self._skipped_depth -= 1
        elif self._selectors is not None:
            self._add(self._selectors, text)
            self._selectors = None
        else:
            self._end_media()

    def _add(self, selectors: str, declarations: str) -> None:
        scoped = [s for s in map(scope_selector, selectors.split(",")) if s]
        kept = clean_declarations(declarations, self._level) if scoped else ""
        if kept:
            rules = self._media_rules if self._media else self._kept
            rules.append(f"{','.join(scoped)}{{{kept}}}")

    def _end_media(self) -> None:
        if self._media_rules:
            self._kept.append(f"{self._media}{{{''.join(self._media_rules)}}}")
        self._media = ""
        self._media_rules = []


def scope_selector(selector: str) -> str:
    """Return ``selector`` tied to the mail's own element, or "" if it is not understood or would reach outside.

    >>> scope_selector("body > table.x")
    '.mail-body table.x'
    """
    selector = selector.strip()
    roots = _ROOTS.match(selector)
    rest = selector[roots.end() :] if roots else selector
    if not rest:
        return f".{SCOPE_CLASS}" if roots else ""
    # With something tied to the root itself (body.x, body + div), the rule is about what is outside.
    if _ROOT_COMPOUND.match(rest) or not _SELECTOR.fullmatch(rest):
        return ""
    return f".{SCOPE_CLASS} {_SPACES.sub(' ', _ID.sub('#' + ID_PREFIX, rest))}"
