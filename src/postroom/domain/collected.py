"""Collected addresses: recipients that no contact has become contacts, in the folder for them.

:func:`collect` is called in the transaction of the send, where the account's setting ``autoAddRecipients`` is on:
what was not sent collects nothing. Addresses are compared without regard to case, domains as A-labels. For those that
some contact has, it is noted that they were used, so that what is written to most can be offered first; that shows in
no list and moves nothing on.

Invariant: the folder's counter is the number of its contacts, and its content has changed when one was added.
"""

import unicodedata
from collections.abc import Sequence

from postroom.compose.addresses import Address
from postroom.domain.addresses import normalise_domain
from postroom.errors import PostroomError
from postroom.mime.summary import sort_key
from postroom.model.contact import Contact
from postroom.model.folder import COLLECTED
from postroom.model.ids import ItemId, Uid
from postroom.store.tx import Transaction

MOST_COLLECTED = 10_000
"""Contacts in the folder; beyond that no more are collected."""


async def collect(tx: Transaction, addresses: Sequence[Address], *, now: int) -> int:
    """Make contacts of the addresses that no contact has; return how many were made.

    Args:
        tx: a transaction of the sender's account.
        addresses: the recipients, in the order they were given; the same one may occur twice.
        now: the present time in Unix milliseconds.
    """
    if not addresses:
        return 0
    await tx.lock()  # Two sends at the same time to a new address make one contact.
    by_key: dict[str, Address] = {}
    for address in addresses:
        key = address_key(address.addr_spec)
        if key not in by_key or not by_key[key].name:
            by_key[key] = address
    new = {key: address for key, address in by_key.items() if not await tx.contacts.use(key, now=now)}
    return await _add(tx, new, now=now) if new else 0


def address_key(addr_spec: str) -> str:
    """Return the form of an address that contacts are compared by."""
    local_part, _, domain = addr_spec.rpartition("@")
    try:
        domain = normalise_domain(domain)
    except PostroomError:  # A domain literal.
        domain = domain.lower()
    return f"{unicodedata.normalize('NFC', local_part.casefold())}@{domain}"


async def _add(tx: Transaction, new: dict[str, Address], *, now: int) -> int:
    folder = await tx.folders.find(COLLECTED)
    room = MOST_COLLECTED - folder.total_items if folder is not None else 0
    wanted = list(new.items())[: max(room, 0)]
    if not wanted:
        return 0
    state = await tx.advance(item_ids=len(wanted), mails=0)
    counted = await tx.folders.count(
        COLLECTED, items=len(wanted), unread=0, size_bytes=0, uids=len(wanted), modseq=state.modseq
    )
    if counted is None:
        return 0
    first = Contact(COLLECTED, counted.first_uid, state.item_id, state.modseq, state.modseq, *_EMPTY)
    contacts = [_make_contact(first, number, address) for number, (_, address) in enumerate(wanted)]
    await tx.contacts.add(contacts)
    keys = [(key, contact.item_id) for (key, _), contact in zip(wanted, contacts, strict=True)]
    await tx.contacts.add_addresses(keys, uses=1, now=now)
    return len(contacts)


_EMPTY = (0, *("",) * 11, b"", b"")


def _make_contact(first: Contact, number: int, address: Address) -> Contact:
    """Return the contact of an address; ``first`` has the first of the numbers that are reserved."""
    name = address.name or address.addr_spec
    return first._replace(
        uid=Uid(first.uid + number),
        item_id=ItemId(first.item_id + number),
        name=name,
        email=address.addr_spec,
        name_key=sort_key(name),
        email_key=sort_key(address.addr_spec),
    )
