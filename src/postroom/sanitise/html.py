"""Makes HTML from mail safe to show, at one of four filtering levels.

Algorithm, all linear:

1. :func:`~postroom.sanitise._nesting.tame` turns away what would cost a tree builder too much, and
   :func:`~postroom.sanitise._longtext.break_long_texts` what would cost a writer too much.
2. ``nh3`` (ammonia over html5ever) parses and writes the HTML anew by the level's allow-lists. From here on the
   text is canonical: ``<`` and ``>`` stand for tags alone, attribute values are in double quotes and escaped.
   So expressions find every tag exactly, and no later step can be led astray by quoting.
3. Tags with styles, sources and links are rewritten by their own rules; whatever is not known to be good goes.
4. What a style sheet and the ``body`` tag said is put back, tied to a wrapper (:mod:`postroom.sanitise.css`).

Invariants, at every level: no script, no event handler, no form action, no frame, no active or relative address
(the caller's own ``cid:`` rewrites aside), no fixed or sticky position, no CSS that fetches, nothing that reaches
outside the wrapper. A result that is cleaned again stays as it is, unless elements are nested as HTML cannot
write it down (a heading right in a heading). Never raises on any ``str``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape

from postroom.patterns import compile_pattern
from postroom.sanitise._longtext import break_long_texts
from postroom.sanitise._nesting import tame
from postroom.sanitise._policy import EXTERNAL_SOURCE, POLICIES
from postroom.sanitise._rewrite import Rewriter
from postroom.sanitise._tokens import ATTRIBUTE
from postroom.sanitise.css import SCOPE_CLASS, clean_declarations, clean_stylesheet
from postroom.sanitise.text import html_to_text, text_to_html

__all__ = ["EXTERNAL_SOURCE", "SafeHTML", "make_safe"]

_SURROGATE = compile_pattern("[\ud800-\udfff]")
_STYLE_BLOCK = compile_pattern(r"<style(?=[\t\n\f\r />])[^>]*+>((?:[^<]++|<(?!/style))*+)", re.IGNORECASE)
_BODY = compile_pattern(r"<body(?=[\t\n\f\r />])((?:[^>\"']++|\"[^\"]*+\"?|'[^']*+'?)*+)", re.IGNORECASE)
_COLOR = compile_pattern(r"#?[0-9a-zA-Z]{3,20}")
_WRAPPER_START = compile_pattern(rf'<div class="{SCOPE_CLASS}"[^>]*>')
# A line end right after the tag is not part of the text, so a text that begins with one needs two.
_PRE_LINE = compile_pattern(r"(<pre(?: [^>]*)?>)\n")
_TABLE_TAG = compile_pattern(r"<(/?)(table|caption|tr|td|th)(?: ((?:dir|lang|title)=[^>]*))?>")


@dataclass(frozen=True, slots=True)
class SafeHTML:
    """HTML that is safe to show, and whether the mail has images (or media) from elsewhere, shown or not."""

    html: str
    has_external_images: bool


def make_safe(
    html: str, *, level: int, show_external_images: bool, rewrite_cid: Callable[[str], str | None]
) -> SafeHTML:
    """Return ``html`` made safe at filtering ``level`` (0 to 3).

    ``rewrite_cid`` gives the address for a Content-ID (without angle brackets and percent-encoding), or None,
    which drops the source; its answers are trusted. Remote images keep their source if ``show_external_images``;
    else it moves to ``data-external-src``, which no browser fetches. ``has_external_images`` is true in both
    cases if there were some. Raises IndexError for another level.
    """
    policy = POLICIES[level]
    html = _readable(html)
    tamed = tame(html)
    if tamed is None:
        tamed = text_to_html(html_to_text(html))
    tamed = break_long_texts(tamed)
    rewriter = Rewriter(level=level, show_external=show_external_images, rewrite_cid=rewrite_cid)
    safe = rewriter.rewrite(_canonical(policy.cleaner.clean(tamed)))
    if not policy.keeps_tables and "<t" in safe:
        safe = _TABLE_TAG.sub(_untable, safe)
    if policy.keeps_stylesheets:
        safe = _wrapped(safe, sheet=_stylesheet(tamed, level), style=_body_style(tamed, level))
    return SafeHTML(safe, rewriter.has_external)


def _readable(html: str) -> str:
    """Return ``html`` without what the parser refuses, or drops only at the start."""
    if html.isascii():
        return html
    if "\ufeff" in html:
        html = html.replace("\ufeff", "")
    try:
        html.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", html)
    return html


def _canonical(html: str) -> str:
    """Return what the parser wrote without what it would read differently another time."""
    if "\r" in html:
        html = html.replace("\r", " ")
    return _PRE_LINE.sub(r"\1\n\n", html) if "<pre" in html else html


def _untable(tag: re.Match[str]) -> str:
    """Return a block or a spaced span for a part of a table."""
    close, name, attributes = tag.groups()
    is_cell = name in {"td", "th"}
    replacement = "span" if is_cell else "div"
    if close:
        return f"</{replacement}> " if is_cell else f"</{replacement}>"
    return f"<{replacement} {attributes}>" if attributes else f"<{replacement}>"


def _without_comments(html: str) -> str:
    """Return ``html`` without comments, so that rules for one mail client only are not taken for everyone's."""
    pieces = []
    position = 0
    while (start := html.find("<!--", position)) >= 0:
        pieces.append(html[position:start])
        end = html.find("-->", start + 2)
        if end < 0:
            break
        position = end + 3
    else:
        pieces.append(html[position:])
    return "".join(pieces)


def _stylesheet(html: str, level: int) -> str:
    """Return the safe rules of all style sheets in ``html``.

    They are found without a parser: a sheet that is none in truth costs looks, as every rule is checked anyway.
    """
    if "<style" not in html and "<style" not in html.lower():
        return ""
    return "".join(clean_stylesheet(css, level) for css in _STYLE_BLOCK.findall(_without_comments(html)))


def _body_style(html: str, level: int) -> str:
    """Return the safe declarations that stand for the attributes of the ``body`` tag."""
    tag = _BODY.search(html)
    if tag is None:
        return ""
    attributes = {
        name.lower(): unescape(double or single or bare)
        for name, double, single, bare in ATTRIBUTE.findall(tag.group(1))
    }
    declarations = [
        f"{name}:{color}"
        for name, attribute in (("background-color", "bgcolor"), ("color", "text"))
        if _COLOR.fullmatch(color := attributes.get(attribute, "").strip())
    ]
    return clean_declarations(";".join([*declarations, attributes.get("style", "")]), level)


def _wrapped(html: str, *, sheet: str, style: str) -> str:
    if not sheet and not style:
        return html
    block = f"<style>{sheet}</style>" if sheet else ""
    # A result that is cleaned again brings its wrapper along.
    if start := _WRAPPER_START.match(html):
        return f"{start.group()}{block}{html[start.end() :]}"
    style_attribute = f' style="{escape(style)}"' if style else ""
    return f'<div class="{SCOPE_CLASS}"{style_attribute}>{block}{html}</div>'
