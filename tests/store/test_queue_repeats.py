"""Attempts that nobody saw the end of: what is repeated, when, and how often at most."""

import pytest
from tests.fixtures.factories import Owner, make_message
from tests.store.queue_world import Gate, QueueWorld, deferred, hold, hold_reply, relayed, until

from postroom.config.sending import SendingConfig
from postroom.domain.queue_leases import LEASE_SECONDS
from postroom.domain.queue_runner import STEADY_SECONDS
from postroom.model.folder import INBOX
from postroom.model.ids import MailRef
from postroom.model.listing import Sort
from postroom.store import Store
from postroom.store.sql.outgoing import ELSEWHERE


@pytest.fixture
def world(store: Store, monkeypatch: pytest.MonkeyPatch) -> QueueWorld:
    monkeypatch.setattr("postroom.domain.queue_runner.GRACE_SECONDS", 0.01)
    return QueueWorld(store)


async def inbox_of(owner: Owner) -> list[bytes]:
    """Return the raw mails in the Inbox."""
    async with owner.store.read(owner.account_id) as mailbox:
        mails = await mailbox.mails.list_page(INBOX, Sort(), anchor=None, skip=0, limit=10)
    raws = []
    for mail in mails:
        ref = MailRef(owner.account_id, INBOX, mail.uid)
        async with owner.domain.messages.opened(await owner.caller(), ref) as message:
            raws.append(await message.read(0, message.size))
    return raws


async def test_a_runner_that_dies_again_and_again_repeats_nothing(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    number = await world.send(owner, ["berta@other.test", "anna@example.test"])
    await _die(world)
    for lives in range(1, 5):
        world.clock.advance(LEASE_SECONDS)
        short = QueueWorld(store, clock=world.clock)
        await short.work()
        assert short.transport.sent == []
        # A mailbox here has it at once, and once.
        assert sorted(await world.states(number)) == ["delivered", "waiting"]
        steady = STEADY_SECONDS[min(lives, len(STEADY_SECONDS)) - 1]
        world.clock.advance(steady - 1)
        await short.work()
        assert short.transport.sent == []
        [group] = await world.groups(number)
        assert group.lapses == lives
        world.clock.advance(1)
        if lives < 4:
            await _die(short)
    await short.work()
    assert short.transport.addresses() == ["berta@other.test"]


async def test_who_has_been_up_for_long_repeats_at_once(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    world.clock.advance(STEADY_SECONDS[0])
    await world.send(owner, ["berta@other.test"])
    await _die(QueueWorld(store, clock=world.clock))
    world.clock.advance(LEASE_SECONDS)
    await world.work()
    assert world.transport.addresses() == ["berta@other.test"]


async def _die(world: QueueWorld) -> None:
    """Claim what is due, and never be seen again."""
    now = world.clock.now_ms()
    async with world.store.directory_transaction() as tx:
        await tx.outgoing.work.claim(ELSEWHERE, now=now, until=now + LEASE_SECONDS * 1000, limit=10)


async def test_a_stopped_runner_gives_back_what_it_has(world: QueueWorld, owner: Owner, store: Store) -> None:
    await world.send(owner, ["berta@other.test"])
    await _stop_before_the_reply(world)
    other = QueueWorld(store, clock=world.clock)
    await other.work()
    assert other.transport.sent == []  # It may have arrived.
    other.clock.advance(STEADY_SECONDS[0])
    await other.work()
    assert other.transport.addresses() == ["berta@other.test"]


async def test_what_cannot_have_arrived_is_repeated_at_once(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    gate = hold(world.transport)
    await world.send(owner, ["berta@other.test"])
    await world.runner.look()
    await until(gate.reached)
    await world.runner.close()
    assert world.transport.sent == []
    other = QueueWorld(store, clock=world.clock)
    await other.work()
    assert other.transport.addresses() == ["berta@other.test"]


async def test_nothing_is_ended_when_the_lease_is_over(world: QueueWorld, owner: Owner) -> None:
    gate = hold(world.transport)
    number = await world.send(owner, ["berta@other.test"])
    await world.runner.look()
    await until(gate.reached)
    world.clock._now += LEASE_SECONDS  # it has slept, and nobody was woken
    gate.opened.set()
    await world.runner.settle()
    assert world.transport.sent == []
    assert await world.states(number) == ["waiting"]
    assert world.turns.stats.lost_leases == 1


async def _stop_before_the_reply(world: QueueWorld) -> None:
    gate = hold_reply(world.transport)
    await world.runner.look()
    await until(gate.reached)
    await world.runner.close()


async def _steady(store: Store, world: QueueWorld) -> QueueWorld:
    """Return a runner that has been up for as long as it takes to repeat anything."""
    later = QueueWorld(store, clock=world.clock)
    world.clock.advance(STEADY_SECONDS[-1])
    return later


async def test_no_third_copy_is_sent_however_many_die(world: QueueWorld, owner: Owner, store: Store) -> None:
    number = await world.send(owner, ["berta@other.test"], raw=make_message(subject="Twice"))
    await _stop_before_the_reply(world)
    second = await _steady(store, world)
    await _stop_before_the_reply(second)
    assert second.transport.addresses() == ["berta@other.test"]
    third = await _steady(store, world)
    await third.work()
    assert third.transport.sent == []
    [recipient] = await third.recipients(number)
    assert (recipient.state, recipient.status) == ("failed", "4.4.2")
    assert "sent twice" in recipient.answer
    assert (await third.find(number)).finished_at
    # Its sender is told, and has it back.
    [report] = await inbox_of(owner)
    assert b"Subject: Twice" in report


async def test_a_repeated_mail_whose_reply_is_seen_is_as_any_other(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    number = await world.send(owner, ["berta@other.test"])
    await _stop_before_the_reply(world)
    second = await _steady(store, world)
    second.transport.script = deferred
    seen: list[int] = []

    async def look(_: str) -> None:
        seen.extend(recipient.is_repeated for recipient in await second.recipients(number))

    second.transport.after = look
    await second.work()
    assert seen == [1]  # before the reply is there
    [recipient] = await second.recipients(number)
    assert (recipient.state, recipient.is_repeated) == ("waiting", 0)
    second.transport.script, second.transport.after = relayed, None
    world.clock.advance(60)
    await second.work()
    assert await second.states(number) == ["relayed"]


async def test_who_has_got_it_is_noted_before_it_is_sent_to_others(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    number = await world.send(owner, ["berta@other.test", "jürgen@other.test"])
    gate = Gate()

    async def hold_second(_: str) -> None:
        if len(world.transport.sent) == 2:
            await gate.pass_through()

    world.transport.after = hold_second
    await world.runner.look()
    await until(gate.reached)
    assert await world.states(number) == ["relayed", "waiting"]
    await world.runner.close()
    second = await _steady(store, world)
    await second.work()
    assert second.transport.addresses() == ["jürgen@other.test"]
    assert await second.states(number) == ["relayed", "relayed"]


async def test_what_ends_its_runners_is_given_up_in_its_time(
    world: QueueWorld, owner: Owner, store: Store
) -> None:
    number = await world.send(owner, ["berta@other.test"])
    await _die(world)
    world.clock.advance(SendingConfig().give_up_hours * 3600)
    later = await _steady(store, world)
    await later.work()
    assert later.transport.sent == []
    [recipient] = await later.recipients(number)
    assert (recipient.state, recipient.status) == ("failed", "4.4.7")
    assert len(await inbox_of(owner)) == 1
