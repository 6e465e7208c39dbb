# ruff: noqa: S311
"""Many at once on the same mailboxes, some of them cancelled: no counter is off, no acknowledged mail is missing."""

import asyncio
import random

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message, remove_mail

from postroom.domain.examination import examine
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, MailRef, Modseq, Uid
from postroom.store import Store
from postroom.store.sql import orders

SENT = FolderId(INBOX + 2)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)


async def deliver(owners: list[Owner], number: int) -> None:
    recipients = tuple(
        Recipient("x", owner.account_id, folder_id, "") for owner in owners for folder_id in (INBOX, SENT)
    )
    raw = make_message(subject=f"Letter {number % 10}")
    envelope = Envelope("", recipients, "unix", "x", False, False)
    assert list(await owners[0].domain.ingest.deliver(envelope, raw)) == [None] * len(recipients)


async def flag(owner: Owner, uid: int, number: int) -> None:
    ref = MailRef(owner.account_id, INBOX, Uid(uid))
    try:
        await owner.domain.mail_changes.set_flags(
            await owner.caller(), ref, is_unread=number % 2 == 0, is_flagged=number % 3 == 0
        )
    except PostroomError as error:
        assert error.kind is Kind.NOT_FOUND  # noqa: PT017


async def remove(owner: Owner, uid: int) -> None:
    try:
        async with owner.store.transaction(owner.account_id) as tx:
            await remove_mail(tx, INBOX, Uid(uid))
    except PostroomError as error:
        assert error.kind is Kind.NOT_FOUND  # noqa: PT017


async def totals(store: Store, owner: Owner) -> int:
    async with store.read(owner.account_id) as mailbox:
        total, faults = await examine(mailbox, owner.account.address)
    assert faults == []
    return total


@pytest.mark.parametrize("seed", range(3))
async def test_many_at_once(add_owner: AddOwner, store: Store, seed: int) -> None:
    chance = random.Random(seed)
    owners = [await add_owner(name) for name in ("anna", "berta")]
    acknowledged = 0
    for round_number in range(5):
        deliveries = [
            asyncio.create_task(deliver(chance.sample(owners, 2), round_number * 100 + number))
            for number in range(10)
        ]
        others = []
        for number in range(14):
            owner, uid = chance.choice(owners), chance.randrange(1, 30)
            others.append(asyncio.create_task(flag(owner, uid, number)))
            if number % 4 == 0:
                others.append(asyncio.create_task(remove(owner, uid)))
        for task in chance.sample([*deliveries, *others], 10):
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
            task.cancel()
        results = await asyncio.wait_for(asyncio.gather(*deliveries, *others, return_exceptions=True), 60)
        assert [result for result in results if isinstance(result, Exception)] == []
        acknowledged += sum(result is None for result in results[: len(deliveries)])
    async with store.engine.peek() as connection:
        removed = await connection.fetch_value("SELECT count(*) FROM tombstone")
    assert sum([await totals(store, owner) for owner in owners]) + removed >= acknowledged * 4


async def test_opposite_orders_of_accounts_do_not_block_each_other(add_owner: AddOwner, store: Store) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta", "carl")]
    tasks = [deliver(list(order), number) for number, order in enumerate((owners, owners[::-1]) * 6)]
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    assert [await totals(store, owner) for owner in owners] == [24] * 3


async def test_each_of_many_changes_at_once_is_its_own_operation(owner: Owner) -> None:
    for number in range(6):
        await owner.add_mail(make_message(subject=f"Letter {number}"))
    anna = await owner.caller(await owner.domain.logins.login(owner.authorization, client="127.0.0.1"))
    bob = await owner.caller(await owner.domain.logins.login(owner.authorization, client="127.0.0.1"))
    changes = owner.domain.mail_changes

    def mail(uid: int) -> MailRef:
        return MailRef(owner.account_id, INBOX, Uid(uid))

    results = await asyncio.gather(
        changes.move(anna, mail(1), owner.folder(SENT)),
        changes.move(bob, mail(2), owner.folder(SENT)),
        changes.move(anna, mail(3), owner.folder(FolderId(999))),
        changes.move(anna, mail(77), owner.folder(SENT)),
        changes.move(bob, mail(1), owner.folder(SENT)),
        changes.set_flags(bob, mail(4), is_unread=False, is_flagged=True),
        changes.delete(anna, mail(5), permanent=True),
        changes.spam(anna, mail(6)),
        return_exceptions=True,
    )
    failed = [result.kind if isinstance(result, PostroomError) else None for result in results]
    lost = Kind.NOT_FOUND
    assert failed == [None, None, lost, lost, lost, None, None, None]
    async with owner.store.read(owner.account_id) as mailbox:
        operations = [
            operation
            for operation in await mailbox.operations.list_after(Modseq(0), limit=100)
            if operation.is_head
        ]
        [moved] = [item.mail for item in await mailbox.mails.list_some(SENT, limit=10) if item.mail.uid == 2]
        total, faults = await examine(mailbox, "anna")
    assert [(operation.kind, operation.session_id, operation.mail_count) for operation in operations] == [
        ("mails.move", anna.session_id, 1),
        ("mails.move", bob.session_id, 1),
        ("mails.update", bob.session_id, 1),
        ("mails.delete", anna.session_id, 1),
        ("mails.spam", anna.session_id, 1),
    ]
    assert len({operation.modseq for operation in operations}) == len(operations)
    assert moved.modseq == moved.entered_modseq == operations[1].modseq
    assert (total, faults) == (5, [])
    await owner.domain.operations.undo_last(bob)
    await owner.domain.operations.undo_last(anna)
    async with owner.store.read(owner.account_id) as mailbox:
        assert len(await mailbox.mails.list_some(SENT, limit=10)) == 1
        assert len(await mailbox.mails.list_some(INBOX, limit=10)) == 4
