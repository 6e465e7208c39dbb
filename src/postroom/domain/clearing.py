"""Clearing Trash and Spam: at logout where the account's settings say so, and of what has been there long enough.

What is to go from a folder is said by a step of history: the mails that had entered by it. A mail gets a higher uid
than all that were in its folder before, so that these are the first ones by uid. Clearing is noted in a short
transaction (:func:`clear_later`) and done behind it, slice by slice (:func:`clear_folders`); what a crash leaves is
found again by ``folder_clearing``. What comes into the folder meanwhile stays, and so does what is taken out of it. A
folder that is taken out of Trash or Spam before its turn is not cleared.

Folders in Trash are what was deleted: they go as a whole, at once (``remove_folders``). Folders in Spam somebody has
made to sort what is there: they are cleared, and stay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from postroom.config.classes import AccountClass
from postroom.domain.actions import is_within
from postroom.domain.filing import remove_mails
from postroom.domain.folder_changes import remove_folders
from postroom.domain.settings import read_settings
from postroom.domain.shared_folders import parents_first
from postroom.domain.steps import Listed, Record, Remove
from postroom.errors import Kind, PostroomError
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId
from postroom.store import Store
from postroom.store.sql.maintenance import Clearing
from postroom.store.tx import DirectoryTransaction, Snapshot, Transaction

SLICE = 40
"""Mails removed in one transaction: it holds up other writers of the store for some 15 ms."""
LOGOUT = "logout.purge"
TRASH, SPAM = "trash", "junk"
WAIT_SECONDS = 1.0
"""A logout waits so long for what it clears; what is left then goes behind its back."""


# Noting


def list_tree(folders: list[Folder], top: FolderId) -> list[Folder]:
    """Return a folder and all below it, parents first."""
    within: set[FolderId] = set()
    tree: list[Folder] = []
    for folder in parents_first(folders):
        if folder.folder_id == top or folder.parent_id in within:
            within.add(folder.folder_id)
            tree.append(folder)
    return tree


async def clear_later(tx: Transaction, clearing: Clearing) -> None:
    """Note that mails are to be removed from a folder, and have it begun once that is durable."""
    await tx.upkeep.clear(clearing)
    tx.after_commit(lambda: tx.follow_up(tx.account_id))


async def empty_bin(tx: Transaction, role: str, *, kind: str) -> None:
    """Remove all that is in Trash or in Spam, with what is in the folders below."""
    top = await tx.folders.find_role(role)
    if top is None:
        return
    tree = list_tree(await tx.folders.list_all(), top)
    if role == TRASH and len(tree) > 1:
        steps = await remove_folders(tx, tree[1:])
        await tx.log(kind, Record(steps), modseq=tx.modseq)
        tree = tree[:1]
    state = await tx.mailbox.find()
    for folder in tree:
        if folder.total_items and state is not None:
            await clear_later(tx, Clearing(folder.folder_id, state.modseq, kind))


class LogoutPurges:
    """What a logout clears."""

    def __init__(
        self, classes: Mapping[str, AccountClass], *, follow: Callable[[AccountId], Awaitable[None]]
    ) -> None:
        """``follow`` does what is noted for an account."""
        self._classes = classes
        self._follow = follow

    async def note(self, directory: DirectoryTransaction, account_id: AccountId) -> bool:
        """Note what is to be removed, in the transaction that ends a session; return whether something is."""
        tx = directory.mailbox(account_id)
        try:
            settings = await read_settings(tx, self._classes)
            roles = [
                role
                for role, is_wanted in (
                    (TRASH, settings.purge_trash_on_logout),
                    (SPAM, settings.purge_spam_on_logout),
                )
                if is_wanted
            ]
            if roles:
                await tx.lock()
        except PostroomError as error:
            if error.kind is Kind.NOT_FOUND:  # The account is being removed.
                return False
            raise
        for role in roles:
            await empty_bin(tx, role, kind=LOGOUT)
        return bool(roles)

    async def follow(self, account_id: AccountId) -> None:
        """Remove what was noted: return when it is gone, or after a while in which it was begun."""
        task = asyncio.ensure_future(self._follow(account_id))
        await asyncio.wait([task], timeout=WAIT_SECONDS)


# Doing


async def clear_folders(store: Store, account_id: AccountId) -> int:
    """Remove what is to be removed from an account's folders; return how many mails. Raises: unavailable."""
    async with store.peek(account_id) as mailbox:
        folders = await mailbox.upkeep.list_clearings()
    removed = 0
    for folder_id in folders:
        goes_on = True
        while goes_on:
            try:
                async with store.transaction(account_id) as tx:
                    await tx.lock()
                    count = await _clear_slice(tx, folder_id)
            except PostroomError as error:
                if error.kind is Kind.NOT_FOUND:  # The account has been removed meanwhile.
                    return removed
                raise
            removed += count
            goes_on = count == SLICE
            # Whoever waits for the store has a turn between two slices.
            await asyncio.sleep(0)
    return removed


async def _clear_slice(tx: Transaction, folder_id: FolderId) -> int:
    """Remove the next mails of a folder that is to be cleared; fewer than a slice: it is done with."""
    clearing = await tx.upkeep.find_clearing(folder_id)
    if clearing is None:
        return 0
    items = await tx.mails.list_some(folder_id, limit=SLICE) if await _is_in_bin(tx, folder_id) else []
    old = [item for item in items if item.mail.entered_modseq <= clearing.modseq]
    if old:
        removed = await remove_mails(tx, old)
        step = Remove(folder_id, [Listed(mail.item_id, mail.uid) for mail in removed])
        await tx.log(clearing.kind, Record([step]), modseq=tx.modseq)
    if len(old) < SLICE:
        await tx.upkeep.end_clearing(folder_id)
    return len(old)


async def _is_in_bin(mailbox: Snapshot, folder_id: FolderId) -> bool:
    """Tell whether a folder is still there, and is Trash or Spam or below one of them."""
    for role in (TRASH, SPAM):
        top = await mailbox.folders.find_role(role)
        if top is not None and await is_within(mailbox, folder_id, top):
            return True
    return False
