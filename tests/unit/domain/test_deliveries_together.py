"""Deliveries that wait for one account at the same time share a transaction, and are as if each had its own."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message

from postroom.config.classes import AccountClass
from postroom.content.digest import Digest
from postroom.domain import Domain, ingest
from postroom.domain.examination import examine
from postroom.domain.filing import Filing, file_mails
from postroom.domain.ingest import Ingest
from postroom.errors import PostroomError, unavailable
from postroom.mime.raw import Raw
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, Modseq
from postroom.store import Store
from postroom.store.sql.operations import Operation
from postroom.store.tx import Transaction

SENT = FolderId(INBOX + 2)


async def deliver(owner: Owner, raw: bytes, *, folder_id: FolderId = INBOX, sender: str = "") -> str:
    """Deliver a message; return the code of what it is refused with, or nothing."""
    recipient = Recipient(owner.account.address, owner.account_id, folder_id, "")
    envelope = Envelope(sender, (recipient,), "unix", "x", False, False)
    [outcome] = await owner.domain.ingest.deliver(envelope, raw)
    return outcome.code if outcome is not None else ""


async def deliver_all(owner: Owner, raws: Sequence[bytes]) -> list[str]:
    return await asyncio.gather(*(deliver(owner, raw, sender=f"s{n}@x.test") for n, raw in enumerate(raws)))


async def list_operations(owner: Owner) -> list[Operation]:
    async with owner.store.read(owner.account_id) as mailbox:
        return await mailbox.operations.list_after(Modseq(1), limit=100)


async def assert_whole(owner: Owner) -> None:
    async with owner.store.read(owner.account_id) as mailbox:
        assert (await examine(mailbox, owner.account.address))[1] == []


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each transaction has filed. The first goes on when all that have begun wait behind it."""
    sizes: list[int] = []
    begun: list[Ingest] = []
    file, receive = ingest._file, Ingest.receive

    async def begin(self: Ingest, envelope: Envelope, content: Raw) -> ingest.Arrival:
        begun.append(self)
        return await receive(self, envelope, content)

    async def note(tx: Transaction, deliveries: Sequence[ingest._Delivery]) -> None:
        waiting = begun[0]._combiner._waiting
        account_id = deliveries[0].account_id
        while not sizes and len(deliveries) + len(waiting[account_id]) < len(begun):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
        sizes.append(len(deliveries))
        await file(tx, deliveries)

    monkeypatch.setattr(Ingest, "receive", begin)
    monkeypatch.setattr(ingest, "_file", note)
    return sizes


async def test_they_share_transactions(owner: Owner, groups: list[int]) -> None:
    raws = [make_message(subject=f"Letter {number}") for number in range(20)]
    assert await deliver_all(owner, raws) == [""] * 20
    assert sum(groups) == 20
    assert len(groups) <= 2
    async with owner.store.read(owner.account_id) as mailbox:
        folder = await mailbox.folders.find(INBOX)
        contents = await mailbox.contents.list_after(0, limit=100)
    assert folder is not None
    assert (folder.total_items, folder.unread_items, folder.size_bytes) == (20, 20, sum(map(len, raws)))
    assert sorted(content.size_bytes for content in contents) == sorted(map(len, raws))
    await assert_whole(owner)


async def test_each_has_its_own_step_of_history(owner: Owner, groups: list[int]) -> None:
    await deliver_all(owner, [make_message(subject=f"Letter {number}") for number in range(8)])
    assert max(groups) > 1
    operations = await list_operations(owner)
    assert [operation.modseq for operation in operations] == list(range(2, 10))
    assert {operation.kind for operation in operations} == {"deliver"}
    assert sum(f'"sender":"s{number}@x.test"' in one.data for number in range(8) for one in operations) == 8
    async with owner.store.read(owner.account_id) as mailbox:
        mails = [await mailbox.mails.find(INBOX, uid) for uid in range(1, 9)]  # type: ignore[arg-type]
    assert [mail and (mail.modseq, mail.entered_modseq) for mail in mails] == [
        (modseq, modseq) for modseq in range(2, 10)
    ]


async def test_the_same_message_is_stored_once(owner: Owner, groups: list[int]) -> None:
    assert await deliver_all(owner, [make_message()] * 6) == [""] * 6
    assert max(groups) > 1
    async with owner.store.read(owner.account_id) as mailbox:
        [content] = await mailbox.contents.list_after(0, limit=10)
    assert content.refs == 6
    await assert_whole(owner)


async def test_a_thread_is_one_conversation_however_it_comes(owner: Owner, groups: list[int]) -> None:
    first = make_message(subject="Trip")
    name = first.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
    replies = [
        make_message(subject="Re: Trip", body=f"Number {number}\r\n", headers=[("In-Reply-To", name)])
        for number in range(7)
    ]
    await deliver_all(owner, [*replies[:3], first, *replies[3:]])
    assert max(groups) > 1
    async with owner.store.read(owner.account_id) as mailbox:
        folder = await mailbox.folders.find(INBOX)
    assert folder is not None
    assert (folder.total_items, folder.conversations) == (8, 1)
    await assert_whole(owner)


async def test_folders_are_kept_apart(owner: Owner, groups: list[int]) -> None:
    folders = [INBOX, SENT, FolderId(500), INBOX, SENT, FolderId(500)]
    outcomes = await asyncio.gather(
        *(
            deliver(owner, make_message(subject=f"Letter {number}"), folder_id=folder_id)
            for number, folder_id in enumerate(folders)
        )
    )
    assert outcomes == [""] * 6
    assert max(groups) > 1
    async with owner.store.read(owner.account_id) as mailbox:
        found = [await mailbox.folders.find(folder_id) for folder_id in (INBOX, SENT)]
    assert [folder and folder.total_items for folder in found] == [4, 2]
    await assert_whole(owner)


async def test_a_full_mailbox_takes_what_there_is_room_for(owner: Owner, domain: Domain) -> None:
    domain.ingest._classes = {"default": AccountClass(messages=5)}
    outcomes = await deliver_all(owner, [make_message(subject=f"Letter {number}") for number in range(9)])
    assert sorted(outcomes) == [""] * 5 + ["messageQuotaExceeded"] * 4
    await assert_whole(owner)


async def test_one_that_cannot_be_filed_keeps_nobody_out(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = make_message(subject="Bad")

    async def fail(tx: Transaction, filings: Sequence[Filing], folder_id: FolderId) -> object:
        digests: list[Digest] = [filing.digest for filing in filings]
        if any(digest.size_bytes == len(bad) for digest in digests):
            raise RuntimeError
        return await file_mails(tx, filings, folder_id)

    monkeypatch.setattr(ingest, "file_mails", fail)
    raws = [make_message(subject=f"A good letter {number}") for number in range(6)]
    results = await asyncio.gather(
        *(deliver(owner, raw) for raw in [*raws[:3], bad, *raws[3:]]), return_exceptions=True
    )
    assert [result for result in results if isinstance(result, str)] == [""] * 6
    assert isinstance(results[3], RuntimeError)
    await assert_whole(owner)


async def test_what_fails_in_the_commit_is_not_tried_again(
    owner: Owner, store: Store, monkeypatch: pytest.MonkeyPatch, groups: list[int]
) -> None:
    """Nobody knows then whether the mails are there."""
    transaction = store.transaction
    tried = 0

    class Failing:
        def __init__(self) -> None:
            self._inner = transaction(owner.account_id)

        async def __aenter__(self) -> Transaction:
            return await self._inner.__aenter__()

        async def __aexit__(self, *_: object) -> None:
            nonlocal tried
            tried += 1
            await self._inner.__aexit__(None, None, None)
            raise unavailable("the connection was lost")

    monkeypatch.setattr(store, "transaction", lambda _account_id: Failing())
    raws = [make_message(subject=f"Letter {number}") for number in range(6)]
    results = await asyncio.gather(*(deliver(owner, raw) for raw in raws), return_exceptions=True)
    assert all(isinstance(result, PostroomError) for result in results)
    assert tried == len(groups)
    assert sum(groups) == 6


async def test_accounts_do_not_wait_for_each_other(add_owner: AddOwner) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta", "carla")]
    raws = [make_message(subject=f"Letter {number}") for number in range(5)]
    found = await asyncio.gather(*(deliver_all(owner, raws) for owner in owners))
    assert found == [[""] * 5] * 3
    for owner in owners:
        await assert_whole(owner)


async def test_a_store_that_cannot_be_written_is_told_to_all_at_once(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, groups: list[int]
) -> None:
    async def fail(_tx: Transaction, _filings: Sequence[Filing], _folder_id: FolderId) -> object:
        raise unavailable("the disk is full")

    monkeypatch.setattr(ingest, "file_mails", fail)
    raws = [make_message(subject=f"Letter {number}") for number in range(6)]
    found = await asyncio.gather(*(deliver(owner, raw) for raw in raws), return_exceptions=True)
    assert len(found) == sum(groups) == 6
    assert max(groups) > 1
    await assert_whole(owner)
