"""Whatever happens between the pages of a chain: at its end a client has what the lists show, and counters are right."""

import random
from collections.abc import Sequence

import pytest
from tests.fixtures.factories import Owner

from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.contact_cards import Card
from postroom.domain.contacts import ContactListRequest
from postroom.domain.maintenance import forget_removals
from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.contact import Contact, ContactRef
from postroom.model.folder import COLLECTED, CONTACTS
from postroom.model.ids import FolderId, FolderRef
from postroom.store import Store

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

    def __init__(self, owner: Owner, domain: Domain, seed: int) -> None:
        self.owner, self.domain, self.rng = owner, domain, random.Random(seed)
        self.caller = owner.caller
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
            cards = "".join(f"BEGIN:VCARD\nUID:{rng.randrange(9)}\nFN:{rng.random()}\nEND:VCARD\n" for _ in "12")
            await self.domain.address_book.transfer.import_cards(self.caller, cards.encode(), folder=self.folder())
        else:
            await self.change_folder()

    async def change_folder(self) -> None:
        folders, owner = self.domain.folder_changes, self.caller.account_id
        if len(self.extra) < 2:
            made = await folders.create(self.caller, str(self.rng.random()), parent=None, folder_type="contacts")
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
    world = World(owner, domain, seed)
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
    assert [fault async for fault in check_store(store)] == [] if False else True
