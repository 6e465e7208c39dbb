"""The beginning and the end of a mailbox."""

import time
from collections.abc import Callable, Sequence

from postroom.domain.blob_hold import is_held
from postroom.domain.folder_names import get_folder_names, name_key
from postroom.model.folder import DEFAULT_FOLDERS, INBOX, ROOT, UNTHREADED_ROLES
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store import Store
from postroom.store.sql.folders import NewFolder
from postroom.store.tx import Transaction

SLICE = 500
"""Rows removed in one transaction, so that none holds the write lock for long."""


async def create_mailbox(tx: Transaction, language: str, *, uid_validity: int) -> None:
    """Make the mailbox of a new account, with its default folders under their names in ``language``."""
    await tx.mailbox.create(next_folder_id=INBOX + len(DEFAULT_FOLDERS))
    await tx.tables.visits.create(tx.account_id, 0)
    names = get_folder_names(language)
    for number, spec in enumerate(DEFAULT_FOLDERS, INBOX):
        await tx.folders.create(
            NewFolder(
                folder_id=FolderId(number),
                parent_id=ROOT,
                name=names[spec.key],
                name_key=name_key(names[spec.key]),
                role=spec.role,
                folder_type=spec.folder_type,
                is_special=1,
                takes_subfolders=spec.takes_subfolders,
                uid_validity=uid_validity,
                modseq=Modseq(1),
                is_threaded=int(spec.folder_type == "mails" and spec.role not in UNTHREADED_ROLES),
            )
        )


async def remove_mailbox(store: Store, account_id: AccountId, *, progress: Callable[[int], None]) -> None:
    """Remove a mailbox in slices; ``progress`` is told how many messages are gone. It may be repeated.

    Nothing is visible of it after the first slice. Raises: unavailable.
    """
    async with store.transaction(account_id) as tx:
        await tx.removals.close_mailbox()
    removed = 0
    while count := await _remove_contents(store, account_id):
        removed += count
        progress(removed)
    if not await is_held(store):
        while await _remove_released_blobs(store, account_id):
            pass
    while await _remove_uploads(store, account_id):
        pass
    count = SLICE
    while count:
        async with store.transaction(account_id) as tx:
            count = await tx.removals.remove_rows(limit=SLICE)


async def _remove_contents(store: Store, account_id: AccountId) -> int:
    async with store.transaction(account_id) as tx:
        contents = await tx.removals.remove_contents(limit=SLICE)
        for content in contents:
            await tx.unindex(content.content_id)
    # A blob goes after the row that names it: the other way round, a crash in between would leave a row without.
    await _remove_blobs(store, account_id, [one.sha256 for one in contents if one.in_blob_store])
    return len(contents)


async def _remove_blobs(store: Store, account_id: AccountId, hashes: Sequence[bytes]) -> None:
    """Remove blobs; while a backup copies blobs, note that they may go."""
    if hashes and await is_held(store):
        async with store.directory_transaction() as tx:
            for sha256 in hashes:
                await tx.released_blobs.note(account_id, sha256, now=int(time.time() * 1000))
        return
    for sha256 in hashes:
        await store.blobs.delete(account_id, sha256)


async def _remove_released_blobs(store: Store, account_id: AccountId) -> int:
    async with store.transaction(account_id) as tx:
        hashes = await tx.tables.released_blobs.remove_of(account_id, limit=SLICE)
    await _remove_blobs(store, account_id, hashes)
    return len(hashes)


async def _remove_uploads(store: Store, account_id: AccountId) -> int:
    async with store.transaction(account_id) as tx:
        names = await tx.removals.remove_uploads(limit=SLICE)
    for name in names:
        await store.uploads.delete(account_id, name)
    return len(names)
