"""Rewrites styles, sources and links in HTML that ``nh3`` has written.

Invariants: input is canonical (see :mod:`postroom.sanitise.html`), and so is the output. An address is kept only
if it is recognised here, whatever ``nh3`` thought of it; so each is checked twice, by two implementations.
"""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote

from postroom.sanitise._policy import EXTERNAL_SOURCE
from postroom.sanitise.css import ID_PREFIX, clean_declarations

_STYLED_TAG = re.compile(r'(<[^>]*?) style="([^"]*)"')
_SOURCE_TAG = re.compile(r"<(img|input|video|audio|source)((?: [^>]*)?)>")
_BACKGROUND_TAG = re.compile(r'(<[^>]*?) background="([^"]*)"')
_LINK_TAG = re.compile(r"<(a|area) ([^>]*)>")
_ATTRIBUTE = re.compile(r'([^\s="]+)="([^"]*)"')

_IGNORED_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0]+")
_EXTERNAL = re.compile(r"https?://[^/\\]", re.IGNORECASE)
# The first of a list of candidates. The list has not been looked at by nh3, so no odd address is taken from it.
_CANDIDATE = re.compile(
    r"\s*((?:https?:)?//[a-z0-9.-]+(?::\d{1,4})?(?:[/?#][^\s<>\"',]*)?|cid:[^\s,]+)", re.IGNORECASE
)
_PLAIN_LINK = re.compile(r"(?:https?://[^/\\]|mailto:|tel:|sms:|ftp://[^/\\])", re.IGNORECASE)
_IMAGE_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp)(?:;[\w.=-]+)*;base64,[\w+/=%-]*", re.IGNORECASE)
_TARGET = 'target="_blank" rel="noopener noreferrer"'

# Word writes this border above the header lines of the mail that is answered.
_OUTLOOK_BORDER = re.compile(r"border-top:\s*solid\s+#(?:e1e1e1|b5c4df)\s+1\.0pt", re.IGNORECASE)


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
            html = _STYLED_TAG.sub(self._style, html)
        if ' background="' in html:
            html = _BACKGROUND_TAG.sub(self._background, html)
        if any(tag in html for tag in ("<img", "<input", "<video", "<audio", "<source")):
            html = _SOURCE_TAG.sub(self._source, html)
        if "<a" in html:
            html = _LINK_TAG.sub(self._link, html)
        return html

    def _style(self, tag: re.Match[str]) -> str:
        start, written = tag.groups()
        style = unescape(written) if "&" in written else written
        safe = clean_declarations(style, self._level)
        if "border-top" in style and start in {"<div", "<p"} and _OUTLOOK_BORDER.search(style):
            start += ' class="mail-quote"'
        return f'{start} style="{escape_attribute(safe)}"' if safe else start

    def _background(self, tag: re.Match[str]) -> str:
        start, value = tag.groups()
        url, _ = self._resolve(value)
        return f'{start} background="{escape_attribute(url)}"' if url else start

    def _resolve(self, value: str) -> tuple[str | None, str | None]:
        """Return the address to show, and the one that is not shown because it is elsewhere; at most one."""
        url = _canonical_url(value)
        if _EXTERNAL.match(url):
            self.has_external = True
            return (url, None) if self._show_external else (None, url)
        if url[:4].lower() == "cid:":
            return self._rewrite_cid(unquote(url[4:]).strip("<>")), None
        return (url if _IMAGE_DATA.fullmatch(url) else None), None

    def _source(self, tag: re.Match[str]) -> str:
        name, written = tag.groups()
        attributes = dict(_ATTRIBUTE.findall(written))
        if name == "img":
            return self._image(attributes)
        source = attributes.pop("src", None)
        if source is not None and (name != "input" or attributes.get("type") == "image"):
            url, _ = self._resolve(source)
            # Media come from elsewhere or as parts of the mail; data: is for images.
            if url and (name == "input" or url[:5].lower() != "data:"):
                attributes["src"] = escape_attribute(url)
        return _tag(name, attributes)

    def _image(self, attributes: dict[str, str]) -> str:
        kept_apart = attributes.pop(EXTERNAL_SOURCE, None)
        candidates = attributes.pop("srcset", None)
        source = attributes.pop("src", None)
        if source is None and candidates:
            source = _first_candidate(candidates)
        if source is None and kept_apart and not self._show_external:
            source = kept_apart if _EXTERNAL.match(_canonical_url(kept_apart)) else None
        url, external = self._resolve(source) if source else (None, None)
        if url:
            attributes = {"src": escape_attribute(url), **attributes}
        elif external:
            attributes = {EXTERNAL_SOURCE: escape_attribute(external), **attributes}
        return _tag("img", attributes)

    def _link(self, tag: re.Match[str]) -> str:
        name, written = tag.groups()
        attributes = dict(_ATTRIBUTE.findall(written))
        for key in ("target", "rel"):
            attributes.pop(key, None)
        href = _safe_link(attributes.pop("href", None))
        if anchor := attributes.get("name"):
            attributes["name"] = anchor if anchor.startswith(ID_PREFIX) else f"{ID_PREFIX}{anchor}"
        if href is None:
            return _tag(name, attributes)
        rest = _tag(name, attributes)[len(name) + 1 :]
        # A link within the mail stays within its page.
        target = "" if href.startswith("#") else f" {_TARGET}"
        return f'<{name} href="{escape_attribute(href)}"{target}{rest}'


def _first_candidate(candidates: str) -> str | None:
    """Return the first address of a ``srcset`` attribute, with a scheme."""
    first = _CANDIDATE.match(candidates)
    if first is None:
        return None
    return f"https:{first.group(1)}" if first.group(1).startswith("//") else first.group(1)


def _safe_link(value: str | None) -> str | None:
    if value is None:
        return None
    url = _canonical_url(value)
    if url.startswith("#"):
        return url if url.startswith(f"#{ID_PREFIX}") or url == "#" else f"#{ID_PREFIX}{url[1:]}"
    return url if _PLAIN_LINK.match(url) else None


def _tag(name: str, attributes: dict[str, str]) -> str:
    """Return a start tag; the values are already escaped."""
    written = "".join([f' {key}="{value}"' for key, value in attributes.items()])
    return f"<{name}{written}>"
