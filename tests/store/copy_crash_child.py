"""The process that dies while it restores or moves a store; a task is a :class:`Task` as JSON.

It dies at a transaction that it counts to: before it is committed, or when it just has been.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.fixtures.crashes import fork_for_tasks, tell
from tests.store.backup_world import place_of

from postroom.domain import copying, store_move
from postroom.domain.account_restore import restore_account
from postroom.domain.addresses import AccountAddress
from postroom.domain.restoring import restore_store
from postroom.domain.store_move import move_store
from postroom.errors import PostroomError
from postroom.store import open_store
from postroom.store.engine.postgres import PostgresEngine
from postroom.store.engine.sqlite import SQLiteEngine

_PATIENCE_SECONDS = 10.0

Write = Callable[..., AbstractAsyncContextManager[Any]]


class Task(msgspec.Struct):
    """What is to be done, and when it is to end."""

    what: str
    url: str
    """Of the store that is written, or moved."""
    folder: str
    source: str
    """The backup, or the URL of the database that is moved into."""
    steps: int
    """It dies at this transaction."""
    is_before: bool


class _Count:
    """Counts transactions, and ends the process."""

    def __init__(self, task: Task) -> None:
        self._left = task.steps
        self._is_before = task.is_before

    def around(self, write: Write) -> Write:
        @asynccontextmanager
        async def counted(*args: Any, **named: Any) -> AsyncIterator[Any]:
            async with write(*args, **named) as connection:
                yield connection
                self._left -= 1
                if self._left == 0 and self._is_before:
                    os._exit(9)
            if self._left == 0:
                os._exit(9)

        return counted


async def _restore_account(task: Task) -> None:
    store = await open_store(task.url, Path(task.folder), connections=2)
    anna, rita = (AccountAddress(name, "example.test") for name in ("anna", "rita"))
    await restore_account(store, Path(task.source), anna, new=rita)
    await store.close()


def _work(task: Task) -> Awaitable[object]:
    folder = Path(task.folder)
    if task.what == "restore":
        return restore_store(Path(task.source), place_of(task.url, folder))
    if task.what == "move":
        return move_store(place_of(task.url, folder), place_of(task.source, folder))
    return _restore_account(task)


async def _try(task: Task) -> None:
    """Do it, as soon as the server has noticed that the process before is dead."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            await _work(task)
        except PostroomError as error:
            if error.code != "storeInUse" or time.monotonic() > end:
                raise
            await asyncio.sleep(0.02)
        else:
            return


def do(text: str) -> None:
    task = msgspec.json.decode(text, type=Task)
    count = _Count(task)
    # Tables take several transactions.
    vars(copying)["ROWS"] = vars(store_move)["PAGE"] = 100
    for engine in (SQLiteEngine, PostgresEngine):
        vars_of: Any = engine
        vars_of.write = count.around(engine.write)
    asyncio.run(_try(task))
    tell("done")


if __name__ == "__main__":
    fork_for_tasks(do)
