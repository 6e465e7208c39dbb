"""Changing contacts: make, change, move, remove.

A contact that is moved to another folder gets the id that it has there, as a mail does; it keeps what is known of its
use. One that is removed is gone for good: contacts have no Trash, and their changes are not on the undo stack.

Pictures are made small and written anew by a process of its own (:mod:`postroom.content.pictures`), so that nothing
is kept of the file that was sent but what is to be seen.
"""

from collections.abc import Mapping

from postroom.config.classes import AccountClass
from postroom.content.pictures import Failure, PictureMaker
from postroom.domain.access import require_own
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
from postroom.model.ids import FolderRef
from postroom.store import Store
from postroom.store.tx import Transaction

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
        require_own(caller, folder.owner, "the folder")
        picture = await self._make_avatar(avatar)
        async with self._store.transaction(folder.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            await get_contacts_folder(tx, folder.folder)
            if not await find_room(tx, self._classes, caller):
                raise not_permitted("the account holds as many contacts as it may")
            [contact] = await add_contacts(tx, folder.folder, [NewContact(card, avatar=picture)])
            await tx.log("contacts.create", Record(), modseq=tx.modseq)
        return FullContact(contact, picture)

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

        Raises: badParameter; notFound; payloadTooLarge; unavailable.
        """
        require_own(caller, ref.owner, "the contact")
        if folder is not None:
            require_own(caller, folder.owner, "the folder")
        picture: Avatar | Unset | None = UNSET if avatar is None else await self._make_avatar(avatar)
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
            before = await _get(tx, ref)
            after = await change_contact(tx, before, change_card(card_of(before), changes), avatar=picture)
            if folder is not None:
                after = await move_contact(tx, after, folder.folder)
            if after != before or picture is not UNSET:
                await _log_change(tx)
            shown = await tx.contacts.find_avatar(after.item_id) if after.has_avatar else None
        return FullContact(after, shown)

    async def delete(self, caller: Caller, ref: ContactRef) -> None:
        """Remove a contact for good. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the contact")
        async with self._store.transaction(ref.owner, session_id=caller.session_id) as tx:
            await tx.lock()
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


async def find_room(tx: Transaction, classes: Mapping[str, AccountClass], caller: Caller) -> int:
    """Return how many contacts more the account may have."""
    account_class = classes.get(caller.class_name) or classes["default"]
    return max(account_class.contacts - await tx.contacts.count(), 0)
