"""What grows by itself is cut back by itself: the operation log, in slices, one account after the other."""

import asyncio
import time
from collections.abc import Callable

from postroom.config.retention import RetentionConfig
from postroom.store import Store

SLICE = 500
"""Entries removed in one transaction, so that none holds the write lock for long."""
ACCOUNTS = 100
_DAY_MILLISECONDS = 86_400_000


async def purge_history(
    store: Store, retention: RetentionConfig, *, now: Callable[[], float] = time.time
) -> int:
    """Remove entries of the operation logs that are older than they are kept; return how many.

    Raises: unavailable.
    """
    before = int(now() * 1000) - retention.operation_days * _DAY_MILLISECONDS
    removed = last = 0
    while True:
        async with store.directory() as directory:
            accounts = await directory.directory.list_after(last, limit=ACCOUNTS)
        if not accounts:
            return removed
        for account in accounts:
            count = SLICE
            while count == SLICE:
                async with store.transaction(account.account_id) as tx:
                    count = await tx.operations.purge(before=before, limit=SLICE)
                removed += count
                await asyncio.sleep(0)
        last = accounts[-1].account_id
