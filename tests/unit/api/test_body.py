"""Request bodies."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.api.body import decode_body, read_body, refuse_body
from postroom.errors import PostroomError


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    flag: bool


class Wanted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    is_unread: bool | msgspec.UnsetType = msgspec.UNSET
    part_ids: list[int] = []
    inner: Inner | None = None
    all: list[Inner] = []


DECODER = msgspec.json.Decoder(Wanted)


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [
        (b"{", "body"),
        (b"nothing", "body"),
        (b"\xff", "body"),
        (b'{"isUnread":"\xff"}', "body"),
        (b'{"x":"\xff"}', "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b'{"isUnread":true}{}', "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b"5", "body"),
        (b'"text"', "body"),
        (b'{"isUnread":1}', "isUnread"),
        (b'{"isUnread":"true"}', "isUnread"),
        (b'{"isUnread":null}', "isUnread"),
        (b'{"partIds":[1,"x"]}', "partIds"),
        (b'{"partIds":{}}', "partIds"),
        (b'{"isunread":true}', "isunread"),
        (b'{"a`b":true}', "a`b"),
        (b'{"inner":{"flag":true,"other":1}}', "inner.other"),
        (b'{"inner":{}}', "inner.flag"),
        (b'{"inner":{"flag":1}}', "inner.flag"),
        (b'{"all":[{"flag":1}]}', "all"),
        (b'{"all":[{"flag":true},{}]}', "all"),
        (b'{"all":[{"flag":true,"other":1}]}', "all[0].other"),
    ],
)
def test_refused(raw: bytes, parameter: str) -> None:
    with pytest.raises(PostroomError) as caught:
        decode_body(raw, DECODER)
    assert caught.value.code == "badParameter"
    assert caught.value.details == {"parameter": parameter}


def test_accepted() -> None:
    assert decode_body(b'{"isUnread":true,"partIds":[1]}', DECODER) == Wanted(True, [1])
    assert decode_body(b" {} ", DECODER) == Wanted()


@pytest.mark.parametrize("raw", [b"", b"{}", b" { } "])
def test_nothing_is_accepted_where_nothing_is_expected(raw: bytes) -> None:
    refuse_body(raw)


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [(b"[]", "body"), (b"null", "body"), (b'{"a":1}', "a"), (b"a=1", "body"), (b" ", "body")],
)
def test_anything_else_is_refused_there(raw: bytes, parameter: str) -> None:
    with pytest.raises(PostroomError) as caught:
        refuse_body(raw)
    assert caught.value.details == {"parameter": parameter}


@pytest.mark.parametrize(
    "raw", [b"[" * 200_000, b'{"inner":' * 100_000, b'{"a":' * 200_000 + b"1" + b"}" * 200_000]
)
def test_deep_nesting_is_refused(raw: bytes) -> None:
    with pytest.raises(PostroomError):
        decode_body(raw, DECODER)
    with pytest.raises(PostroomError):
        refuse_body(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    with suppress(PostroomError):
        decode_body(raw, DECODER)


class Source:
    """Receives as a server does, and counts."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = list(chunks)
        self.calls = 0

    async def __call__(self) -> Any:
        self.calls += 1
        if not self.chunks:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.chunks.pop(0), "more_body": bool(self.chunks)}


async def test_body_in_pieces() -> None:
    assert await read_body({b"transfer-encoding": b"chunked"}, Source([b"ab", b"", b"c"]), 3) == b"abc"


@pytest.mark.parametrize("headers", [{}, {b"content-length": b"0"}])
async def test_nothing_is_awaited_where_there_is_no_body(headers: dict[bytes, bytes]) -> None:
    source = Source([])
    assert await read_body(headers, source, 3) == b""
    assert source.calls == 0


async def test_declared_length_is_refused_unread() -> None:
    source = Source([b"abcd"])
    with pytest.raises(PostroomError) as caught:
        await read_body({b"content-length": b"4"}, source, 3)
    assert caught.value.code == "payloadTooLarge"
    assert source.calls == 0


async def test_undeclared_length_is_refused_while_reading() -> None:
    source = Source([b"ab", b"cd", b"ef", b"gh"])
    with pytest.raises(PostroomError) as caught:
        await read_body({b"transfer-encoding": b"chunked"}, source, 3)
    assert caught.value.code == "payloadTooLarge"
    assert source.calls == 2


async def test_connection_that_ends_within_the_body() -> None:
    with pytest.raises(PostroomError) as caught:
        await read_body({b"content-length": b"3"}, Source([]), 3)
    assert caught.value.code == "badParameter"


async def test_body_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("postroom.api.body.PIECE_SECONDS", 0.01)
    with pytest.raises(PostroomError) as caught:
        await read_body({b"content-length": b"3"}, receive, 3)
    assert caught.value.details == {"parameter": "body"}
