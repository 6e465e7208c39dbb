"""The byte stream of one connection to a server: replies read with deadlines, flow control, TLS.

The peer is not trusted: lines, replies and what is buffered ahead of being asked for are bounded, and every wait
ends. Replies that were not asked for are noticed (:attr:`Wire.is_quiet`), so that none is ever taken for the answer
to a later command; what arrives before TLS is never read as if it had come through it.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from typing import Final, cast

from postroom.outgoing.replies import GarbledReplyError, Reply, clean_text, parse_reply_line

MAX_LINE_BYTES: Final = 4096
"""RFC 5321 §4.5.3.1.5 has 512."""
MAX_REPLY_LINES: Final = 128
MAX_BUFFER_BYTES: Final = 262_144
"""A hundred pipelined commands with long replies fit; more is pushed by a peer that was not asked."""
_SLICE_BYTES: Final = 262_144


class LostError(Exception):
    """The connection is of no use any more; the message says why, fit to be shown."""


class Wire(asyncio.Protocol):
    """One connection; made by :func:`connect`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._is_writable = True
        self._reason = ""
        self._ended = asyncio.Event()
        self._transport: asyncio.Transport

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Switch off Nagle's algorithm."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Buffer what came."""
        self._buffer += data
        if len(self._buffer) > MAX_BUFFER_BYTES:
            self._lose("the server sends too much")
            self._transport.abort()
        self._wake()

    def eof_received(self) -> bool:
        """Note the end; what was buffered can still be read."""
        self._lose("the server has closed the connection")
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and why."""
        self._lose("the server has closed the connection" if exc is None else describe_failure(exc))
        self._ended.set()
        self._wake()

    def pause_writing(self) -> None:
        """Note that the peer does not read."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._is_writable = True
        self._wake()

    # What sessions call.

    @property
    def is_quiet(self) -> bool:
        """The connection is there, and nothing has come that was not asked for."""
        return not self._reason and not self._buffer and not self._transport.is_closing()

    async def read_reply(self, seconds: float) -> Reply:
        """Return the next reply, which must have come whole within this time.

        Raises: :class:`LostError`, after which the connection is of no use.
        """
        until = self._loop.time() + seconds
        lines: list[str] = []
        first = 0
        while True:
            line = self._take_line()
            if line is None:
                await self._wait(until, f"no reply within {seconds:g} seconds")
                continue
            try:
                code, has_more, text = parse_reply_line(line)
            except GarbledReplyError as error:
                raise self.fail(str(error)) from None
            first = first or code
            lines.append(text)
            if code != first or len(lines) > MAX_REPLY_LINES:
                raise self.fail(f"no SMTP reply: {clean_text(line[:80])}")
            if not has_more:
                return Reply(code, tuple(lines))

    def write(self, data: bytes) -> None:
        """Send; nothing happens on a lost connection, whose loss the next read tells of."""
        if not self._reason:
            self._transport.write(data)

    async def write_slowly(self, data: bytes, seconds: float) -> None:
        """Send something large, a slice at a time; the peer must take each within this time.

        Raises: :class:`LostError`.
        """
        view = memoryview(data)
        for start in range(0, len(view), _SLICE_BYTES):
            self.write(bytes(view[start : start + _SLICE_BYTES]))
            until = self._loop.time() + seconds
            while not self._is_writable:
                await self._wait(until, f"the server took nothing for {seconds:g} seconds")

    async def start_tls(self, context: ssl.SSLContext, name: str, *, seconds: float) -> None:
        """Begin TLS, after the server has agreed. Raises: :class:`LostError`."""
        if self._buffer:
            raise self.fail("the server sent more before TLS than it may")
        try:
            upgraded = await self._loop.start_tls(
                self._transport, self, context, server_hostname=name, ssl_handshake_timeout=seconds
            )
        except (OSError, EOFError, ValueError) as error:
            raise self.fail(describe_failure(error)) from error
        if upgraded is None:
            raise self.fail("TLS failed")
        self._transport = upgraded

    def fail(self, reason: str) -> LostError:
        """Cut the connection; return the error that says why."""
        self._lose(reason)
        self._transport.abort()
        return LostError(reason)

    def abort(self) -> None:
        """Cut the connection."""
        self.fail("the connection was given up")

    def close(self) -> None:
        """Close the connection; what was written still leaves, unless the peer does not read."""
        self._lose("the connection is closed")
        if self._is_writable:
            self._transport.close()
        else:
            self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until a connection that was closed has ended; with TLS the peer has a word in that."""
        await self._ended.wait()

    # Waiting.

    def _take_line(self) -> bytes | None:
        """Return the next line without its line end: CRLF, or a bare LF of a careless server."""
        end = self._buffer.find(b"\n", 0, MAX_LINE_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_LINE_BYTES:
                raise self.fail("the server sent an endless line")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    async def _wait(self, until: float, problem: str) -> None:
        """Wait for whatever comes next. Raises: :class:`LostError`."""
        if self._reason:
            raise LostError(self._reason)
        if self._loop.time() >= until:
            raise self.fail(problem)
        self._waiter = self._loop.create_future()
        timer = self._loop.call_at(until, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lose(self, reason: str) -> None:
        self._reason = self._reason or reason


async def connect(
    address: str, port: int, *, seconds: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> Wire:
    """Connect to a server; with ``tls``, speak TLS from the first byte, with a server of this name.

    Raises: :class:`LostError`.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            if tls is None:
                _, wire = await loop.create_connection(Wire, address, port)
            else:
                _, wire = await loop.create_connection(Wire, address, port, ssl=tls, server_hostname=name)
    except TimeoutError:
        raise LostError(f"no connection within {seconds:g} seconds") from None
    except (OSError, EOFError, ValueError) as error:
        raise LostError(describe_failure(error)) from error
    return wire


def describe_failure(error: BaseException) -> str:
    """Return in words why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {clean_text(str(error.verify_message).encode())}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {clean_text(str(error.reason or error).encode())}"
    if isinstance(error, TimeoutError):
        return "the connection took too long"
    if isinstance(error, OSError) and error.errno:
        return f"the connection failed: {os.strerror(error.errno)}"
    if isinstance(error, ValueError):
        return "the server has no valid name"
    return "the connection broke off"
