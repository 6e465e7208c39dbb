"""What looks after mailboxes by itself: visits, marks of history, folders to be cleared, quota notices."""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store.engine.base import Connection

LIST_CLEARED_ACCOUNTS = "SELECT DISTINCT account_id FROM folder_clearing LIMIT 100"
LIST_NOTIFIED_ACCOUNTS = "SELECT account_id FROM quota_notice WHERE told_at = 0 LIMIT 100"
_LIST_DUE = (
    "SELECT account_id, next_at FROM mailbox_visit WHERE next_at <= $1 ORDER BY next_at, account_id LIMIT $2"
)
_PUT_OFF = """
UPDATE mailbox_visit SET next_at = $3 WHERE account_id = $1 AND next_at = $2 RETURNING account_id
"""
_CREATE_VISIT = "INSERT INTO mailbox_visit (account_id, next_at) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_MARK = """
INSERT INTO history_mark (account_id, marked_at, modseq) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_NEWEST_MARK = "SELECT modseq FROM history_mark WHERE account_id = $1 ORDER BY marked_at DESC LIMIT 1"
_FIND_MARK = """
SELECT modseq FROM history_mark WHERE account_id = $1 AND marked_at <= $2 ORDER BY marked_at DESC LIMIT 1
"""
# The last of them is where history stood ever since, until the next one.
_FORGET_MARKS = """
DELETE FROM history_mark WHERE account_id = $1 AND marked_at <
    (SELECT max(marked_at) FROM history_mark WHERE account_id = $1 AND marked_at <= $2)
"""
_CLEAR = """
INSERT INTO folder_clearing (account_id, folder_id, modseq, kind) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, folder_id) DO UPDATE SET modseq = excluded.modseq, kind = excluded.kind
WHERE folder_clearing.modseq < excluded.modseq
"""
_LIST_CLEARINGS = "SELECT folder_id FROM folder_clearing WHERE account_id = $1 ORDER BY folder_id"
_FIND_CLEARING = """
SELECT folder_id, modseq, kind FROM folder_clearing WHERE account_id = $1 AND folder_id = $2
"""
_END_CLEARING = "DELETE FROM folder_clearing WHERE account_id = $1 AND folder_id = $2"
_OLDEST = "SELECT entered_modseq FROM mail WHERE account_id = $1 AND folder_id = $2 ORDER BY uid LIMIT 1"
_NEWEST = "SELECT entered_modseq FROM mail WHERE account_id = $1 AND folder_id = $2 ORDER BY uid DESC LIMIT 1"
_QUOTA_PASSED = """
INSERT INTO quota_notice (account_id, passed_at, told_at) VALUES ($1, $2, 0)
ON CONFLICT (account_id) DO UPDATE SET passed_at = excluded.passed_at, told_at = 0
WHERE quota_notice.told_at > 0 AND quota_notice.told_at < $3
RETURNING account_id
"""
_NOTICE_DUE = "SELECT passed_at FROM quota_notice WHERE account_id = $1 AND told_at = 0"
_QUOTA_TOLD = "UPDATE quota_notice SET told_at = $2 WHERE account_id = $1"
_FORGET_NOTICE = "DELETE FROM quota_notice WHERE account_id = $1"


class Visit(NamedTuple):
    """When a mailbox is looked after next, in Unix milliseconds."""

    account_id: AccountId
    next_at: int


class Clearing(NamedTuple):
    """A folder of which the mails are to be removed that had entered by ``modseq``; ``kind`` is the operation's."""

    folder_id: FolderId
    modseq: Modseq
    kind: str


class VisitRepo:
    """When the mailboxes of all accounts are looked after."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, account_id: AccountId, next_at: int) -> None:
        """Have a new mailbox looked after from a time on."""
        await self._connection.execute(_CREATE_VISIT, account_id, next_at)

    async def list_due(self, now: int, *, limit: int) -> list[Visit]:
        """Return up to ``limit`` of those that are due, the one that waits longest first."""
        return [Visit(*row) for row in await self._connection.fetch_all(_LIST_DUE, now, limit)]

    async def put_off(self, visits: Sequence[Visit], next_at: Sequence[int]) -> list[AccountId]:
        """Set the next time of those that are as they were; return which: they are this caller's to look after."""
        pairs = zip(visits, next_at, strict=True)
        return [
            visit.account_id
            for visit, later in pairs
            if await self._connection.fetch_value(_PUT_OFF, *visit, later) is not None
        ]


class UpkeepRepo:
    """What is kept to look after one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    # Where history stood

    async def mark(self, modseq: Modseq, *, marked_at: int) -> None:
        """Note where history stands; ``marked_at`` in Unix milliseconds."""
        await self._connection.execute(_MARK, self._account_id, marked_at, modseq)

    async def find_newest_mark(self) -> Modseq | None:
        """Return where history stood when it was noted last."""
        value = await self._connection.fetch_value(_NEWEST_MARK, self._account_id)
        return None if value is None else Modseq(value)

    async def find_mark(self, before: int) -> Modseq | None:
        """Return a step of history that was made by a time, the last that is known; None if none is."""
        value = await self._connection.fetch_value(_FIND_MARK, self._account_id, before)
        return None if value is None else Modseq(value)

    async def forget_marks(self, before: int) -> None:
        """Forget what tells nothing of times from ``before`` on."""
        await self._connection.execute(_FORGET_MARKS, self._account_id, before)

    # Folders to be cleared

    async def clear(self, clearing: Clearing) -> None:
        """Note a folder that is to be cleared."""
        await self._connection.execute(_CLEAR, self._account_id, *clearing)

    async def list_clearings(self) -> list[FolderId]:
        """Return the folders that are to be cleared."""
        rows = await self._connection.fetch_all(_LIST_CLEARINGS, self._account_id)
        return [FolderId(row[0]) for row in rows]

    async def find_clearing(self, folder_id: FolderId) -> Clearing | None:
        """Return up to where a folder is to be cleared, None if it is not."""
        row = await self._connection.fetch_row(_FIND_CLEARING, self._account_id, folder_id)
        return None if row is None else Clearing(*row)

    async def end_clearing(self, folder_id: FolderId) -> None:
        """Note that a folder is cleared."""
        await self._connection.execute(_END_CLEARING, self._account_id, folder_id)

    async def find_oldest(self, folder_id: FolderId) -> Modseq | None:
        """Return when the first mail of a folder had entered it: later ones have higher uids. None for no mail."""
        value = await self._connection.fetch_value(_OLDEST, self._account_id, folder_id)
        return None if value is None else Modseq(value)

    async def find_newest(self, folder_id: FolderId) -> Modseq | None:
        """Return when the last mail of a folder had entered it."""
        value = await self._connection.fetch_value(_NEWEST, self._account_id, folder_id)
        return None if value is None else Modseq(value)

    # Quota notices

    async def note_quota_passed(self, *, now: int, told_before: int) -> bool:
        """Note that the threshold was passed; False if that was told from ``told_before`` on, or is being told."""
        row = await self._connection.fetch_value(_QUOTA_PASSED, self._account_id, now, told_before)
        return row is not None

    async def is_notice_due(self) -> bool:
        """Tell whether a notice is to be filed."""
        return await self._connection.fetch_value(_NOTICE_DUE, self._account_id) is not None

    async def note_quota_told(self, *, now: int) -> None:
        """Note that the notice was filed."""
        await self._connection.execute(_QUOTA_TOLD, self._account_id, now)

    async def forget_notice(self) -> None:
        """Note that the mailbox is below its threshold."""
        await self._connection.execute(_FORGET_NOTICE, self._account_id)
