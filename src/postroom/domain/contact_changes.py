"""Changing contacts: make, change, move, remove.

A contact that is moved to another folder gets the id that it has there, as a mail does; it keeps what is known of its
use. One that is removed is gone for good: contacts have no Trash, and their changes are not on the undo stack.

In a folder of another's each change needs its rights: ``i`` for a new contact, ``r`` and ``w`` for what one says,
``t`` and ``e`` for what leaves. Between owners a contact is made anew and removed, in one transaction over both
mailboxes; how often it was used is not told to the other. It counts where it comes to.

Pictures are made small and written anew by a process of its own (:mod:`postroom.content.pictures`), so that nothing
is kept of the file that was sent but what is to be seen.
"""

from collections.abc import Mapping
from typing import NamedTuple

from postroom.config.classes import AccountClass, class_of
from postroom.content.pictures import Failure, PictureMaker
from postroom.domain.access import INSERT, READ, TAKE, WRITE, lock_folders, require
from postroom.domain.contact_cards import Card, card_of, change_card, check_card
from postroom.domain.contact_filing import (
    UNSET,
    NewContact,
    Unset,
    add_contacts,
    change_contact,
    get_contacts_folder,
    move_contact,
    remove_contact,
)
from postroom.domain.contacts import FullContact
from postroom.domain.profiles import explain_failure
from postroom.domain.steps import Record
from postroom.errors import Kind, PostroomError, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.contact import Avatar, Contact, ContactRef
from postroom.model.folder import CONTACTS
from postroom.model.ids import AccountId, FolderId, FolderRef, SessionId
from postroom.store import Store
from postroom.store.tx import Snapshot, Transaction

MAX_AVATAR_BYTES = 1 << 20


class ContactChanges:
    """Changes of the contacts of a caller."""

    def __init__(self, store: Store, classes: Mapping[str, AccountClass], pictures: PictureMaker) -> None:
        self._store = store
        self._classes = classes
        self._pictures = pictures

    async def create(
        self, caller: Caller, card: Card, *, folder: FolderRef | None, avatar: bytes = b""
    ) -> FullContact:
        """Make a contact, in Contacts if no folder is given; return it.

        Raises: badParameter; notFound; notPermitted if there are too many; payloadTooLarge; unavailable.
        """
        card = check_card(card)
        folder = folder or FolderRef(caller.account_id, CONTACTS)
        if avatar:
            async with self._store.read(folder.owner) as mailbox:
                await require(mailbox, caller, folder.folder, needs=INSERT)
        picture = await self._make_avatar(avatar)
        async with self._store.transaction(folder.owner, session_id=session_of(caller, folder.owner)) as tx:
            await lock_folders(tx)
            await require(tx, caller, folder.folder, needs=INSERT)
            contact = await self._add(tx, folder.folder, NewContact(card, avatar=picture))
            await tx.log("contacts.create", Record(), modseq=tx.modseq)
        return FullContact(folder.owner, contact, picture)

    async def _add(self, tx: Transaction, folder_id: FolderId, new: NewContact) -> Contact:
        """Make a contact. Raises: notFound; badParameter; notPermitted if there are too many."""
        await get_contacts_folder(tx, folder_id)
        if not await find_room(tx, self._classes):
            raise not_permitted("the account holds as many contacts as it may")
        [contact] = await add_contacts(tx, folder_id, [new])
        return contact

    async def update(
        self,
        caller: Caller,
        ref: ContactRef,
        changes: dict[str, object],
        *,
        folder: FolderRef | None,
        avatar: bytes | None = None,
    ) -> FullContact:
        """Change what a contact says, its picture, its folder; return it as it is then.

        Args:
            caller: who asks.
            ref: the contact.
            changes: fields of its card, by their names.
            folder: where it goes; None: it stays.
            avatar: a file; empty: it has no picture any more; None: that stays as it is.

        Raises: badParameter; notFound; notPermitted; payloadTooLarge; unavailable.
        """
        wanted = _Wanted(ref, changes, folder, avatar)
        if avatar or ref.owner != caller.account_id or (folder is not None and folder.owner != ref.owner):
            # Nobody has a picture made, or waits for a mailbox, for what he may not do.
            async with self._store.read(ref.owner) as mailbox:
                await wanted.check(mailbox, caller)
        picture: Avatar | Unset | None = UNSET if avatar is None else await self._make_avatar(avatar)
        if folder is not None and folder.owner != ref.owner:
            return await self._carry(caller, wanted, folder, picture=picture)
        async with self._store.transaction(ref.owner, session_id=session_of(caller, ref.owner)) as tx:
            await lock_folders(tx)
            await wanted.check(tx, caller)
            before = await _get(tx, ref)
            after = await change_contact(tx, before, change_card(card_of(before), changes), avatar=picture)
            if folder is not None:
                after = await move_contact(tx, after, folder.folder)
            if after != before or picture is not UNSET:
                await _log_change(tx)
            shown = await tx.contacts.find_avatar(after.item_id) if after.has_avatar else None
        return FullContact(ref.owner, after, shown)

    async def _carry(
        self, caller: Caller, wanted: "_Wanted", folder: FolderRef, *, picture: Avatar | Unset | None
    ) -> FullContact:
        """Let a contact go to a folder of another owner, changed; return it as it is there."""
        ref = wanted.ref
        async with self._store.transactions([ref.owner, folder.owner]) as (source, place):
            for tx in sorted((source, place), key=lambda one: one.account_id):
                await lock_folders(tx)
            await wanted.check(source, caller)
            before = await _get(source, ref)
            card = change_card(card_of(before), wanted.changes)
            if isinstance(picture, Unset):
                picture = await source.contacts.find_avatar(before.item_id) if before.has_avatar else None
            contact = await self._add(place, folder.folder, NewContact(card, before.card_uid, picture))
            await remove_contact(source, before)
            await _log_change(place)
            await _log_change(source)
        return FullContact(folder.owner, contact, picture)

    async def delete(self, caller: Caller, ref: ContactRef) -> None:
        """Remove a contact for good. Raises: notFound; notPermitted; unavailable."""
        async with self._store.transaction(ref.owner, session_id=session_of(caller, ref.owner)) as tx:
            await lock_folders(tx)
            await require(tx, caller, ref.folder, needs=TAKE, what="the contact")
            await remove_contact(tx, await _get(tx, ref))
            await tx.log("contacts.delete", Record(), modseq=tx.modseq)

    async def _make_avatar(self, data: bytes) -> Avatar | None:
        """Return a picture from a file, None for an empty one. Raises: badParameter; payloadTooLarge; unavailable."""
        if not data:
            return None
        if len(data) > MAX_AVATAR_BYTES:
            message = f"avatar must be at most {MAX_AVATAR_BYTES} bytes"
            details = {"limit": MAX_AVATAR_BYTES}
            raise PostroomError(Kind.TOO_LARGE, "payloadTooLarge", message, details=details)
        made = await self._pictures.make(data)
        if isinstance(made, Failure):
            raise explain_failure(made, "avatar")
        return Avatar(*made)


async def _get(tx: Transaction, ref: ContactRef) -> Contact:
    contact = await tx.contacts.find(ref.folder, ref.uid)
    if contact is None:
        raise not_found("the contact")
    return contact


async def _log_change(tx: Transaction) -> None:
    """Write the log, if anything has changed."""
    if tx.modseq:
        await tx.log("contacts.update", Record(), modseq=tx.modseq)


class _Wanted(NamedTuple):
    """What is to be changed of a contact."""

    ref: ContactRef
    changes: dict[str, object]
    folder: FolderRef | None
    avatar: bytes | None

    async def check(self, mailbox: Snapshot, caller: Caller) -> None:
        """Refuse what the caller may not do. Raises: notFound; notPermitted."""
        ref, folder = self.ref, self.folder
        needs = READ
        if self.changes or self.avatar is not None:
            needs += WRITE
        is_move = folder is not None and folder != (ref.owner, ref.folder)
        await require(
            mailbox, caller, ref.folder, needs=needs + TAKE if is_move else needs, what="the contact"
        )
        if folder is not None and is_move:
            await require(mailbox.at(folder.owner), caller, folder.folder, needs=INSERT)


def session_of(caller: Caller, owner: AccountId) -> SessionId | None:
    """Return the session that a change is written down with: none in another's history."""
    return caller.session_id if owner == caller.account_id else None


async def find_room(tx: Transaction, classes: Mapping[str, AccountClass]) -> int:
    """Return how many contacts more the account may have."""
    owner = await tx.accounts.find(tx.account_id)
    account_class = class_of(classes, "" if owner is None else owner.class_name)
    return max(account_class.contacts - await tx.contacts.count(), 0)
