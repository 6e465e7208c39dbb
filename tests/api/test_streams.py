"""Downloads: HEAD, ranges, conditions, and memory that does not grow."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from postroom.api.call import EXCHANGE, Exchange
from postroom.api.stream import UNTOUCHED_POLICY, Content, StreamReply, from_iterator, render_media_type
from postroom.errors import PostroomError
from tests.api.world import User, make_message

PATH = "/api/v1/mails"
PDF = ("application/pdf", "a.pdf", bytes(range(256)) * 20)
DOWNLOADS = [
    "source",
    "source/download",
    "source/headers",
    "headers",
    "body/full",
    "body/full?type=text",
    "parts/1/details/full",
    "parts/2/details/full",
    "attachments/0",
    "attachments/0/download",
    "attachments/download",
    "attachments/1/thumbnail",
    "attachments/2/eml/attachments/0",
]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
    "f61738550000000049454e44ae426082"
)


async def deliver(user: User) -> str:
    inner = make_message(attachments=(PDF,))
    raw = make_message(attachments=(PDF, ("image/png", "a.png", PNG)))
    boundary = raw.split(b'boundary="')[1].split(b'"')[0]
    end = b"--" + boundary + b"--"
    part = b"--" + boundary + b"\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n"
    return await user.deliver(raw.replace(end, part + end))


@pytest.mark.parametrize("path", DOWNLOADS)
async def test_downloads(ann: User, path: str) -> None:
    mail = await deliver(ann)
    url = f"{PATH}/{mail}/{path}"
    whole = await ann.client.get(url)
    assert whole.status_code == 200
    size = len(whole.content)
    assert size > 0
    for name, value in [
        ("content-security-policy", "sandbox" if "body" in path else UNTOUCHED_POLICY.decode()),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ]:
        assert whole.headers.get_list(name) == [value]

    head = await ann.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(size)
    assert head.headers["etag"] == whole.headers["etag"]
    assert head.headers["content-type"] == whole.headers["content-type"]

    tag = whole.headers["etag"]
    for method in ("GET", "HEAD"):
        unchanged = await ann.client.request(method, url, headers={"If-None-Match": tag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == tag

    for wanted, start, end in [("0-0", 0, 1), (f"{size // 2}-", size // 2, size), ("-1", size - 1, size)]:
        part = await ann.client.get(url, headers={"Range": f"bytes={wanted}"})
        assert part.status_code == 206
        assert part.content == whole.content[start:end]
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["content-length"] == str(end - start)
        assert part.headers["etag"] == tag

    beyond = await ann.client.get(url, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert beyond.json()["errorCode"] == "rangeNotSatisfiable"

    for headers in [
        {"Range": "bytes=0-1,3-4"},
        {"Range": "bytes=5-2"},
        {"Range": "bytes=0-1", "If-Range": '"another"'},
        {"Range": "bytes=0-1", "If-Range": "Fri, 11 Apr 2025 21:37:01 GMT"},
    ]:
        ignored = await ann.client.get(url, headers=headers)
        assert (ignored.status_code, ignored.content) == (200, whole.content)
    kept = await ann.client.get(url, headers={"Range": "bytes=0-1", "If-Range": tag})
    assert kept.status_code == 206
    same = await ann.client.head(url, headers={"Range": "bytes=0-1"})
    assert same.status_code == 200


class Wire:
    """Both ends of a call, without a server: what is sent is kept, what is received is told by the test."""

    def __init__(self, method: str = "GET", **headers: str) -> None:
        coded = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        unused: Any = None
        self.scope: Any = {"type": "http", "method": method}
        self.scope[EXCHANGE] = Exchange("id", coded, unused, unused, unused)
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        await asyncio.sleep(0)

    async def run(self, content: Content) -> bytes:
        await StreamReply(content)(self.scope, self.receive, self.send)
        assert [message["type"] for message in self.sent[1:]] == ["http.response.body"] * (len(self.sent) - 1)
        assert [message["more_body"] for message in self.sent[1:]] == [True] * (len(self.sent) - 2) + [False]
        return b"".join(message["body"] for message in self.sent[1:])


class Pieces:
    """Content in pieces, that counts what was read and whether it was closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.read = 0
        self.runs = 0
        self.closed = 0

    async def iterate(self) -> AsyncIterator[bytes]:
        self.runs += 1
        for piece in self.pieces:
            self.read += len(piece)
            yield piece

    def content(self, **facts: Any) -> Content:
        return Content("text/plain", b'"tag"', from_iterator(self.iterate), close=self.close, **facts)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("pieces", [[], [b""], [b"abc"], [b"ab", b"", b"c"], [b"a", b"b", b"c", b""]])
async def test_unknown_size_is_sent_in_chunks(pieces: list[bytes]) -> None:
    source, wire = Pieces(pieces), Wire()
    assert await wire.run(source.content()) == b"".join(pieces)
    assert b"content-length" not in dict(wire.sent[0]["headers"])
    assert (source.runs, source.closed) == (1, 1)


async def test_unknown_size_is_measured_where_it_matters() -> None:
    source, wire = Pieces([b"abc", b"defg"]), Wire(range="bytes=-2")
    assert await wire.run(source.content()) == b"fg"
    assert dict(wire.sent[0]["headers"])[b"content-range"] == b"bytes 5-6/7"
    assert (source.runs, source.closed) == (2, 1)
    head = Wire("HEAD")
    assert await head.run(Pieces([b"abc"]).content()) == b""
    assert dict(head.sent[0]["headers"])[b"content-length"] == b"3"


async def test_range_reads_no_further_than_its_end() -> None:
    source, wire = Pieces([b"abc"] * 100), Wire(range="bytes=4-5")
    assert await wire.run(source.content(size=300)) == b"bc"
    assert source.read == 6


async def test_head_of_known_size_reads_nothing() -> None:
    source = Pieces([b"abc"])
    await Wire("HEAD").run(source.content(size=3))
    assert (source.read, source.closed) == (0, 1)


@pytest.mark.parametrize("size", [None, 100 * 1_000_000])
async def test_stops_reading_when_the_client_goes(size: int | None) -> None:
    source, wire = Pieces([bytes(1_000_000)] * 100), Wire()

    async def send(message: Any) -> None:
        wire.sent.append(len(message.get("body", b"")))
        if len(wire.sent) == 4:
            wire.gone.set()
        await asyncio.sleep(0.01)

    await StreamReply(source.content(size=size))(wire.scope, wire.receive, send)
    assert source.read < 10_000_000
    assert source.closed == 1


async def test_closes_when_reading_fails() -> None:
    async def fail() -> AsyncIterator[bytes]:
        yield b"abc"
        raise OSError("disk")

    closed: list[int] = []
    content = Content("text/plain", b'"tag"', from_iterator(fail), close=lambda: closed.append(1))
    with pytest.raises(OSError, match="disk"):
        await Wire().run(content)
    assert closed == [1]


async def test_closes_when_refused() -> None:
    source = Pieces([b"abc"])
    with pytest.raises(PostroomError):
        await Wire(range="bytes=9-").run(source.content(size=3))
    assert source.closed == 1


async def test_spans_of_iterators() -> None:
    data = bytes(range(100))

    async def iterate() -> AsyncIterator[bytes]:
        for start in range(0, 100, 7):
            yield data[start : start + 7]

    read = from_iterator(iterate)
    for start in range(0, 100, 9):
        for end in range(start + 1, 101, 11):
            chunks: AsyncGenerator[bytes, None] = read(start, end)
            assert b"".join([chunk async for chunk in chunks]) == data[start:end]


@pytest.mark.parametrize(
    ("media_type", "charset", "rendered"),
    [
        ("text/plain", "utf-8", "text/plain; charset=utf-8"),
        ("text/plain", "", "text/plain"),
        ("text/plain", 'a"b', "text/plain"),
        ("text/plain", "a\r\nX: y", "text/plain"),
        ("image/png", "utf-8", "image/png"),
        ("text/plain\r\nX: y", "", "application/octet-stream"),
        ("nonsense", "", "application/octet-stream"),
        ("a/b/c", "", "application/octet-stream"),
        ("", "", "application/octet-stream"),
    ],
)
def test_media_types(media_type: str, charset: str, rendered: str) -> None:
    assert render_media_type(media_type, charset) == rendered
