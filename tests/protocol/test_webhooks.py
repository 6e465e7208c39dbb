"""Telling hooks: order, signatures, retries, restarts, and what the owner changes meanwhile."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.fixtures.stores import wait_for_waiting
from tests.protocol.hook_receiver import CLOSE, HANG, Hooks, Receiver, make_hooks, receiving
from tests.store.queue_world import FakeTransport, QueueWorld, deferred, failed, relayed
from tests.unit.mime.test_delivery_reports import REPORT

from postroom.api.ids import render_mail
from postroom.app.webhook_http import HTTPSender
from postroom.domain import webhook_runner
from postroom.domain.directory import Directory
from postroom.domain.webhook_turns import GIVE_UP_SECONDS, WAITS_SECONDS, Channel, Outcome
from postroom.model.envelope import Envelope
from postroom.model.folder import INBOX
from postroom.model.folder import SENT as SENT_FOLDER
from postroom.model.ids import FolderRef, Modseq
from postroom.model.outgoing import VACATION, OutgoingRecipient
from postroom.model.outgoing import Outcome as SentOutcome
from postroom.store import Store

DAY_SECONDS = 86_400


@pytest.fixture
async def hooks(store: Store, owner: Owner) -> Hooks:
    """The webhooks of an account."""
    return await make_hooks(store, owner)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


async def deliver(owner: Owner, count: int) -> list[str]:
    """Deliver mails; return their ids."""
    return [render_mail(*await owner.add_mail()) for _ in range(count)]


def told(receiver: Receiver) -> list[str]:
    """Return the mails that a receiver was told of."""
    return [taken.message["data"]["mailId"] for taken in receiver.taken]


async def test_messages_are_signed_and_in_order(hooks: Hooks, receiver: Receiver) -> None:
    caller = await hooks.owner.caller()
    await deliver(hooks.owner, 1)  # Before the hook was made: not told.
    ref = await hooks.make(receiver.url)
    [hook] = await hooks.webhooks.list_all(caller)
    mails = await deliver(hooks.owner, 7)
    await hooks.work()
    assert told(receiver) == mails
    assert receiver.connections == 1
    secret = base64.b64decode(hooks.webhooks.secret_of(hook).removeprefix("whsec_"))
    positions = []
    for taken in receiver.taken:
        assert taken.line == "POST /hook?x=y HTTP/1.1"
        headers = taken.headers
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("postroom/")
        assert headers["host"] == f"127.0.0.1:{receiver.port}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + taken.body
        mac = hmac.new(secret, signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
        message = json.loads(taken.body)
        positions.append(message["position"])
        assert message == {
            "id": f"whm_{ref.webhook}_{message['position']}_0",
            "kind": "mail.delivered",
            "date": message["date"],
            "account": "anna@example.test",
            "position": message["position"],
            "data": {"folderId": f"{ref.owner}_2", "mailId": message["data"]["mailId"]},
        }
        assert message["id"] == headers["webhook-id"]
        assert abs(int(message["date"]) - time.time()) < 60
    assert positions == sorted(set(positions))
    after = await hooks.get(ref)
    assert after.position == positions[-1]
    assert abs(after.last_delivery_at - time.time() * 1000) < 60_000
    assert (after.failure, after.attempts, after.leased_until) == ("", 0, 0)
    await hooks.work()
    assert len(receiver.taken) == 7


async def test_kinds_folders_and_counters(hooks: Hooks, receiver: Receiver) -> None:
    archive = await hooks.owner.add_folder("Archive")
    folder = FolderRef(hooks.owner.account_id, archive)
    await hooks.make(receiver.url, "mail.delivered", "counters.changed", folder=folder)
    await hooks.owner.add_mail()
    await hooks.owner.add_mail(folder_id=archive)
    await hooks.work()
    data = {"folderId": f"{folder.owner}_{archive}", "unreadCount": 1, "totalItems": 1}
    assert [taken.message["kind"] for taken in receiver.taken] == ["mail.delivered", "counters.changed"]
    assert receiver.taken[1].message["data"] == data


async def test_what_does_not_concern_a_hook_is_passed_over(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url, "mail.removed")
    await deliver(hooks.owner, 120)
    await hooks.work()
    async with hooks.owner.store.peek(ref.owner) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    assert (await hooks.get(ref)).position == state.modseq
    assert receiver.taken == []


async def test_changes_are_told(hooks: Hooks, receiver: Receiver) -> None:
    owner = hooks.owner
    await hooks.make(receiver.url, "mail.changed", "counters.changed")
    mail = await owner.add_mail()
    caller = await owner.caller()
    await owner.domain.mail_changes.set_flags(caller, mail, is_unread=False, is_flagged=True)
    await hooks.work()
    changed = receiver.taken[1].message["data"]
    assert [taken.message["kind"] for taken in receiver.taken] == [
        "counters.changed",
        "mail.changed",
        "counters.changed",
    ]
    assert changed == {
        "change": "flags",
        "folderId": f"{owner.account_id}_2",
        "mails": [{"mailId": render_mail(*mail), "isUnread": False, "isFlagged": True}],
    }
    assert receiver.taken[2].message["data"]["unreadCount"] == 0


# Sent mail


async def test_what_became_of_sent_mail_is_told(hooks: Hooks, receiver: Receiver, store: Store) -> None:
    owner = hooks.owner
    await hooks.make(receiver.url, "mail.sent", "mail.bounced")
    world = QueueWorld(store, transport=FakeTransport(script=_refuse_carl))
    number = await world.send(owner, ["anna@example.test", "berta@other.test", "carl@other.test"])
    await world.work()
    await hooks.work()
    mail = {"processingId": number, "folderId": f"{owner.account_id}_{SENT_FOLDER}"}
    taken = [receiver.taken[at].message for at in range(3)]
    mail["mailId"] = taken[0]["data"]["mailId"]
    refused = {"address": "carl@other.test", "status": "5.1.1", "answer": "550 5.1.1 unknown user"}
    reached = {"address": "berta@other.test", "status": "2.0.0", "answer": "250 2.0.0 taken"}
    here = {"address": "anna@example.test", "status": "2.0.0", "answer": "delivered"}
    told = {one["data"]["recipients"][0]["address"]: (one["kind"], one["data"]) for one in taken}
    assert told == {
        "anna@example.test": ("mail.sent", {**mail, "recipients": [here]}),
        "berta@other.test": ("mail.sent", {**mail, "recipients": [reached]}),
        "carl@other.test": ("mail.bounced", {**mail, "recipients": [refused]}),
    }
    assert len(receiver.taken) == 3


async def test_sent_mail_without_a_copy_and_answers_of_the_server(
    hooks: Hooks, receiver: Receiver, store: Store
) -> None:
    ref = await hooks.make(receiver.url, "mail.sent", "mail.bounced")
    await hooks.make(receiver.url, "mail.sent", folder=FolderRef(ref.owner, INBOX))
    world = QueueWorld(store, transport=FakeTransport(script=deferred))
    number = await world.send(hooks.owner, ["berta@other.test"], folder_id=None)
    await world.send(hooks.owner, ["carl@other.test"], folder_id=None, kind=VACATION, sender="")
    await world.work()
    await hooks.work()
    assert receiver.taken == []  # Nothing is known yet.
    world.transport.script = relayed
    world.clock.advance(DAY_SECONDS)
    await world.work()
    await hooks.work()
    [told] = receiver.taken  # Not of the absence notice, and not to the hook of a folder.
    assert told.message["kind"] == "mail.sent"
    assert set(told.message["data"]) == {"processingId", "recipients"}
    assert told.message["data"]["processingId"] == number


async def test_a_report_of_another_server_is_told_of(hooks: Hooks, receiver: Receiver, store: Store) -> None:
    owner = hooks.owner
    world = QueueWorld(store)
    raw = re.sub(rb"Message-ID: \S+", b"Message-ID: <one@example.test>", make_message())
    number = await world.send(owner, ["berta@other.test"], raw=raw)
    await world.work()
    await hooks.make(receiver.url, "mail.delivered", "mail.bounced")
    recipient = await owner.domain.ingest.resolve_recipient(owner.account.address, size_bytes=None)
    envelope = Envelope("", (recipient,), "unix", "x", smtputf8=False, body_8bit=False)
    await owner.domain.ingest.deliver(envelope, REPORT.replace("\n", "\r\n").encode())
    await hooks.work()
    assert [taken.message["kind"] for taken in receiver.taken] == ["mail.delivered", "mail.bounced"]
    told = receiver.taken[1].message["data"]
    assert (told["processingId"], told["folderId"]) == (number, f"{owner.account_id}_{SENT_FOLDER}")
    assert [(one["address"], one["status"]) for one in told["recipients"]] == [("berta@other.test", "5.1.1")]


def _refuse_carl(destination: str, recipient: OutgoingRecipient) -> SentOutcome:
    return (failed if recipient.address.startswith("carl") else relayed)(destination, recipient)


# Failures


async def test_a_failure_is_retried_later_and_later(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 3)
    receiver.default = 503
    await hooks.work()
    for count, wait in enumerate(WAITS_SECONDS, start=1):
        hook = await hooks.get(ref)
        assert hook.attempts == count
        assert hook.failure == "the answer was 503"
        assert hook.next_attempt_at - hooks.clock() * 1000 == pytest.approx(wait * 1000, abs=2000)
        await hooks.wait_for(wait - 3)
        assert len(receiver.taken) == count
        await hooks.wait_for(4)
        assert len(receiver.taken) == count + 1
    assert len(set(receiver.ids)) == 1
    timestamps = [int(taken.headers["webhook-timestamp"]) for taken in receiver.taken]
    assert timestamps == sorted(set(timestamps))
    receiver.default = 200
    await hooks.wait_for(WAITS_SECONDS[-1])
    assert told(receiver)[-3:] == mails
    hook = await hooks.get(ref)
    assert (hook.failure, hook.attempts, hook.failing_since, hook.next_attempt_at) == ("", 0, 0, 0)


async def test_what_failed_is_no_longer_asked_for(hooks: Hooks, receiver: Receiver) -> None:
    """Nothing is left to be tried again, and a later failure is not taken for one that lasts since then."""
    ref = await hooks.make(receiver.url)
    receiver.default = 503
    await deliver(hooks.owner, 1)
    await hooks.work()
    assert (await hooks.get(ref)).attempts == 1
    await hooks.change(ref, kinds=("mail.delivered",), folder=hooks.owner.folder(SENT_FOLDER))
    await hooks.wait_for(WAITS_SECONDS[0] + 1)
    hook = await hooks.get(ref)
    assert (hook.failure, hook.attempts, hook.failing_since, hook.next_attempt_at) == ("", 0, 0, 0)
    await hooks.change(ref, all_folders=True)
    hooks.clock.ahead += 2 * GIVE_UP_SECONDS
    await deliver(hooks.owner, 1)
    await hooks.work()
    hook = await hooks.get(ref)
    assert (hook.is_enabled, hook.attempts, hook.failure) == (1, 1, "the answer was 503")


async def test_nothing_is_lost_in_a_day(hooks: Hooks, receiver: Receiver) -> None:
    await hooks.make(receiver.url)
    receiver.default = 500
    mails = await deliver(hooks.owner, 2)
    for _ in range(12):
        await hooks.wait_for(DAY_SECONDS / 12)
        mails += await deliver(hooks.owner, 1)
    failed = len(receiver.taken)
    receiver.default = 204
    await hooks.wait_for(7200)
    assert told(receiver)[failed:] == mails


async def test_a_dead_receiver_is_switched_off(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 2)
    receiver.default = 500
    await hooks.work()
    since = (await hooks.get(ref)).failing_since
    waited = 0
    while waited < GIVE_UP_SECONDS - 7200:
        waited += 7200
        await hooks.wait_for(7200)
        hook = await hooks.get(ref)
        assert (hook.is_enabled, hook.failing_since) == (1, since)
    await hooks.wait_for(7300)
    hook = await hooks.get(ref)
    assert (hook.is_enabled, hook.failing_since) == (0, since)
    assert "three days" in hook.failure
    assert "500" in hook.failure
    count = len(receiver.taken)
    await hooks.wait_for(5 * DAY_SECONDS)
    assert len(receiver.taken) == count
    receiver.default = 204
    hook = await hooks.change(ref, enabled=True)
    assert (hook.failure, hook.attempts, hook.failing_since, hook.next_attempt_at) == ("", 0, 0, 0)
    await hooks.work()
    assert told(receiver)[count:] == mails


async def test_one_that_is_gone_is_switched_off_at_once(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url)
    await deliver(hooks.owner, 2)
    receiver.default = 410
    await hooks.work()
    hook = await hooks.get(ref)
    assert (hook.is_enabled, len(receiver.taken)) == (0, 1)
    assert "gone" in hook.failure
    assert hook.failing_since > 0


async def test_another_url_starts_without_failures(hooks: Hooks, receiver: Receiver) -> None:
    async with receiving(default=500) as bad:
        ref = await hooks.make(bad.url)
        mails = await deliver(hooks.owner, 1)
        await hooks.work()
    assert (await hooks.get(ref)).attempts == 1
    assert (await hooks.change(ref, url=receiver.url)).attempts == 0
    await hooks.work()
    assert told(receiver) == mails


async def test_what_is_changed_at_the_same_time_is_all_changed(hooks: Hooks, receiver: Receiver) -> None:
    ref, store = await hooks.make(receiver.url), hooks.owner.store
    hook = await hooks.get(ref)
    folder = FolderRef(hook.owner_id, hook.folder_id)
    async with asyncio.timeout(60):
        async with store.directory_transaction() as tx:
            # As another process does.
            url = receiver.url + "&other"
            await tx.webhooks.change(ref.webhook, url=url, kinds=hook.kinds, folder=folder, is_enabled=0)
            changing = asyncio.create_task(hooks.change(ref, kinds=("mail.removed",)))
            await wait_for_waiting(store, 1)
        after = await changing
    assert (after.url, after.kinds, after.is_enabled) == (url, "mail.removed", 0)


async def test_history_that_is_no_longer_there(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url, enabled=False)
    mails = await deliver(hooks.owner, 5)
    hooks.clock.ahead += 40 * DAY_SECONDS
    async with hooks.owner.store.transaction(ref.owner) as tx:
        assert await tx.operations.purge(before=2**60, limit=3) == 3
    await hooks.change(ref, enabled=True)
    await hooks.work()
    assert told(receiver) == mails[3:]
    hook = await hooks.get(ref)
    assert "no longer known" in hook.failure
    assert hook.is_enabled == 1
    await deliver(hooks.owner, 1)
    await hooks.work()
    assert "no longer known" in (await hooks.get(ref)).failure
    assert (await hooks.change(ref, enabled=True)).failure == ""


# Others


async def test_a_slow_receiver_delays_nobody(
    store: Store, add_owner: AddOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_runner, "LANE_PLACES", 2)
    owner = await add_owner("slow")
    sender = HTTPSender(allow_private=True, answer_seconds=0.2)
    hooks = await make_hooks(store, owner, sender)
    other = await add_owner("quick")
    async with receiving(default=HANG) as slow, receiving() as quick:
        for _ in range(5):
            await hooks.make(slow.url)
        hooks.owner = other
        await hooks.make(quick.url)
        await deliver(owner, 1)
        await hooks.work()  # From now on they are known to be slow.
        assert len(slow.taken) == 5
        sender._answer_seconds = 60  # Now they are for as long as this test looks.
        await deliver(owner, 1)
        mails = await deliver(other, 20)
        hooks.clock.ahead += 100
        await hooks.runner.look()
        async with asyncio.timeout(10):
            while told(quick) != mails:  # noqa: ASYNC110 (the receiver has no event)
                await asyncio.sleep(0.002)
        # The slow ones wait for each other.
        assert len(slow.taken) <= 7
        slow.default = CLOSE
        for writer in slow.writers:
            writer.transport.abort()
        await hooks.runner.settle()
        assert len(slow.taken) == 10


async def test_a_turn_ends_so_that_others_have_theirs(
    hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.domain.webhook_turns.TURN_SECONDS", 0.0)
    await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 5)
    await hooks.work()
    assert told(receiver) == mails


async def test_hooks_of_a_disabled_account_rest(
    hooks: Hooks, receiver: Receiver, directory: Directory
) -> None:
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 2)
    await directory.set_enabled("anna", enabled=False)
    await hooks.work()
    await hooks.wait_for(400)
    await directory.set_enabled("anna", enabled=True)
    assert receiver.taken == []
    await hooks.wait_for(400)
    assert told(receiver) == mails
    assert (await hooks.get(ref)).failure == ""


async def test_a_hook_that_has_rested_is_looked_at_no_more(
    hooks: Hooks, receiver: Receiver, directory: Directory, store: Store
) -> None:
    ref = await hooks.make(receiver.url, "mail.removed")
    await deliver(hooks.owner, 1)
    await directory.set_enabled("anna", enabled=False)
    await hooks.work()
    await directory.set_enabled("anna", enabled=True)
    assert (await hooks.get(ref)).next_attempt_at > 0
    await hooks.wait_for(400)
    assert (await hooks.get(ref)).next_attempt_at == 0
    async with store.directory() as tables:
        assert await tables.webhook_work.list_due(int(hooks.clock() * 1000), limit=10) == []


async def test_two_processes_do_not_tell_the_same(store: Store, owner: Owner, receiver: Receiver) -> None:
    first, second = await make_hooks(store, owner), await make_hooks(store, owner)
    await first.make(receiver.url)
    mails = await deliver(owner, 30)
    await asyncio.gather(first.work(), second.work())
    await asyncio.gather(second.work(), first.work())
    assert told(receiver) == mails


# What the owner does meanwhile


async def test_replay_by_position_and_date(hooks: Hooks, receiver: Receiver) -> None:
    caller = await hooks.owner.caller()
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 5)
    await hooks.work()
    third = receiver.taken[2].message["position"]
    start = await hooks.webhooks.replay(caller, ref, position=third)
    assert (start.position, start.is_complete) == (third, True)
    await hooks.work()
    assert told(receiver)[5:] == mails[2:]
    assert receiver.ids[5:] == receiver.ids[2:5]
    await hooks.webhooks.replay(caller, ref, date=int(time.time()) - 3600)
    await hooks.work()
    assert told(receiver)[8:] == mails
    await hooks.webhooks.replay(caller, ref, date=int(hooks.clock()))
    await hooks.work()
    assert set(told(receiver)[13:]) <= set(mails)


async def test_replay_of_a_failing_hook_begins_at_once(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 2)
    receiver.script = [204, 500]
    await hooks.work()
    first = receiver.taken[0].message["position"]
    await hooks.webhooks.replay(await hooks.owner.caller(), ref, position=first)
    await hooks.work()
    assert told(receiver)[2:] == mails
    assert (await hooks.get(ref)).failure == ""


class Interrupted:
    """Opens ways to receivers, and does something when an answer has come."""

    def __init__(self, sender: HTTPSender) -> None:
        self.sender = sender
        self.actions: list[Any] = []

    def open(self, url: str) -> AbstractAsyncContextManager[Channel]:
        return self._open(url)

    @asynccontextmanager
    async def _open(self, url: str) -> AsyncIterator[Channel]:
        async with self.sender.open(url) as channel:
            yield _InterruptedChannel(channel, self.actions)


class _InterruptedChannel:
    def __init__(self, channel: Channel, actions: list[Any]) -> None:
        self.channel = channel
        self.actions = actions

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        outcome = await self.channel.send(body, headers)
        if self.actions:
            await self.actions.pop(0)()
        return outcome


@pytest.fixture
async def interrupted(store: Store, owner: Owner) -> Iterator[tuple[Hooks, Interrupted]]:
    sender = Interrupted(HTTPSender(allow_private=True))
    return await make_hooks(store, owner, sender), sender  # type: ignore[arg-type, return-value]


async def test_replay_while_a_message_is_being_sent(
    interrupted: tuple[Hooks, Interrupted], receiver: Receiver
) -> None:
    hooks, sender = interrupted
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 3)
    caller = await hooks.owner.caller()

    async def nothing() -> None:
        pass

    async def replay() -> None:
        first = receiver.taken[0].message["position"]
        await hooks.webhooks.replay(caller, ref, position=first)

    sender.actions = [nothing, replay]
    await hooks.work()
    assert told(receiver) == [*mails[:2], *mails]


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_off_while_a_message_is_being_sent(
    interrupted: tuple[Hooks, Interrupted], receiver: Receiver, is_deleted: bool
) -> None:
    hooks, sender = interrupted
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 3)
    caller = await hooks.owner.caller()

    async def switch_off() -> None:
        if is_deleted:
            await hooks.webhooks.delete(caller, ref)
        else:
            await hooks.change(ref, enabled=False)

    sender.actions = [switch_off]
    await hooks.work()
    assert told(receiver) == mails[:1]
    if not is_deleted:
        await hooks.change(ref, enabled=True)
        await hooks.work()
        assert told(receiver) == mails


async def test_another_url_while_a_message_is_being_sent(
    interrupted: tuple[Hooks, Interrupted], receiver: Receiver
) -> None:
    hooks, sender = interrupted
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 3)
    async with receiving() as other:

        async def move() -> None:
            await hooks.change(ref, url=other.url)

        sender.actions = [move]
        await hooks.work()
        assert (told(receiver), told(other)) == (mails[:1], mails[1:])


# Restarts


async def test_interrupted_between_answer_and_commit(
    store: Store, owner: Owner, receiver: Receiver, interrupted: tuple[Hooks, Interrupted]
) -> None:
    hooks, sender = interrupted
    await hooks.make(receiver.url)
    mails = await deliver(owner, 3)

    async def die() -> None:
        hooks.runner._turns.is_closing = True
        raise asyncio.CancelledError

    sender.actions = [die]
    await hooks.work()
    assert told(receiver) == mails[:1]
    after = await make_hooks(store, owner)
    await after.work()
    assert told(receiver) == [mails[0], *mails]
    assert receiver.ids[0] == receiver.ids[1]


async def test_the_lease_of_the_dead_runs_out(store: Store, owner: Owner, receiver: Receiver) -> None:
    hooks = await make_hooks(store, owner)
    ref = await hooks.make(receiver.url)
    mails = await deliver(owner, 1)
    async with store.directory_transaction() as tx:
        now = int(time.time() * 1000)
        assert await tx.webhook_work.claim(ref.webhook, now=now, until=now + 60_000) is not None
    await hooks.work()
    assert receiver.taken == []
    await hooks.wait_for(70)
    assert told(receiver) == mails


async def test_one_thought_dead_spoils_nothing(
    interrupted: tuple[Hooks, Interrupted], store: Store, receiver: Receiver
) -> None:
    hooks, sender = interrupted
    ref = await hooks.make(receiver.url)
    mails = await deliver(hooks.owner, 3)
    other = await make_hooks(store, hooks.owner)

    async def sleep_long() -> None:
        await other.wait_for(100)

    sender.actions = [sleep_long]
    await hooks.work()
    assert told(receiver) == [mails[0], *mails]
    hook = await hooks.get(ref)
    assert (hook.position, hook.leased_until) == (receiver.taken[-1].message["position"], 0)


async def test_a_long_operation_keeps_its_lease(
    interrupted: tuple[Hooks, Interrupted], receiver: Receiver
) -> None:
    hooks, sender = interrupted
    ref = await hooks.make(receiver.url, "mail.delivered", "counters.changed")
    await deliver(hooks.owner, 2)

    async def take_long() -> None:
        hooks.clock.ahead += 50

    sender.actions = [take_long] * 4
    await hooks.work()
    assert len(receiver.taken) == 4
    assert (await hooks.get(ref)).failure == ""


async def test_the_runner_runs(store: Store, owner: Owner, receiver: Receiver) -> None:
    hooks = await make_hooks(store, owner)
    hooks.runner._news = owner.domain.news
    working = asyncio.create_task(hooks.runner.run())
    try:
        await hooks.make(receiver.url)
        mails: list[str] = []
        async with asyncio.timeout(30):
            for _ in range(10):
                mails += await deliver(owner, 1)
                while told(receiver) != mails:  # noqa: ASYNC110 (the receiver has no event)
                    await asyncio.sleep(0.002)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    await deliver(owner, 1)
    await asyncio.sleep(0.05)
    assert told(receiver) == mails


async def test_the_end_waits_a_moment_for_what_is_being_sent(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_runner, "GRACE_SECONDS", 0.1)
    hooks = await make_hooks(store, owner, HTTPSender(allow_private=True))
    async with receiving(default=HANG) as receiver:
        ref = await hooks.make(receiver.url)
        await deliver(owner, 1)
        started = asyncio.Event()
        receiver.on_taken = started.set
        working = asyncio.create_task(hooks.runner.run())
        await asyncio.wait_for(started.wait(), 10)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        hook = await hooks.get(ref)
        assert (hook.leased_until, hook.attempts, hook.failure) == (0, 0, "")


async def test_a_fault_in_one_hook_is_its_own(
    store: Store, owner: Owner, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = await make_hooks(store, owner)
    bad, good = await hooks.make(receiver.url), await hooks.make(receiver.url)
    mails = await deliver(owner, 2)
    sign = hooks.webhooks.sign

    def fail_for_one(hook: Any, *args: Any, **named: Any) -> str:
        if hook.webhook_id == bad.webhook:
            raise RuntimeError("a fault")
        return sign(hook, *args, **named)

    monkeypatch.setattr(hooks.webhooks, "sign", fail_for_one)
    await hooks.work()
    await hooks.work()
    assert told(receiver) == mails
    assert (await hooks.get(good)).leased_until == 0
    monkeypatch.undo()
    await hooks.wait_for(70)
    assert told(receiver) == mails * 2


async def test_positions_are_of_the_log(hooks: Hooks, receiver: Receiver) -> None:
    ref = await hooks.make(receiver.url)
    await deliver(hooks.owner, 3)
    await hooks.work()
    async with hooks.owner.store.peek(ref.owner) as mailbox:
        entries = await mailbox.operations.list_after(Modseq(0), limit=10)
    assert [entry.modseq for entry in entries] == [place for place, _ in receiver.places]
    assert {taken.message["data"]["folderId"] for taken in receiver.taken} == {f"{ref.owner}_{INBOX}"}
