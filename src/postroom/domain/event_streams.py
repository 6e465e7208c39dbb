"""Event streams: each tells its reader what changes in one account, until the reader's right to know it ends.

That is what he has himself, and what others share with him.
What has changed is read once for all streams of an account (:mod:`postroom.domain.event_feed`). A stream itself is
small: a selection, a cursor, and whose it is. It is asked for the next events when its reader can take them, so that
a slow one gets the newest state of each thing, and nothing is kept for it.

A stream ends with the session it was opened in, and when the account's logins are no longer what they were: a new
password, a disabled account, an app password that was revoked; with the token of a provider that it was opened with;
and when the password must be changed. The account's versions say so in the same reading
that has the news; the times of a session are looked at every :data:`HEARTBEAT_SECONDS`. An open stream is no use of
its session.
"""

import asyncio
import contextlib
import re
from contextlib import ExitStack

from postroom.auth.credentials import not_authenticated
from postroom.domain.access import asker_of
from postroom.domain.event_feed import RESET, Cursor, Event, Feed, Selection
from postroom.domain.news import News
from postroom.domain.sessions import Sessions
from postroom.domain.tokens import Tokens
from postroom.errors import PostroomError, bad_parameter
from postroom.model.account import Caller
from postroom.model.ids import AccountId
from postroom.store import Store

HEARTBEAT_SECONDS = 25.0
MAX_READERS = 4
"""Feeds that read at once: after a lost connection all of them want to."""

_POSITION = re.compile(r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})")


def parse_position(text: str) -> tuple[int, int]:
    """Return the position that an event's id names. Raises: badParameter."""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise bad_parameter("Last-Event-ID", "Last-Event-ID is not the id of an event")
    return int(found[1]), int(found[2])


class EventStreams:
    """The streams of this process."""

    def __init__(self, store: Store, news: News, sessions: Sessions, *, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._feeds: dict[AccountId, Feed] = {}
        self._turns = asyncio.Semaphore(MAX_READERS)
        self.news = news
        self.sessions = sessions

    async def open(
        self, caller: Caller, selection: Selection, position: tuple[int, int] | None = None
    ) -> "EventStream":
        """Return a stream of the caller's account that begins, or goes on from a position; it must be closed.

        Raises: tooManyRequests; notAuthenticated; unavailable.
        """
        with ExitStack() as stack:
            stack.enter_context(self.news.place(caller.account_id))
            feed = self._feeds.get(caller.account_id)
            if feed is None:
                asker = asker_of(caller)
                feed = Feed(self._store, self.news, self._tokens, asker=asker, turns=self._turns)
                self._feeds[caller.account_id] = feed
            stream = EventStream(self, feed, caller, selection=selection)
            feed.listeners.add(stream.wake)
            stack.callback(self._leave, feed, stream)
            await self.news.listen(caller.account_id, feed.wake)
            await feed.refresh()
            if not await stream.goes_on():
                raise not_authenticated()
            stream.begin(position)
            stream.resources = stack.pop_all()
        return stream

    def _leave(self, feed: Feed, stream: "EventStream") -> None:
        feed.listeners.discard(stream.wake)
        if not feed.listeners:
            feed.close()
            if self._feeds.get(feed.account_id) is feed:
                del self._feeds[feed.account_id]


class EventStream:
    """One stream."""

    __slots__ = (
        "_auth_version",
        "_check_at",
        "_cursor",
        "_ends_at",
        "_feed",
        "_is_over",
        "_opening",
        "_selection",
        "_session_id",
        "_session_version",
        "_streams",
        "_waiter",
        "resources",
    )

    def __init__(self, streams: EventStreams, feed: Feed, caller: Caller, *, selection: Selection) -> None:
        self._streams = streams
        self._feed = feed
        self._selection = selection
        self._auth_version = caller.auth_version
        self._ends_at = min(caller.must_change_at, caller.ends_at)
        self._session_id = caller.session_id
        self._session_version = caller.session_version
        self._cursor = Cursor(0, 0)
        self._opening: tuple[Event, ...] = ()
        self._check_at = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._is_over = False
        self.resources = ExitStack()

    def begin(self, position: tuple[int, int] | None) -> None:
        """Set where the stream begins: at the present, or at a position."""
        resumed = None if position is None else self._feed.resume(*position)
        self._cursor = resumed or self._feed.begin()
        if position is not None and resumed is None:
            self._opening = (Event(RESET, self._cursor.modseq, self._feed.mark(self._cursor.number)),)

    async def next_events(self) -> tuple[Event, ...] | None:
        """Return what has happened, () if nothing has for :data:`HEARTBEAT_SECONDS`, None at the end."""
        opening, self._opening = self._opening, ()
        if opening:
            return opening
        clock = asyncio.get_running_loop().time
        deadline = clock() + HEARTBEAT_SECONDS
        is_time = False
        while await self.goes_on():
            events, self._cursor = self._feed.advance(self._selection, self._cursor)
            if events or is_time:
                return events
            await self._wait(min(deadline - clock(), self._ends_at - self._streams.sessions.now()))
            is_time = clock() >= deadline
            if is_time:
                # Whatever was not told, by a process that died or over a connection that was lost, is found here.
                with contextlib.suppress(PostroomError):
                    await self._feed.refresh(max_age_seconds=HEARTBEAT_SECONDS / 2)
        return None

    async def goes_on(self) -> bool:
        """Tell whether its reader may still be told."""
        state = self._feed.state
        if self._is_over or self._streams.news.is_closed or state is None:
            return False
        if state.auth_version != self._auth_version or self._ends_at <= self._streams.sessions.now():
            return False
        now = asyncio.get_running_loop().time()
        if self._session_id is None or (
            state.session_version == self._session_version and now < self._check_at
        ):
            return True
        try:
            is_live = await self._streams.sessions.is_live(self._session_id)
        except PostroomError:
            return True  # Nothing can be read just now, and nothing told; it is asked again.
        self._session_version = state.session_version
        self._check_at = now + HEARTBEAT_SECONDS
        return is_live

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(max(seconds, 0), self.wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    @property
    def is_cut_off(self) -> bool:
        """The server is about to end; its reader had better come back."""
        return self._streams.news.is_closed

    def wake(self) -> None:
        """Look for events."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        """End the stream: its reader has gone."""
        self._is_over = True
        self.wake()

    def close(self) -> None:
        """Give back what the stream has."""
        self._is_over = True
        self.resources.close()
