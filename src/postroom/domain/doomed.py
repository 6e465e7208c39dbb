"""Removing what is left of folders and labels that are gone, slice by slice, behind everything else.

A folder is removed by taking its row and its counters away (:mod:`postroom.domain.folder_changes`); from then on
nobody sees its mails, or contacts. Here their rows go, the references to their contents, and the chunks of its sort
orders. Each slice is a transaction that holds the write lock shortly; what a crash leaves is found again by
``doomed_folder``.
How labels come off mails is told in :mod:`postroom.domain.labels`, how the mails of folders that were moved follow
into conversations or out of them in :mod:`postroom.domain.rethreading`, how Trash and Spam are cleared in
:mod:`postroom.domain.clearing`.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from postroom.domain.clearing import clear_folders
from postroom.domain.contents import release_contents
from postroom.domain.filing import part_mails
from postroom.domain.labels import remove_doomed_labels
from postroom.domain.rethreading import rethread_folders
from postroom.domain.steps import Record
from postroom.errors import PostroomError
from postroom.model.ids import AccountId, FolderId
from postroom.store import Store
from postroom.store.tx import Transaction

SLICE = 100
"""Mails removed in one transaction."""

_log = structlog.get_logger("postroom.doomed")


class Doomed:
    """Removes what is left of folders and labels that are gone, in tasks of its own.

    It also does for the store what else follows behind its transactions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        store.on_follow_up = self.begin
        self._running: dict[AccountId, asyncio.Task[None]] = {}
        self._asked: set[AccountId] = set()
        self.also: list[Callable[[AccountId], Awaitable[object]]] = []
        """What else follows: each looks whether an account has something for it."""

    def begin(self, account_id: AccountId) -> None:
        """Begin to remove what an account has."""
        self._asked.add(account_id)
        if account_id not in self._running:
            self._running[account_id] = asyncio.create_task(self._run(account_id))

    async def _run(self, account_id: AccountId) -> None:
        try:
            # More may have come while it was at the last of it.
            while account_id in self._asked:
                self._asked.discard(account_id)
                await remove_doomed(self._store, account_id)
                await rethread_folders(self._store, account_id)
                await remove_doomed_labels(self._store, account_id)
                await clear_folders(self._store, account_id)
                for follow in self.also:
                    await follow(account_id)
        except PostroomError as error:
            _log.warning("removing was interrupted", error=str(error), private=error.private)
        finally:
            # At once: who asks from now on has another task.
            del self._running[account_id]

    async def finish(self, account_id: AccountId) -> None:
        """Remove what an account has, and wait until that is done."""
        self.begin(account_id)
        await asyncio.shield(self._running[account_id])

    async def resume(self) -> None:
        """Take up what a crash has left. Raises: unavailable."""
        async with self._store.directory() as directory:
            accounts = await directory.list_accounts_with_doomed()
        for account_id in accounts:
            self.begin(account_id)

    async def wait(self) -> None:
        """Wait until all that was begun is done."""
        await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """Stop; what is not removed is removed after the next start."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def remove_doomed(store: Store, account_id: AccountId) -> int:
    """Remove the mails and contacts of folders that are gone; return how many there were. Raises: unavailable."""
    removed = 0
    async with store.peek(account_id) as mailbox:
        folders = await mailbox.traces.list_doomed()
    for folder_id in folders:
        removed += await _remove_contacts(store, account_id, folder_id)
        count = SLICE
        while count == SLICE:
            async with store.transaction(account_id) as tx:
                # Another process may be at the same folder: what it has removed is not counted off once more.
                await tx.lock()
                count = await _remove_mails(tx, folder_id)
                if count < SLICE:
                    await tx.orders.drop(folder_id)
                    await tx.conversation_orders.drop(folder_id)
                    await tx.traces.undoom(folder_id)
            removed += count
            await asyncio.sleep(0)
    return removed


async def _remove_mails(tx: Transaction, folder_id: FolderId) -> int:
    items = await tx.mails.list_some(folder_id, limit=SLICE)
    if any(item.mail.conversation_id for item in items):
        state = await tx.advance()
        await tx.log("rethread", Record(), modseq=state.modseq)
    await tx.mails.delete(item.mail.item_id for item in items)
    await tx.reader_marks.leave(folder_id, [item.mail.uid for item in items])
    await part_mails(tx, items)
    await tx.drafts.delete([item.mail.item_id for item in items if item.mail.is_draft])
    await release_contents(tx, [item.mail for item in items])
    return len(items)


async def _remove_contacts(store: Store, account_id: AccountId, folder_id: FolderId) -> int:
    """Remove the contacts of a folder that is gone, which is still noted as such."""
    async with store.peek(account_id) as mailbox:
        if not await mailbox.contacts.list_after(folder_id, 0, limit=1):
            return 0
    removed, count = 0, SLICE
    while count == SLICE:
        async with store.transaction(account_id) as tx:
            await tx.lock()
            contacts = await tx.contacts.list_after(folder_id, 0, limit=SLICE)
            count = len(contacts)
            await tx.contacts.delete(one.item_id for one in contacts)
            await tx.contact_words.forget([one.item_id for one in contacts])
        removed += count
        await asyncio.sleep(0)
    return removed
