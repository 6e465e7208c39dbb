"""Contacts found as one types: the same as by looking at them all."""

import random

import pytest
from tests.fixtures.factories import Owner

from postroom.domain import Domain
from postroom.domain.contact_cards import Card, words_of, words_of_query
from postroom.domain.contact_filing import NewContact, add_contacts
from postroom.model.contact import Contact
from postroom.model.folder import CONTACTS
from postroom.store import Store

CONTACTS_MADE = 120
QUERIES = 150


def find_all(contacts: list[Contact], query: str) -> list[Contact]:
    """Return the contacts that match, in their order."""
    beginnings = words_of_query(query)[:4]
    found: list[tuple[int, bytes, int, Contact]] = []
    for one in contacts:
        words = words_of(one)
        if beginnings and all(any(word.startswith(part) for word in words) for part in beginnings):
            first = min(word for word in words if word.startswith(beginnings[0]))
            found.append((-one.uses, first, one.item_id, one))
    return [row[3] for row in sorted(found, key=lambda row: row[:3])]


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_as_by_looking_at_them_all(
    owner: Owner, domain: Domain, store: Store, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311

    def make_text(letters: str, most: int) -> str:
        return "".join(rng.choice(letters) for _ in range(rng.randint(1, most)))

    new = [
        NewContact(
            Card(
                name=" ".join(make_text("abÄß-'", 4) + "a" for _ in range(rng.randint(1, 4))),
                nick_name=make_text("ab é", 5).strip(),
                email=f"{make_text('ab', 3)}.{make_text('ab', 3)}{number}@b.test",
            )
        )
        for number in range(CONTACTS_MADE)
    ]
    async with store.transaction(owner.account_id) as tx:
        await tx.lock()
        for one in await add_contacts(tx, CONTACTS, new):
            for _ in range(rng.choice([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 12, 33])):
                await tx.contact_words.use(one.email.lower(), now=1)
    async with store.read(owner.account_id) as mailbox:
        contacts = await mailbox.contacts.list_after(CONTACTS, 0, limit=1000)
    caller = await owner.caller()
    for _ in range(QUERIES):
        query = " ".join(make_text("abßä'-.", 3) for _ in range(rng.randint(1, 3)))
        for limit in (1, 7, 50):
            found = await domain.address_book.contacts.complete(caller, query, limit=limit)
            expected = find_all(contacts, query)[:limit]
            assert [one.item_id for one in found] == [one.item_id for one in expected], query
