"""The HTTP/1.1 protocol of the server: uvicorn's, with limits on what comes before and after an application runs.

An offer to speak another protocol (Upgrade) is not taken (RFC 9110 §7.8). The parser takes what comes behind such a
head for the other protocol's; so it is given the head again without the offer, and then the rest.

The parser knows no limit of its own, and a header that never ends would be kept in memory for ever; so the bytes of
a request's head are counted while they arrive, and a head that takes too long closes the connection. So are those of
the trailer behind a chunked body, whose fields nobody reads: none may pass for one of the head (RFC 9110 §6.5.1).
What the parser cannot read is answered in the one error shape. All of it costs one addition per piece of input.

A connection that is closed while its client still sends is reset, and the client may lose the answer. So after a
refusal the connection lingers: our side is ended, and what still comes is thrown away for a short time. The rest of
a body that was answered before it was read is thrown away too, up to a bound, as long as some of it comes. What was
asked for before what is refused is answered before.

A client that takes nothing of its answer would keep it for ever. So where the output is full and none of it leaves
for some time, the connection is cut off; closing it in order would wait for the client too.

An answer whose head is ready, as it goes on the wire, is taken as it is (:meth:`LimitedProtocol.send_ready`): going
through a head of ten headers costs a quarter of the unread counter's answer.

Head and body of an answer leave together (:mod:`postroom.api.gathering`).
"""

import asyncio
import secrets
from typing import Any, cast

import msgspec
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from postroom.api.counter import READY
from postroom.api.errors import ErrorBody, headers_too_large
from postroom.api.gathering import GatheringTransport
from postroom.api.safety import SAFETY_LINES

HEAD_SECONDS = 30.0
"""Time for a head to arrive, from the connection or from its first byte."""
LINGER_SECONDS = 2.0
"""Time for a client to take notice of a refusal."""
STALL_SECONDS = 60.0
"""Time for a client to take some of an answer that waits."""
MAX_DISCARDED_BYTES = 64 * 1024 * 1024
"""Most bytes of a body that are thrown away after its answer."""


class LimitedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a limited head; subclasses set the limits."""

    max_header_bytes = 32 * 1024
    head_seconds = HEAD_SECONDS
    stall_seconds = STALL_SECONDS

    _field_bytes = 0
    _is_in_head = False
    """A head has begun and not ended."""
    _is_in_trailer = False
    """The size of a chunk was read and nothing of its content, if it has any: fields of a trailer may come."""
    _has_begun = False
    """One of them began inside of the last piece."""
    _is_lingering = False
    _discarded_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _refusal: tuple[int, str, str] | None = None
    """The one that waits for the answers before it: status, code and message."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        self._gathering = GatheringTransport(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._gathering))
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as neither head nor trailer is too large."""
        if self._is_lingering:
            return
        self._has_begun = False
        self._unset_keepalive_if_required()
        self._parse(data)
        if self.transport.is_closing():
            return
        if self._is_in_head or self._is_in_trailer:
            self._count_fields(len(data))
        latest: RequestResponseCycle | None = self.cycle
        if not self._is_in_head and latest is not None and latest.response_complete:
            self._discard(len(data))

    def _parse(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                try:
                    self.parser.feed_data(left)
                except HttpParserUpgrade as offer:
                    left = left[offer.args[0] :]
                    self._read_again(self._render_head_without_offer())
                else:
                    return
        except (HttpParserError, HttpParserUpgrade):  # the latter for CONNECT, which is an offer as such
            self._refuse(400, "badParameter", "the request is not valid HTTP/1.1")

    def _read_again(self, head: bytes) -> None:
        # By a parser of its own: where the head says that the connection ends, the first one reads nothing any more.
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def _render_head_without_offer(self) -> bytes:
        line = b"%s %s HTTP/%s\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode("ascii"),
        )
        pairs = cast("list[tuple[bytes, bytes]]", self.scope["headers"])
        fields = [b"%s: %s\r\n" % pair for pair in pairs if pair[0] != b"upgrade"]
        return b"".join((line, *fields, b"\r\n"))

    def _should_upgrade(self) -> bool:
        """Tell whether a head with an offer is not to be answered yet: always, as it will be read without it."""
        return True

    def _count_fields(self, size_bytes: int) -> None:
        # Of a piece in which a head or trailer began, its share is not known and not counted.
        self._field_bytes = 0 if self._has_begun else self._field_bytes + size_bytes
        if self._field_bytes > self.max_header_bytes:
            error = headers_too_large(self.max_header_bytes)
            self._refuse(431, error.code, error.message)
        elif self._is_in_head and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _discard(self, size_bytes: int) -> None:
        """Note that something came that belongs to no new request, and wait for more of it only so long."""
        self._discarded_bytes += size_bytes
        if self._discarded_bytes > MAX_DISCARDED_BYTES:
            self.transport.close()
        elif self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """Send the answer, and go on."""
        self._gathering.flush()
        super().on_response_complete()
        if self._refusal is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._refuse(*self._refusal)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._is_in_head = self._has_begun = True
        self._discarded_bytes = 0
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {READY: self.send_ready}

    def send_ready(self, scope: Any, status: int, rest: bytes) -> bool:
        """Send a whole answer of which all behind the status line is ready; False where it must be sent step by step.

        That is so when the request is not the last one that was read, when the connection is to be closed, and when
        the output is full.
        """
        cycle: RequestResponseCycle = self.cycle
        if cycle.scope is not scope or not cycle.keep_alive or cycle.disconnected or self.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        parts = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*parts, rest)))
        cycle.message_event.set()
        cycle.on_response()
        return True

    def on_headers_complete(self) -> None:
        """Call the application."""
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()
        self.headers = []  # takes the trailer's; the application has the head's

    def on_chunk_header(self) -> None:
        """Note that a chunk begins, which may be the empty one before the trailer."""
        self._is_in_trailer = self._has_begun = True

    def on_body(self, body: bytes) -> None:
        """Hand the body on; nobody takes it where the answer is given already."""
        self._is_in_trailer = False
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Note that a chunk is over, or the trailer."""
        self._is_in_trailer = False

    def pause_writing(self) -> None:
        """Note that the output is full."""
        super().pause_writing()
        self._stop_stall_timer()
        self._watch_output(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Note that there is room in the output."""
        self._stop_stall_timer()
        super().resume_writing()

    def _watch_output(self, size_bytes: int) -> None:
        self._stall_timer = self.loop.call_later(self.stall_seconds, self._check_output, size_bytes)

    def _check_output(self, size_bytes: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < size_bytes:
            self._watch_output(left)
        else:
            self._stall_timer = None
            self.transport.abort()

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer with an error and close; silently where the answer, or an earlier one, has begun.

        Where earlier requests have come whole, they are answered first, and nothing is read any more.
        """
        self._stop_timer()
        earlier: RequestResponseCycle | None = self.cycle
        if earlier is not None and earlier.response_complete and self._is_in_trailer:
            self.transport.close()
            return
        if earlier is not None and not earlier.response_complete:
            if not earlier.more_body:
                self._refusal, self._is_lingering = (status, code, message), True
                return
            if earlier.response_started or self.pipeline:
                self.transport.close()
                return
            # The request that is being answered is the broken one: its answer is this.
            earlier.disconnected = True
            earlier.message_event.set()
        body = msgspec.json.encode(ErrorBody(code, message, {}))
        head = (
            b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n%s"
            b"x-request-id: %s\r\ncontent-length: %d\r\n\r\n"
        ) % (SAFETY_LINES, secrets.token_hex(8).encode("ascii"), len(body))
        self.transport.write(STATUS_LINE[status] + head + body)
        self._linger()

    def _linger(self) -> None:
        self._is_lingering = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self._give_up)


def make_protocol(max_header_bytes: int) -> type[LimitedProtocol]:
    """Return the protocol with this limit, for uvicorn's ``http`` option."""
    return type("LimitedProtocol", (LimitedProtocol,), {"max_header_bytes": max_header_bytes})
