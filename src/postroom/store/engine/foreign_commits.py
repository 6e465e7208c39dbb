"""Noticing what other processes commit to an SQLite database.

SQLite tells nobody of a commit, so that the state of the WAL-index is looked at several times a second, which costs
no system call. If it has changed, the write connection's ``data_version`` says whether another connection did it:
it stays the same for the connection's own commits, through which everything goes that this process writes.

Invariants:
- the write connection is asked by the event loop, while its turn is nobody's or the one's who asks: never beside the
  committer thread;
- nothing is missed: while a group is open no other process can commit, and each group begins with the question.

Source: https://www.sqlite.org/pragma.html#pragma_data_version.
"""

import asyncio
from collections.abc import Callable

import apsw

from postroom.store.engine.base import OnNews

POLL_SECONDS = 0.2


class ForeignCommits:
    """Watches for the commits of other processes, and tells of news."""

    def __init__(
        self,
        writer: apsw.Connection,
        on_news: OnNews,
        *,
        read_state: Callable[[], bytes | None],
        is_busy: Callable[[], bool],
    ) -> None:
        """``read_state`` returns the state of the WAL-index, ``is_busy`` whether the write connection is in use."""
        self._writer = writer
        self.on_news = on_news
        self._read_state = read_state
        self._is_busy = is_busy
        self._version = -1
        self._has_news = False
        self._task = asyncio.get_running_loop().create_task(self._poll())

    def ask(self) -> None:
        """Ask the write connection, which nobody else is using, for commits of others."""
        version = int(str(self._writer.execute("PRAGMA data_version").fetchall()[0][0]))
        if version != self._version:
            self._version = version
            self._has_news = True

    async def close(self) -> None:
        """Watch no more."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _poll(self) -> None:
        seen: bytes | None = None
        while True:
            state = self._read_state()
            if (state is None or state != seen) and not self._is_busy():
                try:
                    self.ask()
                    seen = state
                except apsw.Error:
                    seen = None  # It is asked again.
            if self._has_news:
                self._has_news = False
                self.on_news(None)
            await asyncio.sleep(POLL_SECONDS)
