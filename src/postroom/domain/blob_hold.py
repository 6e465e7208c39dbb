"""Keeping the blobs of large messages where they are while a backup copies them.

A backup is a snapshot of the rows, and copies the blobs that these name behind it. Meanwhile nobody removes a blob:
whoever would asks :func:`is_held` first, behind the transaction that removed its row. Since the hold is committed
before the snapshot is taken, what the snapshot names is there until the hold ends.

A hold ends by itself, so that a backup which was killed keeps nothing for long.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from postroom.errors import PostroomError
from postroom.store import Store

META_NAME: Final = "blobs_held_until"
HOLD_SECONDS: Final = 900
_RENEW_SECONDS: Final = 120


async def is_held(store: Store, *, now: Callable[[], float] = time.time) -> bool:
    """Tell whether blobs must not be removed now. Raises: unavailable."""
    async with store.directory() as directory:
        until = await directory.meta.find(META_NAME)
    return until is not None and int(until) > now()


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """Have all blobs stay for the time of a block. Raises: unavailable."""
    await _hold(store)
    renewing = asyncio.create_task(_renew(store))
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing


async def _renew(store: Store) -> None:
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        # There is time for some more tries before it ends.
        with contextlib.suppress(PostroomError):
            await _hold(store)


async def _hold(store: Store) -> None:
    until = int(time.time()) + HOLD_SECONDS
    async with store.directory_transaction() as tx:
        known = await tx.meta.lock(META_NAME)
        await tx.meta.put(META_NAME, str(max(until, int(known or 0))))
