"""TLS of one connection, server's side, as a layer without a socket: records in and out, by OpenSSL.

It is ours to put under an open connection at any moment, with bytes that have come already, under any event loop;
connections count, and deadlines hold, from their first byte on. (The event loops' own way begins to read before it
can be told of TLS, or counts nobody who does not finish the handshake.)
"""

import contextlib
import ssl
from typing import Final

_PIECE_BYTES: Final = 65_536


class TLSLayer:
    """Turns what comes into what was meant, and back; whoever holds it moves the bytes."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_ready = False
        """The handshake is done."""
        self.is_closed = False
        """The client has said that it sends no more."""

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the connection, return those of the client; then :meth:`take_output` may have some.

        Raises :class:`ssl.SSLError` where this is not TLS, or not as agreed; the connection is of no use then.
        """
        self._incoming.write(data)
        found: list[bytes] = []
        try:
            if not self.is_ready:
                self._object.do_handshake()
                self.is_ready = True
            while piece := self._object.read(_PIECE_BYTES):
                found.append(piece)
            self.is_closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_closed = True
        return b"".join(found)

    def send(self, data: bytes) -> bytes:
        """Return what must leave for ``data``; none of it before the handshake, or after the end."""
        if self.is_ready:
            try:
                self._object.write(data)
            except ssl.SSLError:
                self.is_ready = False
        return self.take_output()

    def close(self) -> bytes:
        """Return what tells the client that no more is sent (RFC 8446 §6.1)."""
        if self.is_ready:
            self.is_ready = False
            # It would wait for the client's own end; ours is in the output.
            with contextlib.suppress(ssl.SSLError):
                self._object.unwrap()
        return self.take_output()

    def take_output(self) -> bytes:
        """Return what waits to leave."""
        return self._outgoing.read()
