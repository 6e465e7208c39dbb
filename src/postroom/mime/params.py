"""Structured values of Content-Type and Content-Disposition (RFC 2045 §5.1, 2183, 2231), read tolerantly.

Parameters may be separated by several semicolons or by white space alone, values may hold unquoted tspecials and
spaces, quoted strings may lack their end. Of a repeated parameter the first counts. Continuations and charsets of
RFC 2231 are joined as bytes; where a sender used encoded words instead (RFC 2047 §5 forbids it), they are decoded.
Values are read as latin-1, one character per byte, and turned into text last.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from postroom.mime.charset import decode_charset
from postroom.mime.encoded_words import clean_text, decode_8bit, decode_words
from postroom.patterns import compile_pattern

_TYPE = compile_pattern(r"\s*([!#-'*+.\w^`{|}~-]+)/([!#-'*+.\w^`{|}~-]+)", re.ASCII)
_TOKEN = compile_pattern(r"[^\s;=\"()<>]+")
_PARAM = compile_pattern(
    r"(?<![^\s;=\"()<>])([^\s;=\"()<>]++)\s*+=\s*+"
    r'(?:"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)|([^\s;]*+(?:[ \t\r\n]++(?![\w*-]++\s*+=)[^\s;]*+)*+))',
    re.DOTALL,
)
_COMMENT_AT_END = compile_pattern(r"(?:^|\s)\([^()]*\)\s*$")
_COMMENT_BETWEEN = compile_pattern(r";\s*\([^()\"]*\)")
_FOLD = compile_pattern(r"\r?\n(?=[ \t])")
_QUOTED_PAIR = compile_pattern(r'\\(["\\])')
_SECTION = compile_pattern(r"([^*]+)\*(\d{1,4})?(\*)?")

_ENCODINGS = {
    "7-bit": "7bit", "7bits": "7bit", "8-bit": "8bit", "8bits": "8bit",
    "base-64": "base64", "b": "base64", "x-base64": "base64",
    "qp": "quoted-printable", "quotedprintable": "quoted-printable", "quoted_printable": "quoted-printable",
    "quoted-printible": "quoted-printable", "q": "quoted-printable",
    "uuencode": "x-uuencode", "x-uu": "x-uuencode", "uue": "x-uuencode", "x-uue": "x-uuencode", "uu": "x-uuencode",
    "uuencoded": "x-uuencode", "x-uuencoded": "x-uuencode",
}  # fmt: skip


_Sections = dict[int, tuple[str, bool]]
"""Sections of one RFC 2231 parameter by number: the value, and whether it is percent-encoded."""


class ContentType(NamedTuple):
    """What a Content-Type field says. ``boundary`` is in the bytes of the message; "" and b"" mean none."""

    content_type: str
    charset: str = ""
    name: str = ""
    boundary: bytes = b""
    method: str = ""
    flowed: bool = False


class Disposition(NamedTuple):
    """What a Content-Disposition field says: the lower-case value, and the decoded file name."""

    value: str
    filename: str = ""


def parse_content_type(value: bytes, default: str = "text/plain") -> ContentType:
    """Return what the raw value of a Content-Type field says; a broken type is ``default`` (RFC 2045 §5.2)."""
    if len(value) <= 96:
        return _cached_content_type(value, default)
    return _parse_content_type(value, default)


def parse_disposition(value: bytes) -> Disposition:
    """Return what the raw value of a Content-Disposition field says (RFC 2183)."""
    text = _unfold(value)
    token = _TOKEN.match(text.lstrip())
    params = parse_parameters(text)
    kind = token[0].lower() if token and token[0].lower() not in params else ""
    return Disposition(clean_text(kind) if kind.isascii() else "", params.get("filename", ""))


@lru_cache(maxsize=128)
def parse_encoding(value: bytes) -> str:
    """Return the transfer-encoding that a raw Content-Transfer-Encoding value names, in its proper spelling."""
    token = _TOKEN.search(_unfold(value[:200]).replace('"', " "))
    name = clean_text(token[0].lower().rstrip(",.:")) if token else ""
    return _ENCODINGS.get(name, name) or "7bit"


def parse_content_id(value: bytes) -> str:
    """Return the id of a raw Content-ID value without its angle brackets."""
    text = clean_text(_FOLD.sub("", decode_8bit(value)))
    start = text.find("<")
    if start < 0:
        return text.rstrip(">")
    end = text.find(">", start)
    return text[start + 1 : end if end > 0 else None].strip()


def parse_parameters(text: str) -> dict[str, str]:
    """Return the parameters in ``text`` (latin-1, unfolded, the value before them included), decoded.

    Names are lower-case and without the marks of RFC 2231; a name with those marks wins over the plain one.
    """
    return _decode_parameters(*_split_parameters(text))


def _decode_parameters(plain: dict[str, str], sections: dict[str, _Sections]) -> dict[str, str]:
    decoded = {name: _decode_plain(value) for name, value in plain.items()}
    for name, found in sections.items():
        if 0 in found or name not in decoded:
            decoded[name] = _join_sections(found)
    return decoded


def _split_parameters(text: str) -> tuple[dict[str, str], dict[str, _Sections]]:
    """Return the plain parameters, and those of RFC 2231 by section, both with their values undecoded."""
    plain: dict[str, str] = {}
    sections: dict[str, _Sections] = {}
    if "(" in text:
        text = _COMMENT_BETWEEN.sub(";", text)
    for match in _PARAM.finditer(text):
        name, quoted, bare = match.groups()
        name = name.lower()
        if quoted is not None:
            value = _QUOTED_PAIR.sub(r"\1", quoted) if "\\" in quoted else quoted
        else:
            value = _COMMENT_AT_END.sub("", bare) if "(" in bare and "name" not in name else bare
        section = _SECTION.fullmatch(name) if "*" in name else None
        if section is None:
            plain.setdefault(name, value)
        else:
            encoded = section[3] is not None or section[2] is None
            sections.setdefault(section[1], {}).setdefault(int(section[2] or 0), (value, encoded))
    return plain, sections


@lru_cache(maxsize=512)
def _cached_content_type(value: bytes, default: str) -> ContentType:
    return _parse_content_type(value, default)


def _parse_content_type(value: bytes, default: str) -> ContentType:
    text = _unfold(value)
    match = _TYPE.match(text)
    content_type = f"{match[1]}/{match[2]}".lower() if match else default
    semicolon = text.find(";")
    if semicolon < 0 and "=" not in text:
        return ContentType(content_type)
    text = text[match.end() if match else 0 :]
    plain, sections = _split_parameters(text)
    params = _decode_parameters(plain, sections)
    charset = params.get("charset", "").strip(" '").lower()
    return ContentType(
        content_type,
        charset if content_type.startswith("text/") else "",
        params.get("name", ""),
        _boundary(plain, sections) if content_type.startswith("multipart/") else b"",
        params.get("method", "").lower() if content_type == "text/calendar" else "",
        content_type == "text/plain" and params.get("format", "").lower() == "flowed",
    )


def _boundary(plain: dict[str, str], sections: dict[str, _Sections]) -> bytes:
    """Return the boundary parameter in the bytes that stand in the message, without decoding it."""
    value = plain.get("boundary", "")
    if not value and "boundary" in sections:
        value = _join_sections(sections["boundary"])
    return value.rstrip().encode("latin-1", "replace")


def _unfold(value: bytes) -> str:
    text = value.decode("latin-1")
    return _FOLD.sub("", text).strip() if "\n" in text else text.strip()


def _decode_plain(value: str) -> str:
    if not value.isascii() or "\x1b" in value:
        value = decode_8bit(value.encode("latin-1"))
    if "=?" in value:
        value = decode_words(value)
    return clean_text(value)


def _join_sections(found: _Sections) -> str:
    """Join the sections of one parameter up to a gap (RFC 2231 §3, §4)."""
    charset = ""
    data: list[bytes] = []
    any_encoded = False
    first = min(found)
    for number in range(first, first + len(found)):
        if number not in found:
            break
        value, encoded = found[number]
        any_encoded |= encoded
        if encoded and number == first and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw = value.encode("latin-1", "replace")
        data.append(unquote_to_bytes(raw) if encoded else raw)
    joined = b"".join(data)
    if not any_encoded:
        return _decode_plain(joined.decode("latin-1"))
    return clean_text(decode_charset(joined, charset))
