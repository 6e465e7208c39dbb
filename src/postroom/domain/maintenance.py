"""What grows by itself is cut back by itself, in slices: the history of an account, and sessions that are over.

The operation log goes by its own age. Tombstones and the traces of folders' paths go when no client is to be told of
them any more: in the same transaction it is noted that they are forgotten, so that a client that comes with an older
token starts anew instead of missing a removal.
"""

import asyncio
from typing import NamedTuple

from postroom.config.retention import RetentionConfig
from postroom.domain.known_addresses import KEPT_DAYS
from postroom.domain.security_log import SecurityLogs
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store import Store
from postroom.store.tx import Transaction

SLICE = 500
"""Entries removed in one transaction, so that none holds the write lock for long."""
DAY_MILLISECONDS = 86_400_000


class Purged(NamedTuple):
    """How much was removed."""

    operations: int
    """Entries of operation logs."""
    removals: int
    """Tombstones, and traces of where folders were."""


async def purge_history(
    store: Store, account_id: AccountId, retention: RetentionConfig, *, now_ms: int
) -> Purged:
    """Remove what is older than it is kept, of one account; return how much. Raises: unavailable."""
    before = now_ms - retention.operation_days * DAY_MILLISECONDS
    operations = await _purge_operations(store, account_id, before=before)
    before = now_ms - retention.tombstone_days * DAY_MILLISECONDS
    return Purged(operations, await _purge_removals(store, account_id, before=before))


async def purge_security(
    store: Store, account_id: AccountId, retention: RetentionConfig, *, now_ms: int
) -> None:
    """Forget what is too old of the security log of an account, and of the addresses it was used from.

    Raises: unavailable.
    """
    before = now_ms - retention.security_event_days * DAY_MILLISECONDS
    await SecurityLogs(store).forget_old(account_id, before=before)
    before = now_ms - KEPT_DAYS * DAY_MILLISECONDS
    async with store.directory() as tables:
        has_older = await tables.known_addresses.has_older(account_id, before)
    if has_older:
        async with store.directory_transaction() as tx:
            await tx.known_addresses.forget(account_id, before)


async def purge_sessions(store: Store, *, now_ms: int) -> int:
    """Remove the sessions whose absolute limit has passed, and the tickets that nobody has used; return how many.

    One that is idle for too long is over at once, for everybody; its row goes with the others. Raises: unavailable.
    """
    removed, is_done = 0, False
    while not is_done:
        async with store.directory_transaction() as tx:
            sessions = await tx.sessions.delete_expired(now_ms, limit=SLICE)
            tickets = await tx.tickets.delete_expired(now_ms, limit=SLICE)
        removed += sessions + tickets
        is_done = max(sessions, tickets) < SLICE
        await asyncio.sleep(0)
    return removed


async def _purge_operations(store: Store, account_id: AccountId, *, before: int) -> int:
    removed = 0
    while True:
        # Most accounts have nothing to forget: they are not written to.
        async with store.peek(account_id) as mailbox:
            if not await mailbox.operations.has_older(before):
                return removed
        async with store.transaction(account_id) as tx:
            removed += await tx.operations.purge(before=before, limit=SLICE)
        await asyncio.sleep(0)


async def _purge_removals(store: Store, account_id: AccountId, *, before: int) -> int:
    removed = 0
    while True:
        # Most accounts have nothing to forget: they are not written to.
        async with store.read(account_id) as mailbox:
            if not await mailbox.deltas.has_older(before):
                return removed
        try:
            async with store.transaction(account_id) as tx:
                await tx.lock()
                count = await _forget_slice(tx, before=before)
        except PostroomError as error:
            if error.kind is Kind.NOT_FOUND:  # The account has been removed meanwhile.
                return removed
            raise
        if not count:
            return removed
        removed += count
        await asyncio.sleep(0)


async def _forget_slice(tx: Transaction, *, before: int) -> int:
    """Remove some of the oldest tombstones and traces, and note up to where they are forgotten."""
    graves = await tx.deltas.purge_removed(before=before, limit=SLICE)
    past = await tx.traces.forget_past(before=before, limit=SLICE)
    newest: dict[FolderId, Modseq] = {}
    for folder_id, modseq in graves:
        newest[folder_id] = max(modseq, newest.get(folder_id, modseq))
    for folder_id, modseq in newest.items():
        await tx.deltas.forget_in(folder_id, modseq)
    forgotten = [*newest.values(), *past]
    if forgotten:
        await tx.mailbox.forget(max(forgotten))
    return len(graves) + len(past)
