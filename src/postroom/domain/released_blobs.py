"""Removing the blobs of large messages that nothing shows any more.

The row of a content goes in the transaction that takes the last reference off; its blob follows an hour later. A
message that comes again in between is stored anew first, which makes its blob young, and the young are left alone:
a delivery whose row is not committed yet never loses its blob. While a backup copies blobs, all of them stay
(:mod:`postroom.domain.blob_hold`).
"""

import time
from collections.abc import Callable

from postroom.domain.blob_hold import is_held
from postroom.domain.check import BLOB_GRACE_SECONDS
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.sql.released_blobs import ReleasedBlob

_SLICE = 100


async def remove_released_blobs(store: Store, *, now: Callable[[], float] = time.time) -> int:
    """Remove blobs that were released long enough ago; return how many. Raises: unavailable."""
    before = now() - BLOB_GRACE_SECONDS
    removed = 0
    while True:
        async with store.directory() as directory:
            blobs = await directory.released_blobs.list_before(int(before * 1000), limit=_SLICE)
        if not blobs:
            return removed
        if await is_held(store, now=now):
            return removed
        for blob in blobs:
            removed += await _remove(store, blob, stored_before=before, now=now)


async def _remove(
    store: Store, blob: ReleasedBlob, *, stored_before: float, now: Callable[[], float]
) -> bool:
    is_needed = await _is_named(store, blob.account_id, blob.sha256)
    is_gone = not is_needed and await store.blobs.delete(
        blob.account_id, blob.sha256, stored_before=stored_before
    )
    async with store.directory_transaction() as tx:
        if is_needed or is_gone:
            await tx.released_blobs.forget(blob)
        else:  # It may be that of a message which is just coming in.
            await tx.released_blobs.put_off(blob, until=int(now() * 1000))
    return is_gone


async def _is_named(store: Store, account_id: AccountId, sha256: bytes) -> bool:
    async with store.read(account_id) as mailbox:
        content_id = await mailbox.contents.find_by_hash(sha256)
        content = await mailbox.contents.find(content_id) if content_id is not None else None
    return content is not None and content.data is None
