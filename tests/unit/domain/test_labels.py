"""Taking a label off many mails, behind everything else."""

import asyncio

from tests.fixtures.factories import Owner, make_filing

from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.doomed import Doomed
from postroom.domain.filing import locate_mail, move_mails, set_label
from postroom.domain.labels import SLICE, Labels, remove_doomed_labels
from postroom.domain.steps import Label, read_record
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, LabelId, LabelRef, Modseq, Uid
from postroom.store import Store

SENT, TRASH = FolderId(4), FolderId(5)
MANY = 3 * SLICE + 7


async def add_labelled(owner: Owner, domain: Domain, count: int, *, other_every: int = 3) -> LabelRef:
    """Make two labels and mails in Inbox and Sent that have the first; some have the other too. Return the first."""
    caller = await owner.caller()
    label = await domain.labels.create(caller, "One")
    other = await domain.labels.create(caller, "Two")
    for folder_id in (INBOX, SENT):
        await owner.add_mails([make_filing(number) for number in range(count)], folder_id=folder_id)
        async with owner.store.transaction(owner.account_id) as tx:
            await tx.lock()
            items = await tx.mails.list_some(folder_id, limit=count)
            await set_label(tx, items, label.label_id, is_on=True)
        async with owner.store.transaction(owner.account_id) as tx:
            await tx.lock()
            items = await tx.mails.list_some(folder_id, limit=count)
            await set_label(tx, items[::other_every], other.label_id, is_on=True)
    return LabelRef(owner.account_id, label.label_id)


async def labelled(owner: Owner, label_id: LabelId) -> int:
    async with owner.store.read(owner.account_id) as mailbox:
        rows = await mailbox.recounts.list_labelled()
    return sum(str(label_id) in row[2].split() for row in rows)


async def contents(owner: Owner, *folders: FolderId) -> list[Modseq]:
    async with owner.store.read(owner.account_id) as mailbox:
        found = [await mailbox.folders.find(folder) for folder in folders]
    return [folder.content_modseq for folder in found if folder is not None]


async def test_few_mails_lose_it_at_once(owner: Owner, domain: Domain, store: Store) -> None:
    ref = await add_labelled(owner, domain, SLICE // 2)
    told: list[int] = []
    labels = Labels(store, on_doomed=told.append)
    before = await contents(owner, INBOX, SENT, TRASH)
    await labels.delete(await owner.caller(), ref)
    after = await contents(owner, INBOX, SENT, TRASH)
    assert [new > old for old, new in zip(before, after, strict=True)] == [True, True, False]
    assert await labelled(owner, ref.label) == 0
    assert told == []
    async with store.read(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
        assert state is not None
        assert state.labels_modseq == state.modseq
        [entry] = await mailbox.operations.list_after(Modseq(state.modseq - 1), limit=10)
        assert {count.label_id for count in await mailbox.labels.list_folder_counts()} == {2}
    assert (entry.kind, entry.is_head) == ("labels.delete", 0)
    steps = read_record(entry.data).steps
    assert [(step.folder_id, len(step.mails)) for step in steps if isinstance(step, Label)] == [
        (INBOX, SLICE // 2),
        (SENT, SLICE // 2),
    ]
    assert not (await check_store(store)).findings


async def test_many_mails_lose_it_behind(owner: Owner, domain: Domain, store: Store) -> None:
    ref = await add_labelled(owner, domain, MANY)
    caller = await owner.caller()
    told: list[int] = []
    await Labels(store, on_doomed=told.append).delete(caller, ref)
    assert told == [owner.account_id]
    assert [label.name for label in (await domain.labels.list(caller)).labels] == ["Two"]
    # The name is free at once, and the check finds nothing wrong in between.
    again = await domain.labels.create(caller, "one")
    assert await labelled(owner, ref.label) == 2 * MANY - SLICE
    assert not (await check_store(store)).findings
    before = await contents(owner, INBOX, SENT)
    # What a stopped server has left is taken up by the next.
    doomed = Doomed(store)
    await doomed.resume()
    await doomed.wait()
    after = await contents(owner, INBOX, SENT)
    assert all(new > old for old, new in zip(before, after, strict=True))
    assert await labelled(owner, ref.label) == 0
    assert await labelled(owner, LabelId(2)) == 2 * len(range(0, MANY, 3))
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.doomed_labels.list_all() == []
        assert {count.label_id for count in await mailbox.labels.list_folder_counts()} == {2}
        counts = {count.label_id: count.total_items for count in await mailbox.labels.list_counts()}
    assert counts == {2: 2 * len(range(0, MANY, 3)), again.label_id: 0}
    assert await remove_doomed_labels(store, owner.account_id) == 0
    assert not (await check_store(store)).findings


async def test_mails_that_are_moved_meanwhile_lose_it_too(owner: Owner, domain: Domain, store: Store) -> None:
    ref = await add_labelled(owner, domain, MANY)
    await Labels(store).delete(await owner.caller(), ref)
    removing = asyncio.create_task(remove_doomed_labels(store, owner.account_id))
    for uid in range(MANY, MANY - 50, -1):
        async with store.transaction(owner.account_id) as tx:
            item = await locate_mail(tx, SENT, Uid(uid))
            await move_mails(tx, [item], TRASH)
        await asyncio.sleep(0)
    await removing
    assert await labelled(owner, ref.label) == 0
    assert not (await check_store(store)).findings


async def test_counters_that_were_off_do_not_hold_it_up(owner: Owner, domain: Domain, store: Store) -> None:
    ref = await add_labelled(owner, domain, SLICE)
    await Labels(store).delete(await owner.caller(), ref)
    async with store.engine.write() as connection:
        await connection.execute("UPDATE folder_label SET total_items = total_items + 5 WHERE label_id = 1")
    assert await remove_doomed_labels(store, owner.account_id) == SLICE
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.doomed_labels.list_all() == []
    assert not (await check_store(store)).findings
