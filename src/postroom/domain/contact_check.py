"""Examining what contacts are found by: words and addresses are made anew of each contact, and compared.

Which contacts have words with the same first letters is made anew of the words, once these are right.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import NamedTuple

from postroom.domain.contact_cards import addresses_of, words_of
from postroom.model.contact import Contact
from postroom.model.ids import ItemId
from postroom.store.letter_sets import Place, gather
from postroom.store.sql.contact_words import level_of
from postroom.store.tx import Snapshot, Transaction

_SLICE = 500
_LAST = 2**63 - 1


class _Harm(NamedTuple):
    """A contact with something wrong; None where there is none of that number."""

    item_id: ItemId
    contact: Contact | None
    what: str


async def find_faults(mailbox: Snapshot) -> list[str]:
    """Return what is wrong, in words; reads all contacts. Raises: unavailable."""
    faults = [harm.what async for harm in _find_harm(mailbox)]
    if await _gather_letters(mailbox) != await mailbox.contact_letters.list_all():
        faults.append("the sets of contacts by the first letters of their words are off")
    return faults


async def repair_contacts(tx: Transaction) -> None:
    """Set right what contacts are found by. Raises: unavailable."""
    for item_id, contact, _ in [harm async for harm in _find_harm(tx)]:
        if contact is None:
            await tx.contact_words.forget([item_id])
        else:
            await tx.contact_words.set_words(item_id, words_of(contact), uses=contact.uses)
            await tx.contact_words.set_addresses(item_id, addresses_of(contact))
    await tx.contact_letters.rebuild(await _gather_letters(tx))


async def _gather_letters(mailbox: Snapshot) -> dict[Place, int]:
    """Return the sets that there should be by the words that are stored."""
    found: dict[Place, int] = {}
    after, is_over = 0, False
    while not is_over:
        contacts = await mailbox.contacts.list_all_after(after, limit=_SLICE)
        is_over = len(contacts) < _SLICE
        last = _LAST if is_over else contacts[-1].item_id
        words = await mailbox.contact_words.list_words_between(after, last)
        for place, bits in gather((row.item_id, row.word) for row in words).items():
            found[place] = found.get(place, 0) | bits
        after = last
    return found


async def _find_harm(mailbox: Snapshot) -> AsyncIterator[_Harm]:
    doomed = set(await mailbox.traces.list_doomed())
    folders = {folder.folder_id for folder in await mailbox.folders.list_all()} | doomed
    after, is_over = 0, False
    while not is_over:
        contacts = await mailbox.contacts.list_all_after(after, limit=_SLICE)
        is_over = len(contacts) < _SLICE
        last = _LAST if is_over else contacts[-1].item_id
        for harm in await _compare(mailbox, contacts, after=after, last=last):
            yield harm
        for contact in contacts:
            if contact.folder_id not in folders:
                what = f"folder {contact.folder_id}: it is gone, contact {contact.uid} is there"
                yield _Harm(contact.item_id, contact, what)
        after = last


async def _compare(mailbox: Snapshot, contacts: list[Contact], *, after: int, last: int) -> list[_Harm]:
    words: dict[ItemId, set[tuple[bytes, int, int]]] = defaultdict(set)
    for row in await mailbox.contact_words.list_words_between(after, last):
        words[row.item_id].add((row.word, row.level, row.uses))
    addresses: dict[ItemId, set[str]] = defaultdict(set)
    for item_id, address in await mailbox.contact_words.list_addresses_between(after, last):
        addresses[item_id].add(address)
    harms: list[_Harm] = []
    for one in contacts:
        expected = {(word, level_of(one.uses), one.uses) for word in words_of(one)}
        if words.pop(one.item_id, set()) != expected:
            what = f"contact {one.item_id}: the words that it is found by are off"
            harms.append(_Harm(one.item_id, one, what))
        if addresses.pop(one.item_id, set()) != set(addresses_of(one)):
            what = f"contact {one.item_id}: the addresses that it is found by are off"
            harms.append(_Harm(one.item_id, one, what))
    gone = sorted(words.keys() | addresses.keys())
    what = "it is gone, what it was found by is there"
    return [*harms, *(_Harm(number, None, f"contact {number}: {what}") for number in gone)]
