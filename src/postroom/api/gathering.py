"""A transport that gathers what is written within one turn of the event loop.

The server writes the head of an answer and its body one after the other. Sent separately, they cost two system calls
and wake the client for a head that it can do nothing with. So pieces are kept until the answer is complete, the loop
has its next turn, or they are many, and go out as one.

Invariants: nothing is reordered; what is written before the end of the connection (``close``, ``write_eof``) leaves
before it; what waits here is part of the buffer's size, so that back-pressure is not led astray.
"""

import asyncio
from typing import Any

MAX_GATHERED_BYTES = 64 * 1024
"""More than this goes out at once: joining costs more than it saves."""


class GatheringTransport:
    """Wraps a transport; whatever is not about writing is the transport's own."""

    __slots__ = ("_loop", "_pieces", "_size", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send ``data`` soon."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)
        self._size += len(data)
        if self._size > MAX_GATHERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered."""
        if not self._pieces:
            return
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        """Send what was gathered and end our side."""
        self.flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what was gathered and close."""
        self.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what was gathered is lost."""
        self._pieces.clear()
        self._size = 0
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """Return the bytes that wait, here and in the transport."""
        return self._size + self._transport.get_write_buffer_size()

    def __getattr__(self, name: str) -> Any:
        """Return what else the transport has."""
        return getattr(self._transport, name)
