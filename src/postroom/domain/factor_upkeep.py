"""What second steps leave behind, and what is over, removed now and then."""

from collections.abc import Awaitable, Callable
from typing import Final

from postroom.domain.security_methods import PENDING_MILLISECONDS
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

_SLICE: Final = 500
_STEPS_MILLISECONDS: Final = 86_400_000

Purge = Callable[[DirectoryTransaction], Awaitable[int]]


async def purge_factors(store: Store, *, now_ms: int) -> int:
    """Remove methods that were not set up in time, expired tokens, and old counts; return how many.

    Raises: unavailable.
    """
    purges: tuple[Purge, ...] = (
        lambda tx: tx.methods.purge_pending(before=now_ms - PENDING_MILLISECONDS, limit=_SLICE),
        lambda tx: tx.security_tokens.purge(before=now_ms, limit=_SLICE),
        lambda tx: tx.two_factor.purge_steps(before=now_ms - _STEPS_MILLISECONDS, limit=_SLICE),
    )
    removed = 0
    for purge in purges:
        count = _SLICE
        while count == _SLICE:
            async with store.directory_transaction() as tx:
                count = await purge(tx)
            removed += count
    return removed
