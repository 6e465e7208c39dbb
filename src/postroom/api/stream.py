"""Downloads: content that is sent as it is read, so that memory does not grow with its size.

A download answers HEAD, a single Range (206, 416), If-Range (RFC 9110 §13.1.5) and If-None-Match. What it holds came
from a stranger: it is sent under a ``Content-Security-Policy`` and ``nosniff``, so that a browser that shows it runs
none of it, fetches nothing for it and never takes it for a part of this site.

Content of unknown size is sent in chunks; only where its size matters (HEAD, Range) is it counted first, by reading
it through. A server that has lost its client tells nobody who only sends, so a long download listens for that.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send

from postroom.api.call import get_exchange
from postroom.api.conditional import matches
from postroom.api.disposition import render_disposition
from postroom.api.errors import range_not_satisfiable
from postroom.api.ranges import Span, UnsatisfiableError, find_span, is_range
from postroom.api.reply import STATE_HEADERS, Headers, Reply

_SAFETY: Headers = [
    *STATE_HEADERS,
    (b"x-content-type-options", b"nosniff"),
    (b"accept-ranges", b"bytes"),
]
UNTOUCHED_POLICY = (
    b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src 'self' data:; "
    b"frame-ancestors 'self'"
)
"""For what a stranger wrote, as it is: a page that is opened tells nobody that it was. Sound and video that are
opened are fetched by a page that the browser makes."""
SAFE_HTML_POLICY = b"sandbox"
"""For HTML that was made safe: it has remote content only where that was asked for."""
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_CHARSET = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_LONG_BYTES = 1024 * 1024
"""From this size on a download listens for the client's going away."""

ReadSpan = Callable[[int, int], AsyncGenerator[bytes, None]]
"""Yields the bytes from a start to before an end."""


@dataclass(frozen=True, slots=True)
class Content:
    """Something to download: ``read`` yields any span of it, ``size`` (bytes) is None where nobody knows it yet.

    What is in memory is there instead of its reader.
    """

    media_type: str
    etag: bytes
    read: ReadSpan | bytes
    size: int | None = None
    disposition: Literal["inline", "attachment"] | None = None
    name: str = ""
    close: Callable[[], None] | None = None
    """Lets go of what the content is read from; called once the answer is over, however it ends."""
    policy: bytes = UNTOUCHED_POLICY


class Closable(Protocol):
    """What is open and must be closed."""

    def close(self) -> None:
        """Let go."""


@contextmanager
def closed_on_error(opened: Closable) -> Iterator[None]:
    """Close ``opened`` if the block fails; if it does not, whoever answers closes it."""
    try:
        yield
    except BaseException:
        opened.close()
        raise


def render_media_type(media_type: str, charset: str = "") -> str:
    """Return a Content-Type for a type and charset that a message gives; what is malformed is left out."""
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        return "application/octet-stream"
    if charset and media_type.startswith("text/") and _CHARSET.fullmatch(charset):
        return f"{media_type}; charset={charset}"
    return media_type


def from_span(iterate: Callable[[int, int], AsyncIterator[bytes]]) -> ReadSpan:
    """Return the reader of content that can be read from anywhere."""

    def read(start: int, end: int) -> AsyncGenerator[bytes, None]:
        return _closable(iterate(start, end))

    return read


def from_iterator(iterate: Callable[[], AsyncIterator[bytes]]) -> ReadSpan:
    """Return the reader of content that can only be produced from its beginning: the rest is passed over."""

    async def read(start: int, end: int) -> AsyncGenerator[bytes, None]:
        position = 0
        async with aclosing(_closable(iterate())) as chunks:
            async for chunk in chunks:
                after = position + len(chunk)
                if after > start:
                    yield chunk[max(0, start - position) : end - position]
                position = after
                if position >= end:
                    return

    return read


async def _closable(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for chunk in chunks:
        yield chunk


class StreamReply:
    """The answer to a download, decided when it is sent."""

    __slots__ = ("_content",)

    def __init__(self, content: Content) -> None:
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what the request's method and conditions ask for."""
        assert scope["type"] == ScopeType.HTTP  # noqa: S101 (routes of downloads are HTTP routes)
        try:
            await self._answer(scope, receive, send)
        finally:
            if self._content.close is not None:
                self._content.close()

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers, content = get_exchange(scope).headers, self._content
        if matches(headers.get(b"if-none-match"), content.etag):
            await Reply(status=304, headers=[*STATE_HEADERS, (b"etag", content.etag)])(scope, receive, send)
            return
        wanted = headers.get(b"range") if scope["method"] == "GET" else None
        if headers.get(b"if-range", content.etag) != content.etag:
            wanted = None
        size = content.size
        if size is None and (scope["method"] == "HEAD" or is_range(wanted)):
            size = await _measure(content.read)
        try:
            span = find_span(wanted, size) if size is not None else None
        except UnsatisfiableError:
            raise range_not_satisfiable(size or 0) from None
        await self._send_span(span, size, scope, receive=receive, send=send)

    async def _send_span(
        self, span: Span | None, size: int | None, scope: HTTPScope, *, receive: Receive, send: Send
    ) -> None:
        start, end = span or (0, 2**63 - 1 if size is None else size)
        headers = self._headers()
        if size is not None:
            headers.append((b"content-length", b"%d" % (end - start)))
            if span is not None:
                headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)))
        await send(
            {"type": "http.response.start", "status": 200 if span is None else 206, "headers": headers}
        )
        if scope["method"] == "HEAD" or start == end:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        read = self._content.read
        if isinstance(read, bytes):
            body = read if start == 0 and end >= len(read) else read[start:end]
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return
        async with aclosing(read(start, end)) as chunks:
            if size is None or end - start > _LONG_BYTES:
                await _send_watching(chunks, receive, send)
            else:
                await _send_chunks(chunks, send, is_lost=lambda: False)

    def _headers(self) -> Headers:
        content = self._content
        headers = [
            *_SAFETY,
            (b"content-security-policy", content.policy),
            (b"etag", content.etag),
            (b"content-type", content.media_type.encode("ascii")),
        ]
        if content.disposition is not None:
            headers.append((b"content-disposition", render_disposition(content.disposition, content.name)))
        return headers


async def _measure(read: ReadSpan | bytes) -> int:
    if isinstance(read, bytes):
        return len(read)
    total = 0
    async for chunk in read(0, 2**63 - 1):
        total += len(chunk)
    return total


async def _send_chunks(
    chunks: AsyncGenerator[bytes, None], send: Send, *, is_lost: Callable[[], bool]
) -> None:
    """Send each chunk as soon as the next one is known, so that the last of them ends the answer."""
    waiting = b""
    async for chunk in chunks:
        if is_lost():
            return
        if waiting:
            await send({"type": "http.response.body", "body": waiting, "more_body": True})
        waiting = chunk
    await send({"type": "http.response.body", "body": waiting, "more_body": False})


async def _send_watching(chunks: AsyncGenerator[bytes, None], receive: Receive, send: Send) -> None:
    """Send the chunks, but stop reading when the client has gone."""
    watcher = asyncio.ensure_future(wait_for_disconnect(receive))
    try:
        await _send_chunks(chunks, send, is_lost=watcher.done)
    finally:
        watcher.cancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has gone, or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
