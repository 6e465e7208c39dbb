"""Header blocks in a raw message: where a block ends, and its Content- fields.

A block is a run of fields with their folds (RFC 5322 §2.2, with white space before the colon as in §4.5), found by
one regular expression without backtracking, so that a block of any length is one step. The blank line that ends it
belongs to it. A line that is no field does not end it when another field follows (a lost fold, an mbox ``From ``
line, junk of a gateway); otherwise the body begins at that line, so that a missing blank line hides nothing.
"""

import re
from collections.abc import Container
from typing import NamedTuple

from postroom.mime._delimiters import is_delimiter
from postroom.mime.params import (
    ContentType,
    Disposition,
    parse_content_id,
    parse_content_type,
    parse_disposition,
    parse_encoding,
)
from postroom.mime.raw import Raw
from postroom.patterns import compile_pattern

_FIELDS = compile_pattern(rb"(?:(?!--)[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+)*+")
_FIELD_START = compile_pattern(rb"(?!--)[!-9;-~]++[ \t]*+:")
_CONTENT = rb"content-(type|transfer-encoding|disposition|id)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)"
_FIRST_CONTENT_FIELD = compile_pattern(_CONTENT, re.IGNORECASE)
_CONTENT_FIELD = compile_pattern(rb"\n" + _CONTENT, re.IGNORECASE)
_BLANK = compile_pattern(rb"\s*+")
_LONGEST_FIELD_NAME_BYTES = 998
_MOST_JUNK_LINES = 1000


class ContentFields(NamedTuple):
    """The Content- fields of a part, decoded; of a repeated field the first."""

    content_type: ContentType
    encoding: str
    disposition: Disposition
    content_id: str


def find_block_end(raw: Raw, start: int, *, end: int, boundaries: Container[bytes]) -> int:
    """Return where the header block that begins at ``start`` ends: the offset of the body.

    A delimiter line of one of the open ``boundaries`` ends the block at that line (RFC 2046 §5.1.1).
    """
    position = start
    junk_lines = 0
    while True:
        match = _FIELDS.match(raw, position, end)
        position = match.end() if match else position
        if position >= end:
            return end
        line = raw[position : position + 2]
        if line[:1] == b"\n":
            return position + 1
        if line == b"\r\n":
            return position + 2
        if line == b"--" and is_delimiter(raw, position, end=end, boundaries=boundaries):
            return position
        next_line = raw.find(b"\n", position, end) + 1
        junk_lines += 1
        if not next_line or junk_lines > _MOST_JUNK_LINES or not is_field(raw, next_line, end=end):
            return position
        position = next_line


def is_field(raw: Raw, position: int, *, end: int) -> bool:
    """Return whether a header field begins at ``position``."""
    return _FIELD_START.match(raw, position, min(end, position + _LONGEST_FIELD_NAME_BYTES)) is not None


def is_blank(raw: Raw, start: int, *, end: int) -> bool:
    """Return whether ``[start:end]`` is nothing but white space."""
    match = _BLANK.match(raw, start, end)
    return match is None or match.end() >= end


def parse_content_fields(raw: Raw, start: int, *, end: int, default_type: str) -> ContentFields:
    """Return the Content- fields of the header block ``[start:end]``; without a type it is ``default_type``."""
    found: dict[bytes, bytes] = {}
    first = _FIRST_CONTENT_FIELD.match(raw, start, end)
    if first:
        found[first[1].lower()] = first[2]
    for name, value in _CONTENT_FIELD.findall(raw, start, end):
        found.setdefault(name.lower(), value)
    content_type = parse_content_type(found[b"type"]) if b"type" in found else ContentType(default_type)
    disposition = parse_disposition(found[b"disposition"]) if b"disposition" in found else _NO_DISPOSITION
    return ContentFields(
        content_type,
        parse_encoding(found[b"transfer-encoding"]) if b"transfer-encoding" in found else "7bit",
        disposition,
        parse_content_id(found[b"id"]) if b"id" in found else "",
    )


_NO_DISPOSITION = Disposition("")
