"""Logos: is a file an SVG Tiny PS document (draft-svg-tiny-ps-abrotman), fit to be shown to people?

What is allowed is listed, and everything else is refused: a logo is taken as it is or not at all, so that what is
shown is what was published. Only drawing is allowed: no scripts, event handlers, animation, links, images, foreign
content, style sheets, processing instructions; no document type, and so no entities; no reference but to an element
of the same file.

The file is small and read once, by expat, which is stopped at the first thing that is refused. Depth, elements and
what references make of them are bounded, so that neither this nor whoever draws the logo has much to do.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
XML: Final = "http://www.w3.org/XML/1998/namespace"
MAX_DEPTH = 32
MAX_ELEMENTS = 5000
MAX_ATTRIBUTES = 64
"""Attributes of an element."""
MAX_DRAWN = 20_000
"""Elements that are drawn, those that are drawn again by references included."""

_ELEMENTS = frozenset(
    """svg g defs title desc metadata use path rect circle ellipse line polyline polygon text tspan tbreak textArea
    linearGradient radialGradient stop solidColor font font-face glyph missing-glyph hkern""".split()  # noqa: SIM905
)
_METADATA = frozenset(
    (
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "http://creativecommons.org/ns#",
        "http://web.resource.org/cc/",
        "http://purl.org/dc/elements/1.1/",
        "http://purl.org/dc/terms/",
    )
)
"""Vocabularies that may describe a logo; nobody draws them."""
_ATTRIBUTES = frozenset(
    """id class role about content datatype property rel resource rev typeof aria-label aria-labelledby
    aria-describedby aria-hidden version baseProfile viewBox preserveAspectRatio width height contentScriptType
    zoomAndPan externalResourcesRequired focusable snapshotTime playbackOrder timelineBegin
    transform x y x1 y1 x2 y2 cx cy r rx ry d pathLength points dx dy rotate offset gradientUnits gradientTransform
    fx fy spreadMethod editable horiz-adv-x horiz-origin-x horiz-origin-y arabic-form glyph-name lang unicode u1 u2 g1
    g2 k font-family font-size font-stretch font-style font-variant font-weight unicode-range units-per-em panose-1
    stemv stemh slope cap-height x-height accent-height ascent descent widths bbox ideographic alphabetic mathematical
    hanging underline-position underline-thickness strikethrough-position strikethrough-thickness overline-position
    overline-thickness audio-level buffered-rendering color color-rendering direction display display-align fill
    fill-opacity fill-rule image-rendering line-increment opacity overflow pointer-events shape-rendering solid-color
    solid-opacity stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin
    stroke-miterlimit stroke-opacity stroke-width text-align text-anchor text-rendering unicode-bidi vector-effect
    viewport-fill viewport-fill-opacity visibility requiredFeatures requiredExtensions requiredFormats requiredFonts
    systemLanguage""".split()  # noqa: SIM905
)
_FIXED = {
    "zoomAndPan": "disable",
    "externalResourcesRequired": "false",
    "focusable": "false",
    "snapshotTime": "none",
    "playbackOrder": "all",
    "timelineBegin": "onLoad",
}
"""Attributes that have this value, if they are there."""
_REFERRING = frozenset(("use", "linearGradient", "radialGradient"))
_TARGET = re.compile(r"\s*#([A-Za-z_][\w.:-]*)\s*")
_SEPARATOR = re.compile(r"[\s),;]")
_FUNCTIONS = frozenset(("rgb", "rgba", "matrix", "translate", "scale", "rotate", "skewX", "skewY", "ref"))
_LOCAL_URL = re.compile(r"url\(\s*(['\"]?)#[A-Za-z_][\w.:-]*\1\s*\)")
_SCHEME = re.compile(r"\b(?:javascript|vbscript|data|https?|ftp|file|blob)\s*:", re.IGNORECASE)
_ENCODINGS = frozenset(("utf-8", "utf8", "us-ascii", "ascii"))


class _Refused(Exception):  # noqa: N818 - told to the caller below, and to nobody else
    """The file is no logo; the message says why."""


def find_fault(data: bytes) -> str:
    """Return why a file is no SVG Tiny PS document; "" if it is one."""
    try:
        text = data.decode("utf-8-sig")
        if "\0" in text:
            return "it is no XML"
        _Reader().read(text.encode())
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except _Refused as refusal:
        return str(refusal)
    except expat.ExpatError as error:
        return f"it is no XML ({expat.ErrorString(error.code)}, line {error.lineno})"
    return ""


def _refuse(reason: str) -> Callable[..., None]:
    """Return a handler of what is not allowed."""

    def refuse(*_: object) -> None:
        raise _Refused(reason)

    return refuse


class _Reader:
    """Reads one file."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        """Namespace and name of the elements that are open."""
        self._elements = 0
        self._titles: list[str] = []
        self._ids: list[list[str]] = []
        """For each open element its id, and all those that are open around it."""
        self._sizes: Counter[str] = Counter()
        """How many elements are in the element of an id, itself included."""
        self._used_within: set[str] = set()
        """The ids of elements that refer to others to be drawn."""
        self._uses: Counter[str] = Counter()

    def read(self, data: bytes) -> None:
        """Read it. Raises: _Refused; ExpatError."""
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declare
        parser.StartDoctypeDeclHandler = _refuse("a document type is not allowed")
        parser.EntityDeclHandler = _refuse("entities are not allowed")
        parser.ProcessingInstructionHandler = _refuse("processing instructions are not allowed")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        parser.Parse(data, True)
        self._check_whole()

    def _declare(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in _ENCODINGS:
            raise _Refused("it must be XML 1.0 in UTF-8")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= MAX_DEPTH or self._elements > MAX_ELEMENTS or len(attributes) > MAX_ATTRIBUTES:
            raise _Refused("it is too complex")
        space, _, local = name.rpartition(" ")
        is_described = any(one == (SVG, "metadata") for one in self._open)
        is_root = not self._open
        self._open.append((space, local))
        if is_described:
            if space not in _METADATA:
                raise _Refused(f"{local} is not allowed in metadata")
            self._ids.append(self._ids[-1])
            return
        self._check_element(space, local, is_root=is_root)
        values = {_local_name(one): value for one, value in attributes.items()}
        if is_root:
            _check_root(values)
        for attribute, value in values.items():
            _check_attribute(local, attribute, value)
        self._enter(local, values)

    def _check_element(self, space: str, local: str, *, is_root: bool) -> None:
        if space != SVG or local not in _ELEMENTS:
            raise _Refused(f"the element {local[:40]} is not allowed")
        if (local == "svg") != is_root:
            raise _Refused("it must be one svg element")
        if local == "title" and len(self._open) == 2:
            self._titles.append("")

    def _enter(self, local: str, values: Mapping[str, str]) -> None:
        """Count an element for all that it is inside of, and what it refers to."""
        around = self._ids[-1] if self._ids else []
        names = [values[one] for one in ("id", "xml:id") if one in values]
        for name in names:
            if name in self._sizes:
                raise _Refused("an id stands for two elements")
        here = [*around, *names]
        self._ids.append(here)
        self._sizes.update(here)
        target = _TARGET.fullmatch(values.get("xlink:href", values.get("href", "")))
        if local == "use" and target is not None:
            self._uses[target[1]] += 1
            self._used_within.update(here)

    def _end(self, _: str) -> None:
        self._open.pop()
        self._ids.pop()

    def _add_text(self, text: str) -> None:
        if len(self._open) == 2 and self._open[-1] == (SVG, "title"):
            self._titles[-1] += text

    def _check_whole(self) -> None:
        if len(self._titles) != 1 or not self._titles[0].strip():
            raise _Refused("it must have one title, which is not empty")
        if self._used_within & set(self._uses):
            raise _Refused("a reference to what has references itself is not allowed")
        drawn = self._elements + sum(count * self._sizes[name] for name, count in self._uses.items())
        if drawn > MAX_DRAWN:
            raise _Refused("it is too complex")


def _local_name(name: str) -> str:
    """Return the name of an attribute, with the usual prefix of its namespace."""
    space, _, local = name.rpartition(" ")
    prefix = {"": "", XLINK: "xlink:", XML: "xml:"}.get(space)
    if prefix is None:
        raise _Refused(f"the attribute {local[:40]} is not allowed")
    return prefix + local


def _check_root(values: Mapping[str, str]) -> None:
    if values.get("version") != "1.2":
        raise _Refused("version must be 1.2")
    if values.get("baseProfile") != "tiny-ps":
        raise _Refused("baseProfile must be tiny-ps")
    if "x" in values or "y" in values:
        raise _Refused("svg must have no x and y")


def _check_attribute(element: str, name: str, value: str) -> None:
    if name in {"xlink:href", "href"}:
        if element not in _REFERRING or not _TARGET.fullmatch(value):
            raise _Refused("a reference to anything but an element of the file is not allowed")
        return
    if name in {"xml:space", "xml:lang", "xml:id"} or (name == "xlink:type" and value == "simple"):
        return
    if name not in _ATTRIBUTES or value != _FIXED.get(name, value):
        raise _Refused(f"the attribute {name[:40]} is not allowed, or not with this value")
    if "\\" in value or _SCHEME.search(value):
        raise _Refused(f"the value of {name} is not allowed")
    if "(" in value and name != "unicode":
        _check_functions(name, value)


def _check_functions(name: str, value: str) -> None:
    for before in _LOCAL_URL.sub("", value).split("(")[:-1]:
        if _SEPARATOR.split(before.rstrip())[-1] not in _FUNCTIONS:
            raise _Refused(f"the value of {name} is not allowed")
