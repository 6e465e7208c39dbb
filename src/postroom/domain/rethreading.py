"""Rethreading: the mails of folders that came into Spam or Trash, or out of them, follow in slices.

Mails in Spam, in Trash and below belong to no conversation. A folder that is moved there says so at once, with all
below it; its mails are parted from their conversations behind it, however many there are, and joined to some when it
comes back. Each slice is a transaction; what a crash leaves is found again by ``rethreaded_folder``. What comes into
the folder meanwhile is filed by what the folder says.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from postroom.domain.conversation_rows import Tally
from postroom.domain.steps import Record
from postroom.domain.threads import NO_CONVERSATION, enter, leave, read_keys
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import AccountId, FolderId, Uid
from postroom.store import Store
from postroom.store.sql.mails import Located
from postroom.store.tx import Transaction

SLICE = 100
"""Mails parted or joined in one transaction."""


async def follow_place(
    tx: Transaction, folder: Folder, parent_id: FolderId, *, below: Sequence[Folder]
) -> None:
    """Have the mails of a folder that has got another parent, and of those below it, be threaded as it says.

    ``below`` are the folder and all below it, as they were.
    """
    if folder.folder_type != "mails":
        return
    parent = None if parent_id == ROOT else await tx.folders.find(parent_id)
    is_threaded = 1 if parent is None else parent.is_threaded
    for each in below:
        if each.is_threaded != is_threaded:
            await tx.folders.set_threaded(each.folder_id, is_threaded, modseq=tx.modseq)
            await tx.traces.rethread(each.folder_id)
            tx.after_commit(partial(tx.follow_up, tx.account_id))


async def rethread_folders(store: Store, account_id: AccountId) -> int:
    """Part or join the mails of an account's folders that were moved; return how many. Raises: unavailable."""
    async with store.peek(account_id) as mailbox:
        folders = await mailbox.traces.list_rethreaded()
    return sum([await _rethread_folder(store, account_id, folder_id) for folder_id in folders])


async def _rethread_folder(store: Store, account_id: AccountId, folder_id: FolderId) -> int:
    changed, after, was_threaded = 0, Uid(0), -1
    while True:
        async with store.transaction(account_id) as tx:
            await tx.lock()
            folder = await tx.folders.find(folder_id)
            if folder is not None and folder.is_threaded != was_threaded:
                # It was moved again: those that followed already are to follow back.
                after, was_threaded = Uid(0), folder.is_threaded
            items = await tx.mails.list_some(folder_id, limit=SLICE, after=after) if folder else []
            if folder is not None:
                changed += await _rethread(tx, folder, items)
            if len(items) < SLICE:
                await tx.traces.end_rethreading(folder_id)
                return changed
            after = items[-1].mail.uid
        # Whoever waits for the store has a turn between two slices.
        await asyncio.sleep(0)


async def _rethread(tx: Transaction, folder: Folder, items: Sequence[Located]) -> int:
    """Part or join those mails of a folder that are not as it says; return how many."""
    wrong = [item for item in items if bool(item.mail.conversation_id) != bool(folder.is_threaded)]
    if not wrong:
        return 0
    state = await tx.advance(mails=len(wrong))
    tally = Tally(tx)
    if folder.is_threaded:
        mails = await enter(tx, tally, [item.mail for item in wrong], is_threaded=1)
        await tx.conversations.assign(
            [(mail.item_id, mail.conversation_id) for mail in mails], modseq=state.modseq
        )
        for item, mail in zip(wrong, mails, strict=True):
            tally.add(Located(mail, item.keys))
    else:
        keys = await read_keys(tx, [item.mail for item in wrong])
        await tx.conversations.assign(
            [(item.mail.item_id, NO_CONVERSATION) for item in wrong], modseq=state.modseq
        )
        await leave(tx, tally, wrong, keys=keys)
    await tally.settle()
    await tx.folders.count(folder.folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    await tx.log("rethread", Record(), modseq=state.modseq)
    return len(wrong)
