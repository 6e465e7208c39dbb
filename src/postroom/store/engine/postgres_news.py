"""News between processes over PostgreSQL: ``LISTEN`` and ``NOTIFY`` on one channel.

What a process has committed it tells just after the COMMIT, all that gathered meanwhile in one statement. Inside the
transactions themselves NOTIFY would make them wait for each other: PostgreSQL lets those that notify commit one at a
time, each with its own sync to disk. The statement is not synced itself: after a crash of the server everybody
connects anew, and takes that as news of everything. Only if this process dies between the two is something not told;
who must not miss it looks by himself now and then.

A payload is ``<process>:<account>,<account>…``. What a process has told itself it passes on at once, and does not
take from the channel again.

Source: https://www.postgresql.org/docs/current/sql-notify.html.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from postroom.store.engine.base import OnNews

CHANNEL = "postroom_news"
SPACING_SECONDS = 0.02
"""Between two statements of a process; what is committed meanwhile is told together."""
RETRY_SECONDS = 1.0
CHECK_SECONDS = 30.0
"""How often the connection is tried, since a lost one may keep silent."""
MAX_ACCOUNTS = 300
"""In one payload, which is limited to 8000 bytes."""
_STOP_SECONDS = 5.0
_NOTIFY = "SELECT pg_notify($1, $2), set_config('synchronous_commit', 'off', true)"

_LOST = (OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresNews:
    """Tells other processes of commits, and hears of theirs."""

    def __init__(self, pool: Any, connect: Callable[[], Awaitable[Any]]) -> None:
        """``connect`` opens a connection of its own."""
        self._pool = pool
        self._connect = connect
        self._process = secrets.token_hex(8)
        self._on_news: OnNews | None = None
        self._untold: set[int] = set()
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._closed = False

    # Telling

    def tell(self, account_id: int) -> None:
        """Pass on that something of an account was committed."""
        if self._on_news is not None:
            self._on_news((account_id,))
        self._untold.add(account_id)
        if self._telling is None and not self._closed:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._untold:
                try:
                    await self._notify()
                except _LOST:
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    await asyncio.sleep(SPACING_SECONDS)
        finally:
            self._telling = None

    async def _notify(self) -> None:
        chosen = sorted(self._untold)[:MAX_ACCOUNTS]
        self._untold.difference_update(chosen)
        payload = f"{self._process}:{','.join(map(str, chosen))}"
        try:
            async with self._pool.acquire() as connection:
                await connection.execute(_NOTIFY, CHANNEL, payload)
        except BaseException:
            self._untold.update(chosen)
            raise

    # Listening

    async def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on. Raises what the driver raises where there is no connection."""
        connection = await self._open(on_news)
        self._on_news = on_news
        self._listening = asyncio.get_running_loop().create_task(self._keep(connection, on_news))

    async def _open(self, on_news: OnNews) -> Any:
        connection = await self._connect()
        try:
            await connection.add_listener(CHANNEL, lambda *facts: self._hear(str(facts[3]), on_news))
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hear(self, payload: str, on_news: OnNews) -> None:
        process, _, accounts = payload.partition(":")
        if process == self._process:
            return
        try:
            on_news([int(account) for account in accounts.split(",")])
        except ValueError:
            on_news(None)  # Another version's; whatever it says, there is something new.

    async def _keep(self, connection: Any, on_news: OnNews) -> None:
        """Watch the connection; when it is lost, open another, and take that as news of everything."""
        while True:
            try:
                await _until_lost(connection)
            finally:
                connection.terminate()
            while True:
                try:
                    connection = await self._open(on_news)
                    break
                except _LOST:
                    await asyncio.sleep(RETRY_SECONDS)
            on_news(None)

    async def close(self) -> None:
        """Tell what is not told yet, if that is possible soon, and stop listening."""
        self._closed = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
        with contextlib.suppress(*_LOST):
            async with asyncio.timeout(_STOP_SECONDS):
                while self._untold:
                    await self._notify()


async def _until_lost(connection: Any) -> None:
    """Return when a connection is lost."""
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    while not connection.is_closed():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await lost.wait()
            return
        try:
            await connection.execute("SELECT 1", timeout=CHECK_SECONDS)
        except _LOST:
            return
