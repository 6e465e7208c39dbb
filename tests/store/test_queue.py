"""The outgoing queue: what is done with a message from its release to its end, on a clock that stands still."""

from collections.abc import Sequence

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.queue_world import QueueWorld, deferred, failed, relayed, unreachable

from postroom.config.classes import AccountClass
from postroom.config.sending import SendingConfig
from postroom.domain.directory import Directory
from postroom.domain.examination import examine, repair_faults
from postroom.domain.filing import locate_mail, move_mails, remove_mails
from postroom.domain.messages import read_summary
from postroom.domain.outbox import withdraw
from postroom.domain.queue_admin import purge_finished
from postroom.model.folder import INBOX, SCHEDULED, SENT
from postroom.model.ids import FolderId
from postroom.model.listing import Sort
from postroom.model.mail import Mail
from postroom.model.outgoing import SCHEDULED as SCHEDULED_KIND
from postroom.model.outgoing import VACATION, Outcome, OutgoingRecipient
from postroom.store import Store

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def world(store: Store) -> QueueWorld:
    return QueueWorld(store)


async def list_mails(owner: Owner, folder_id: FolderId = INBOX) -> list[Mail]:
    async with owner.store.read(owner.account_id) as mailbox:
        return list(await mailbox.mails.list_page(folder_id, Sort(), anchor=None, skip=0, limit=100))


async def read_raw(owner: Owner, mail: Mail) -> bytes:
    async with owner.store.read(owner.account_id) as mailbox:
        content = await mailbox.contents.find(mail.content_id)
    assert content is not None
    reader = await owner.store.messages.open(owner.account_id, content)
    return bytes(await reader.read(0, reader.size_bytes))


async def check(*owners: Owner) -> None:
    for owner in owners:
        async with owner.store.read(owner.account_id) as mailbox:
            _, faults = await examine(mailbox, "")
        assert faults == []


# Other servers


async def test_relayed(world: QueueWorld, owner: Owner) -> None:
    number = await world.send(owner, ["berta@other.test", "carl@other.test", "dora@third.test"])
    await world.work()
    assert sorted(world.transport.addresses()) == ["berta@other.test", "carl@other.test", "dora@third.test"]
    assert len(world.transport.sent) == 2
    assert await world.states(number) == ["relayed"] * 3
    message = await world.find(number)
    assert (message.started_at, message.finished_at) == (world.clock.now_ms(),) * 2
    assert await world.groups(number) == []
    [recipient, *_] = await world.recipients(number)
    assert recipient[6:10] == ("relayed", "2.0.0", "250 2.0.0 taken", "mx.other.test")
    await check(owner)


async def test_what_leaves_has_no_bcc(world: QueueWorld, owner: Owner) -> None:
    raw = make_message(subject="Secret", headers=[("Bcc", "dora@third.test")])
    await world.send(owner, ["berta@other.test", "dora@third.test"], raw=raw)
    await world.work()
    for _, outbound in world.transport.sent:
        assert outbound.content == make_message(subject="Secret")
        assert outbound.sender == "anna@example.test"
    [mail] = await list_mails(owner, SENT)
    assert await read_raw(owner, mail) == raw


async def test_recipients_beyond_ascii_go_alone(world: QueueWorld, owner: Owner) -> None:
    number = await world.send(owner, ["bö@other.test", "berta@other.test", "cä@other.test"])
    await world.work()
    assert [
        (outbound.needs_smtputf8, [one.address for one in outbound.recipients])
        for _, outbound in world.transport.sent
    ] == [(False, ["berta@other.test"]), (True, ["bö@other.test", "cä@other.test"])]
    assert await world.states(number) == ["relayed"] * 3


async def test_all_goes_to_the_relay(world: QueueWorld, owner: Owner) -> None:
    await world.send(owner, ["berta@other.test", "dora@third.test"], has_relay=True)
    await world.work()
    assert [destination for destination, _ in world.transport.sent] == ["relay"]


@pytest.mark.parametrize("name", ["local", "relay"])
async def test_a_domain_that_is_called_like_a_way_of_ours(world: QueueWorld, owner: Owner, name: str) -> None:
    number = await world.send(owner, [f"berta@{name}"])
    await world.work()
    assert [
        (destination, [one.address for one in outbound.recipients])
        for destination, outbound in world.transport.sent
    ] == [(f"{name}.", [f"berta@{name}"])]
    assert await world.states(number) == ["relayed"]


async def test_nothing_begins_before_its_time(world: QueueWorld, owner: Owner) -> None:
    number = await world.send(owner, ["berta@other.test"], delay=10)
    await world.work()
    world.clock.advance(9.9)
    await world.work()
    assert world.transport.sent == []
    assert await world.runner.look() == pytest.approx(0.1)
    world.clock.advance(0.1)
    await world.work()
    assert await world.states(number) == ["relayed"]


async def test_withdrawn(world: QueueWorld, owner: Owner, store: Store) -> None:
    number = await world.send(owner, ["berta@other.test"], delay=10)
    async with store.transaction(owner.account_id) as tx:
        await tx.lock()
        assert await withdraw(tx, number, now=world.clock.now_ms(), released_after=world.clock.now_ms())
    world.clock.advance(10)
    await world.work()
    assert world.transport.sent == []
    await check(owner)


async def test_the_content_goes_with_the_message(world: QueueWorld, owner: Owner, store: Store) -> None:
    await world.send(owner, ["berta@other.test"], folder_id=None)
    await check(owner)
    await world.work()
    await check(owner)
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.contents.list_references() == []


async def test_removed_copy_is_sent_nevertheless(world: QueueWorld, owner: Owner, store: Store) -> None:
    await world.send(owner, ["berta@other.test"], delay=10)
    [mail] = await list_mails(owner, SENT)
    async with store.transaction(owner.account_id) as tx:
        await remove_mails(tx, [await locate_mail(tx, SENT, mail.uid)])
    await check(owner)
    world.clock.advance(10)
    await world.work()
    assert world.transport.addresses() == ["berta@other.test"]
    await check(owner)


# Trying again


async def test_retry_schedule(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = deferred
    number = await world.send(owner, ["berta@other.test"])
    await world.work()
    for attempts, minutes in enumerate((1, 5, 15, 30, 60, 120, 120), start=1):
        [group] = await world.groups(number)
        assert group.next_try_at == world.clock.now_ms() + minutes * MINUTE * 1000
        assert (group.attempts, group.leased_until, group.failure) == (attempts, 0, "451 4.7.1 later")
        world.clock.advance(minutes * MINUTE - 1)
        await world.work()
        assert len(world.transport.sent) == attempts
        world.clock.advance(1)
        await world.work()
    assert (await world.recipients(number))[0].status == "4.7.1"
    world.transport.script = relayed
    world.clock.advance(2 * HOUR)
    await world.work()
    assert await world.states(number) == ["relayed"]
    assert (await world.find(number)).finished_at == world.clock.now_ms()


async def test_only_who_waits_is_tried_again(world: QueueWorld, owner: Owner) -> None:
    def only_berta(destination: str, recipient: OutgoingRecipient) -> Outcome:
        return (relayed if recipient.address.startswith("berta") else deferred)(destination, recipient)

    world.transport.script = only_berta
    number = await world.send(owner, ["berta@other.test", "carl@other.test"])
    await world.work()
    assert await world.states(number) == ["relayed", "waiting"]
    world.transport.script = relayed
    world.clock.advance(MINUTE)
    await world.work()
    assert world.transport.addresses() == ["berta@other.test", "carl@other.test", "carl@other.test"]
    assert (await world.find(number)).finished_at


async def test_a_relay_that_is_down_for_a_day(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = unreachable
    numbers = [await world.send(owner, [f"user{n}@other.test"], has_relay=True) for n in range(30)]
    begun = world.clock.now()
    while world.clock.now() < begun + DAY:
        await world.work()
        world.clock.advance(5 * MINUTE)
    tried = len(world.transport.sent)
    assert tried < 30 * 30
    world.transport.script = relayed
    world.clock.advance(2 * HOUR)
    await world.work()
    assert len(world.transport.sent) == tried + 30
    for number in numbers:
        assert await world.states(number) == ["relayed"]
    inbox = await list_mails(owner)
    assert len(inbox) == 30
    await check(owner)


async def test_given_up_after_five_days(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = deferred
    number = await world.send(owner, ["berta@other.test"])
    begun = world.clock.now()
    while not (await world.find(number)).finished_at:
        await world.work()
        [*groups] = await world.groups(number)
        if groups:
            world.clock.advance(groups[0].next_try_at / 1000 - world.clock.now())
    assert world.clock.now() == begun + 5 * DAY
    [recipient] = await world.recipients(number)
    assert (recipient.state, recipient.status) == ("failed", "4.4.7")
    failure, delay = await list_mails(owner)
    raw = await read_raw(owner, failure)
    assert b"Action: failed" in raw
    assert b"Final-Recipient: rfc822; berta@other.test" in raw
    assert b"451 4.7.1 later" in raw
    assert b"Action: delayed" in await read_raw(owner, delay)
    assert delay.date == begun + (1 + 5 + 15 + 30 + 60 + 120 + 120) * MINUTE
    await check(owner)


# Reports


async def test_failure_is_reported(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = failed
    number = await world.send(owner, ["berta@other.test"], raw=make_message(subject="Lost words"))
    await world.work()
    assert await world.states(number) == ["failed"]
    [mail] = await list_mails(owner)
    raw = await read_raw(owner, mail)
    assert b"multipart/report" in raw
    assert b"550 5.1.1 unknown user" in raw
    assert b"Status: 5.1.1" in raw
    assert b"Remote-MTA: dns; mx.other.test" in raw
    assert b"Lost words" in raw
    assert mail.is_unread
    assert read_summary(mail).from_
    await check(owner)


@pytest.mark.parametrize(
    ("notify", "script", "actions"),
    [
        ("", relayed, []),
        ("SUCCESS", relayed, ["relayed"]),
        ("NEVER", failed, []),
        ("SUCCESS", failed, []),
        ("FAILURE", failed, ["failed"]),
        ("SUCCESS,FAILURE", failed, ["failed"]),
        ("SUCCESS,DELAY", failed, []),
    ],
)
async def test_notify(
    world: QueueWorld, owner: Owner, notify: str, script: object, actions: Sequence[str]
) -> None:
    world.transport.script = script  # type: ignore[assignment]
    await world.send(owner, ["berta@other.test"], notify=notify)
    await world.work()
    mails = await list_mails(owner)
    assert len(mails) == len(actions)
    for mail, action in zip(mails, actions, strict=True):
        assert f"Action: {action}".encode() in await read_raw(owner, mail)


async def test_who_reports_is_the_next_server(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = lambda name, one: relayed(name, one)._replace(passes_dsn=True)
    await world.send(owner, ["berta@other.test"], notify="SUCCESS")
    await world.work()
    assert await list_mails(owner) == []


@pytest.mark.parametrize(("notify", "count"), [("", 1), ("DELAY", 1), ("FAILURE", 0), ("NEVER", 0)])
async def test_delay_is_told_once(world: QueueWorld, owner: Owner, notify: str, count: int) -> None:
    world.transport.script = deferred
    await world.send(owner, ["berta@other.test", "dora@third.test"], notify=notify)
    begun = world.clock.now()
    while world.clock.now() < begun + 10 * HOUR:
        await world.work()
        assert (len(await list_mails(owner)) > 0) == (world.clock.now() >= begun + 4 * HOUR and count > 0)
        world.clock.advance(HOUR)
    assert len(await list_mails(owner)) == count


async def test_null_reverse_path_gets_no_report(world: QueueWorld, owner: Owner) -> None:
    world.transport.script = failed
    number = await world.send(owner, ["berta@other.test"], sender="", kind=VACATION, folder_id=None)
    await world.work()
    assert await world.states(number) == ["failed"]
    assert await list_mails(owner) == []
    await check(owner)


async def test_loops_end(world: QueueWorld, owner: Owner) -> None:
    hops = [("Received", f"from a by b id {number}; Sun, 15 Jun 2025 15:06:40 +0000") for number in range(51)]
    raw = make_message(headers=hops)
    number = await world.send(owner, ["berta@other.test", "anna@example.test"], raw=raw)
    await world.work()
    assert world.transport.sent == []
    assert [recipient.status for recipient in await world.recipients(number)] == ["5.4.6", "5.4.6"]
    raw = make_message(headers=hops[:50])
    await world.send(owner, ["berta@other.test"], raw=raw)
    await world.work()
    assert len(world.transport.sent) == 1


# Mailboxes here


async def test_delivered_here(world: QueueWorld, owner: Owner, add_owner: AddOwner) -> None:
    berta, carl = await add_owner("berta"), await add_owner("carl")
    number = await world.send(
        owner,
        ["berta@example.test", "carl+x@example.test", "berta+y@example.test", "nobody@example.test"],
        raw=make_message(subject="Here", headers=[("Bcc", "carl@example.test")]),
    )
    await world.work()
    assert await world.states(number) == ["delivered", "delivered", "delivered", "failed"]
    for account in (berta, carl):
        [mail] = await list_mails(account)
        raw = await read_raw(account, mail)
        assert raw.startswith(
            f"Return-Path: <anna@example.test>\r\nReceived: by mx.example.test (Postroom) id {number};".encode()
        )
        assert b"Bcc" not in raw
        assert raw.endswith(b"A short letter.\r\n")
    [report] = await list_mails(owner)
    raw = await read_raw(owner, report)
    assert b"Final-Recipient: rfc822; nobody@example.test" in raw
    assert b"Status: 5.1.1" in raw
    assert b"berta" not in raw.partition(b"Reporting-MTA")[2].partition(b"message/rfc822")[0]
    assert world.transport.sent == []
    await check(owner, berta, carl)


async def test_to_oneself(world: QueueWorld, owner: Owner) -> None:
    number = await world.send(owner, ["anna@example.test"], notify="SUCCESS")
    await world.work()
    assert await world.states(number) == ["delivered"]
    mails = await list_mails(owner)
    assert len(mails) == 2
    raws = [await read_raw(owner, mail) for mail in mails]
    assert sum(b"Action: delivered" in raw for raw in raws) == 1
    await check(owner)


async def test_full_mailbox_is_tried_again(
    store: Store, owner: Owner, add_owner: AddOwner, world: QueueWorld
) -> None:
    berta = await add_owner("berta")
    world.classes["default"] = AccountClass(messages=2)
    for _ in range(2):
        await berta.add_mail(make_message(subject=f"{_}"))
    number = await world.send(owner, ["berta@example.test"])
    await world.work()
    [recipient] = await world.recipients(number)
    assert (recipient.state, recipient.status) == ("waiting", "4.2.2")
    [mail, _] = await list_mails(berta)
    async with store.transaction(berta.account_id) as tx:
        await remove_mails(tx, [await locate_mail(tx, INBOX, mail.uid)])
    world.clock.advance(MINUTE)
    await world.work()
    assert await world.states(number) == ["delivered"]
    assert len(await list_mails(berta)) == 2


async def test_mailbox_fills_up_between_look_and_delivery(
    owner: Owner, add_owner: AddOwner, world: QueueWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    berta, carl = await add_owner("berta"), await add_owner("carl")
    world.classes["default"] = AccountClass(messages=2)
    receive = world.ingest.receive
    filled: list[object] = []

    async def fill_first(*arguments: object) -> object:
        if not filled:
            filled.append(await berta.add_many(2))
        return await receive(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(world.ingest, "receive", fill_first)
    number = await world.send(owner, ["berta@example.test", "carl@example.test"], notify="SUCCESS,FAILURE")
    await world.work()
    assert await world.states(number) == ["waiting", "delivered"]
    assert len(await list_mails(berta)) == 2
    assert len(await list_mails(carl)) == 1
    [report] = await list_mails(owner)
    raw = await read_raw(owner, report)
    assert b"carl@example.test" in raw
    assert b"Final-Recipient: rfc822; berta" not in raw
    await check(owner, berta, carl)


async def test_disabled_and_removed_accounts(
    owner: Owner, add_owner: AddOwner, world: QueueWorld, directory: Directory
) -> None:
    await add_owner("berta")
    await add_owner("carl")
    number = await world.send(owner, ["berta@example.test", "carl@example.test"])
    await directory.set_enabled("berta@example.test", enabled=False)
    await directory.remove_account("carl@example.test")
    await world.work()
    assert [one.status for one in await world.recipients(number)] == ["5.2.1", "5.1.1"]


async def test_the_sender_is_removed(
    owner: Owner, world: QueueWorld, directory: Directory, store: Store
) -> None:
    number = await world.send(owner, ["berta@other.test"])
    await directory.remove_account("anna@example.test")
    await world.work()
    assert world.transport.sent == []
    async with store.directory() as tables:
        assert await tables.outgoing.find(number) is None
        assert await tables.outgoing.list_recipients(number) == []
        assert await tables.outgoing.count_waiting() == 0


# Scheduled mail


async def schedule(world: QueueWorld, owner: Owner, recipients: Sequence[str]) -> int:
    return await world.send(owner, recipients, folder_id=SCHEDULED, kind=SCHEDULED_KIND, delay=HOUR)


async def test_scheduled_mail_goes_to_sent(world: QueueWorld, owner: Owner) -> None:
    number = await schedule(world, owner, ["berta@other.test", "dora@third.test"])
    [mail] = await list_mails(owner, SCHEDULED)
    world.clock.advance(HOUR - 1)
    await world.work()
    assert len(await list_mails(owner, SCHEDULED)) == 1
    world.clock.advance(1)
    await world.work()
    assert await list_mails(owner, SCHEDULED) == []
    [copy] = await list_mails(owner, SENT)
    assert copy.item_id == mail.item_id
    assert sorted(world.transport.addresses()) == ["berta@other.test", "dora@third.test"]
    assert (await world.find(number)).finished_at  # type: ignore[arg-type]
    await check(owner)


async def test_scheduled_mail_goes_where_sent_mail_is_not_kept(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    async with store.transaction(owner.account_id) as tx:
        await tx.settings.put('{"saveToSent":false}')
    await schedule(world, owner, ["berta@other.test"])
    world.clock.advance(HOUR)
    await world.work()
    assert world.transport.addresses() == ["berta@other.test"]
    assert await list_mails(owner, SENT) == await list_mails(owner, SCHEDULED) == []
    await check(owner)


@pytest.mark.parametrize("how", ["moved", "removed"])
async def test_unscheduled_by_moving_or_removing_it(
    world: QueueWorld, owner: Owner, store: Store, how: str
) -> None:
    number = await schedule(world, owner, ["berta@other.test", "dora@third.test"])
    [mail] = await list_mails(owner, SCHEDULED)
    async with store.transaction(owner.account_id) as tx:
        item = await locate_mail(tx, SCHEDULED, mail.uid)
        if how == "moved":
            await move_mails(tx, [item], INBOX)
        else:
            await remove_mails(tx, [item])
    world.clock.advance(HOUR)
    await world.work()
    assert world.transport.sent == []
    assert await world.states(number) == ["withdrawn", "withdrawn"]  # type: ignore[arg-type]
    await check(owner)


# Keeping and forgetting


async def test_finished_messages_are_forgotten(world: QueueWorld, owner: Owner, store: Store) -> None:
    number = await world.send(owner, ["berta@other.test"])
    waiting = await world.send(owner, ["berta@other.test"], delay=30 * DAY, raw=make_message(subject="Later"))
    await world.work()
    world.clock.advance(7 * DAY)
    assert await purge_finished(store, SendingConfig(), now=world.clock.now_ms()) == 0
    world.clock.advance(1)
    assert await purge_finished(store, SendingConfig(), now=world.clock.now_ms()) == 1
    async with store.directory() as directory:
        assert await directory.outgoing.find(number) is None
        assert await directory.outgoing.list_recipients(number) == []
        assert await directory.outgoing.find(waiting) is not None


@pytest.mark.parametrize("folder_id", [None, SENT])
async def test_a_stranded_message_is_found_and_ended(
    world: QueueWorld, owner: Owner, store: Store, folder_id: FolderId | None
) -> None:
    number = await world.send(owner, ["berta@other.test"], folder_id=folder_id)
    async with store.directory_transaction() as tx:
        await tx.outgoing.withdraw_rest(number)
    async with store.read(owner.account_id) as mailbox:
        _, faults = await examine(mailbox, "")
    assert [fault.kind for fault in faults] == ["queue"]
    async with store.transaction(owner.account_id) as change:
        repaired = await repair_faults(change, "", store.messages)
    assert [fault.repaired for fault in repaired] == [True]
    assert (await world.find(number)).finished_at
    await check(owner)
