"""Recipients that no contact has become contacts."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner

from postroom.compose.addresses import Address, parse_address_list
from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.collected import MOST_COLLECTED, collect
from postroom.domain.directory import Directory
from postroom.model.contact import Avatar, Contact
from postroom.model.folder import COLLECTED, Folder
from postroom.model.ids import ItemId
from postroom.store import Store


async def send(owner: Owner, text: str) -> int:
    async with owner.store.transaction(owner.account_id) as tx:
        return await collect(tx, parse_address_list(text, parameter="to"), now=DATE * 1000)


async def contacts_of(owner: Owner) -> Sequence[Contact]:
    async with owner.store.peek(owner.account_id) as mailbox:
        return await mailbox.contacts.list_after(COLLECTED, 0, limit=1000)


async def folder_of(owner: Owner) -> Folder:
    async with owner.store.peek(owner.account_id) as mailbox:
        folder = await mailbox.folders.find(COLLECTED)
    assert folder is not None
    return folder


async def test_recipients_become_contacts(owner: Owner) -> None:
    before = await folder_of(owner)
    assert await send(owner, "Berta Beispiel <Berta@Other.test>, carl@other.test") == 2
    first, second = await contacts_of(owner)
    assert (first.name, first.email, first.name_key) == (
        "Berta Beispiel",
        "Berta@Other.test",
        b"berta beispiel",
    )
    assert (second.name, second.email) == ("carl@other.test", "carl@other.test")
    assert [first.uid, second.uid] == [1, 2]
    assert first.item_id != second.item_id
    after = await folder_of(owner)
    assert (after.total_items, after.unread_items, after.size_bytes) == (2, 0, 0)
    assert after.content_modseq == first.modseq == first.entered_modseq > before.content_modseq
    async with owner.store.peek(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    assert (state.total_items, state.folders_modseq) == (0, after.content_modseq)


async def test_known_addresses_are_left(owner: Owner) -> None:
    assert await send(owner, "berta@other.test, Berta <BERTA@OTHER.TEST>") == 1
    [contact] = await contacts_of(owner)
    assert contact.name == "Berta", "of two spellings the one with a name"
    before = await folder_of(owner)
    assert await send(owner, "Someone Else <berta@Other.Test>") == 0
    assert await folder_of(owner) == before, "the use of a contact shows in no list"
    assert await contacts_of(owner) == [contact._replace(uses=2)]
    assert await send(owner, "") == 0


async def test_addresses_of_all_kinds(owner: Owner) -> None:
    text = '"a b"@other.test, Ü <ü@bücher.test>, x@xn--bcher-kva.test, y@[192.0.2.1], Ü <Ü@BÜCHER.test>'
    assert await send(owner, text) == 4
    assert [contact.email for contact in await contacts_of(owner)] == [
        '"a b"@other.test',
        "ü@xn--bcher-kva.test",
        "x@xn--bcher-kva.test",
        "y@[192.0.2.1]",
    ]
    assert await send(owner, text) == 0


async def test_what_is_not_sent_collects_nothing(owner: Owner) -> None:
    async def fail() -> None:
        async with owner.store.transaction(owner.account_id) as tx:
            await collect(tx, [Address("", "berta", "other.test")], now=DATE * 1000)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await contacts_of(owner) == []
    assert (await folder_of(owner)).total_items == 0


async def test_two_at_the_same_time_make_one(owner: Owner) -> None:
    made = await asyncio.gather(*(send(owner, "berta@other.test, carl@other.test") for _ in range(5)))
    assert sorted(made) == [0, 0, 0, 0, 2]
    assert len(await contacts_of(owner)) == (await folder_of(owner)).total_items == 2


async def test_no_more_than_the_most(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_COLLECTED >= 1000
    monkeypatch.setattr("postroom.domain.collected.MOST_COLLECTED", 3)
    assert await send(owner, "a@x.test, b@x.test") == 2
    assert await send(owner, "c@x.test, d@x.test") == 1
    assert await send(owner, "e@x.test") == 0
    assert (await folder_of(owner)).total_items == 3


async def test_accounts_have_contacts_of_their_own(add_owner: AddOwner) -> None:
    anna, berta = await add_owner("anna"), await add_owner("berta")
    assert await send(anna, "carl@other.test") == 1
    assert await send(berta, "carl@other.test") == 1


async def test_check_and_repair(owner: Owner, store: Store) -> None:
    await send(owner, "berta@other.test, carl@other.test")
    await owner.add_mail()
    assert (await check_store(store)).findings == []
    async with store.transaction(owner.account_id) as tx:
        state = await tx.advance()
        await tx.folders.count(COLLECTED, items=5, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    found = await check_store(store, repair=True)
    assert [(fault.kind, fault.repaired) for fault in found.findings] == [("counter", True)]
    assert (await folder_of(owner)).total_items == 2
    assert (await check_store(store)).findings == []


async def test_removal_of_the_account(
    owner: Owner, store: Store, domain: Domain, directory: Directory
) -> None:
    await send(owner, "berta@other.test, carl@other.test")
    async with store.transaction(owner.account_id) as tx:
        await tx.contacts.put_avatar(ItemId(1), Avatar("image/png", b"x"))
    await directory.remove_account(owner.account.address)
    assert await contacts_of(owner) == []
    async with store.transaction(owner.account_id) as tx:
        assert not await tx.contact_words.use("berta@other.test", now=1)
        assert await tx.contact_words.list_words_between(0, 1000) == []
        assert await tx.contacts.find_avatar(ItemId(1)) is None
