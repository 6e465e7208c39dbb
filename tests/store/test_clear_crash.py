# ruff: noqa: S311
"""``kill -9`` while Trash is cleared and a notice is filed: all goes on, nothing is done twice."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.crashes import Parent, crash_parent, work_until_killed
from tests.fixtures.factories import Owner, open_owner
from tests.store.clear_crash_child import CHUNK_CAPACITY

from postroom.domain.clearing import empty_bin
from postroom.domain.examination import examine
from postroom.domain.steps import Remove, read_record
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, Modseq
from postroom.store import Store, open_store
from postroom.store.sql import orders

MAILS = 60
TRASH, SPAM = FolderId(5), FolderId(6)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", CHUNK_CAPACITY)


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.clear_crash_child") as process:
        yield process


async def begin(owner: Owner) -> None:
    """Note what is to be cleared, and a notice; do nothing of it."""
    below = await owner.add_folder("Old", parent_id=TRASH)
    for number, folder_id in enumerate((INBOX, TRASH, SPAM, below), start=1):
        await owner.add_many(MAILS, folder_id=folder_id, seed=number)
    async with owner.store.transaction(owner.account_id) as tx:
        tx.follow_up = lambda _: None
        await tx.lock()
        for role in ("trash", "junk"):
            await empty_bin(tx, role, kind="logout.purge")
        assert await tx.upkeep.note_quota_passed(now=1, told_before=0)
    # This came later, and stays.
    await owner.add_many(MAILS, folder_id=TRASH, seed=9)


async def check(store: Store, owner: Owner) -> None:
    async with store.read(owner.account_id) as mailbox:
        _, faults = await examine(mailbox, "anna")
        totals = {folder.folder_id: folder.total_items for folder in await mailbox.folders.list_all()}
        entries = await mailbox.operations.list_after(Modseq(0), limit=10_000)
        assert await mailbox.upkeep.list_clearings() == []
        assert not await mailbox.upkeep.is_notice_due()
    assert faults == []
    # One notice, however often it was begun.
    assert (totals[INBOX], totals[TRASH], totals[SPAM]) == (MAILS + 1, MAILS, 0)
    steps = [
        step for entry in entries if entry.kind == "logout.purge" for step in read_record(entry.data).steps
    ]
    removed = [mail.item_id for step in steps if isinstance(step, Remove) for mail in step.mails]
    assert len(removed) == len(set(removed)) == 2 * MAILS


async def live(killed: Parent, folder: Path, *, seed: int) -> int:
    """Kill whoever works until all is done; return how often."""
    chance = random.Random(seed)
    owner = await open_owner(folder)
    await begin(owner)
    await owner.store.close()
    deaths = 0
    while not await asyncio.to_thread(
        work_until_killed, killed, str(folder), seconds=chance.uniform(0, 0.02) * (1 + deaths / 20)
    ):
        deaths += 1
        assert deaths < 1000
    store = await open_store("sqlite:", folder)
    try:
        await check(store, owner)
    finally:
        await store.close()
    return deaths


async def test_clearing_survives(killed: Parent, tmp_path: Path) -> None:
    # On a busy machine all may be done before the first is killed.
    deaths = [await live(killed, tmp_path / "first", seed=1)]
    while not any(deaths):
        assert len(deaths) < 20
        deaths.append(await live(killed, tmp_path / str(len(deaths)), seed=len(deaths) + 1))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10, 25))
async def test_clearing_survives_for_long(killed: Parent, tmp_path: Path, seed: int) -> None:
    await live(killed, tmp_path, seed=seed)
