"""Connections that are kept for the next mail, and how many there are at the same time.

A session that is done goes back and waits for a while, the one used last in front; it is looked at again before it is
used, since the server may have closed it meanwhile. Whoever finds it closed at the first command makes another.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from postroom.outgoing.attempt import UnusableError
from postroom.outgoing.policies import Endpoint, Policy
from postroom.outgoing.sessions import Session, open_session

SLOW_SECONDS = 60.0
"""An address that did not answer at all is not tried again for this time: each try would take as long again."""


class Connections:
    """Sessions by endpoint, all under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._idle: dict[Endpoint, list[tuple[Session, asyncio.TimerHandle]]] = {}
        self._slow: dict[Endpoint, tuple[float, UnusableError]] = {}
        self._is_closed = False
        self.opened = 0
        """Connections that were made, for tests and figures."""

    async def take(self, endpoint: Endpoint, *, fresh: bool = False) -> Session:
        """Return a session, a kept one if there is one. Raises: UnusableError."""
        while not fresh and (kept := self._idle.get(endpoint)):
            session, timer = kept.pop()
            timer.cancel()
            if not kept:
                del self._idle[endpoint]
            if session.is_usable:
                return session
            session.close()
        return await self._open(endpoint)

    async def _open(self, endpoint: Endpoint) -> Session:
        loop = asyncio.get_running_loop()
        if endpoint in self._slow:
            until, failure = self._slow[endpoint]
            if loop.time() < until:
                raise failure
            del self._slow[endpoint]
        start = loop.time()
        try:
            session = await open_session(endpoint, self._policy)
        except UnusableError as error:
            if loop.time() - start >= self._policy.limits.connect_seconds:
                self._forget_slow(loop.time())
                self._slow[endpoint] = (loop.time() + SLOW_SECONDS, error)
            raise
        self.opened += 1
        return session

    def _forget_slow(self, now: float) -> None:
        for endpoint in [endpoint for endpoint, (until, _) in self._slow.items() if until <= now]:
            del self._slow[endpoint]

    def give(self, session: Session) -> None:
        """Keep a session for the next mail, if it is good for one."""
        seconds = self._policy.limits.idle_seconds
        if self._is_closed or not session.is_usable or seconds <= 0:
            session.close()
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._expire, session)
        self._idle.setdefault(session.endpoint, []).append((session, timer))

    def _expire(self, session: Session) -> None:
        kept = [entry for entry in self._idle.get(session.endpoint, []) if entry[0] is not session]
        if kept:
            self._idle[session.endpoint] = kept
        else:
            self._idle.pop(session.endpoint, None)
        session.close()

    def close(self) -> None:
        """Close what is kept; what is still in use is closed when it is given back."""
        self._is_closed = True
        for kept in self._idle.values():
            for session, timer in kept:
                timer.cancel()
                session.close()
        self._idle.clear()


class Slots:
    """So many at the same time for each name; who comes later waits."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._used: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @contextlib.asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """Hold one for the time of a block."""
        semaphore, users = self._used.get(name) or (asyncio.Semaphore(self._count), 0)
        self._used[name] = (semaphore, users + 1)
        try:
            async with semaphore:
                yield
        finally:
            semaphore, users = self._used[name]
            if users == 1:
                del self._used[name]
            else:
                self._used[name] = (semaphore, users - 1)
