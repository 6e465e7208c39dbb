"""Decoding in pieces gives what decoding the whole gives, however the pieces fall."""

import base64
import binascii
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.decode import decode_bytes
from postroom.mime.stream import body_decoder
from tests.unit.mime.messages import iter_decoded, iter_slices

ENCODINGS = ["base64", "quoted-printable", "x-uuencode", "8bit", "x-unknown"]
_TOKENS = [
    b"=",
    b"==",
    b"=4",
    b"=41",
    b"= ",
    b"=\r",
    b"=\r\n",
    b"=\n",
    b"\r",
    b"\n",
    b" ",
    b"A",
    b"YWJj",
    b"end\n",
    b"begin 644 x\n",
    b"#86)C\n",
    b"`\n",
    b"\xff",
    b"text, plain. ",
    b"x" * 700,
    b"=" * 300,
    b"YWJj" * 300,
]


@st.composite
def _cuts(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    body = b"".join(draw(st.lists(st.sampled_from(_TOKENS), max_size=60)))
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=8)))
    edges = [0, *cuts, len(body)]
    return body, [body[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(_cuts())
def test_pieces_equal_the_whole(encoding: str, body_and_pieces: tuple[bytes, list[bytes]]) -> None:
    body, pieces = body_and_pieces
    assert b"".join(iter_decoded(pieces, encoding)) == decode_bytes(body, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(st.binary(max_size=400))
def test_single_bytes_equal_the_whole(encoding: str, body: bytes) -> None:
    assert b"".join(
        iter_decoded(iter_slices(body, 0, end=len(body), slice_bytes=1), encoding)
    ) == decode_bytes(body, encoding)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", base64.encodebytes(b"data" * 100_000)),
        ("base64", base64.b64encode(b"data" * 100_000)),
        ("base64", b"plain text with spaces " * 20_000),
        ("quoted-printable", b"=C3=A9" * 60_000),
        ("quoted-printable", b"=C3=A9 soft=\r\n" * 30_000),
        ("quoted-printable", b"a" * 70_000 + b"=" * 70_000 + b" " * 70_000 + b"\r\n"),
        ("x-uuencode", b"words\n" * 12_000 + b"begin 644 late\n#86)C\nend\n"),
        (
            "x-uuencode",
            b"begin 644 x\n" + b"".join(binascii.b2a_uu(b"0123456789" * 4) for _ in range(10_000)) + b"end\n",
        ),
        ("x-uuencode", b"begin 644 x\n#86)C" + b"z" * 200_000 + b"\n#86)C"),
        ("7bit", b"text " * 100_000),
    ],
)
@pytest.mark.parametrize("slice_bytes", [777, 65_536, 300_000])
def test_large_bodies(encoding: str, body: bytes, slice_bytes: int) -> None:
    pieces = iter_slices(body, 0, end=len(body), slice_bytes=slice_bytes)
    assert b"".join(iter_decoded(pieces, encoding)) == decode_bytes(body, encoding)


def test_little_is_held_back() -> None:
    decoder = body_decoder("quoted-printable")
    fed = given_back = 0
    for _ in range(200):
        fed += len(piece := b"a" * 5000)
        given_back += len(decoder.feed(piece))
        assert fed - given_back <= 70_000
    assert given_back + len(decoder.finish()) == fed
