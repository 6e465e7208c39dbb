"""Header fields of a part: the raw list, and decoded values (RFC 5322 §2.2, 2047, 6532).

A raw value is everything behind the colon, with folds and line end, so that ``name:value`` in order is the block
again (but for white space before colons, and lines that are no fields). A decoded value is one line of text: unfolded
(line ends removed, the white space behind them kept), encoded words decoded, 8-bit bytes as UTF-8 or else
windows-1252, control characters removed. ASCII values without encoded words take a path that touches no codec.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from postroom.mime.encoded_words import clean_text, decode_8bit, decode_words
from postroom.mime.raw import DEFAULT_LIMITS, Raw
from postroom.model.mail import Part
from postroom.patterns import compile_pattern

_FIELD = compile_pattern(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+\n?)", re.MULTILINE)
_FOLD = compile_pattern(r"\r?\n")
_NEEDS_QUOTES = compile_pattern(r"[()<>\[\]:;@\\,\"]")
_WORD_RUN = compile_pattern(r"=\?[^?\s]{1,130}\?[bBqQ]\?[^?]*\?=(?:\s*=\?[^?\s]{1,130}\?[bBqQ]\?[^?]*\?=)*")
_QUOTED = compile_pattern(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_MOST_FIELDS = 10_000
_SMALL_BLOCK_BYTES = 64 << 10


class HeaderField(NamedTuple):
    """A field as it stands: ``value`` is raw, with its leading space, folds and line end."""

    name: str
    value: bytes


def parse_headers(raw: Raw, part: Part) -> list[HeaderField]:
    """Return the header fields of ``part``, which lies in ``raw``, in order, without lines that are no fields."""
    return [HeaderField(name.decode("ascii"), value) for name, value in split_fields(raw, part)]


def split_fields(raw: Raw, part: Part) -> list[tuple[bytes, bytes]]:
    """Return the header fields of ``part`` as :func:`parse_headers` does, but as bytes and without records."""
    end = min(part.body_start, part.header_start + DEFAULT_LIMITS.header_block_bytes)
    block = raw[part.header_start : end]
    if len(block) < _SMALL_BLOCK_BYTES:
        return _FIELD.findall(block)[:_MOST_FIELDS]
    return [(match[1], match[2]) for match in islice(_FIELD.finditer(block), _MOST_FIELDS)]


class Header:
    """The header of an entity for those who read many of its fields: split once, each value decoded once."""

    def __init__(self, raw: Raw, part: Part) -> None:
        """Read the header of ``part``, which lies in ``raw``."""
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in split_fields(raw, part):
            self._values.setdefault(name.lower(), []).append(value)
        self._texts: dict[bytes, str] = {}
        self._lists: dict[bytes, str] = {}

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    def values(self, name: bytes) -> list[bytes]:
        """Return the raw values of the fields with a lower-case name, in order."""
        return self._values.get(name, [])

    def first(self, name: bytes) -> bytes:
        """Return the raw value of the first field with a lower-case name, b"" if there is none."""
        values = self._values.get(name)
        return values[0] if values else b""

    def text(self, value: bytes) -> str:
        """Return :func:`decode_value` of one of the values."""
        text = self._texts.get(value)
        if text is None:
            text = self._texts[value] = decode_value(value)
        return text

    def address_text(self, value: bytes) -> str:
        """Return :func:`decode_address_value` of one of the values, or of some joined."""
        text = self._lists.get(value)
        if text is None:
            text = self._lists[value] = decode_address_value(value)
        return text


def find_header(fields: Iterable[HeaderField], name: str) -> bytes | None:
    """Return the raw value of the first field called ``name``, whatever its case, or None."""
    wanted = name.lower()
    return next((field.value for field in fields if field.name.lower() == wanted), None)


def decode_value(value: bytes) -> str:
    """Return a raw unstructured value (Subject and the like) as one line of text."""
    text = unfold(value)
    return clean_text(decode_words(text) if "=?" in text else text)


def decode_address_value(value: bytes) -> str:
    """Return a raw address list (From, To …) as one line of text that still parses as that list.

    A display name whose encoded words hold specials (``Doe, John``) comes out quoted (RFC 5322 §3.2.4).
    """
    text = unfold(value)
    if "=?" not in text:
        return clean_text(text)
    out: list[str] = []
    position = 0
    for match in _QUOTED.finditer(text):
        out.append(_WORD_RUN.sub(_quote_words, text[position : match.start()]))
        out.append(_WORD_RUN.sub(_escape_words, match[0]))
        position = match.end()
    out.append(_WORD_RUN.sub(_quote_words, text[position:]))
    return clean_text("".join(out))


def unfold(value: bytes) -> str:
    """Return a raw value as text without its line ends (RFC 5322 §2.2.3), nothing decoded but the bytes."""
    value = value.strip()
    text = value.decode("ascii") if value.isascii() and b"\x1b" not in value else decode_8bit(value)
    return _FOLD.sub("", text) if "\n" in text else text


def _quote_words(match: re.Match[str]) -> str:
    text = clean_text(decode_words(match[0]))
    if not _NEEDS_QUOTES.search(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape_words(match: re.Match[str]) -> str:
    return clean_text(decode_words(match[0])).replace("\\", "\\\\").replace('"', '\\"')
