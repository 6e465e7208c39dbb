"""One transaction for all that a task writes, from its first write to its end.

Some things must be stored with what a task does, and are only known when it is done: the answer to a call that is
to be done once (:mod:`postroom.domain.calls`). Inside :meth:`Store.join` the task's transactions become parts of a
single one. It is opened by the first of them, and committed when the block is left normally; each part is a
savepoint, so that what fails inside is taken back alone, as ever. Reads see what was written before. Other tasks,
those that the task starts included, have no part in it.

Invariants:
- until the first write, nothing is different, and no lock is held;
- from then on the write lock is held up to the end of the block, so a task must not wait there for what another task
  writes. Who has to wait commits first (:meth:`Store.commit_now`). Should one forget, the time is limited, and
  nothing was done;
- functions given to ``after_commit`` run after the one commit.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

from postroom.errors import unavailable
from postroom.store.engine.base import Engine, WriteConnection

HOLD_SECONDS = 10.0
"""How long a block may go on from its first write."""

Begin = Callable[[WriteConnection], Awaitable[None]]
Release = Callable[[WriteConnection, str], Awaitable[None]]


class Joined:
    """The one transaction of a task."""

    def __init__(self, engine: Engine, begin: Begin, on_release: Release) -> None:
        """See :meth:`Store.join`."""
        self.engine = engine
        self.connection: WriteConnection | None = None
        """The transaction, once it is open."""
        self.has_changed = False
        """A transaction of the task on a mailbox was left normally, or what was written is to stay in any case."""
        self.is_over = False
        """It was committed before its end; what comes now is on its own."""
        self._begin = begin
        self._on_release = on_release
        self._task = asyncio.current_task()
        self._stack = AsyncExitStack()
        self._limit = asyncio.timeout(None)

    def includes_this_task(self) -> bool:
        """Tell whether what the present task does is part of it."""
        return not self.is_over and asyncio.current_task() is self._task

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteConnection]:
        """Enter a part of the transaction. Raises: unavailable."""
        if self.is_over:
            async with self.engine.write() as alone:
                yield alone
            return
        connection = self.connection
        if connection is None:
            connection = await self._stack.enter_async_context(self.engine.write())
            self._limit.reschedule(asyncio.get_running_loop().time() + HOLD_SECONDS)
            self.connection = connection
            await self._begin(connection)
        async with connection.savepoint():
            yield connection

    async def release(self, note: str) -> None:
        """Commit what there is. Raises: unavailable."""
        if self.connection is None:
            return
        await self._on_release(self.connection, note)
        self.is_over, self.connection = True, None
        self._limit.reschedule(None)
        await self._stack.aclose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Joined"]:
        """Have it for the time of a block."""
        token = _joined.set(self)
        try:
            async with self._limit, self._stack:
                yield self
        except TimeoutError:
            if not self._limit.expired():
                raise
            raise unavailable("the call took too long and was given up; nothing was done") from None
        finally:
            _joined.reset(token)


_joined: ContextVar[Joined | None] = ContextVar("joined", default=None)


def find_joined(engine: Engine) -> Joined | None:
    """Return the transaction that what the present task does on a database is part of."""
    joined = _joined.get()
    if joined is None or joined.engine is not engine or not joined.includes_this_task():
        return None
    return joined
