"""Transfer-decoding (RFC 2045 §6) and text of parts; nothing in it fails.

The rules, which the streaming decoder of :mod:`postroom.mime.stream` shares:

- base64: characters outside the alphabet are skipped; the data ends at the first ``=`` that can be padding
  (RFC 2045 §6.8), or at the end; missing padding is supplied, a single character left over is dropped. A body that
  begins with plain text instead stays as it is.
- quoted-printable: an ``=`` that begins nothing proper stays as it stands; white space after a soft ``=`` is
  transport padding and goes with it. A bare CR is no line end.
- uuencode: what lies between the ``begin`` line, looked for in the first 64 KiB, and ``end``; without a ``begin``
  line the body stays as it is.
- 7bit, 8bit, binary, and whatever is unknown: as it is.
"""

import binascii
import re
from typing import Final

from postroom.mime.charset import decode_charset, decode_unknown, find_codec
from postroom.mime.raw import Raw
from postroom.model.mail import Part

DECODED_ENCODINGS: Final = frozenset({"base64", "quoted-printable", "x-uuencode"})
MISLABELLED_WITHIN_BYTES: Final = 1024
BEGIN_WITHIN_BYTES: Final = 64 << 10
UU_BEGIN: Final = re.compile(rb"^begin +[0-7]{3,4} [^\n]*\n", re.MULTILINE)

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_ALPHABET = bytes(code for code in range(256) if code not in _ALPHABET)
_NOT_ALPHABET_OR_PAD = _NOT_ALPHABET.replace(b"=", b"")
_UU_LINE_BYTES = 128
_IN_BASE64 = _ALPHABET + b"=\r\n"
_MISLABELLED_OTHERS = 10
_SLICE_BYTES = 1 << 20
_PADDED_SOFT_BREAK = re.compile(rb"=[ \t]{1,998}(?=\r?\n)")
_BARE_CR_ESCAPE = re.compile(rb"=(?=\r(?!\n))")
_ESCAPE_OF_ESCAPE = re.compile(rb"=(?==)")
_META_CHARSET = re.compile(
    rb"<meta\b[^>]{0,500}?\bcharset\s{0,20}=\s{0,20}[\"']?\s{0,20}([\w.:-]{1,40})", re.IGNORECASE
)
_META_WITHIN_BYTES = 4096


def decode_body(raw: Raw, part: Part) -> bytes:
    """Return the decoded body of ``part``.

    ``raw`` is what the part's offsets count in: the message, or for a part with a ``decoded_base`` the decoded body
    of that part (:func:`postroom.mime.structure.part_source`).
    """
    return decode_bytes(raw[part.body_start : part.end], part.encoding)


def decode_bytes(body: bytes, encoding: str) -> bytes:
    """Return the decoded form of the whole encoded ``body``."""
    if encoding == "base64":
        return decode_base64(body)
    if encoding == "quoted-printable":
        return decode_quoted_printable(body)
    if encoding == "x-uuencode":
        return _decode_uu(body)
    return body


def is_mislabelled(start: bytes) -> bool:
    """Return whether a body said to be base64 is not: a sixteenth of its first KiB does not belong there."""
    start = start[:MISLABELLED_WITHIN_BYTES]
    others = len(start.translate(None, _IN_BASE64))
    return others >= _MISLABELLED_OTHERS and others * 16 >= len(start)


def decode_base64(body: bytes) -> bytes:
    """Return the data of a base64 body, whatever else is in it."""
    if is_mislabelled(body):
        return body
    pad = body.find(b"=")
    try:
        if pad < 0:
            return binascii.a2b_base64(body)
        # The usual "==" is decoded where it lies; two pads are enough for, and harmless to, every other ending.
        is_double = body[pad + 1 : pad + 2] == b"="
        data = binascii.a2b_base64(memoryview(body)[: pad + 2] if is_double else body[:pad] + b"==")
    except binascii.Error:
        return _decode_broken_base64(body)
    # A pad after whole groups is garbage: more may follow.
    return data if len(data) % 3 else _decode_broken_base64(body)


def _decode_broken_base64(body: bytes) -> bytes:
    data, _ = base64_runs(body)
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def base64_runs(body: bytes, *, before: int = 0) -> tuple[bytes, bool]:
    """Return the alphabet characters of ``body`` up to its padding, and whether padding was there.

    ``before`` counts the alphabet characters that came before in the same group of four.
    """
    data = body.translate(None, _NOT_ALPHABET_OR_PAD)
    if b"=" not in data:
        return data, False
    runs = data.split(b"=")
    count = before
    for index, run in enumerate(runs[:-1]):
        count += len(run)
        if count % 4 >= 2:
            return b"".join(runs[: index + 1]), True
    return b"".join(runs), False


def decode_quoted_printable(body: bytes) -> bytes:
    """Return the data of a quoted-printable body (RFC 2045 §6.7)."""
    if b"= " in body or b"=\t" in body:
        body = _PADDED_SOFT_BREAK.sub(b"=", body)
    if b"==" in body:
        body = _ESCAPE_OF_ESCAPE.sub(b"=3D", body)
    if body.count(b"=\r") != body.count(b"=\r\n"):
        body = _BARE_CR_ESCAPE.sub(b"=3D", body)
    return binascii.a2b_qp(body)


def _decode_uu(body: bytes) -> bytes:
    begin = UU_BEGIN.search(body, 0, BEGIN_WITHIN_BYTES)
    if begin is None:
        return body
    out = []
    for line in body[begin.end() :].split(b"\n"):
        if is_uu_end(line):
            break
        out.append(decode_uu_line(line))
    return b"".join(out)


def is_uu_end(line: bytes) -> bool:
    """Return whether ``line`` ends the uuencoded data."""
    return line[:_UU_LINE_BYTES].rstrip() == b"end"


def decode_uu_line(line: bytes) -> bytes:
    """Return the data of one line of uuencode, b"" for a line that is none."""
    line = line[:_UU_LINE_BYTES].rstrip(b"\r")
    if not line.strip():
        return b""
    length_bytes = (line[0] - 32) & 63
    # Encoders that write too many or too few characters are common; the length character counts.
    body = line[1 : 1 + (length_bytes + 2) // 3 * 4]
    try:
        return binascii.a2b_uu(line[:1] + body)
    except binascii.Error:
        return b""


def decoded_size(raw: Raw, part: Part) -> int:
    """Return the exact length of what :func:`decode_body` returns, in bytes, without decoding where possible."""
    if part.encoding == "base64":
        return _base64_size(raw, part.body_start, end=part.end)
    if part.encoding in DECODED_ENCODINGS:
        return len(decode_body(raw, part))
    return part.end - part.body_start


def _base64_size(raw: Raw, start: int, *, end: int) -> int:
    if is_mislabelled(raw[start : min(end, start + MISLABELLED_WITHIN_BYTES)]):
        return end - start
    count = 0
    while start < end:
        piece = raw[start : min(start + _SLICE_BYTES, end)]
        start += len(piece)
        for index, run in enumerate(piece.split(b"=") if b"=" in piece else (piece,)):
            if index and count % 4 >= 2:
                return count * 3 // 4
            count += len(run.translate(None, _NOT_ALPHABET))
    return (count - (count % 4 == 1)) * 3 // 4


def estimate_size(encoded_bytes: int, encoding: str) -> int:
    """Return about how many bytes ``encoded_bytes`` of ``encoding`` decode to: lines are taken to be full."""
    if encoding == "base64":
        return encoded_bytes * 57 // 78
    if encoding == "x-uuencode":
        return encoded_bytes * 45 // 63
    return encoded_bytes


def text_of(data: bytes, part: Part) -> str:
    """Return decoded ``data`` of the text part ``part`` as text, with U+FFFD for what is no character.

    An unknown or missing charset is, for HTML, the one of its meta element (HTML Living Standard §13.2.3.2), else
    UTF-8 if the data are that, else windows-1252. Format=flowed stays as it is.
    """
    charset = part.charset
    if part.content_type == "text/html" and (not charset or find_codec(charset) is None):
        match = _META_CHARSET.search(data, 0, _META_WITHIN_BYTES)
        charset = match[1].decode("ascii", "replace") if match else ""
        if charset.lower().startswith("utf-16"):
            charset = "utf-8"
    return decode_charset(data, charset) if charset else decode_unknown(data)
