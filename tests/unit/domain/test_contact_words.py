"""Contacts found as one types: the same as by looking at them all."""

import random

import pytest
from tests.fixtures.factories import Owner

from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.contact_cards import Card, words_of, words_of_query
from postroom.domain.contact_filing import NewContact, add_contacts
from postroom.model.contact import Contact, ContactRef
from postroom.model.folder import CONTACTS
from postroom.model.ids import ItemId
from postroom.store import Store
from postroom.store.letter_sets import SPAN
from postroom.store.sql import contact_words

CONTACTS_MADE = 120
QUERIES = 150


def find_all(contacts: list[tuple[Contact, list[bytes]]], query: str) -> list[Contact]:
    """Return the contacts that match, in their order; each is given with its words."""
    beginnings = words_of_query(query)[:4]
    found: list[tuple[int, bytes, int, Contact]] = []
    for one, words in contacts:
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
        contacts = [
            (one, words_of(one)) for one in await mailbox.contacts.list_after(CONTACTS, 0, limit=1000)
        ]
    caller = await owner.caller()
    for _ in range(QUERIES):
        query = " ".join(make_text("abßä'-.", 3) for _ in range(rng.randint(1, 3)))
        matching = find_all(contacts, query)
        for limit in (1, 7, 50):
            found = await domain.address_book.contacts.complete(caller, query, limit=limit)
            assert [one.item_id for one in found] == [one.item_id for one in matching[:limit]], query
    assert (await check_store(store)).findings == []


@pytest.mark.parametrize("few", [0, 1, 5])
async def test_the_same_however_many_may_match(
    owner: Owner, domain: Domain, store: Store, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Whether those who have all the letters are looked at one by one, or words in their order."""
    monkeypatch.setattr(contact_words, "FEW", few)
    new = [
        NewContact(Card(name=f"Anna {'Ben' if number % 3 else 'Bea'} C{number % 7}o"))
        for number in range(CONTACTS_MADE)
    ]
    async with store.transaction(owner.account_id) as tx:
        await tx.lock()
        contacts = [(one, words_of(one)) for one in await add_contacts(tx, CONTACTS, new)]
    caller = await owner.caller()
    for query in ("a b", "an be c1", "a bea c0o", "anna ben c6", "a b c d", "bea ben", "c1 c2", "x y"):
        found = await domain.address_book.contacts.complete(caller, query, limit=10)
        assert [one.item_id for one in found] == [one.item_id for one in find_all(contacts, query)[:10]], (
            query
        )


async def test_words_that_change_go_and_come_back(owner: Owner, domain: Domain, store: Store) -> None:
    caller, book = await owner.caller(), domain.address_book
    made = [
        await book.changes.create(caller, Card(name=name), folder=None) for name in ("Ann Bee", "Ann Cox")
    ]

    async def find(query: str) -> list[int]:
        return [one.item_id for one in await book.contacts.complete(caller, query, limit=10)]

    refs = [ContactRef(owner.account_id, one.contact.folder_id, one.contact.uid) for one in made]
    assert await find("a b") == [made[0].contact.item_id]
    await book.changes.update(caller, refs[0], {"name": "Ann Dee"}, folder=None)
    assert (await find("a b"), await find("a d")) == ([], [made[0].contact.item_id])
    await book.changes.update(caller, refs[0], {"name": "Ann Bee"}, folder=None)
    assert (await find("a b"), await find("a d")) == ([made[0].contact.item_id], [])
    await book.changes.delete(caller, refs[0])
    assert await find("a b") == []
    await book.changes.delete(caller, refs[1])
    assert (await check_store(store)).findings == []
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.contact_letters.list_all() == {}


async def test_numbers_far_apart(store: Store, owner: Owner) -> None:
    """A contact's number may be anything, and the sets are rows of many numbers."""
    numbers = [1, SPAN - 1, SPAN, 5 * SPAN + 3, 2**40]
    words = [(ItemId(number), word) for number in numbers for word in (b"ann", b"b")]
    async with store.transaction(owner.account_id) as tx:
        await tx.lock()
        await tx.contact_letters.change(before=(), after=words)
        for beginnings in ([b"a", b"b"], [b"an", b"b"], [b"annette", b"b", b"a"]):
            assert await tx.contact_letters.find_common(beginnings, limit=5) == numbers
            assert await tx.contact_letters.find_common(beginnings, limit=4) is None
        assert await tx.contact_letters.find_common([b"a", b"bb"], limit=5) == []
        await tx.contact_letters.change(before=words[:4], after=[(ItemId(SPAN - 1), b"x")])
        assert await tx.contact_letters.find_common([b"a", b"b"], limit=5) == numbers[2:]
        assert await tx.contact_letters.find_common([b"x"], limit=5) == [SPAN - 1]
