"""Filing contacts: every change of a contact, of whatever calls for it, is made here, in the transaction given.

Invariants: a folder's counter is the number of its contacts; folder, account and history have moved on when anything
visible of a contact has changed; what is gone from a folder has a tombstone there; addresses and words are those of
the contact.
"""

import time
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from postroom.domain.contact_cards import Card, addresses_of, store_card, words_of
from postroom.errors import bad_parameter, not_found
from postroom.model.contact import Avatar, Contact
from postroom.model.folder import Folder
from postroom.model.ids import FolderId, ItemId, Uid
from postroom.store.tx import Snapshot, Transaction


class NewContact(NamedTuple):
    """A contact to be made; its vCard gets a UID if it has none."""

    card: Card
    card_uid: str = ""
    avatar: Avatar | None = None


class Unset(NamedTuple):
    """Stands for a picture that stays as it is."""


UNSET = Unset()


async def get_contacts_folder(mailbox: Snapshot, folder_id: FolderId) -> Folder:
    """Return a folder that contacts can be put into. Raises: notFound; badParameter."""
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the folder")
    if folder.folder_type != "contacts":
        raise bad_parameter("folderId", "the folder is not for contacts")
    return folder


async def add_contacts(
    tx: Transaction, folder_id: FolderId, new: Sequence[NewContact], *, uses: int = 0, now: int = 0
) -> list[Contact]:
    """Make contacts in a folder, which is there; return them.

    Args:
        tx: the transaction of the account, locked.
        folder_id: the folder.
        new: the contacts.
        uses: how often something was sent to them.
        now: when that was, in Unix milliseconds.
    """
    state = await tx.advance(item_ids=len(new), mails=0)
    counted = await tx.folders.count(
        folder_id, items=len(new), unread=0, size_bytes=0, uids=len(new), modseq=state.modseq
    )
    if counted is None:
        raise not_found("the folder")
    contacts: list[Contact] = []
    for number, one in enumerate(new):
        contact = Contact(
            folder_id,
            Uid(counted.first_uid + number),
            ItemId(state.item_id + number),
            state.modseq,
            state.modseq,
            0,
            *("",) * 11,
            one.card_uid or f"urn:uuid:{uuid.uuid4()}",
            uses,
            int(one.avatar is not None),
            b"",
            b"",
        )
        contacts.append(store_card(contact, one.card))
    await tx.contacts.add(contacts)
    await tx.contact_words.add_addresses(
        [(key, contact.item_id) for contact in contacts for key in addresses_of(contact)], uses=uses, now=now
    )
    await tx.contact_words.add_words(
        (contact.item_id, word, uses) for contact in contacts for word in words_of(contact)
    )
    for contact, one in zip(contacts, new, strict=True):
        if one.avatar is not None:
            await tx.contacts.put_avatar(contact.item_id, one.avatar)
    await tx.contact_changes.note_change(state.modseq)
    return contacts


async def change_contact(
    tx: Transaction, before: Contact, card: Card, *, card_uid: str = "", avatar: Avatar | Unset | None = UNSET
) -> Contact:
    """Let a contact say something else, and have another picture; return it as it is then."""
    after = store_card(before, card)._replace(card_uid=card_uid or before.card_uid)
    if not isinstance(avatar, Unset):
        if avatar == (await tx.contacts.find_avatar(before.item_id) if before.has_avatar else None):
            avatar = UNSET
        else:
            after = after._replace(has_avatar=int(avatar is not None))
    if after == before and isinstance(avatar, Unset):
        return before
    state = await tx.advance(mails=0)
    after = after._replace(modseq=state.modseq)
    await tx.folders.count(before.folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    await tx.contacts.change(after)
    if isinstance(avatar, Avatar):
        await tx.contacts.put_avatar(after.item_id, avatar)
    elif avatar is None:
        await tx.contacts.delete_avatar(after.item_id)
    if (addresses := addresses_of(after)) != addresses_of(before):
        await tx.contact_words.set_addresses(after.item_id, addresses)
    if (words := words_of(after)) != words_of(before):
        await tx.contact_words.set_words(after.item_id, words, uses=after.uses)
    await tx.contact_changes.note_change(state.modseq)
    return after


async def move_contact(tx: Transaction, before: Contact, folder_id: FolderId) -> Contact:
    """Put a contact into another folder; return it, with the uid that it has there."""
    if folder_id == before.folder_id:
        return before
    await get_contacts_folder(tx, folder_id)
    state = await tx.advance(mails=0)
    counted = await tx.folders.count(folder_id, items=1, unread=0, size_bytes=0, uids=1, modseq=state.modseq)
    if counted is None:
        raise not_found("the folder")
    await tx.folders.count(before.folder_id, items=-1, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    after = before._replace(
        folder_id=folder_id, uid=counted.first_uid, modseq=state.modseq, entered_modseq=state.modseq
    )
    await tx.contacts.change(after)
    await tx.contact_changes.bury([before], modseq=state.modseq, removed_at=int(time.time() * 1000))
    await tx.contact_changes.note_change(state.modseq)
    return after


async def remove_contact(tx: Transaction, contact: Contact) -> None:
    """Remove a contact for good."""
    state = await tx.advance(mails=0)
    await tx.folders.count(contact.folder_id, items=-1, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    await tx.contacts.delete([contact.item_id])
    await tx.contact_words.forget([contact.item_id])
    await tx.contact_changes.bury([contact], modseq=state.modseq, removed_at=int(time.time() * 1000))
    await tx.contact_changes.note_change(state.modseq)
