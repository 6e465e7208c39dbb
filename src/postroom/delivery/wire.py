"""The byte stream of one connection: input buffered with flow control, replies gathered, deadlines, ends.

One task per connection, the *driver*, pulls from here (:meth:`Wire.read_line`, :meth:`Wire.peek`); the event
loop pushes bytes in. While what the driver asks for is already buffered, it gets it without suspending, so that a
pipelined group of commands (RFC 2920) costs one wake-up. Replies are gathered and leave in one write before the
driver would suspend for input (RFC 2920 §3.2), or when told to.

Deadlines: the driver sets one, and every wait that would pass it raises.

TLS (:meth:`Wire.start_tls`) is put under a connection that is already open, whether the protocol asks for it
(STARTTLS, RFC 3207) or it comes first (RFC 8314 §3.3): so connections count, and deadlines hold, from the beginning.

Bounds: reading pauses while more than ``input_buffer_bytes`` are unprocessed; the driver suspends while the client
does not read its replies.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from enum import Enum
from typing import Final, cast

from postroom.delivery.addresses import render_address_literal
from postroom.delivery.deadline import Deadline
from postroom.delivery.tls import TLSLayer

_MAX_GATHERED_BYTES: Final = 32_768


class End(Enum):
    """Why the driver gets no more input."""

    CLOSED = "closed"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"


class InputEndedError(Exception):
    """Raised where the driver waits for input that will not come; ``reason`` says why."""

    def __init__(self, reason: End) -> None:
        super().__init__(reason.value)
        self.reason = reason


class EarlyInputError(Exception):
    """Raised where the client has sent something in clear that would be read under TLS."""


class LineTooLongError(Exception):
    """Raised once for a line beyond the limit; it has been skipped."""


class Wire(asyncio.Protocol):
    """One connection; ``on_connected`` is called once, when it is there, and starts the driver."""

    def __init__(self, on_connected: "Callable[[Wire], None]", *, input_buffer_bytes: int) -> None:
        self._on_connected = on_connected
        self._input_buffer_bytes = input_buffer_bytes
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._eof = False
        self._end: End | None = None
        self.deadline = Deadline(self._loop, self._time_out)
        """For the input that the driver waits for; the driver sets it."""
        self._reading_paused = False
        self._writing_paused = False
        self._lost = False
        self._discarding = False
        self._tls: TLSLayer | None = None
        self._transport: asyncio.Transport
        self.is_encrypted = False
        """TLS has begun."""
        self.client = ""
        """Address literal of the client, or ``unix``."""
        self.client_ip = ""
        """IP address of the client, or ``unix``."""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the client, switch off Nagle's algorithm, start the driver."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client that has reset the connection already has no name, and gets no further than the greeting.
        peer = transport.get_extra_info("peername")
        self.client_ip = peer[0] if isinstance(peer, tuple) else "unix"
        self.client = render_address_literal(peer[0]) if isinstance(peer, tuple) else "unix"
        self._on_connected(self)

    def data_received(self, data: bytes) -> None:
        """Buffer ``data`` and wake the driver."""
        if self._discarding:
            return
        if self._tls is not None:
            data = self._decrypt(self._tls, data)
        self._buffer += data
        if len(self._buffer) > self._input_buffer_bytes and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Let the driver finish what is buffered; the other direction stays open for its replies."""
        self._eof = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop all input: nobody is there to be told what became of it."""
        self._lost = True
        self._end = End.CLOSED
        self._buffer.clear()
        self.deadline.cancel()
        self._wake()

    def pause_writing(self) -> None:
        """Note that the client does not read its replies."""
        self._writing_paused = True
        if self._tls is not None and not self._reading_paused:
            # TLS answers some of what it reads by itself.
            self._reading_paused = True
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Note that it reads again."""
        self._writing_paused = False
        self._wake()

    # What the driver calls.

    async def read_line(self, limit_bytes: int) -> bytes:
        """Return the next line without its CRLF; nothing but CRLF ends a line (RFC 5321 §2.3.8).

        Raises :class:`LineTooLongError` for a line of more than ``limit_bytes`` with its CRLF, after skipping it,
        and :class:`InputEndedError`. Suspends first while the client does not read its replies, if many are gathered.
        """
        await self._drain()
        skipped = False
        while True:
            end = self._buffer.find(b"\r\n")
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 2]
                if skipped or end + 2 > limit_bytes:
                    raise LineTooLongError
                return line
            if len(self._buffer) > limit_bytes:
                # The last byte may be the CR of the CRLF that ends this line.
                del self._buffer[:-1]
                skipped = True
            await self._wait_for_input()

    async def peek(self, limit_bytes: int) -> bytes:
        """Return what is buffered, at least one byte and at most ``limit_bytes``, and leave it there.

        Raises :class:`InputEndedError`.
        """
        while not self._buffer:
            await self._wait_for_input()
        return bytes(self._buffer[:limit_bytes])

    def consume(self, size_bytes: int) -> None:
        """Take that much from the front of what is buffered."""
        del self._buffer[:size_bytes]

    def send(self, data: bytes) -> None:
        """Gather ``data``; it leaves when the driver waits, or by :meth:`flush`."""
        self._gathered.append(data)
        self._gathered_bytes += len(data)

    def flush(self) -> None:
        """Hand what was gathered to the transport."""
        if self._gathered:
            if not self._lost:
                data = b"".join(self._gathered)
                self._transport.write(data if self._tls is None else self._tls.send(data))
            self._gathered.clear()
            self._gathered_bytes = 0

    async def _drain(self) -> None:
        """Suspend while the client does not read its replies, if many are gathered."""
        if self._gathered_bytes > _MAX_GATHERED_BYTES:
            self.flush()
            while self._writing_paused:
                await self._wait()

    async def start_tls(self, context: ssl.SSLContext, *, announcement: bytes) -> None:
        """Send ``announcement``, then be the server of a TLS handshake; go on under TLS.

        Without an announcement, what is buffered belongs to the handshake. With one, nobody can know yet that it
        begins: :class:`EarlyInputError` is raised, nothing is sent, and the connection is not to be trusted. The
        driver has set a deadline. Raises :class:`InputEndedError` where the handshake fails or does not end; the
        connection is of no use then.
        """
        if announcement and self._buffer:
            raise EarlyInputError
        self.send(announcement)
        self.flush()
        self._tls = TLSLayer(context)
        received = bytes(self._buffer)
        self._buffer.clear()
        self.data_received(received)
        while not self._tls.is_ready:
            if self._eof:
                raise InputEndedError(End.CLOSED)
            self._resume_reading()
            await self._wait()
        self.is_encrypted = True

    def stop(self) -> None:
        """Make the driver's present or next wait fail with STOPPED (from outside the driver)."""
        self._end = self._end or End.STOPPED
        self._wake()

    async def finish(self, linger_seconds: float) -> None:
        """Send what is gathered and close, but let the client close first, for at most ``linger_seconds``.

        Closing while unread input is on its way would make the client's kernel throw away our last reply.
        """
        self.flush()
        if not self._lost:
            self._end = None
            # The client may have reset the connection, and the event loop not have told us yet.
            with contextlib.suppress(OSError, RuntimeError):
                if self._tls is not None:
                    self._transport.write(self._tls.close())
                self._transport.write_eof()
        self._discarding = True
        self._buffer.clear()
        self._resume_reading()
        self.deadline.set(linger_seconds)
        try:
            while self._writing_paused or not self._eof:
                await self._wait()
        except InputEndedError:
            pass
        self.close()

    def close(self) -> None:
        """Close without waiting; what was flushed still leaves, unless the client does not read."""
        self.deadline.cancel()
        if self._writing_paused:
            self._transport.abort()
        else:
            self._transport.close()

    # Waiting.

    async def _wait_for_input(self) -> None:
        before = len(self._buffer)
        self.flush()
        while self._writing_paused:
            await self._wait()
        self._resume_reading()
        while len(self._buffer) == before:
            if self._eof:
                raise InputEndedError(End.CLOSED)
            await self._wait()

    async def _wait(self) -> None:
        if self._end is not None:
            raise InputEndedError(self._end)
        self.deadline.watch()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._end is not None:
            raise InputEndedError(self._end)

    def _decrypt(self, tls: TLSLayer, data: bytes) -> bytes:
        """Return what the client has sent under TLS; none where that cannot be told, which ends the connection."""
        try:
            data = tls.receive(data)
        except ssl.SSLError:
            data = b""
            self._end = self._end or End.CLOSED
        self._eof = self._eof or tls.is_closed
        # After a failure, this is what tells the client of it.
        if output := tls.take_output():
            self._transport.write(output)
        self._wake()
        return data

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume_reading(self) -> None:
        if self._reading_paused and not self._lost:
            self._reading_paused = False
            self._transport.resume_reading()

    def _time_out(self) -> None:
        # While the driver is at work, and not waiting, the time that passes is not the client's.
        if self._waiter is not None:
            self._end = self._end or End.TIMED_OUT
            self._wake()
