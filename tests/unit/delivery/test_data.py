"""Undoing the dots, for any content cut in any way, and what must not end a message."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.delivery.data import DotDecoder

_LINE_END_SOUP = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\x00", b"\n.\n", b"\xff"]), max_size=40
).map(b"".join)
_CONTENT = st.one_of(_LINE_END_SOUP, st.binary(max_size=200))


def stuff(content: bytes) -> bytes:
    """Return ``content`` as a client sends it (RFC 5321 §4.5.2): by lines, the plain way, as an oracle."""
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    lines = content.split(b"\r\n")[:-1]
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def decode(pieces: list[bytes]) -> tuple[bytes, bytes]:
    """Return the content and what lies behind its end."""
    decoder = DotDecoder()
    content = b""
    for number, piece in enumerate(pieces):
        content += decoder.feed(piece)
        if decoder.ended:
            rest = piece[len(piece) - decoder.rest_bytes :]
            return content, rest + b"".join(pieces[number + 1 :])
    raise AssertionError("the message did not end")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


@given(_CONTENT, st.binary(max_size=20), st.lists(st.integers(0, 10_000), max_size=20))
def test_round_trip_however_cut(content: bytes, following: bytes, places: list[int]) -> None:
    decoded, rest = decode(cut(stuff(content) + following, places))
    expected = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    assert decoded == expected
    assert rest == following


@given(_CONTENT, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_stream_decodes_the_same_however_cut(stream: bytes, places: list[int]) -> None:
    stream += b"\r\n.\r\n"
    assert decode(cut(stream, places)) == decode([stream]) == decode([bytes([byte]) for byte in stream])


@pytest.mark.parametrize(
    "body",
    [
        b"a\n.\nMAIL\n",
        b"a\n.\r\nMAIL",
        b"a\r.\rMAIL",
        b"a\r.\r\nMAIL",
        b"a\r\n.\nMAIL",
        b"a\r\n.\rMAIL",
        b"a\n\r.\n\rMAIL",
        b"a\r\n\x00.\r\nMAIL",
        b"a\r\n.\x00\r\nMAIL",
        b"a\r\n. \r\nMAIL",
        b"a\r\n..\r\nMAIL",
    ],
)
def test_does_not_end_the_message(body: bytes) -> None:
    decoder = DotDecoder()
    decoder.feed(body)
    assert not decoder.ended


@pytest.mark.parametrize(
    ("stream", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"a\n..b\r\n.\r\n", b"a\n..b\r\n"),
        (b"a\r..b\r\n.\r\n", b"a\r..b\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\r\n"),
        (b"a\r\n...\r\n.\r\n", b"a\r\n..\r\n"),
    ],
)
def test_content(stream: bytes, content: bytes) -> None:
    assert decode([stream]) == (content, b"")
