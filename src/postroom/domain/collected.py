"""Collected addresses: recipients that no contact has become contacts, in the folder for them.

:func:`collect` is called in the transaction of the send, where the account's setting ``autoAddRecipients`` is on:
what was not sent collects nothing. Addresses are compared without regard to case, domains as A-labels. For those that
some contact has, it is noted that they were used, so that what is written to most can be offered first; that shows in
no list and moves nothing on.

Invariant: the folder's counter is the number of its contacts, and its content has changed when one was added.
"""

from collections.abc import Sequence

from postroom.compose.addresses import Address
from postroom.domain.contact_cards import MAX_CHARS, Card, address_key
from postroom.domain.contact_filing import NewContact, add_contacts
from postroom.model.folder import COLLECTED
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
    new = {key: address for key, address in by_key.items() if not await tx.contact_words.use(key, now=now)}
    return await _add(tx, new, now=now) if new else 0


async def _add(tx: Transaction, new: dict[str, Address], *, now: int) -> int:
    folder = await tx.folders.find(COLLECTED)
    room = MOST_COLLECTED - folder.total_items if folder is not None else 0
    wanted = list(new.items())[: max(room, 0)]
    if not wanted:
        return 0
    names = ((address.name, address.addr_spec) for _, address in wanted)
    cards = [Card(name=(name or email)[:MAX_CHARS].strip(), email=email) for name, email in names]
    return len(await add_contacts(tx, COLLECTED, [NewContact(card) for card in cards], uses=1, now=now))
