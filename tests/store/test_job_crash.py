# ruff: noqa: S311
"""``kill -9`` in the middle of batches and of the removal of a folder: they go on, and nothing is done twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.crashes import Parent, crash_parent, work_until_killed
from tests.fixtures.factories import Owner, open_owner
from tests.store.job_crash_child import CHUNK_CAPACITY, SLICE

from postroom.domain import jobs
from postroom.domain.actions import Action, CopyTo, Delete, MoveTo
from postroom.domain.batches import Range, Selection
from postroom.domain.examination import examine
from postroom.domain.jobs import Jobs
from postroom.model.account import Caller
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, MailRef
from postroom.model.listing import MailListRequest, Sort, SortField
from postroom.store import Store, open_store
from postroom.store.sql import orders

MAILS = 60
SENT, TRASH = FolderId(4), FolderId(5)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", CHUNK_CAPACITY)
    monkeypatch.setattr(jobs, "SLICE", SLICE)
    monkeypatch.setattr(jobs, "WAITED_FOR", 0)


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.job_crash_child") as process:
        yield process


async def begin(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store three jobs over the same mails, and remove a folder, with nothing of it done."""
    await owner.add_many(MAILS)
    folder_id = await owner.add_folder("Old", parent_id=TRASH)
    await owner.add_many(MAILS, folder_id=folder_id, seed=2)
    caller = Caller(owner.account_id, owner.account.address, "", "default", None, False, 1, 1)
    oldest = MailListRequest(field=SortField.DATE, descending=False, limit=1)
    [first] = (await owner.domain.mails.list(caller, owner.folder(), oldest)).mails
    start = MailRef(owner.account_id, INBOX, first.uid)
    whole = Selection(ranges=[Range(start, MAILS)], sort=Sort(descending=False))
    monkeypatch.setattr(Jobs, "_begin", lambda *_: asyncio.create_task(asyncio.sleep(0)))
    actions: list[tuple[str, Action]] = [
        ("mails.copy", CopyTo(SENT)),
        ("mails.move", MoveTo(SENT)),
        ("mails.delete", Delete()),
    ]
    for kind, action in actions:
        state = await owner.domain.batches.start(caller, kind, action, selection=whole)
        assert (state.total_items, state.done_items) == (MAILS, 0)
    monkeypatch.setattr(owner.domain.doomed, "begin", lambda _: None)
    monkeypatch.setattr(owner.domain.folder_changes, "_on_doomed", lambda _: None)
    await owner.domain.folder_changes.delete(caller, owner.folder(folder_id))
    monkeypatch.undo()


async def check(store: Store, owner: Owner) -> None:
    """Each mail was copied once, moved once and deleted once, in some order, and nothing is off."""
    async with store.read(owner.account_id) as mailbox:
        total, faults = await examine(mailbox, "anna")
        folders = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
        operations = await mailbox.operations.list_shown(kind="", folder_id=0, start=0, limit=100)
        doomed = await mailbox.traces.list_doomed()
    assert faults == []
    assert doomed == []
    assert total == 2 * MAILS
    assert folders[INBOX].total_items == 0
    # The copies are there; each mail is where it was brought last, by whichever job came later to it.
    assert folders[SENT].total_items >= MAILS
    assert folders[SENT].total_items + folders[TRASH].total_items == 2 * MAILS
    counted = Counter({operation.kind: operation.mail_count for operation in operations})
    assert counted == {"mails.copy": MAILS, "mails.move": MAILS, "mails.delete": MAILS, "folders.delete": 0}
    assert {operation.state for operation in operations} == {"done"}


async def live(killed: Parent, folder: Path, monkeypatch: pytest.MonkeyPatch, *, seed: int) -> int:
    """Kill whoever works on the jobs until they are done; return how often."""
    chance = random.Random(seed)
    owner = await open_owner(folder)
    monkeypatch.setattr(orders, "CAPACITY", CHUNK_CAPACITY)
    monkeypatch.setattr(jobs, "SLICE", SLICE)
    monkeypatch.setattr(jobs, "WAITED_FOR", 0)
    await begin(owner, monkeypatch)
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


async def test_jobs_survive(killed: Parent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = await live(killed, tmp_path, monkeypatch, seed=1)
    assert deaths > 0


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(10, 30))
async def test_jobs_survive_for_long(
    killed: Parent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    await live(killed, tmp_path, monkeypatch, seed=seed)
