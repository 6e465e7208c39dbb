"""Cutting back what grows, on both engines."""

from tests.fixtures.factories import Owner

from postroom.config.retention import RetentionConfig
from postroom.domain.maintenance import SLICE, purge_history
from postroom.model.ids import Modseq, SessionId
from postroom.store import Store
from postroom.store.sql.operations import Operation

DAY = 86_400_000


def entry(modseq: int, done_at: int) -> Operation:
    return Operation(
        modseq=Modseq(modseq),
        done_at=done_at,
        session_id=SessionId(1),
        kind="mails.update",
        history_id=modseq,
        is_head=1,
        is_stacked=0,
        state="done",
        folder_id=0,
        mail_count=1,
        data="{}",
    )


async def test_old_entries_of_the_operation_log_go(store: Store, owner: Owner) -> None:
    now = 1_000 * DAY
    async with store.transaction(owner.account_id) as tx:
        for number in range(SLICE + 10):
            await tx.operations.log(entry(number + 10, now - 31 * DAY))
        await tx.operations.log(entry(9_000, now - 29 * DAY))
    assert await purge_history(store, RetentionConfig(), now=lambda: now / 1000) == SLICE + 10
    async with store.peek(owner.account_id) as mailbox:
        left = await mailbox.operations.list_after(Modseq(0), limit=10)
    assert [entry.modseq for entry in left] == [9_000]
