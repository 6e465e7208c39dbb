"""Content-Disposition of downloads (RFC 6266), with file names that cannot do harm.

The name comes from a stranger's mail. In the quoted form only plain ASCII is left, without quotes, backslashes, path
separators, percent signs and controls; the extended form (RFC 8187) carries the name in UTF-8, percent-encoded.
"""

import re
from typing import Literal
from urllib.parse import quote

_MAX_NAME_CHARS = 200
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NOT_QUOTABLE = re.compile(r'[^ -~]|["%]')
_ATTR_CHARS = "!#$&+-.^_`|~"


def clean_name(name: str, fallback: str) -> str:
    """Return ``name`` as one component of a path: no separators, controls or marks of direction, not too long."""
    cleaned = _UNSAFE.sub("_", name.encode("utf-8", "replace").decode("utf-8")).strip(" .")
    if len(cleaned) > _MAX_NAME_CHARS:
        stem, dot, extension = cleaned.rpartition(".")
        keep = f"{dot}{extension}" if stem and len(extension) <= 16 else ""
        cleaned = cleaned[: _MAX_NAME_CHARS - len(keep)] + keep
    return cleaned or fallback


def render_disposition(kind: Literal["inline", "attachment"], name: str) -> bytes:
    """Return the header value for a file ``name``, which is made safe here."""
    safe = clean_name(name, "download")
    plain = _NOT_QUOTABLE.sub("_", safe)
    value = f'{kind}; filename="{plain}"'
    if plain != safe:
        value += f"; filename*=UTF-8''{quote(safe, safe=_ATTR_CHARS)}"
    return value.encode("ascii")
