"""What each filtering level keeps of HTML: one prepared ``nh3`` cleaner a level.

Level 0 keeps all presentational markup, 1 the same without positioning, floats and media, 2 basic formatting,
3 the structure of the text. Nothing here decides about addresses and styles in detail: attributes that hold
them are let through and rewritten afterwards, in :mod:`postroom.sanitise.html`.
"""

from dataclasses import dataclass
from typing import Final

import nh3

from postroom.sanitise._tokens import RAW_TEXT_ELEMENTS
from postroom.sanitise._words import words
from postroom.sanitise.css import ID_PREFIX

QUOTE_CLASSES: Final = words("""
gmail_quote gmail_quote_container gmail_attr gmail_extra x_gmail_quote yahoo_quoted moz-cite-prefix
protonmail_quote tutanota_quote zmail_extra OutlookMessageHeader WordSection1 mail-quote
""")
"""Classes that survive at every level, because they tell where a quoted part begins."""

EXTERNAL_SOURCE: Final = "data-external-src"
"""Where the address of a remote image goes that is not to be shown."""

URL_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms", "ftp"})
_SOURCE_SCHEMES: Final = frozenset({"cid", "data"})

# Where an honest end tag may be missing or misplaced, dropping what is inside would drop the rest of the mail;
# so only elements whose content cannot be tags, or is never meant to be seen, go with their content.
_DROPPED_WITH_CONTENT: Final = frozenset(RAW_TEXT_ELEMENTS) | {"svg", "math", "x-template"}

_TEXT_TAGS = words(
    "a address article aside blockquote br center dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6"
    " header hr img li main nav ol p pre section span summary ul"
)
_FORMATTING_TAGS = _TEXT_TAGS | words(
    "abbr acronym b bdi bdo big caption cite code col colgroup del dfn em font i ins kbd legend mark q rp rt ruby s"
    " samp small strike strong sub sup table tbody td tfoot th thead time tr tt u var wbr"
)
_PRESENTATIONAL_TAGS = _FORMATTING_TAGS | words("area button data fieldset input label map nobr")
_MEDIA_TAGS = frozenset({"audio", "source", "video"})

_TEXT_ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"dir", "lang", "title"}),
    "a": frozenset({"href", "name"}),
    "img": frozenset({"alt", "height", "src", "srcset", "width", EXTERNAL_SOURCE}),
    "blockquote": frozenset({"type"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "ul": frozenset({"type"}),
    "li": frozenset({"type", "value"}),
    "details": frozenset({"open"}),
}

_CELL = frozenset({"abbr", "colspan", "headers", "rowspan", "scope"})
_FORMATTING_ATTRIBUTES: dict[str, frozenset[str]] = {
    **_TEXT_ATTRIBUTES,
    "*": _TEXT_ATTRIBUTES["*"]
    | {"bgcolor", "border", "color", "height", "id", "role", "style", "valign", "width"},
    "font": frozenset({"face", "size"}),
    "table": frozenset({"cellpadding", "cellspacing", "frame", "rules", "summary"}),
    "td": _CELL | {"nowrap"},
    "th": _CELL | {"nowrap"},
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "hr": frozenset({"noshade", "size"}),
    "time": frozenset({"datetime"}),
}

_PRESENTATIONAL_ATTRIBUTES: dict[str, frozenset[str]] = {
    **_FORMATTING_ATTRIBUTES,
    "*": _FORMATTING_ATTRIBUTES["*"] | {"background", "class", "hidden"},
    "img": _FORMATTING_ATTRIBUTES["img"] | {"hspace", "usemap", "vspace"},
    "map": frozenset({"name"}),
    "area": frozenset({"alt", "coords", "href", "shape"}),
    "input": frozenset({"alt", "checked", "disabled", "placeholder", "readonly", "size", "src", "value"}),
    "button": frozenset({"disabled"}),
}

_MEDIA_ATTRIBUTES: dict[str, frozenset[str]] = {
    "audio": frozenset({"controls", "loop", "muted", "preload", "src"}),
    "video": frozenset({"controls", "loop", "muted", "playsinline", "preload", "src"}),
    "source": frozenset({"src", "type"}),
}

_ALIGNED_TAGS = (
    words("caption col colgroup div h1 h2 h3 h4 h5 h6 hr legend p tbody td tfoot th thead tr")
)  # fmt: skip
_TARGET_VALUES = {"target": {"_blank"}, "rel": {"noopener noreferrer"}}
_INPUT_TYPES = {"type": {"button", "checkbox", "image", "radio", "reset", "submit", "text"}}
# On these, an alignment to a side is a float.
_UNFLOATED = {
    "table": {"align": {"center"}},
    "img": {"align": {"absmiddle", "baseline", "bottom", "middle", "top"}},
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One level's cleaner, and which of the later steps it needs."""

    cleaner: nh3.Cleaner
    keeps_stylesheets: bool
    keeps_tables: bool


def _keep_relative(url: str) -> str | None:
    """Return what becomes of an address without a scheme: a mail has no place it could be relative to."""
    if url.startswith("#"):
        return url
    return f"https:{url}" if url.startswith("//") else None


def _cleaner(
    tags: frozenset[str],
    attributes: dict[str, frozenset[str]],
    *,
    values: dict[str, dict[str, set[str]]],
    added: dict[str, dict[str, str]] | None = None,
) -> nh3.Cleaner:
    keeps_all_classes = "class" in attributes["*"]
    classes = None if keeps_all_classes else dict.fromkeys(("div", "blockquote", "p", "span"), QUOTE_CLASSES)
    return nh3.Cleaner(
        tags=tags,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=attributes,
        tag_attribute_values={"a": _TARGET_VALUES, "area": _TARGET_VALUES, **values},
        set_tag_attribute_values=added,
        url_schemes=URL_SCHEMES | _SOURCE_SCHEMES,
        url_relative=_keep_relative,
        allowed_classes=classes,
        id_prefix=ID_PREFIX,
        link_rel=None,
    )


def _aligned(attributes: dict[str, frozenset[str]], tags: frozenset[str]) -> dict[str, frozenset[str]]:
    return {**attributes, **{tag: attributes.get(tag, frozenset()) | {"align"} for tag in tags}}


POLICIES: Final[tuple[Policy, ...]] = (
    Policy(
        _cleaner(
            _PRESENTATIONAL_TAGS | _MEDIA_TAGS,
            {
                **_aligned(_PRESENTATIONAL_ATTRIBUTES, _ALIGNED_TAGS | {"img", "table"}),
                **_MEDIA_ATTRIBUTES,
                "br": frozenset({"clear"}),
            },
            values={"input": _INPUT_TYPES},
            added={tag: {"controls": "", "preload": "none"} for tag in ("audio", "video")},
        ),
        keeps_stylesheets=True,
        keeps_tables=True,
    ),
    Policy(
        _cleaner(
            _PRESENTATIONAL_TAGS,
            _aligned(_PRESENTATIONAL_ATTRIBUTES, _ALIGNED_TAGS),
            values={"input": _INPUT_TYPES, **_UNFLOATED},
        ),
        keeps_stylesheets=True,
        keeps_tables=True,
    ),
    Policy(
        _cleaner(_FORMATTING_TAGS, _aligned(_FORMATTING_ATTRIBUTES, _ALIGNED_TAGS), values=_UNFLOATED),
        keeps_stylesheets=False,
        keeps_tables=True,
    ),
    Policy(
        # Tables are let through to be turned into blocks afterwards, lest the words of their cells run together.
        _cleaner(_TEXT_TAGS | {"table", "tr", "td", "th", "caption"}, _TEXT_ATTRIBUTES, values={}),
        keeps_stylesheets=False,
        keeps_tables=False,
    ),
)
"""Indexed by level, 0 to 3."""
