"""An independent judge of sanitised HTML: parses it with another parser and names everything that could act."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACTIVE_TAGS = words("""
    script iframe frame frameset object embed applet base meta link form svg math template noscript portal
    fencedframe plaintext xmp noembed noframes title textarea select marquee param isindex keygen image foreignobject
    dialog slot bgsound
    """)
FETCHING_ATTRIBUTES = frozenset({"src", "background", "href"})
FORBIDDEN_ATTRIBUTES = words("""
    srcdoc srcset formaction action ping poster xlink:href dynsrc lowsrc longdesc codebase data classid manifest
    cite profile content http-equiv is autofocus autoplay contenteditable tabindex accesskey form formtarget method
    imagesrcset imagesizes nonce integrity attributionsrc popover popovertarget command commandfor sandbox
    """)
SAFE_FUNCTIONS = words("rgb rgba hsl hsla calc min max clamp linear-gradient radial-gradient rotate") | {""}
ACTIVE_CSS = words("position:fixed position:sticky -webkit-sticky behavior -moz-binding -- import")
OWN_SOURCE = re.compile(r"https://attachments\.example/\d+")
IMAGE_DATA = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp)[;,]")


def dangers(html: str, *, external_shown: bool) -> list[str]:
    """Return what is dangerous in ``html``; nothing if it is safe."""
    found = []
    root = LexborHTMLParser(f"<!doctype html><html><head></head><body>{html}</body></html>").root
    assert root is not None
    for node in root.traverse():
        tag = node.tag or "-unknown"
        if tag in {"html", "head", "body", "-text"}:
            continue
        if tag in ACTIVE_TAGS or "-" in tag:
            found.append(f"tag {tag}")
        if tag == "style":
            found += sheet_dangers(node.text(deep=True))
        found += attribute_dangers(node, external_shown=external_shown)
    return found


def attribute_dangers(node: LexborNode, *, external_shown: bool) -> list[str]:
    found = []
    tag = str(node.tag)
    attributes = {name: value or "" for name, value in node.attributes.items()}
    for name, value in attributes.items():
        if name.startswith("on") or ":" in name or name in FORBIDDEN_ATTRIBUTES:
            found.append(f"attribute {name}={value!r}")
        if name == "style":
            found += style_dangers(value)
        if name in FETCHING_ATTRIBUTES and not is_safe_url(tag, name, value, external_shown=external_shown):
            found.append(f"address {node.tag} {name}={value!r}")
        if name == "data-external-src" and not re.match("https?://", value, re.IGNORECASE):
            found.append(f"external {value!r}")
        if name in {"id", "name"} and node.tag not in {"map"} and not value.startswith("mail-"):
            found.append(f"clobbering {name}={value!r}")
    target = (attributes.get("target"), attributes.get("rel"))
    leaves_the_mail = tag in {"a", "area"} and not attributes.get("href", "#").startswith("#")
    if leaves_the_mail and target != ("_blank", "noopener noreferrer"):
        found.append(f"link {attributes}")
    return found


def is_safe_url(tag: str, name: str, value: str, *, external_shown: bool) -> bool:
    """Judge an address as browsers read it: controls taken out, spaces around ignored."""
    url = re.sub(r"[\x00-\x20\x7f]", "", value).lower()
    if name == "href":
        return tag in {"a", "area"} and bool(re.match(r"(?:https?://[^/\\]|mailto:|tel:|sms:|ftp://|#)", url))
    if OWN_SOURCE.fullmatch(url):
        return True
    if re.match(r"https?://[^/\\]", url):
        return external_shown
    return bool(IMAGE_DATA.match(url)) and (name == "background" or tag in {"img", "input"})


def style_dangers(style: str) -> list[str]:
    """Return what fetches, runs or covers the page in declarations, CSS escapes undone or not."""
    found = []
    lowered = style.lower()
    if "\\" in style or "/*" in style or "<" in style or "@" in re.sub(r'"[^"]*"|\'[^\']*\'', "", style):
        found.append(f"css syntax {style!r}")
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', "", lowered)
    functions = set(re.findall(r"([\w-]*)\s*\(", bare))
    found += [f"css function {function}" for function in functions - SAFE_FUNCTIONS]
    packed = lowered.replace(" ", "")
    return found + [f"css {word} in {style!r}" for word in ACTIVE_CSS if word in packed]


def sheet_dangers(sheet: str) -> list[str]:
    found = []
    unwrapped = re.sub(r"@media[ (][\w\s:,().-]+\{", "", sheet)
    if re.search(r"(?<!@media)[\w-]\(", "".join(re.findall(r"@media[^{]*", sheet))):
        found.append(f"function in media query {sheet!r}")
    if "<" in sheet or "@" in unwrapped or sheet.count("{") != sheet.count("}"):
        found.append(f"sheet syntax {sheet!r}")
    if re.sub(r"[^{}]+\{[^{}]*\}", "", unwrapped).strip("}"):
        found.append(f"sheet structure {sheet!r}")
    for prelude, body in re.findall(r"([^{}]+)\{([^{}]*)\}", unwrapped):
        outside = [part for part in prelude.split(",") if not re.match(r"\.mail-body(?= [^+~ ]|\Z)", part)]
        found += [f"selector {selector!r} reaches outside" for selector in outside] + style_dangers(body)
    return found
