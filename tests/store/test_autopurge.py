"""The automatic purge of Trash and Spam, on both engines, with a clock that is moved on."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_filing, open_owner
from tests.store.purge_world import (
    ACTS,
    DAY,
    INTERVAL,
    SPAM,
    TRASH,
    Act,
    PurgeWorld,
    make_acts,
    make_visits,
    open_world,
)

from postroom.config.classes import AccountClass, Autopurge
from postroom.domain import clearing
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.steps import Remove, RemoveFolder, read_record
from postroom.domain.visits import AT_ONCE, MARKED_DAYS, next_visit
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store.sql import orders
from postroom.store.sql.maintenance import Clearing


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    monkeypatch.setattr(clearing, "SLICE", 3)


@pytest.fixture
async def world(owner: Owner) -> AsyncIterator[PurgeWorld]:
    """A mailbox whose class purges Trash and Spam after some days."""
    yield open_world(owner)
    await owner.domain.doomed.close()


async def pass_days(world: PurgeWorld, days: int) -> None:
    await world.learn()
    for _ in range(days):
        await world.days(0, 0)


async def count(world: PurgeWorld, folder_id: FolderId) -> int:
    return sum(ref.folder == folder_id for ref in (await world.where()).values())


async def fill(world: PurgeWorld, folder_id: FolderId, mails: int, *, first: int = 0) -> None:
    await world.owner.add_mails([make_filing(first + number) for number in range(mails)], folder_id=folder_id)


async def test_mails_go_by_when_they_came_into_the_folder(world: PurgeWorld) -> None:
    await fill(world, INBOX, 10)
    await fill(world, TRASH, 10)
    await fill(world, SPAM, 10)
    await pass_days(world, INTERVAL - 1)
    assert [await count(world, folder_id) for folder_id in (INBOX, TRASH, SPAM)] == [10, 10, 10]
    # One that was there for months, with an old date, comes to Trash just now.
    refs = [ref for ref in (await world.where()).values() if ref.folder == INBOX]
    await world.owner.domain.mail_changes.delete(world.caller, refs[0], permanent=False)
    await pass_days(world, 3)
    assert [await count(world, folder_id) for folder_id in (INBOX, TRASH, SPAM)] == [9, 1, 0]
    await pass_days(world, INTERVAL)
    assert [await count(world, folder_id) for folder_id in (INBOX, TRASH, SPAM)] == [9, 0, 0]


@pytest.mark.parametrize(("trash", "spam"), [(True, False), (False, True), (False, False)])
async def test_what_the_class_does_not_say_stays(world: PurgeWorld, *, trash: bool, spam: bool) -> None:
    world.policy = Autopurge(spam=spam, trash=trash, interval=INTERVAL)
    await fill(world, TRASH, 4)
    await fill(world, SPAM, 5)
    clock = world.clock
    visits = make_visits(world.owner, clock, AccountClass(autopurge=world.policy))
    for _ in range(3 * INTERVAL):
        clock.advance(DAY)
        await visits.visit_due()
        await world.owner.domain.doomed.wait()
    assert await count(world, TRASH) == (0 if trash else 4)
    assert await count(world, SPAM) == (0 if spam else 5)


async def test_a_class_that_purges_from_now_on_knows_what_is_old(world: PurgeWorld) -> None:
    await fill(world, TRASH, 4)
    clock, owner = world.clock, world.owner
    for _ in range(INTERVAL + 2):
        clock.advance(DAY)
        await make_visits(owner, clock, AccountClass()).visit_due()
    assert await count(world, TRASH) == 4
    clock.advance(1.5 * DAY)
    await make_visits(owner, clock, AccountClass(autopurge=world.policy)).visit_due()
    await owner.domain.doomed.wait()
    assert await count(world, TRASH) == 0


async def test_a_folder_in_trash_goes_as_a_whole(world: PurgeWorld) -> None:
    changes, owner = world.owner.domain.folder_changes, world.owner
    old = await owner.add_folder("Old")
    below = await owner.add_folder("Below", parent_id=old)
    await fill(world, old, 5)
    await fill(world, below, 5, first=10)
    await pass_days(world, 2 * INTERVAL)
    await changes.delete(world.caller, owner.folder(old))
    await pass_days(world, INTERVAL - 1)
    # It has been in Trash for a few days only, however old its mails are.
    assert await count(world, old) + await count(world, below) == 10
    # One folder was emptied and filled anew: the whole waits for it, what is old goes.
    await fill(world, below, 1, first=20)
    await pass_days(world, 3)
    assert [await count(world, old), await count(world, below)] == [0, 1]
    assert {old, below} <= {folder.folder_id for folder in await world.folders()}
    await pass_days(world, INTERVAL)
    assert not {old, below} & {folder.folder_id for folder in await world.folders()}


async def test_a_folder_stays_for_what_came_into_it(world: PurgeWorld) -> None:
    owner, changes = world.owner, world.owner.domain.folder_changes
    old = await owner.add_folder("Old", parent_id=TRASH)
    middle = await owner.add_folder("Middle", parent_id=old)
    new = await owner.add_folder("New")
    await fill(world, middle, 4)
    await pass_days(world, INTERVAL - 1)
    await changes.move(world.caller, owner.folder(new), owner.folder(middle))
    await fill(world, new, 4, first=10)
    await pass_days(world, 3)
    assert [await count(world, folder_id) for folder_id in (middle, new)] == [0, 4]
    assert {old, middle, new} <= {folder.folder_id for folder in await world.folders()}
    await pass_days(world, INTERVAL)
    assert not {old, middle, new} & {folder.folder_id for folder in await world.folders()}


async def test_a_quiet_mailbox_is_known_for_longer(world: PurgeWorld) -> None:
    await fill(world, TRASH, 4)
    await fill(world, SPAM, 4, first=10)
    for policy in (Autopurge(trash=True, interval=INTERVAL), world.policy):
        for _ in range(2 * MARKED_DAYS if policy.spam is False else 2):
            world.clock.advance(DAY)
            visits = make_visits(world.owner, world.clock, AccountClass(autopurge=policy))
            await visits.visit_due()
            await world.owner.domain.doomed.wait()
        assert await count(world, SPAM) == (0 if policy.spam else 4)


async def test_folders_in_spam_stay(world: PurgeWorld) -> None:
    sorted_ = await world.owner.add_folder("Lottery", parent_id=SPAM)
    await fill(world, sorted_, 5)
    await pass_days(world, INTERVAL + 2)
    assert await count(world, sorted_) == 0
    assert sorted_ in {folder.folder_id for folder in await world.folders()}


async def test_what_is_taken_out_in_time_stays(world: PurgeWorld) -> None:
    owner = world.owner
    folder = await owner.add_folder("Back", parent_id=TRASH)
    await fill(world, folder, 7)
    await fill(world, TRASH, 7, first=20)
    await pass_days(world, INTERVAL - 1)
    async with owner.store.transaction(owner.account_id) as tx:
        # Both are noted, and taken out before their turn.
        for folder_id in (folder, TRASH):
            await tx.upkeep.clear(Clearing(folder_id, Modseq(10**6), "autopurge"))
    refs = [ref for ref in (await world.where()).values() if ref.folder == TRASH]
    await owner.domain.mail_changes.move(world.caller, refs[0], owner.folder(INBOX))
    root = owner.folder(FolderId(1))
    await owner.domain.folder_changes.move(world.caller, owner.folder(folder), root)
    await clearing.clear_folders(owner.store, owner.account_id)
    assert [await count(world, folder_id) for folder_id in (folder, TRASH, INBOX)] == [7, 0, 1]


async def test_others_are_told_and_nobody_can_take_it_back(world: PurgeWorld) -> None:
    owner = world.owner
    await fill(world, INBOX, 4)
    caller = world.caller
    refs = [ref for ref in (await world.where()).values() if ref.folder == INBOX]
    await owner.domain.mail_changes.delete(caller, refs[0], permanent=False)
    folder = await owner.add_folder("Old", parent_id=TRASH)
    await pass_days(world, INTERVAL + 2)
    async with owner.store.read(owner.account_id) as mailbox:
        entries = await mailbox.operations.list_after(Modseq(0), limit=100)
        graves = await mailbox.deltas.list_removed_folders(0)
    steps = [step for entry in entries if entry.kind == "autopurge" for step in read_record(entry.data).steps]
    assert [type(step) for step in steps] == [RemoveFolder, Remove]
    assert [grave.folder_id for grave in graves] == [folder]
    # The deletion is still on the stack of its session: its mail is gone.
    undone = await owner.domain.operations.undo_last(caller)
    assert [failed.uid for failed in undone.failed] == [refs[0].uid]
    assert [await count(world, folder_id) for folder_id in (INBOX, TRASH)] == [3, 0]


@pytest.mark.parametrize("seed", range(3))
async def test_histories(world: PurgeWorld, seed: int) -> None:
    await world.run(make_acts(seed, 60))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 110))
async def test_long_histories(world: PurgeWorld, seed: int) -> None:
    await world.run(make_acts(seed, 500))


ACT = st.tuples(st.sampled_from(ACTS), st.integers(0, 60), st.integers(0, 60))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACT, max_size=40))
def test_any_history(acts: list[Act]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            owner = await open_owner(Path(folder))
            try:
                await open_world(owner).run(acts)
            finally:
                await owner.domain.doomed.close()
                await owner.store.close()

    asyncio.run(run())


# Visits


async def test_each_mailbox_is_visited_once_a_day(add_owner: AddOwner) -> None:
    owners = [await add_owner(f"user{number}") for number in range(5)]
    clock = TestClock()
    visits = make_visits(owners[0], clock, AccountClass())
    assert (await visits.visit_due()).accounts == 5
    assert (await visits.visit_due()).accounts == 0
    seen = 0
    for hour in range(1, 24 * 10 + 1):
        clock.advance(3600)
        seen += (await visits.visit_due()).accounts
        assert hour >= 12 or seen == 0
    assert 5 * 9 <= seen <= 5 * 10
    store = owners[0].store
    async with store.directory() as directory:
        due = await directory.visits.list_due(10**18, limit=AT_ONCE)
        assert len({visit.next_at for visit in due}) == 5
        await remove_mailbox(store, owners[0].account_id, progress=lambda _: None)
        assert len(await directory.visits.list_due(10**18, limit=AT_ONCE)) == 4


async def test_two_processes_share_the_visits(add_owner: AddOwner) -> None:
    owners = [await add_owner(f"user{number}") for number in range(6)]
    clock = TestClock()
    both = [make_visits(owners[0], clock, AccountClass()) for _ in range(2)]
    done = await asyncio.gather(*(visits.visit_due() for visits in both))
    assert sum(visited.accounts for visited in done) == 6


def test_visits_are_spread_over_the_day() -> None:
    now = 1_750_000_000_000
    times = [next_visit(AccountId(number), now) for number in range(1, 10_001)]
    assert all(now + 43_200_000 <= time < now + 129_600_000 for time in times)
    quarters = [sum(int((time - now) / 21_600_000) == part for time in times) for part in range(2, 6)]
    assert all(2_300 <= count <= 2_700 for count in quarters)
    again = [next_visit(AccountId(number), time) for number, time in enumerate(times, 1)]
    assert all(later - time == 86_400_000 for time, later in zip(times, again, strict=True))


async def test_marks_are_few(owner: Owner) -> None:
    clock = TestClock()
    visits = make_visits(owner, clock, AccountClass())
    for day in range(3 * MARKED_DAYS):
        if day < 2 * MARKED_DAYS:
            await owner.add_mails([make_filing(day)])
        clock.advance(DAY)
        await visits.visit_due()
    async with owner.store.engine.peek() as connection:
        assert len(await connection.fetch_all("SELECT marked_at FROM history_mark")) <= MARKED_DAYS + 2
    # Nothing has happened for a month: the last one is enough, once something happens again.
    await owner.add_mails([make_filing(999)])
    for _ in range(40):
        clock.advance(DAY)
        await visits.visit_due()
    async with owner.store.engine.peek() as connection:
        assert len(await connection.fetch_all("SELECT marked_at FROM history_mark")) <= 2
