"""Sending by HTTP: what counts as delivered, what receivers may do wrong, and where nothing is ever sent."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
from tests.protocol.hook_receiver import (
    CERTIFICATE,
    CLOSE,
    ENDLESS,
    HANG,
    RESET,
    TRICKLE,
    Answer,
    Receiver,
    receiving,
)

from postroom.app.webhook_http import MAX_ANSWER_BYTES, MAX_LOOKUPS, HTTPSender, Lookups
from postroom.bench.server import find_free_port
from postroom.domain.webhook_turns import Outcome

HEADERS = {"Webhook-Id": "whm_1_2_0"}
BODY = b'{"position":2}'


class Names:
    """A name server."""

    def __init__(self, **hosts: list[str]) -> None:
        self.hosts = hosts
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.hosts[host.partition(".")[0]]


async def send(url: str, sender: HTTPSender | None = None, *, times: int = 1) -> list[Outcome]:
    sender = sender or HTTPSender(allow_private=True)
    async with sender.open(url) as channel:
        return [await channel.send(BODY, HEADERS) for _ in range(times)]


async def send_to(*script: Answer, seconds: float = 10, times: int = 1) -> tuple[list[Outcome], Receiver]:
    async with receiving(*script) as receiver:
        outcomes = await send(
            receiver.url, HTTPSender(allow_private=True, answer_seconds=seconds), times=times
        )
    return outcomes, receiver


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_delivery(status: int) -> None:
    outcomes, receiver = await send_to(status, status, times=2)
    assert outcomes == [Outcome(), Outcome()]
    assert receiver.connections == 1
    assert [taken.body for taken in receiver.taken] == [BODY, BODY]


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 304, 400, 401, 404, 429, 500, 503, 599])
async def test_everything_else_is_none(status: int) -> None:
    outcomes, _ = await send_to(status)
    assert outcomes == [Outcome(f"the answer was {status}")]


async def test_gone_is_told() -> None:
    outcomes, _ = await send_to(410)
    assert outcomes == [Outcome("the answer was 410", is_gone=True)]


async def test_redirections_are_not_followed() -> None:
    async with receiving() as target:
        answer = f"HTTP/1.1 307 X\r\nLocation: {target.url}\r\nContent-Length: 0\r\n\r\n".encode()
        outcomes, _ = await send_to(answer)
        assert outcomes == [Outcome("the answer was 307")]
        assert target.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.org ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"<html>",
        b"\0" * 1000,
        b"\r\n\r\n",
    ],
)
async def test_garbage(answer: bytes) -> None:
    [outcome], _ = await send_to(answer)
    assert outcome.problem.startswith("the answer is not HTTP")
    assert len(outcome.problem) < 300
    assert outcome.problem.isprintable()


async def test_informational_answers_alone_are_no_answer() -> None:
    [outcome], _ = await send_to(b"HTTP/1.1 100 Continue\r\n\r\n" * 3)
    assert outcome.problem.startswith("the answer is not HTTP")
    [switched], _ = await send_to(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    assert switched.problem.startswith("the answer is not HTTP")


async def test_no_answer_in_time() -> None:
    started = time.monotonic()
    outcomes, receiver = await send_to(HANG, 204, seconds=0.3, times=2)
    assert outcomes == [Outcome("no answer within 0.3 seconds"), Outcome()]
    assert 0.25 < time.monotonic() - started < 5
    assert receiver.connections == 2


async def test_an_answer_of_single_bytes_is_not_waited_for() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Long: "
    async with receiving() as receiver:

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                for byte in head + b"y" * 1000:
                    if writer.is_closing():  # the test is over, whoever noticed first
                        break
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.05)
            writer.close()

        receiver.serve = drip  # type: ignore[method-assign]
        [outcome] = await send(receiver.url, HTTPSender(allow_private=True, answer_seconds=0.5))
    assert outcome.problem == "no answer within 0.5 seconds"


@pytest.mark.parametrize("answer", [RESET, CLOSE])
async def test_connections_that_break(answer: Answer) -> None:
    [outcome], _ = await send_to(answer)
    assert outcome.problem
    assert not outcome.is_gone


async def test_nobody_listens() -> None:
    [outcome] = await send(f"http://127.0.0.1:{find_free_port()}/")
    assert outcome.problem == "the connection failed (Connection refused)"


async def test_a_kept_connection_that_was_closed_is_made_anew() -> None:
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"  # and then it is closed, unannounced
    outcomes, receiver = await send_to(kept, kept, 204, times=3)
    assert outcomes == [Outcome()] * 3
    assert receiver.connections == 3
    assert len(receiver.taken) == 3


async def test_long_bodies_are_not_read() -> None:
    outcomes, receiver = await send_to(ENDLESS, 204, times=2)
    assert outcomes == [Outcome(), Outcome()]
    # What lies in the buffers of the system was sent, too.
    assert receiver.sent_bytes < MAX_ANSWER_BYTES + 16 * 1024 * 1024


async def test_slow_bodies_are_not_waited_for() -> None:
    started = time.monotonic()
    outcomes, _ = await send_to(TRICKLE, 204, times=2)
    assert outcomes == [Outcome(), Outcome()]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "body", [b"Content-Length: 100\r\n\r\nshort", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"]
)
async def test_a_broken_body_of_a_good_answer(body: bytes) -> None:
    outcomes, _ = await send_to(b"HTTP/1.1 200 OK\r\n" + body, 204, times=2)
    assert outcomes == [Outcome(), Outcome()]


# TLS


async def test_certificates_are_verified() -> None:
    async with receiving(is_tls=True) as receiver:
        [outcome] = await send(receiver.url)
        assert outcome.problem.startswith("the certificate is not valid")
        trusting = HTTPSender(allow_private=True, tls=ssl.create_default_context(cafile=str(CERTIFICATE)))
        assert await send(receiver.url, trusting, times=2) == [Outcome(), Outcome()]
        assert len(receiver.taken) == 2


async def test_certificates_are_of_the_name() -> None:
    tls = ssl.create_default_context(cafile=str(CERTIFICATE))
    names = Names(hook=["127.0.0.1"], other=["127.0.0.1"])
    sender = HTTPSender(allow_private=True, tls=tls, resolve=names)
    async with receiving(is_tls=True) as receiver:
        assert await send(f"https://hook.test:{receiver.port}/", sender) == [Outcome()]
        assert receiver.taken[0].headers["host"] == f"hook.test:{receiver.port}"
        [outcome] = await send(f"https://other.test:{receiver.port}/", sender)
        assert "certificate is not valid" in outcome.problem
        assert len(receiver.taken) == 1


async def test_tls_where_there_is_none() -> None:
    async with receiving() as receiver:
        sender = HTTPSender(allow_private=True, answer_seconds=0.5)
        [outcome] = await send(f"https://127.0.0.1:{receiver.port}/", sender)
    assert outcome.problem


# Where nothing is sent

REFUSED = Outcome("the host has no address that webhooks may go to")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.1", "192.168.1.1", "169.254.169.254", "fe80::1%1", "fd00::1", "100.64.0.1"],
        ["0.0.0.0"],  # noqa: S104
        ["nonsense"],
        [],
    ],
)
async def test_names_of_private_addresses(addresses: list[str]) -> None:
    async with receiving() as receiver:
        names = Names(hook=addresses)
        sender = HTTPSender(allow_private=False, resolve=names)
        assert await send(f"http://hook.test:{receiver.port}/", sender) == [REFUSED]
        assert receiver.connections == 0
    assert names.asked == ["hook.test"]


async def test_localhost() -> None:
    async with receiving() as receiver:
        url = f"http://localhost:{receiver.port}/"
        assert await send(url, HTTPSender(allow_private=False)) == [REFUSED]
        assert receiver.connections == 0
        assert await send(url) == [Outcome()]


async def test_private_addresses_in_urls_of_old() -> None:
    async with receiving() as receiver:
        [outcome] = await send(receiver.url, HTTPSender(allow_private=False))
        assert "private" in outcome.problem
        assert receiver.connections == 0


async def test_the_address_that_was_checked_is_the_one_that_is_used() -> None:
    """A name server that answers differently the second time is not asked a second time."""
    names = Names(hook=["127.0.0.1"])
    async with receiving() as receiver:
        sender = HTTPSender(allow_private=True, resolve=names)
        assert await send(f"http://hook.test:{receiver.port}/", sender, times=3) == [Outcome()] * 3
    assert names.asked == ["hook.test"]
    assert receiver.taken[0].headers["host"] == f"hook.test:{receiver.port}"


async def test_other_addresses_are_tried() -> None:
    names = Names(hook=["127.0.0.2", "127.0.0.3", "127.0.0.1"])
    async with receiving() as receiver:
        sender = HTTPSender(allow_private=True, resolve=names)
        assert await send(f"http://hook.test:{receiver.port}/", sender) == [Outcome()]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await send(receiver.url) == [Outcome()]
        assert (proxy.connections, receiver.connections) == (0, 1)


# Look-ups


@pytest.fixture
def dead_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that does not answer, until the test ends."""
    end = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        end.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    end.set()


async def test_a_dead_name_server(dead_server: list[str]) -> None:
    sender = HTTPSender(allow_private=True, answer_seconds=0.2)
    started = time.monotonic()
    url = "http://hook.example/"
    outcomes = await asyncio.gather(*(send(url, sender) for _ in range(5)))
    assert outcomes == [[Outcome("no answer within 0.2 seconds")]] * 5
    assert time.monotonic() - started < 5
    assert dead_server == ["hook.example"]


async def test_look_ups_are_limited(dead_server: list[str]) -> None:
    lookups = Lookups()
    waiting = [asyncio.ensure_future(lookups(f"h{number}.example", 80)) for number in range(MAX_LOOKUPS)]
    async with asyncio.timeout(20):
        while len(dead_server) < MAX_LOOKUPS:  # noqa: ASYNC110 (threads are asking)
            await asyncio.sleep(0.01)
    with pytest.raises(OSError, match="too many"):
        await lookups("one.example", 80)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(dead_server) == MAX_LOOKUPS


async def test_names_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    [outcome] = await send("http://hook.example/")
    assert outcome.problem == "the name cannot be resolved (Name or service not known)"
