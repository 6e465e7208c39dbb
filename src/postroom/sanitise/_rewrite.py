"""Rewrites styles, sources and links in HTML that ``nh3`` has written.

Invariants: input is canonical (see :mod:`postroom.sanitise.html`), and so is the output. An address is kept only
if it is recognised here, whatever ``nh3`` thought of it; so each is checked twice, by two implementations.
"""

import functools
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote

from postroom.patterns import compile_pattern
from postroom.sanitise._policy import EXTERNAL_SOURCE
from postroom.sanitise.css import ID_PREFIX, clean_declarations

# A value may hold what looks like an attribute, and end where its quote begins one: title="x href=". So attributes
# are only ever looked for behind whole ones, counted from the beginning of the tag.
_BEFORE = r'(?: [a-z-]+="[^"]*+")*?'
_STYLE = compile_pattern(rf'(<[a-z0-9]+{_BEFORE}) style="([^"]*+)"')
_BACKGROUND = compile_pattern(rf'(<[a-z0-9]+{_BEFORE}) background="([^"]*+)"')
# Expressions that begin with a fixed text are found fastest, so frequent tags have their own.
_IMAGE_TAG = compile_pattern(r"<img((?: [^>]*)?)>")
_SOURCE_TAG = compile_pattern(r"<(input|video|audio|source)((?: [^>]*)?)>")
# One look for all that is rare: each look by itself would take as long as rewriting the links.
_RARE_TAG = compile_pattern(r"<(?:input|video|audio|source|area)[ >]")
_ANCHOR_TAG = compile_pattern(r"<a( [^>]*)>")
_AREA_TAG = compile_pattern(r"<area( [^>]*)>")
_SOURCE = compile_pattern(rf'({_BEFORE}) src="([^"]*+)"')
_HREF = compile_pattern(rf'({_BEFORE}) href="([^"]*+)"')
_UNPREFIXED_NAME = compile_pattern(rf'({_BEFORE}) name="(?!{ID_PREFIX})')
_ATTRIBUTE = compile_pattern(r'([^\s="]+)="([^"]*)"')

_IGNORED_IN_URL = compile_pattern(r"[\x00-\x20\x7f-\xa0]+")
# Nearly all addresses are such; they stay as they are written, escapes included.
_PLAIN_ADDRESS = compile_pattern(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][!-~]*+)?+")
_EXTERNAL = compile_pattern(r"https?://[^/\\]", re.IGNORECASE)
# The first of a list of candidates. The list has not been looked at by nh3, so no odd address is taken from it.
_CANDIDATE = compile_pattern(
    r"\s*((?:https?:)?//[a-z0-9.-]+(?::\d{1,4})?(?:[/?#][^\s<>\"',]*)?|cid:[^\s,]+)", re.IGNORECASE
)
_PLAIN_LINK = compile_pattern(r"(?:https?://[^/\\]|mailto:|tel:|sms:|ftp://[^/\\])", re.IGNORECASE)
_IMAGE_DATA = compile_pattern(
    r"data:image/(?:png|jpe?g|gif|webp)(?:;[\w.=-]+)*;base64,[\w+/=%-]*", re.IGNORECASE
)
_ELSEWHERE = ' target="_blank" rel="noopener noreferrer"'
_MAX_CACHED_CHARS = 512

# Word writes this border above the header lines of the mail that is answered.
_OUTLOOK_BORDER = compile_pattern(r"border-top:\s*solid\s+#(?:e1e1e1|b5c4df)\s+1\.0pt", re.IGNORECASE)


def escape_attribute(value: str) -> str:
    """Return ``value`` as html5ever writes it inside double quotes."""
    value = value.replace("&", "&amp;").replace('"', "&quot;").replace("\xa0", "&nbsp;")
    return value.replace("<", "&lt;").replace(">", "&gt;")


def _canonical_url(value: str) -> str:
    """Return an attribute's address as browsers read it (URL standard: no control characters at all)."""
    url = unescape(value).strip()
    if _IGNORED_IN_URL.search(url):
        # Spaces inside are encoded; tabs, newlines and other controls are not part of an address.
        url = re.sub(r"[\x00-\x1f\x7f-\x9f]+", "", url).strip().replace(" ", "%20").replace("\xa0", "%C2%A0")
    return url


class Rewriter:
    """Rewrites one mail's HTML; afterwards ``has_external`` says whether it had sources from elsewhere."""

    def __init__(self, *, level: int, show_external: bool, rewrite_cid: Callable[[str], str | None]) -> None:
        self._level = level
        self._show_external = show_external
        self._rewrite_cid = rewrite_cid
        self.has_external = False

    def rewrite(self, html: str) -> str:
        """Return ``html`` with every style, source and link made safe."""
        if ' style="' in html:
            html = _STYLE.sub(self._style, html)
        if ' background="' in html:
            html = _BACKGROUND.sub(self._background, html)
        if "<img" in html:
            html = _IMAGE_TAG.sub(self._image, html)
        if "<a " in html:
            html = _ANCHOR_TAG.sub(_anchor, html)
        if _RARE_TAG.search(html):
            html = _SOURCE_TAG.sub(self._source, html)
            html = _AREA_TAG.sub(_area, html)
        return html

    def _style(self, tag: re.Match[str]) -> str:
        start, written = tag.groups()
        if len(written) > _MAX_CACHED_CHARS:
            return start + _style_attribute(written, self._level)
        if "border-top:" in written and start in {"<div", "<p"} and _OUTLOOK_BORDER.search(written):
            start += ' class="mail-quote"'
        return start + _cached_style_attribute(written, self._level)

    def _background(self, tag: re.Match[str]) -> str:
        start, written = tag.groups()
        shown, _ = self._resolve(written)
        return f'{start} background="{shown}"' if shown else start

    def _resolve(self, written: str) -> tuple[str | None, str | None]:
        """Return the address to show, and the one not to show because it is elsewhere; one of them at most.

        Addresses are as they are written in an attribute, escaped.
        """
        if _PLAIN_ADDRESS.fullmatch(written):
            self.has_external = True
            return (written, None) if self._show_external else (None, written)
        url = _canonical_url(written)
        if _EXTERNAL.match(url):
            self.has_external = True
            escaped = escape_attribute(url)
            return (escaped, None) if self._show_external else (None, escaped)
        if url[:4].lower() == "cid:":
            rewritten = self._rewrite_cid(unquote(url[4:]).strip("<>"))
            return (escape_attribute(rewritten) if rewritten else None), None
        return (url if _IMAGE_DATA.fullmatch(url) else None), None

    def _image(self, tag: re.Match[str]) -> str:
        attributes = tag.group(1)
        source = _SOURCE.match(attributes)
        if source is None or "srcset=" in attributes or EXTERNAL_SOURCE in attributes:
            return self._unusual_image(attributes)
        shown, hidden = self._resolve(source.group(2))
        if shown == source.group(2):
            return tag.group()
        replacement = f' src="{shown}"' if shown else f' {EXTERNAL_SOURCE}="{hidden}"' if hidden else ""
        return f"<img{replacement}{source.group(1)}{attributes[source.end() :]}>"

    def _unusual_image(self, written: str) -> str:
        attributes = dict(_ATTRIBUTE.findall(written))
        kept_apart = attributes.pop(EXTERNAL_SOURCE, None)
        candidates = attributes.pop("srcset", None)
        source = attributes.pop("src", None)
        if source is None and candidates:
            source = _first_candidate(candidates)
        if source is None and kept_apart and not self._show_external:
            source = kept_apart if _EXTERNAL.match(_canonical_url(kept_apart)) else None
        shown, hidden = self._resolve(source) if source else (None, None)
        if shown:
            attributes = {"src": shown, **attributes}
        elif hidden:
            attributes = {EXTERNAL_SOURCE: hidden, **attributes}
        return _tag("img", attributes)

    def _source(self, tag: re.Match[str]) -> str:
        name, written = tag.groups()
        attributes = dict(_ATTRIBUTE.findall(written))
        source = attributes.pop("src", None)
        if source is not None and (name != "input" or attributes.get("type") == "image"):
            shown, _ = self._resolve(source)
            # Media come from elsewhere or as parts of the mail; data: is for images.
            if shown and (name == "input" or shown[:5].lower() != "data:"):
                attributes["src"] = shown
        return _tag(name, attributes)


def _style_attribute(written: str, level: int) -> str:
    """Return the whole attribute for a style as it was written, with a space before; "" if nothing is left."""
    safe = clean_declarations(unescape(written) if "&" in written else written, level)
    return f' style="{escape_attribute(safe)}"' if safe else ""


_cached_style_attribute = functools.lru_cache(maxsize=4096)(_style_attribute)


def _anchor(tag: re.Match[str]) -> str:
    attributes = tag.group(1)
    if ' name="' in attributes:
        name = _UNPREFIXED_NAME.match(attributes)
        if name:
            attributes = f"{attributes[: name.end()]}{ID_PREFIX}{attributes[name.end() :]}"
    return f"<a{_link_attributes(attributes)}>"


def _area(tag: re.Match[str]) -> str:
    return f"<area{_link_attributes(tag.group(1))}>"


def _link_attributes(attributes: str) -> str:
    """Return the attributes of a link with its address made safe; what it opens in is said right after that."""
    # nh3 lets these two through with no other value; behind a quote that ends a value, there is none.
    attributes = attributes.replace(' target="_blank"', "").replace(' rel="noopener noreferrer"', "")
    link = _HREF.match(attributes)
    if link is None:
        return attributes
    href = _safe_link(link.group(2))
    rest = link.group(1) + attributes[link.end() :]
    if href is None:
        return rest
    # A link within the mail stays within its page.
    return f' href="{href}"{rest}' if href.startswith("#") else f' href="{href}"{_ELSEWHERE}{rest}'


def _first_candidate(candidates: str) -> str | None:
    """Return the first address of a ``srcset`` attribute, with a scheme."""
    first = _CANDIDATE.match(candidates)
    if first is None:
        return None
    return f"https:{first.group(1)}" if first.group(1).startswith("//") else first.group(1)


def _safe_link(written: str) -> str | None:
    """Return the address of a link as it may be written, None if it may not."""
    if _PLAIN_ADDRESS.fullmatch(written):
        return written
    url = _canonical_url(written)
    if url.startswith("#"):
        return escape_attribute(
            url if url.startswith(f"#{ID_PREFIX}") or url == "#" else f"#{ID_PREFIX}{url[1:]}"
        )
    return escape_attribute(url) if _PLAIN_LINK.match(url) else None


def _tag(name: str, attributes: dict[str, str]) -> str:
    """Return a start tag; the values are already escaped."""
    written = "".join([f' {key}="{value}"' for key, value in attributes.items()])
    return f"<{name}{written}>"
