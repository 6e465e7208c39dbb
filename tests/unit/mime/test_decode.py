"""Transfer-decoding of whole bodies, sizes, and text."""

import base64
import binascii

import pytest

from postroom.mime.decode import (
    decode_bytes,
    decoded_size,
    estimate_size,
    is_mislabelled,
)
from postroom.mime.parse import parse_message
from tests.unit.mime.messages import decode_text

DATA = bytes(range(256)) * 3


def _message(body: bytes, encoding: str, content_type: str = "application/octet-stream") -> bytes:
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"", b""),
        (b"aGVsbG8=", b"hello"),
        (b"aGVsbG8", b"hello"),
        (b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"aGVsbG8hIQ==", b"hello!!"),
        (b"aGVsbG8hIQ", b"hello!!"),
        (b"aGVsbG8hIQ=", b"hello!!"),
        (b"a*G-V_s b!G8=", b"hello"),
        (b"aGVsbG8x\r\n", b"hello1"),
        (b"aGVsbG8xA", b"hello1"),
        (b"aGVsbG8=\r\n-- footer of a list", b"hello"),
        (b"aGVsbG8=aGVsbG8=", b"hello"),
        (b"=aGVs=bG8=", b"hello"),
        (b"aGVsbG8x=\r\nbW9y", b"hello1mor"),
        (b"====", b""),
        (b"a", b""),
        (b"a=", b""),
        (b"\x00\xff", b""),
        (b"This is not base64 at all, it is a sentence.", b"This is not base64 at all, it is a sentence."),
    ],
)
def test_base64(body: bytes, data: bytes) -> None:
    assert decode_bytes(body, "base64") == data


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"caf=C3=A9", b"caf\xc3\xa9"),
        (b"caf=c3=a9", b"caf\xc3\xa9"),
        (b"one=\r\ntwo=\nthree", b"onetwothree"),
        (b"one= \t\r\ntwo", b"onetwo"),
        (b"trailing  \r\nstays", b"trailing  \r\nstays"),
        (b"broken =XY =4 =", b"broken =XY =4 "),
        (b"double ==41", b"double =A"),
        (b"a=\rb\nc", b"a=\rb\nc"),
        (b"end=", b"end"),
        (b"=3D=20=0D=0A", b"= \r\n"),
        (b"raw \xff stays", b"raw \xff stays"),
        (b"under_score", b"under_score"),
        (b"", b""),
    ],
)
def test_quoted_printable(body: bytes, data: bytes) -> None:
    assert decode_bytes(body, "quoted-printable") == data


def _uuencode(data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[i : i + 45]) for i in range(0, len(data), 45)]
    return b"begin 644 data.bin\n" + b"".join(lines) + b"`\nend\n"


@pytest.mark.parametrize("before", [b"", b"some words\r\n\r\nbeginning\r\n"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_uuencode(before: bytes, line_end: bytes) -> None:
    body = before + _uuencode(DATA).replace(b"\n", line_end) + b"words behind"
    assert decode_bytes(body, "x-uuencode") == DATA


def test_broken_uuencode() -> None:
    assert decode_bytes(b"no begin line", "x-uuencode") == b"no begin line"
    assert decode_bytes(b"begin 644 x\n", "x-uuencode") == b""
    assert decode_bytes(b"begin 644 x\n\xff\xfe\n#86)C\n#86)Cextra\n\n", "x-uuencode") == b"abcabc"


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "x-unheard-of", ""])
def test_identity(encoding: str) -> None:
    assert decode_bytes(DATA, encoding) == DATA


@pytest.mark.parametrize(
    "body",
    [
        base64.encodebytes(DATA),
        base64.b64encode(DATA),
        base64.encodebytes(DATA[:1000]),
        b"a",
        b"YQ",
        b"YQ==YQ==",
        b"=Y=",
        b"=\r\nYWFh",
        b"plain text, not encoded at all, said to be",
    ],
)
def test_size_is_exact_without_decoding(body: bytes) -> None:
    for encoding in ("base64", "quoted-printable", "x-uuencode", "7bit"):
        raw = _message(body, encoding)
        assert decoded_size(raw, parse_message(raw)) == len(decode_bytes(body, encoding))


def test_size_of_a_large_body_goes_in_slices() -> None:
    body = base64.encodebytes(b"x" * 2_500_000)
    raw = _message(body, "base64")
    assert decoded_size(raw, parse_message(raw)) == 2_500_000


def test_estimate_is_near_the_exact_size() -> None:
    raw = _message(base64.encodebytes(DATA * 20).replace(b"\n", b"\r\n"), "base64")
    part = parse_message(raw)
    assert part.estimated_size == pytest.approx(decoded_size(raw, part), rel=0.02)
    assert estimate_size(1000, "8bit") == 1000
    assert estimate_size(630, "x-uuencode") == 450


def test_mislabelled_needs_more_than_a_little_garbage() -> None:
    assert not is_mislabelled(base64.encodebytes(DATA))
    assert not is_mislabelled(b"    " + base64.encodebytes(DATA).replace(b"\n", b"\r\n    "))
    assert not is_mislabelled(b"!!!!!!!!")
    assert is_mislabelled(b"<html><body><p>Hello</p></body></html>")


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=utf-8", "naïve".encode(), "naïve"),
        ("text/plain; charset=iso-8859-1", b"na\xefve", "naïve"),
        ("text/plain", "naïve".encode(), "naïve"),
        ("text/plain", b"na\xefve", "naïve"),
        ("text/plain; charset=nonsense", b"na\xefve", "naïve"),
        ("text/plain; charset=utf-8", b"na\xefve", "na\ufffdve"),
        ("text/plain", b"\xef\xbb\xbfmark", "mark"),
        ("text/html", b'<meta charset="iso-8859-2"><p>\xb9', '<meta charset="iso-8859-2"><p>š'),
        (
            "text/html",
            b'<META http-equiv=Content-Type content="text/html; charset=koi8-r">\xf0',
            '<META http-equiv=Content-Type content="text/html; charset=koi8-r">П',
        ),
        ("text/html; charset=utf-8", b'<meta charset="iso-8859-2">\xc5\xa1', '<meta charset="iso-8859-2">š'),
        ("text/html", b"<meta charset=utf-16>\xc5\xa1", "<meta charset=utf-16>š"),
        ("text/plain", b'<meta charset="iso-8859-2">\xc5\xa1', '<meta charset="iso-8859-2">š'),
    ],
)
def test_text(content_type: str, body: bytes, text: str) -> None:
    raw = _message(body, "8bit", content_type)
    assert decode_text(raw, parse_message(raw)) == text


def test_flowed_text_is_left_as_it_is() -> None:
    raw = _message(b"one \r\ntwo\r\n", "7bit", "text/plain; format=flowed")
    part = parse_message(raw)
    assert part.flowed
    assert decode_text(raw, part) == "one \r\ntwo\r\n"
