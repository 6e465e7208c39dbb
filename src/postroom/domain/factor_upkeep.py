"""What logins and second steps leave behind, and what is over, removed now and then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from postroom.config.auth import AuthConfig
from postroom.domain.security_methods import PENDING_MILLISECONDS
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

SLICE: Final = 500
"""Entries removed in one transaction, so that none holds the write lock for long."""
_STEPS_MILLISECONDS: Final = 86_400_000

Purge = Callable[[DirectoryTransaction], Awaitable[int]]


async def purge_factors(store: Store, *, now_ms: int) -> int:
    """Remove methods that were not set up in time, expired tokens, and old counts; return how many.

    Raises: unavailable.
    """
    return await _purge(
        store,
        lambda tx: tx.methods.purge_pending(before=now_ms - PENDING_MILLISECONDS, limit=SLICE),
        lambda tx: tx.security_tokens.purge(before=now_ms, limit=SLICE),
        lambda tx: tx.two_factor.purge_steps(before=now_ms - _STEPS_MILLISECONDS, limit=SLICE),
    )


async def purge_failed_logins(store: Store, config: AuthConfig, *, now_ms: int) -> int:
    """Remove failed logins and tried captchas that count no more; return how many. Raises: unavailable.

    Logins remove some of them as well; after the last attack on a quiet server nobody else would.
    """
    return await _purge(
        store,
        lambda tx: tx.failed_logins.delete_old(now_ms - config.attempts_window_seconds * 1000, limit=SLICE),
        lambda tx: tx.used_captchas.delete_expired(now_ms, limit=SLICE),
    )


async def _purge(store: Store, *purges: Purge) -> int:
    removed = 0
    for purge in purges:
        count = SLICE
        while count == SLICE:
            async with store.directory_transaction() as tx:
                count = await purge(tx)
            removed += count
            # Whoever waits for the store has a turn between two slices.
            await asyncio.sleep(0)
    return removed
