"""The answer that is a stream of server-sent events.

An event is written when its reader can take it: sending waits while the connection's output is full, and only then
the stream is asked for what is new. Streams that tell the same share its text. A comment line now and then keeps the
connection open, and shows a server that the reader has gone.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
import random
from functools import lru_cache

from litestar.types import Receive, Scope, Send

from postroom.api.reply import Headers
from postroom.api.schemas.events import render_data
from postroom.api.stream import wait_for_disconnect
from postroom.domain.event_feed import Event, Selection
from postroom.domain.event_streams import EventStream, EventStreams
from postroom.model.account import Caller

_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # Reverse proxies (nginx) that gather answers must let this one through as it comes.
    (b"x-accel-buffering", b"no"),
]
HEARTBEAT = b":\n\n"
RETRY_MILLISECONDS = (500, 3000)
"""When readers come back to a server that is started anew."""


@lru_cache(maxsize=64)
def render_events(events: tuple[Event, ...]) -> bytes:
    """Return the text of events; remembered, as many streams tell the same."""
    return b"".join(
        b"id: %d.%d\nevent: %s\ndata: %s\n\n"
        % (event.modseq, event.number, event.kind.encode("ascii"), render_data(event))
        for event in events
    )


class EventReply:
    """A stream of the caller's events; it is opened when it is sent."""

    __slots__ = ("_caller", "_position", "_selection", "_streams")

    def __init__(
        self,
        streams: EventStreams,
        caller: Caller,
        selection: Selection,
        *,
        position: tuple[int, int] | None,
    ) -> None:
        self._streams = streams
        self._caller = caller
        self._selection = selection
        self._position = position

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the stream ends or the client goes. Raises: tooManyRequests; notAuthenticated."""
        stream = await self._streams.open(self._caller, self._selection, self._position)
        watcher = asyncio.ensure_future(wait_for_disconnect(receive))
        watcher.add_done_callback(lambda _: stream.end())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await _send_events(stream, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watcher.cancel()
            stream.close()


async def _send_events(stream: EventStream, send: Send) -> None:
    while (events := await stream.next_events()) is not None:
        body = render_events(events) if events else HEARTBEAT
        await send({"type": "http.response.body", "body": body, "more_body": True})
    if stream.is_cut_off:
        # All readers of this server are to come back, but not all at once.
        body = b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS)  # noqa: S311 (no secret)
        await send({"type": "http.response.body", "body": body, "more_body": True})
