import asyncio
from pathlib import Path

import pytest

from postroom.bench.load import HTTPLoad, LoadResult, compile_client, run_http, run_lmtp
from postroom.errors import PostroomError
from tests.unit.bench.stubs import HTTPStub, LMTPStub, served


async def http(port: int, load: HTTPLoad) -> LoadResult:
    return await asyncio.to_thread(run_http, "127.0.0.1", port, load)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"A;x=ff\r\n0123456789\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n"
)
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"
CLOSING = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nuntil the end"


async def test_each_framing_of_an_answer_is_understood() -> None:
    stub = HTTPStub({"/length": OK, "/chunked": CHUNKED, "/304": NOT_MODIFIED, "/close": CLOSING})
    async with served(stub) as port:
        result = await http(port, HTTPLoad(paths=list(stub.answers), requests=40, connections=3))
    assert result.finished == 40
    assert result.statuses == {"200": 20, "304": 10, "404": 10}
    assert result.errors.total == 0
    assert result.unexpected("200") == 20
    assert [request.split(b" ")[1] for request in stub.requests].count(b"/chunked") == 10


async def test_kept_connections_carry_headers_method_and_body() -> None:
    stub = HTTPStub({"/a": OK})
    async with served(stub) as port:
        load = HTTPLoad(
            paths=["/a"],
            requests=30,
            connections=4,
            method="PATCH",
            headers={"X-Axigen-Session": "s1", "Authorization": "Basic Zm9v"},
            body='{"isUnread":false}',
        )
        result = await http(port, load)
    assert (result.statuses, stub.connections) == ({"200": 30}, 4)
    assert stub.requests[7].startswith(b"PATCH /a HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Axigen-Session: s1\r\nAuthorization: Basic Zm9v\r\n" in stub.requests[7]
    assert stub.requests[7].endswith(b'\r\nContent-Length: 18\r\n\r\n{"isUnread":false}')
    assert result.bytes_in == 30 * len(OK)


async def test_fresh_opens_a_connection_for_each_request() -> None:
    stub = HTTPStub({"/a": OK})
    async with served(stub) as port:
        result = await http(port, HTTPLoad(paths=["/a"], requests=25, connections=1, fresh=True))
    assert (result.finished, stub.connections) == (25, 25)


async def test_first_says_with_which_path_to_begin() -> None:
    stub = HTTPStub({"/0": OK, "/1": OK, "/2": OK})
    async with served(stub) as port:
        await http(port, HTTPLoad(paths=["/0", "/1", "/2"], requests=3, connections=1, first=5))
    assert [request.split(b" ")[1] for request in stub.requests] == [b"/2", b"/0", b"/1"]


async def test_a_timed_run_reports_rate_and_ordered_percentiles() -> None:
    stub = HTTPStub({"/a": OK})
    async with served(stub) as port:
        result = await http(port, HTTPLoad(paths=["/a"], seconds=0.3, warmup_seconds=0.1, connections=2))
    assert 0 < result.finished < len(stub.requests)
    assert result.per_second == pytest.approx(result.finished / result.seconds)
    latency = result.latency
    assert 0 < latency.p50 <= latency.p90 <= latency.p99 <= latency.max


async def test_lost_connections_and_nonsense_are_counted() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello, world\r\n\r\n")
        await writer.drain()

    async with served(silent) as port:
        lost = await http(port, HTTPLoad(paths=["/a"], requests=5, connections=1))
    async with served(nonsense) as port:
        wrong = await http(port, HTTPLoad(paths=["/a"], requests=5, connections=1))
    refused = await http(port, HTTPLoad(paths=["/a"], seconds=0.1, connections=1))
    assert (lost.finished, lost.errors.io) == (0, 5)
    assert (wrong.finished, wrong.errors.protocol) == (0, 5)
    assert refused.errors.connect > 0


async def lmtp(
    listen: str, messages: list[bytes], *, to: str = "user@example.test", connections: int = 1
) -> LoadResult:
    return await asyncio.to_thread(run_lmtp, listen, messages, to=to, connections=connections)


async def test_lmtp_delivers_every_message_once_with_dots_stuffed() -> None:
    messages = [b"Subject: %d\r\n\r\n.dot\r\n..two\r\nend\r\n" % number for number in range(50)]
    messages.append(b"Subject: no line end\r\n\r\n.")
    stub = LMTPStub()
    async with served(stub) as port:
        result = await lmtp(f"127.0.0.1:{port}", messages, connections=4)
    assert result.statuses == {"250": 51}
    assert stub.connections == 4
    assert sorted(stub.messages) == sorted([*messages[:50], messages[50] + b"\r\n"])


async def test_lmtp_counts_refusals_by_their_code() -> None:
    stub = LMTPStub()
    async with served(stub) as port:
        full = await lmtp(f"127.0.0.1:{port}", [b"a: b\r\n\r\nrefuse me\r\n", b"a: b\r\n\r\nfine\r\n"])
        unknown = await lmtp(f"127.0.0.1:{port}", [b"a: b\r\n\r\n"] * 3, to="nobody@example.test")
    assert (full.statuses, full.first_refusal) == ({"250": 1, "452": 1}, "452 4.2.2 full")
    assert (unknown.statuses, unknown.first_refusal) == ({"550": 3}, "550 5.1.1 no such user")


async def test_lmtp_counts_a_server_that_does_not_want() -> None:
    stub = LMTPStub()
    stub.greeting = b"421 4.3.2 not now\r\n"
    async with served(stub) as port:
        result = await lmtp(f"127.0.0.1:{port}", [b"a: b\r\n\r\n"] * 3, connections=2)
    assert (result.finished, result.errors.protocol) == (0, 2)
    assert result.first_refusal == "421 4.3.2 not now"


async def test_lmtp_over_a_unix_socket(tmp_path: Path) -> None:
    stub = LMTPStub()
    async with served(stub, socket_path=tmp_path / "lmtp"):
        result = await lmtp(f"unix:{tmp_path / 'lmtp'}", [b"a: b\r\n\r\n"] * 3)
    assert result.statuses == {"250": 3}


def test_the_client_is_compiled_once_into_the_cache(tmp_path: Path) -> None:
    first = compile_client(cache_dir=tmp_path / "cache")
    changed_at = first.stat().st_mtime_ns
    assert compile_client(cache_dir=tmp_path / "cache") == first
    assert first.stat().st_mtime_ns == changed_at
    assert list((tmp_path / "cache").iterdir()) == [first]


def test_a_missing_compiler_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(PostroomError, match="no compiler 'no-such-compiler' was found: install") as caught:
        compile_client(cache_dir=tmp_path)
    assert caught.value.code == "noCompiler"


def test_a_client_that_cannot_run_says_why() -> None:
    with pytest.raises(PostroomError, match="not an IPv4 address"):
        run_http("localhost", 80, HTTPLoad(paths=["/"], requests=1))
