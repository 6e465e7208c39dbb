"""A check finds what is wrong with readers' marks, and repairs it."""

from tests.fixtures.factories import AddOwner, Owner

from postroom.domain.examination import examine, repair_faults
from postroom.domain.reader_marks import mark_seen
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, Uid
from postroom.model.sharing import Grant, Reader
from postroom.store.sql.reader_recounts import SeenCount


async def faults_of(owner: Owner) -> list[str]:
    async with owner.store.read(owner.account_id) as mailbox:
        _, faults = await examine(mailbox, "anna")
    return [fault.kind for fault in faults]


async def test_marks_are_checked_and_repaired(owner: Owner, add_owner: AddOwner) -> None:
    reader = AccountId((await add_owner("berta")).account_id)
    refs = [await owner.add_mail() for _ in range(3)]
    async with owner.store.transaction(owner.account_id) as tx:
        await tx.lock()
        await tx.grants.put(Grant(INBOX, Reader(reader), "lrs"))
        mails = [item.mail for ref in refs if (item := await tx.mails.locate(INBOX, ref.uid)) is not None]
        assert await mark_seen(tx, reader, mails, is_unread=False)
    assert await faults_of(owner) == []
    async with owner.store.transaction(owner.account_id) as tx:
        state = await tx.advance()
        await tx.reader_recounts.set_seen(SeenCount(INBOX, reader, 2), modseq=state.modseq)
        await tx.reader_marks.put(INBOX, AccountId(99), [Uid(77)], is_seen=1, modseq=state.modseq)
    assert await faults_of(owner) == ["reader", "reader"]
    async with owner.store.transaction(owner.account_id) as tx:
        repaired = await repair_faults(tx, "anna", owner.store.messages)
    assert [fault.repaired for fault in repaired] == [True, True]
    assert await faults_of(owner) == []
    async with owner.store.read(owner.account_id) as mailbox:
        assert (await mailbox.reader_marks.find_state(INBOX, reader)).seen_items == 3
