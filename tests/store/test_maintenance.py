"""Cutting back what grows, on both engines."""

from tests.fixtures.factories import Owner

from postroom.config.retention import RetentionConfig
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.maintenance import SLICE, purge_history, purge_sessions
from postroom.model.account import Session
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, Modseq, SessionId
from postroom.store import Store
from postroom.store.sql.deltas import Place
from postroom.store.sql.operations import Grave, Operation
from postroom.store.sql.tickets import Ticket

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
        is_reversible=0,
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
    assert await purge_history(store, owner.account_id, RetentionConfig(), now_ms=now) == (SLICE + 10, 0)
    async with store.peek(owner.account_id) as mailbox:
        left = await mailbox.operations.list_after(Modseq(0), limit=10)
    assert [entry.modseq for entry in left] == [9_000]


NOW = 1_000 * DAY
OLD, RECENT = NOW - 91 * DAY, NOW - 89 * DAY
OTHER = FolderId(INBOX + 1)


async def bury(owner: Owner, folder_id: FolderId, uids: range, *, modseq: int, removed_at: int) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        graves = [Grave(folder_id, uid, Modseq(1), Modseq(modseq)) for uid in uids]
        await tx.operations.bury(graves, removed_at=removed_at)


async def forgotten(owner: Owner) -> tuple[int, ...]:
    """Return up to where removals are forgotten: of the mailbox, the Inbox and another folder."""
    async with owner.store.read(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
        contents = [await mailbox.deltas.find_content(folder_id) for folder_id in (INBOX, OTHER)]
    assert state is not None
    return (state.forgotten_modseq, *(content.forgotten_modseq for content in contents if content))


async def test_old_removals_are_forgotten(store: Store, owner: Owner) -> None:
    await bury(owner, INBOX, range(1, SLICE + 2), modseq=5, removed_at=OLD)
    await bury(owner, INBOX, range(1_000, 1_002), modseq=8, removed_at=RECENT)
    await bury(owner, OTHER, range(1, 3), modseq=6, removed_at=OLD)
    await bury(owner, FolderId(99), range(1), modseq=7, removed_at=OLD)
    assert await purge_history(store, owner.account_id, RetentionConfig(), now_ms=NOW) == (0, SLICE + 4)
    assert await forgotten(owner) == (7, 5, 6)
    async with store.read(owner.account_id) as mailbox:
        left = await mailbox.deltas.list_removed(INBOX, after=Place(0, 0), limit=10)
        assert await mailbox.deltas.list_removed_folders(0) == []
    assert [removed.uid for removed in left] == [1_000, 1_001]
    assert await purge_history(store, owner.account_id, RetentionConfig(), now_ms=NOW) == (0, 0)
    assert await forgotten(owner) == (7, 5, 6)


async def test_old_traces_of_folders_are_forgotten(store: Store, owner: Owner) -> None:
    async with store.transaction(owner.account_id) as tx:
        for number, moved_at in ((3, OLD), (4, OLD), (5, RECENT)):
            await tx.traces.note_past(OTHER, modseq=Modseq(number), parent_id=INBOX, moved_at=moved_at)
    assert await purge_history(store, owner.account_id, RetentionConfig(), now_ms=NOW) == (0, 2)
    assert await forgotten(owner) == (4, 0, 0)
    async with store.read(owner.account_id) as mailbox:
        assert await mailbox.deltas.list_past_parents(4) == {OTHER: INBOX}


async def test_removals_of_an_account_that_goes_are_left_to_its_removal(store: Store, owner: Owner) -> None:
    await bury(owner, INBOX, range(1, 3), modseq=5, removed_at=OLD)
    async with store.transaction(owner.account_id) as tx:
        await tx.removals.close_mailbox()
    assert await purge_history(store, owner.account_id, RetentionConfig(), now_ms=NOW) == (0, 0)
    await remove_mailbox(store, owner.account_id, progress=lambda _: None)
    async with store.read(owner.account_id) as mailbox:
        assert not await mailbox.deltas.has_older(NOW)


async def test_sessions_and_tickets_that_are_over_go(store: Store, owner: Owner) -> None:
    def make_session(number: int, expires_at: int) -> Session:
        return Session(SessionId(number), owner.account_id, 1, 1, expires_at, 0, "{}")

    ended = SLICE + 20
    async with store.directory_transaction() as tx:
        for number in range(ended + 3):
            expires_at = NOW - 1 if number < ended else NOW + 1
            await tx.sessions.create(b"%d" % number, make_session(number, expires_at))
            await tx.tickets.create(b"%d" % number, Ticket(owner.account_id, None, 1, expires_at, "all"))
    assert await purge_sessions(store, now_ms=NOW) == 2 * ended
    assert await purge_sessions(store, now_ms=NOW) == 0
    async with store.directory() as directory:
        assert await directory.sessions.count(owner.account_id) == 3
    # What they had uploaded and found goes because they are gone: see the tests of those.
