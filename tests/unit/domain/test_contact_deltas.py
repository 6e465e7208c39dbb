"""Whatever happens between the pages of a chain, at its end a client has what lists show, and counters are right."""

import random
import time
from collections.abc import Sequence

import pytest
from tests.fixtures.factories import Owner

from postroom.config.retention import RetentionConfig
from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.contact_cards import Card
from postroom.domain.contacts import ContactListRequest
from postroom.domain.doomed import remove_doomed
from postroom.domain.maintenance import purge_history
from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.contact import Contact, ContactRef
from postroom.model.folder import COLLECTED, CONTACTS
from postroom.model.ids import FolderId, FolderRef
from postroom.store import Store
from postroom.store.sql.contact_words import level_of

STEPS = 120


class Client:
    """A program that follows a list by its deltas."""

    def __init__(self, domain: Domain, caller: Caller, folder: FolderRef | None) -> None:
        self.items: dict[tuple[int, int], Contact] = {}
        self.token = ""
        self.resets = 0
        self._domain, self._caller, self._folder = domain, caller, folder

    async def pull(self, limit: int) -> bool:
        """Take over one page; tell whether there are more."""
        deltas = self._domain.address_book.deltas
        delta = await deltas.changes(self._caller, self._folder, text=self.token, limit=limit)
        if delta.is_reset:
            self.items.clear()
            self.resets += 1
        for one in (*delta.new, *delta.replaced):
            self.items[one.folder_id, one.uid] = one
        for gone in delta.removed:
            self.items.pop((gone.folder_id, gone.contact_uid), None)
        self.token = delta.token
        return delta.has_more

    async def check(self) -> None:
        """Follow to the end, and compare with the list."""
        while await self.pull(7):
            pass
        contacts = self._domain.address_book.contacts
        page = await contacts.list(self._caller, ContactListRequest(self._folder, limit=1000))
        assert {(one.folder_id, one.uid): one._replace(uses=0) for one in page.contacts} == {
            key: one._replace(uses=0) for key, one in self.items.items()
        }
        assert page.total_items == len(self.items)
        assert self.token == page.token == await contacts.token(self._caller, self._folder)


class World:
    """One account, and things that happen to it at random."""

    def __init__(self, caller: Caller, domain: Domain, seed: int) -> None:
        self.caller, self.domain, self.rng = caller, domain, random.Random(seed)  # noqa: S311
        self.extra: list[FolderId] = []

    async def contacts(self) -> Sequence[Contact]:
        page = await self.domain.address_book.contacts.list(self.caller, ContactListRequest(limit=1000))
        return page.contacts

    def folder(self) -> FolderRef:
        number = self.rng.choice([CONTACTS, COLLECTED, *self.extra])
        return FolderRef(self.caller.account_id, number)

    async def step(self) -> None:
        changes, rng = self.domain.address_book.changes, self.rng
        present = await self.contacts()
        kind = rng.choice(["add", "add", "change", "move", "delete", "folder", "import"])
        if kind == "add" or not present:
            await changes.create(self.caller, Card(name=str(rng.random())), folder=self.folder())
            return
        one = rng.choice(present)
        ref = ContactRef(self.caller.account_id, one.folder_id, one.uid)
        if kind == "change":
            await changes.update(self.caller, ref, {"name": str(rng.random())}, folder=None)
        elif kind == "move":
            await changes.update(self.caller, ref, {}, folder=self.folder())
        elif kind == "delete":
            await changes.delete(self.caller, ref)
        elif kind == "import":
            cards = "".join(
                f"BEGIN:VCARD\nUID:{rng.randrange(9)}\nFN:{rng.random()}\nEND:VCARD\n" for _ in "12"
            )
            await self.domain.address_book.transfer.import_cards(
                self.caller, cards.encode(), folder=self.folder()
            )
        else:
            await self.change_folder()

    async def change_folder(self) -> None:
        folders, owner = self.domain.folder_changes, self.caller.account_id
        if len(self.extra) < 2:
            made = await folders.create(
                self.caller, str(self.rng.random()), parent=None, folder_type="contacts"
            )
            self.extra.append(made.folder_id)
        elif self.rng.random() < 0.5:
            # The first time it goes to Trash, the second time for good.
            number = self.rng.choice(self.extra)
            await folders.delete(self.caller, FolderRef(owner, number))
            try:
                await self.domain.folders.get(self.caller, FolderRef(owner, number))
            except PostroomError:
                self.extra.remove(number)
                await self.domain.doomed.wait()


@pytest.mark.parametrize("seed", range(3))
async def test_deltas_lead_to_what_lists_show(owner: Owner, domain: Domain, store: Store, seed: int) -> None:
    world = World(await owner.caller(), domain, seed)
    places = [None, FolderRef(owner.account_id, CONTACTS), FolderRef(owner.account_id, COLLECTED)]
    clients = [Client(domain, world.caller, place) for place in (*places, *places)]
    for number in range(STEPS):
        await world.step()
        for client in clients:
            if world.rng.random() < 0.3:
                await client.pull(world.rng.randint(1, 4))
        if number % 40 == 39:
            await clients[0].check()
    for client in clients:
        await client.check()
    await domain.doomed.wait()
    assert (await check_store(store)).findings == []


async def test_a_folder_that_goes_with_its_contacts(
    owner: Owner, domain: Domain, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await owner.caller()
    book = domain.address_book
    folder = await domain.folder_changes.create(caller, "Old", parent=None, folder_type="contacts")
    ref = FolderRef(owner.account_id, folder.folder_id)
    for number in range(3):
        await book.changes.create(caller, Card(name=f"Old {number}", email="old@x.test"), folder=ref)
    await book.changes.create(caller, Card(name="Older"), folder=None)
    everywhere, there = Client(domain, caller, None), Client(domain, caller, ref)
    await everywhere.check()
    await there.check()
    await domain.folder_changes.delete(caller, ref)
    await everywhere.check()
    assert (everywhere.resets, len(everywhere.items)) == (0, 4), "in Trash they are still contacts"
    monkeypatch.setattr(domain.folder_changes, "_on_doomed", lambda _: None)
    before = await book.contacts.token(caller, None)
    await domain.folder_changes.delete(caller, ref)
    assert await book.contacts.token(caller, None) != before
    # Before the rows are gone, and after.
    for _ in range(2):
        await everywhere.check()
        assert [one.name for one in everywhere.items.values()] == ["Older"]
        assert [one.name for one in await book.contacts.complete(caller, "old", limit=10)] == ["Older"]
        page = await book.contacts.list(caller, ContactListRequest(limit=10))
        assert ([one.name for one in page.contacts], page.total_items) == (["Older"], 1)
        assert (await check_store(store)).findings == []
        await remove_doomed(store, owner.account_id)
    assert everywhere.resets == 1
    with pytest.raises(PostroomError):
        await there.pull(1)
    async with store.read(owner.account_id) as mailbox:
        assert len(await mailbox.contacts.list_all_after(0, limit=10)) == 1
        assert await mailbox.recounts.recount_contacts() == {CONTACTS: 1}


async def test_what_is_forgotten(owner: Owner, domain: Domain, store: Store) -> None:
    caller = await owner.caller()
    changes = domain.address_book.changes
    clients = [Client(domain, caller, place) for place in (None, FolderRef(owner.account_id, CONTACTS))]
    for _ in range(2):
        made = [await changes.create(caller, Card(name=str(number)), folder=None) for number in range(4)]
        for client in clients:
            await client.check()
        for one in made:
            contact = one.contact
            await changes.delete(caller, ContactRef(owner.account_id, contact.folder_id, contact.uid))
        later = int((time.time() + 400 * 86_400) * 1000)
        await purge_history(store, owner.account_id, RetentionConfig(), now_ms=later)
        for client in clients:
            await client.check()
    assert [client.resets for client in clients] == [2, 2]


async def test_a_send_raises_use_alone(owner: Owner, domain: Domain, store: Store) -> None:
    caller = await owner.caller()
    await domain.address_book.changes.create(caller, Card(name="Bea", email="bea@x.test"), folder=None)
    before = await domain.address_book.contacts.token(caller, None)
    for number in range(1, 300):
        async with store.transaction(owner.account_id) as tx:
            await tx.lock()
            assert await tx.contact_words.use("bea@x.test", now=1)
            if number in {1, 2, 3, 4, 5, 8, 200}:
                [word] = await tx.contact_words.complete([b"bea@"], limit=5)
                assert (word.uses, word.level) == (number, level_of(number))
    assert await domain.address_book.contacts.token(caller, None) == before
    assert (await check_store(store)).findings == []
    for statement, kind in (
        ("UPDATE contact_word SET uses = 7 WHERE word = $1", "contact"),
        ("DELETE FROM contact_word WHERE word = $1", "contact"),
        ("UPDATE contact_word SET item_id = 77 WHERE word = $1", "contact"),
        ("DELETE FROM contact_letters WHERE letters <> $1", "contact"),
        ("UPDATE contact_letters SET span = span + 1 WHERE letters <> $1", "contact"),
    ):
        async with store.engine.write() as connection:
            await connection.execute(statement, b"bea")
        found = await check_store(store, repair=True)
        assert {(fault.kind, fault.repaired) for fault in found.findings} == {(kind, True)}
        assert (await check_store(store)).findings == []
