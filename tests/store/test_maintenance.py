"""Cutting back what grows, on both engines."""

from tests.fixtures.factories import Owner

from postroom.config.retention import RetentionConfig
from postroom.domain.maintenance import SLICE, purge_history
from postroom.model.ids import Modseq, SessionId
from postroom.store import Store
from postroom.store.sql.operations import Operation

DAY = 86_400_000


async def test_old_entries_of_the_operation_log_go(store: Store, owner: Owner) -> None:
    now = 1_000 * DAY
    async with store.transaction(owner.account_id) as tx:
        for number in range(SLICE + 10):
            await tx.operations.log(Operation(Modseq(number + 10), now - 31 * DAY, None, "flags", "{}"))
        await tx.operations.log(Operation(Modseq(9_000), now - 29 * DAY, SessionId(1), "flags", "{}"))
    assert await purge_history(store, RetentionConfig(), now=lambda: now / 1000) == SLICE + 10
    async with store.peek(owner.account_id) as mailbox:
        left = await mailbox.operations.list_after(Modseq(0), limit=10)
    assert [entry.modseq for entry in left] == [9_000]
