import asyncio
from pathlib import Path

import pytest

from postroom.bench.lmtp_client import LMTPClient, Reply, stuff_dots
from postroom.errors import PostroomError
from tests.unit.bench.stubs import LMTPStub, served


async def test_delivers_over_tcp_and_unix_sockets(tmp_path: Path) -> None:
    stub = LMTPStub()
    async with served(stub) as port, LMTPClient(f"127.0.0.1:{port}") as client:
        assert client.extensions == {"PIPELINING", "SIZE"}
        for number in range(3):
            reply = await client.deliver(b"Subject: %d\r\n\r\n.x\r\n" % number, to="user@example.test")
            assert reply == Reply(250, "2.0.0 delivered")
            assert reply.is_positive
    async with served(stub, socket_path=tmp_path / "s"), LMTPClient(f"unix:{tmp_path / 's'}") as client:
        assert (await client.deliver(b"a: b\r\n\r\n", to="user@example.test")).code == 250
    assert stub.messages == [*(b"Subject: %d\r\n\r\n.x\r\n" % number for number in range(3)), b"a: b\r\n\r\n"]


async def test_refusals_are_replies_and_the_connection_goes_on() -> None:
    async with served(LMTPStub()) as port, LMTPClient(f"127.0.0.1:{port}") as client:
        unknown = await client.deliver(b"a: b\r\n\r\n", to="nobody@example.test")
        full = await client.deliver(b"a: b\r\n\r\nrefuse me\r\n", to="user@example.test")
        fine = await client.deliver(b"a: b\r\n\r\nfine\r\n", to="user@example.test")
    assert [unknown, full, fine] == [
        Reply(550, "5.1.1 no such user"),
        Reply(452, "4.2.2 full"),
        Reply(250, "2.0.0 delivered"),
    ]
    assert not unknown.is_positive


async def test_a_server_that_is_not_there_or_not_ready_is_an_error() -> None:
    stub = LMTPStub()
    stub.greeting = b"421 4.3.2 not now\r\n"
    async with served(stub) as port:
        with pytest.raises(PostroomError, match="answered 421 "):
            await LMTPClient(f"127.0.0.1:{port}").__aenter__()
    with pytest.raises(PostroomError, match="no LMTP server answers"):
        await LMTPClient(f"127.0.0.1:{port}").__aenter__()


async def test_nonsense_and_hanging_up_are_errors() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n")
        await writer.drain()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    for serve in (nonsense, silent):
        async with served(serve) as port:
            with pytest.raises(PostroomError, match="gave no reply"):
                await LMTPClient(f"127.0.0.1:{port}").__aenter__()


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b"\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".a\r\n..\r\n.", b"..a\r\n...\r\n..\r\n.\r\n"),
        (b"a\n.b\r.c\r\n", b"a\n.b\r.c\r\n.\r\n"),
    ],
)
def test_dots_are_stuffed_after_crlf_only(message: bytes, wire: bytes) -> None:
    assert stuff_dots(message) == wire
