"""The HTTP/1.1 protocol over real sockets: heads that are too large or too slow, and what is no HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from postroom.api.protocol import LimitedProtocol, make_protocol
from tests.api.live import serving
from tests.api.world import User, World, make_message

LIMIT = 32 * 1024


@dataclass
class Client:
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return the next answer, which has a Content-Length."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()
        status, *lines = head.split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(status.split()[1]), headers, body

    async def is_closed(self) -> bool:
        """Tell whether the server closes, with nothing more to say."""
        try:
            return await asyncio.wait_for(self.reader.read(), 10) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def store_url() -> str:
    """One engine will do: none of this reaches the store."""
    return "sqlite:"


@pytest.fixture
def protocol() -> type[LimitedProtocol]:
    return make_protocol(LIMIT)


@pytest.fixture
async def port(world: World, protocol: type[LimitedProtocol]) -> AsyncIterator[int]:
    """The port of a server."""
    async with serving(world, protocol) as live:
        yield live.port


@pytest.fixture
async def client(port: int) -> AsyncIterator[Client]:
    """A connection."""
    connected = Client(*await asyncio.open_connection("127.0.0.1", port))
    yield connected
    connected.writer.close()
    with contextlib.suppress(ConnectionError):
        await connected.writer.wait_closed()


def request(path: str = "/healthz", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: mail.test\r\n{lines}\r\n".encode()


def check_error(answer: tuple[int, dict[str, str], bytes], status: int, code: str) -> None:
    assert answer[0] == status
    assert answer[1]["content-type"] == "application/json"
    assert answer[1]["x-request-id"]
    body: Any = json.loads(answer[2])
    assert (body["errorCode"], body["details"]) == (code, body["details"])


async def test_kept_connection(client: Client) -> None:
    for size in (10, 20_000, 30_000, 10, 31_000):
        await client.send(request(X_Long="a" * size))
        assert (await client.answer())[0] == 200


async def test_pipelined_requests(client: Client) -> None:
    await client.send(request() * 3 + request("/nothing"))
    assert [(await client.answer())[0] for _ in range(4)] == [200, 200, 200, 404]


async def test_head_in_small_pieces(client: Client) -> None:
    data = request(X_Long="a" * 500)
    for start in range(0, len(data), 100):
        await client.send(data[start : start + 100])
        await asyncio.sleep(0)
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize("piece", [1000, 1_000_000])
async def test_header_that_never_ends(client: Client, piece: int) -> None:
    await client.send(b"GET /healthz HTTP/1.1\r\nX-Long: ")
    sending = asyncio.create_task(send_for_ever(client, b"a" * piece))
    check_error(await client.answer(), 431, "headersTooLarge")
    assert await client.is_closed()
    sending.cancel()


async def send_for_ever(client: Client, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await client.send(data)
            await asyncio.sleep(0.001)


async def test_large_head_that_ends(client: Client) -> None:
    await client.send(request(X_Long="a" * 40_000))
    check_error(await client.answer(), 431, "headersTooLarge")
    assert await client.is_closed()


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"BREW /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http(client: Client, data: bytes) -> None:
    await client.send(data)
    status, headers, body = await client.answer()
    assert status in {400, 401}
    assert json.loads(body)["errorCode"] in {"badParameter", "notAuthenticated"}
    assert headers["x-request-id"]


@pytest.mark.parametrize(
    "hosts",
    [
        "",
        "Host: a.test\r\nHost: b.test\r\n",
        "Host: a.test\r\nhost: a.test\r\n",
        "Host: a b\r\n",
        "Host: a.test/path\r\n",
        "Host: user@a.test\r\n",
        "Host: a.test:port\r\n",
        "Host: [::1\r\n",
        "Host: ::1\r\n",
        "Host: %zz\r\n",
        "Host: \xe4.test\r\n",
        f"Host: {'a' * 30_000}/\r\n",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/mails/counters"])
async def test_a_request_names_its_host_once(client: Client, ann: User, path: str, hosts: str) -> None:
    login = f"Authorization: {ann.client.headers['Authorization']}\r\n"
    await client.send(f"GET {path} HTTP/1.1\r\n{login}{hosts}\r\n".encode("latin-1"))
    answer = await client.answer()
    check_error(answer, 400, "badParameter")
    assert json.loads(answer[2])["details"] == {"parameter": "Host"}
    await client.send(request())
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a.test",
        "A.test:",
        "a_b:80",
        "10.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "%2Frun%2Fsocket",
        "a," * 15_000,
    ],
)
async def test_hosts(client: Client, host: str) -> None:
    await client.send(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    ("hosts", "status"), [("", 200), ("Host: a\r\n", 200), ("Host: a\r\nHost: a\r\n", 400)]
)
async def test_the_old_protocol_needs_no_host(client: Client, hosts: str, status: int) -> None:
    await client.send(f"GET /healthz HTTP/1.0\r\n{hosts}\r\n".encode())
    assert (await client.answer())[0] == status
    assert await client.is_closed()


@pytest.mark.parametrize("offered", ["h2c", "websocket"])
async def test_an_offer_of_another_protocol_is_not_taken(client: Client, offered: str) -> None:
    offer = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offered}\r\nHTTP2-Settings: AAMAAABk\r\n"
    head = f"GET /healthz HTTP/1.1\r\nHost: a\r\n{offer}"
    await client.send(f"{head}\r\n".encode() * 3 + request("/nothing"))
    assert [(await client.answer())[0] for _ in range(4)] == [200, 200, 200, 404]
    await client.send(f"{head}Connection: close\r\n\r\n".encode())
    assert (await client.answer())[0] == 200
    assert await client.is_closed()


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize(
    "body",
    [
        'Content-Length: 13\r\n\r\n{"unheard":1}',
        'Transfer-Encoding: chunked\r\n\r\nd\r\n{"unheard":1}\r\n0\r\n\r\n',
    ],
)
async def test_body_behind_an_offer_of_another_protocol(client: Client, body: str, pieces: int) -> None:
    head = "POST /api/v1/login HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    data = (head + body).encode() * 2
    size = len(data) // pieces
    for start in range(0, len(data), size):
        await client.send(data[start : start + size])
        await asyncio.sleep(0)
    for _ in range(2):
        status, _, answer = await client.answer()
        assert (status, json.loads(answer)["details"]) == (400, {"parameter": "unheard"})
    await client.send(request())
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize("zeros", [1, 30, 10_000])
async def test_length_with_zeros_before_it(client: Client, zeros: int) -> None:
    length = "0" * zeros + "13"
    head = f"POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    await client.send(head.encode() + b'{"unheard":1}' + request())
    status, _, answer = await client.answer()
    assert (status, json.loads(answer)["details"]) == (400, {"parameter": "unheard"})
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize("target", ["a.test:80", "/healthz"])
async def test_no_tunnels(client: Client, target: str) -> None:
    await client.send(f"CONNECT {target} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
    check_error(await client.answer(), 400, "badParameter")
    assert await client.is_closed()


@pytest.mark.parametrize("before", [1, 3])
async def test_what_came_before_is_answered_before(client: Client, before: int) -> None:
    await client.send(request() * before + b"no http\r\n\r\n" + request("/nothing"))
    for _ in range(before):
        assert (await client.answer())[0] == 200
    check_error(await client.answer(), 400, "badParameter")
    assert await client.is_closed()


async def test_head_too_large_behind_others(client: Client) -> None:
    await client.send(request() * 2 + b"GET /healthz HTTP/1.1\r\nX-Long: ")
    sending = asyncio.create_task(send_for_ever(client, b"a" * 1000))
    assert [(await client.answer())[0] for _ in range(2)] == [200, 200]
    check_error(await client.answer(), 431, "headersTooLarge")
    assert await client.is_closed()
    sending.cancel()


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 6553600"])
async def test_body_too_large_is_refused_and_thrown_away(client: Client, ann: User, length: str) -> None:
    mail = await ann.deliver(make_message())
    head = (
        f"PATCH /api/v1/mails/{mail} HTTP/1.1\r\nHost: mail.test\r\n{length}\r\n"
        f"Authorization: {ann.client.headers['Authorization']}\r\n\r\n"
    )
    await client.send(head.encode())
    for _ in range(100):
        piece = b" " * 65_536
        await client.send(b"10000\r\n" + piece + b"\r\n" if "chunked" in length else piece)
    if "chunked" in length:
        await client.send(b"0\r\n\r\n")
    check_error(await client.answer(), 413, "payloadTooLarge")
    await client.send(request())
    assert (await client.answer())[0] == 200


async def test_endless_body_ends_the_connection(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.api.protocol.MAX_DISCARDED_BYTES", 1_000_000)
    await client.send(
        b"POST /api/v1/login HTTP/1.1\r\nHost: mail.test\r\nContent-Length: 99999999999\r\n\r\n"
    )
    assert (await client.answer())[0] == 413
    sending = asyncio.create_task(send_for_ever(client, b"a" * 100_000))
    assert await client.is_closed()
    sending.cancel()


CHUNKED = b"POST /api/v1/login HTTP/1.1\r\nHost: mail.test\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [b"a" * 1000, b"a" * 1_000_000, b"a\r\nX-Long: b" * 1000])
@pytest.mark.parametrize("chunks", [b"", b"2\r\n{}\r\n"])
async def test_trailer_that_never_ends(client: Client, chunks: bytes, piece: bytes) -> None:
    await client.send(CHUNKED + chunks + b"0\r\nX-Long: ")
    sending = asyncio.create_task(send_for_ever(client, piece))
    check_error(await client.answer(), 431, "headersTooLarge")
    assert await client.is_closed()
    sending.cancel()


async def test_trailer_that_never_ends_behind_the_answer(client: Client) -> None:
    # The body is too large, and answered before its end.
    await client.send(CHUNKED + (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * 5 + b"0\r\nX-Long: ")
    assert (await client.answer())[0] == 413
    sending = asyncio.create_task(send_for_ever(client, b"a" * 1000))
    assert await client.is_closed()
    sending.cancel()


async def test_a_trailer_is_no_part_of_the_head(client: Client, ann: User) -> None:
    login = f"Authorization: {ann.client.headers['Authorization']}\r\n\r\n".encode()
    await client.send(CHUNKED + b"0\r\n" + login)
    assert (await client.answer())[0] == 401
    await client.send(CHUNKED[:-2] + login + b"0\r\n" + b"X-More: a\r\n\r\n")
    assert (await client.answer())[0] == 200


async def test_large_chunks_in_small_pieces(client: Client, ann: User) -> None:
    # What belongs to chunks is not counted, however the pieces fall.
    login = f"Authorization: {ann.client.headers['Authorization']}\r\n\r\n".encode()
    await client.send(CHUNKED[:-2] + login)
    for _ in range(20):
        await client.send(b"10000\r\n")
        await asyncio.sleep(0)
        await client.send(b" " * 0x10000 + b"\r\n")
        await asyncio.sleep(0)
    await client.send(b"2\r\n{}\r\n0\r\n\r\n")
    assert (await client.answer())[0] == 200
    await client.send(request())
    assert (await client.answer())[0] == 200


async def test_pipelined_heads_are_counted_apart(client: Client) -> None:
    # Each piece holds the end of a head and the beginning of the next.
    data = request(X_Long="a" * 20_000) * 5
    for start in range(0, len(data), 20_000):
        await client.send(data[start : start + 20_000])
        await asyncio.sleep(0)
    assert [(await client.answer())[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("rest", [b"\r\n", b" " * 10])
async def test_what_stops_behind_an_answer_ends_the_connection(world: World, rest: bytes) -> None:
    """Empty lines, and a part of a body that was answered already."""
    async with serving(world) as live:
        live.server.config.timeout_keep_alive = 1
        reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
        waiting = Client(reader, writer)
        head = b"POST /api/v1/login HTTP/1.1\r\nHost: mail.test\r\nContent-Length: 99999999\r\n\r\n"
        await waiting.send(request() if rest == b"\r\n" else head)
        assert (await waiting.answer())[0] in {200, 413}
        await waiting.send(rest)
        assert await waiting.is_closed()
        writer.close()


class TestSlowHeads:
    @pytest.fixture
    def protocol(self) -> type[LimitedProtocol]:
        limited = make_protocol(LIMIT)
        limited.head_seconds = 0.1
        return limited

    @pytest.mark.parametrize("data", [b"", b"GET /healthz HTTP/1.1\r\nX-", request() + b"GET /he"])
    async def test_connection_is_closed(self, client: Client, data: bytes) -> None:
        await client.send(data)
        if data.startswith(request()):
            assert (await client.answer())[0] == 200
        assert await client.is_closed()

    async def test_idle_connection_is_left_to_the_server(self, client: Client) -> None:
        await client.send(request())
        assert (await client.answer())[0] == 200
        await asyncio.sleep(0.3)
        await client.send(request())
        assert (await client.answer())[0] == 200
