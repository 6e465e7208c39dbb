"""The runner of the outgoing queue: leases, lanes, several runners on one queue, and how much a claim costs."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.queue_world import QueueWorld, failed, hold, hold_reply, relayed, until

from postroom.domain.examination import examine
from postroom.domain.queue_admin import QueueAdmin
from postroom.domain.queue_leases import LEASE_SECONDS
from postroom.domain.queue_memory import LARGE_BYTES, QueueMemory
from postroom.domain.queue_runner import STEADY_SECONDS, TAKEN_SECONDS, Places, QueueRunner
from postroom.errors import PostroomError, unavailable
from postroom.model.folder import DRAFTS, SCHEDULED, SENT
from postroom.model.ids import AccountId, ContentId
from postroom.model.outgoing import RELAY, OutgoingGroup, ProcessingId
from postroom.model.outgoing import SCHEDULED as SCHEDULED_KIND
from postroom.store import Store, open_store
from postroom.store.sql import outgoing
from postroom.store.sql.outgoing import ELSEWHERE, OutgoingWork


@pytest.fixture
def world(store: Store) -> QueueWorld:
    return QueueWorld(store)


# Leases


async def test_a_lease_is_renewed_while_it_is_needed(world: QueueWorld, owner: Owner) -> None:
    gate = hold(world.transport)
    number = await world.send(owner, ["berta@other.test"])
    await world.runner.look()
    await until(gate.reached)
    for _ in range(60):
        world.clock.advance(LEASE_SECONDS / 6)
        # Who keeps it waits again once it is renewed.
        async with asyncio.timeout(20):
            while not world.clock.is_awaited:  # noqa: ASYNC110 (it has no event)
                await asyncio.sleep(0.001)
        [group] = await world.groups(number)
        assert world.clock.now_ms() < group.leased_until == group.next_try_at
        await world.runner.look()
    gate.opened.set()
    await world.runner.settle()
    assert world.transport.addresses() == ["berta@other.test"]
    assert await world.states(number) == ["relayed"]


async def test_a_jump_of_the_clock_sends_nothing_twice(world: QueueWorld, owner: Owner) -> None:
    gate = hold(world.transport)
    number = await world.send(owner, ["berta@other.test"])
    await world.runner.look()
    await until(gate.reached)
    world.clock._now += 10 * LEASE_SECONDS  # nobody is woken
    await world.runner.look()
    assert world.runner.working == 1
    gate.opened.set()
    await world.runner.settle()
    assert world.transport.addresses() == ["berta@other.test"]
    assert await world.states(number) == ["relayed"]


async def test_the_lease_of_the_dead_runs_out(world: QueueWorld, owner: Owner, store: Store) -> None:
    number = await world.send(owner, ["berta@other.test"])
    now = world.clock.now_ms()
    async with store.directory_transaction() as tx:
        assert await tx.outgoing.work.claim(ELSEWHERE, now=now, until=now + LEASE_SECONDS * 1000, limit=10)
    world.clock.advance(LEASE_SECONDS - 1)
    await world.work()
    assert world.transport.sent == []
    world.clock.advance(1)
    await world.work()
    assert await world.states(number) == ["relayed"]


async def test_cancelled_while_it_is_sent(world: QueueWorld, owner: Owner, store: Store) -> None:
    gate = hold(world.transport)
    number = await world.send(owner, ["berta@other.test", "carl@other.test"])
    await world.runner.look()
    await until(gate.reached)
    assert await QueueAdmin(store).cancel(number, now=world.clock.now_ms()) == 2
    world.clock.advance(LEASE_SECONDS / 3)
    await world.runner.settle()
    assert world.transport.sent == []
    assert world.turns.stats.lost_leases == 1
    assert await world.states(number) == ["withdrawn", "withdrawn"]


async def test_who_was_thought_dead_spoils_nothing(world: QueueWorld, owner: Owner, store: Store) -> None:
    gate = hold_reply(world.transport)
    number = await world.send(owner, ["berta@other.test"])
    await world.runner.look()
    await until(gate.reached)
    other = QueueWorld(store, clock=world.clock)
    world.clock._now += LEASE_SECONDS
    held = hold(other.transport)
    other.transport.script = failed
    await other.runner.look()
    await until(held.reached)
    gate.opened.set()
    await world.runner.settle()
    assert await world.states(number) == ["relayed"]  # what is known of others' work is noted
    assert not (await world.find(number)).finished_at
    held.opened.set()
    await other.runner.settle()
    other.clock.advance(STEADY_SECONDS[1])
    await other.work()
    assert await world.states(number) == ["relayed"]
    assert (await world.find(number)).finished_at


async def test_what_others_hold_is_not_asked_for_without_a_pause(
    world: QueueWorld, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that a dead machine has locked would keep a processor busy until the database notices."""
    number = await world.send(owner, ["berta@other.test"])
    asked: list[str] = []

    async def claim(self: OutgoingWork, destination: str, **_: int) -> list[OutgoingGroup]:
        asked.append(destination)
        return []

    with monkeypatch.context() as patch:
        patch.setattr(OutgoingWork, "claim", claim)
        assert await world.runner.look() == TAKEN_SECONDS
    assert asked == [ELSEWHERE]
    await world.work()
    assert await world.states(number) == ["relayed"]


async def test_it_runs_and_is_woken(world: QueueWorld, owner: Owner) -> None:
    gate = hold(world.transport)
    running = asyncio.create_task(world.runner.run())
    await world.send(owner, ["berta@other.test"], delay=0.5)
    async with asyncio.timeout(20):
        while not gate.reached.is_set():
            world.clock.advance(0.1)
            await asyncio.sleep(0.001)
    gate.opened.set()
    await world.runner.settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_is_due_at_once_is_told_of(owner: Owner, store: Store) -> None:
    world = QueueWorld(store)
    gate = hold(world.transport)
    news = owner.domain.news
    runner = QueueRunner(store, world.turns, clock=TestClock(world.clock.now()), news=news)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)  # it waits now for a clock that stands still
    await world.send(owner, ["berta@other.test"])
    await until(gate.reached)
    gate.opened.set()
    await runner.settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_store_that_is_away_for_a_moment(
    world: QueueWorld, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await world.send(owner, ["berta@other.test"])
    settle = world.turns._settling.settle

    async def fail(*_: object, **__: object) -> None:
        raise unavailable("the store is away")

    monkeypatch.setattr(world.turns._settling, "settle", fail)
    await world.runner.look()
    for _ in range(5):
        await asyncio.sleep(0.05)
        world.clock.advance(LEASE_SECONDS)
        # Our own lease has run out meanwhile: the turn goes on under the next one.
        await world.runner.look()
    assert await world.states(number) == ["waiting"]
    monkeypatch.setattr(world.turns._settling, "settle", settle)
    world.clock.advance(LEASE_SECONDS)
    await world.runner.settle()
    assert await world.states(number) == ["relayed"]
    assert world.transport.addresses() == ["berta@other.test"]  # What was known was not forgotten.


async def test_a_faulty_transport_stops_nothing(world: QueueWorld, owner: Owner) -> None:
    def fail(_: str) -> object:
        raise ValueError("a fault")

    world.transport.before = fail
    number = await world.send(owner, ["berta@other.test"])
    await world.work()
    [group] = await world.groups(number)
    assert (group.attempts, group.failure) == (1, "internal error")


# Fairness


async def test_a_slow_domain_holds_up_nobody(store: Store, owner: Owner) -> None:
    world = QueueWorld(store, places=Places(elsewhere=4, per_domain=2))
    gate = hold(world.transport, "slow.test")
    for number in range(30):
        await world.send(owner, [f"user{number}@slow.test"], raw=make_message(subject=f"{number}"))
    world.clock.advance(1)
    quick = await world.send(owner, ["berta@other.test"])
    async with asyncio.timeout(20):
        while await world.states(quick) != ["relayed"] or world.transport.running < 2:
            await world.runner.look()
            await asyncio.sleep(0.01)
    for _ in range(20):
        await world.runner.look()
        await asyncio.sleep(0.01)
    assert world.transport.running == 2
    gate.opened.set()
    for _ in range(100):
        await world.work()
        world.clock.advance(10)
        if len(world.transport.sent) == 31:
            break
    assert Counter(world.transport.addresses()).most_common(1)[0][1] == 1
    assert len(world.transport.sent) == 31
    async with store.directory() as directory:
        assert await directory.outgoing.count_waiting() == 0


async def test_places_of_the_relay(store: Store, owner: Owner) -> None:
    world = QueueWorld(store, places=Places(relay=3))
    for number in range(10):
        await world.send(owner, [f"user{number}@other.test"], has_relay=True)
    gate = hold(world.transport)
    await world.runner.look()
    async with asyncio.timeout(20):
        while world.transport.running < 3:  # noqa: ASYNC110 (it has no event)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert world.transport.running == 3
    gate.opened.set()
    await world.work()
    assert world.transport.most == 3
    assert len(world.transport.sent) == 10


async def test_large_messages_have_a_share_of_memory_together(world: QueueWorld, owner: Owner) -> None:
    world.turns.memory = QueueMemory(5 << 20)
    raw = make_message(subject="Large") + b"x" * 78 * 26_000
    assert LARGE_BYTES < len(raw) < (5 << 20) / 2
    gate = hold(world.transport)
    large = [await world.send(owner, [f"berta@domain{number}.test"], raw=raw) for number in range(6)]
    small = [await world.send(owner, [f"carl@domain{number}.test"]) for number in range(3)]
    async with asyncio.timeout(60):
        while world.transport.running < 5 or world.runner.working > 5:
            await world.runner.look()
            await asyncio.sleep(0.01)
    waiting = [group for number in large for group in await world.groups(number) if not group.leased_until]
    assert len(waiting) == 4
    # One behind the other, and nothing of them has begun.
    assert len({group.next_try_at for group in waiting}) == 4
    assert all(group.next_try_at > world.clock.now_ms() and not group.attempts for group in waiting)
    assert [bool((await world.find(group.processing_id)).started_at) for group in waiting] == [False] * 4
    gate.opened.set()
    for _ in range(20):
        await world.work()
        world.clock.advance(5)
    assert [await world.states(number) for number in (*large, *small)] == [["relayed"]] * 9
    assert world.transport.most == 5


async def test_a_message_beyond_all_memory_goes_alone(world: QueueWorld, owner: Owner) -> None:
    world.turns.memory = QueueMemory(1 << 20)
    raw = make_message(subject="Huge") + b"x" * 78 * 20_000
    numbers = [await world.send(owner, [f"berta@domain{number}.test"], raw=raw) for number in range(2)]
    for _ in range(5):
        await world.work()
        world.clock.advance(5)
    assert [await world.states(number) for number in numbers] == [["relayed"]] * 2
    assert world.transport.most == 1


# Several runners


async def test_two_runners_share_the_work(store_url: str, store: Store, owner: Owner, tmp_path: Path) -> None:
    second = await open_store(store_url, tmp_path / "data")
    try:
        clock = TestClock()
        worlds = [
            QueueWorld(one, clock=clock, places=Places(relay=5, elsewhere=5)) for one in (store, second)
        ]
        for world in worlds:
            world.transport.before = lambda _: asyncio.sleep(0.001)
        numbers = [
            await worlds[0].send(
                owner,
                [f"user{number}@other{number % 9}.test", "anna@example.test"],
                raw=make_message(subject=f"{number}"),
                has_relay=number % 2 == 0,
            )
            for number in range(100)
        ]
        while True:
            await asyncio.gather(*(world.work() for world in worlds))
            async with store.directory() as directory:
                if not await directory.outgoing.count_waiting():
                    break
            clock.advance(1)
        sent = Counter(address for world in worlds for address in world.transport.addresses())
        assert len(sent) == 100
        assert set(sent.values()) == {1}
        assert all(len(world.transport.sent) > 10 for world in worlds)
        for number in numbers:
            assert await worlds[0].states(number) == ["relayed", "delivered"]
            assert (await worlds[0].find(number)).finished_at
        async with store.read(owner.account_id) as mailbox:
            total, faults = await examine(mailbox, "")
        assert faults == []
        assert total == 200
    finally:
        await second.close()


# Many messages


async def test_a_claim_costs_no_more_in_a_long_queue(owner: Owner, store: Store, domain: object) -> None:
    world = QueueWorld(store)
    first = await world.send(owner, ["first@other.test"], has_relay=True, delay=-1)
    content_id = (await _contents(store, owner.account_id))[0]
    message = (await world.find(first))._replace(content_id=content_id)
    recipient = (await world.recipients(first))[0]
    group = (await world.groups(first))[0]

    async def claim_some(count: int) -> float:
        """Return the shortest time of a claim of ten."""
        best = 10.0
        for _ in range(count):
            now = world.clock.now_ms()
            started = time.perf_counter()
            async with store.directory_transaction() as tx:
                await tx.outgoing.work.find_next_due(RELAY)
                groups = await tx.outgoing.work.claim(RELAY, now=now, until=now + 1, limit=10)
            best = min(best, time.perf_counter() - started)
            async with store.directory_transaction() as tx:
                await tx.outgoing.work.put_off([group._replace(next_try_at=now) for group in groups])
        return best

    async def fill(count: int) -> None:
        now = world.clock.now_ms()
        numbers = range(count, 2 * count)
        async with store.engine.write() as connection:
            await connection.execute("UPDATE content SET refs = refs + $1", count)
            for statement, row in (
                (outgoing._CREATE, message),
                (outgoing._ADD_RECIPIENT, recipient),
                (outgoing._ADD_GROUP, group._replace(next_try_at=now)),
            ):
                rows = [row._replace(processing_id=ProcessingId(number)) for number in numbers]
                await connection.execute_many(statement, rows)

    async def take_some(count: int) -> float:
        """Return the shortest time of a mail, from the claim to the end, of twenty each."""
        best = 10.0
        for _ in range(count):
            attempts, started = world.turns.stats.attempts, time.perf_counter()
            await world.runner.look()
            await world.runner.settle()
            best = min(best, (time.perf_counter() - started) / (world.turns.stats.attempts - attempts))
        return best

    await fill(100)
    short, short_turn = await claim_some(20), await take_some(4)
    await fill(100_000)
    async with store.engine.write() as connection:
        await connection.execute("ANALYZE")
    assert await claim_some(20) < short * 4 + 0.005
    assert await take_some(10) < short_turn * 2 + 0.002


async def _contents(store: Store, account_id: AccountId) -> list[ContentId]:
    async with store.read(account_id) as mailbox:
        return [content_id for content_id, _ in await mailbox.contents.list_references()]


# Operators


async def test_list_and_show(world: QueueWorld, owner: Owner, store: Store) -> None:
    queue = QueueAdmin(store)
    world.transport.script = lambda name, one: (relayed if one.number == 1 else failed)(name, one)._replace(
        state="relayed" if one.number == 1 else "waiting"
    )
    number = await world.send(owner, ["berta@other.test", "carl@other.test"])
    await world.work()
    [queued] = [queued async for queued in queue.iter_waiting()]
    assert queued == await queue.find(number)
    assert [one.address for one in queued.waiting] == ["carl@other.test"]
    assert queued.failure == "550 5.1.1 unknown user"
    assert queued.next_try_at == world.clock.now_ms() + 60_000


async def test_retry_by_hand(world: QueueWorld, owner: Owner, store: Store) -> None:
    queue = QueueAdmin(store)
    world.transport.script = lambda name, one: failed(name, one)._replace(state="waiting")
    numbers = [await world.send(owner, [f"user{number}@other.test"]) for number in range(3)]
    later = await world.send(owner, ["berta@other.test"], delay=100)
    await world.work()
    world.transport.script = relayed
    assert await queue.retry(numbers[0], now=world.clock.now_ms()) == 1
    await world.work()
    assert await world.states(numbers[0]) == ["relayed"]
    with pytest.raises(PostroomError, match="finished"):
        await queue.retry(numbers[0], now=world.clock.now_ms())
    with pytest.raises(PostroomError, match="not to be sent yet"):
        await queue.retry(later, now=world.clock.now_ms())
    assert await queue.retry_all(now=world.clock.now_ms()) == 2
    await world.work()
    assert [await world.states(number) for number in (*numbers, later)] == [["relayed"]] * 3 + [["waiting"]]


async def test_cancel_by_hand(world: QueueWorld, owner: Owner, store: Store) -> None:
    queue = QueueAdmin(store)
    number = await world.send(owner, ["berta@other.test"], delay=10, folder_id=None)
    scheduled = await world.send(
        owner, ["carl@other.test"], delay=10, folder_id=SCHEDULED, kind=SCHEDULED_KIND, raw=make_message()
    )
    for one in (number, scheduled):
        assert await queue.cancel(one, now=world.clock.now_ms()) == 1
        with pytest.raises(PostroomError, match="finished"):
            await queue.cancel(one, now=world.clock.now_ms())
    world.clock.advance(10)
    await world.work()
    assert world.transport.sent == []
    async with store.read(owner.account_id) as mailbox:
        _, faults = await examine(mailbox, "")
        folders = {folder.folder_id: folder.total_items for folder in await mailbox.folders.list_all()}
    assert faults == []
    assert (folders[SCHEDULED], folders[DRAFTS], folders[SENT]) == (0, 1, 0)


async def test_two_owners(world: QueueWorld, owner: Owner, add_owner: AddOwner) -> None:
    berta = await add_owner("berta")
    first = await world.send(owner, ["berta@example.test"])
    second = await world.send(berta, ["anna@example.test"])
    await world.work()
    assert await world.states(first) == await world.states(second) == ["delivered"]
