"""The operation log and the tombstones: what was done, and what is gone."""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, SessionId, Uid
from postroom.store.engine.base import Connection

_LOG = "INSERT INTO operation (account_id, modseq, done_at, session_id, kind, data) VALUES ($1, $2, $3, $4, $5, $6)"
_LIST = """
SELECT modseq, done_at, session_id, kind, data FROM operation
WHERE account_id = $1 AND modseq > $2 ORDER BY modseq LIMIT $3
"""
_PURGE = """
DELETE FROM operation WHERE account_id = $1 AND done_at < $2 AND modseq IN
    (SELECT modseq FROM operation WHERE account_id = $1 ORDER BY modseq LIMIT $3)
RETURNING modseq
"""
_BURY = """
INSERT INTO tombstone (account_id, folder_id, uid, modseq, removed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, folder_id, uid) DO UPDATE SET modseq = excluded.modseq, removed_at = excluded.removed_at
"""
_LIST_BURIED_ALIVE = """
SELECT t.folder_id, t.uid FROM tombstone t
JOIN mail m ON m.account_id = t.account_id AND m.folder_id = t.folder_id AND m.uid = t.uid
WHERE t.account_id = $1
"""
_UNBURY = "DELETE FROM tombstone WHERE account_id = $1 AND folder_id = $2 AND uid = $3"


class Operation(NamedTuple):
    """One entry of the log; ``done_at`` in Unix milliseconds, ``data`` JSON."""

    modseq: Modseq
    done_at: int
    session_id: SessionId | None
    kind: str
    data: str


class OperationRepo:
    """The operation log and the tombstones of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def log(self, operation: Operation) -> None:
        """Write the one entry of a transaction."""
        await self._connection.execute(_LOG, self._account_id, *operation)

    async def list_after(self, modseq: Modseq, *, limit: int) -> list[Operation]:
        """Return up to ``limit`` entries after a position, oldest first."""
        rows = await self._connection.fetch_all(_LIST, self._account_id, modseq, limit)
        return [Operation(*row) for row in rows]

    async def purge(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` of the oldest entries, those from before a time; return how many."""
        return len(await self._connection.fetch_all(_PURGE, self._account_id, before, limit))

    async def bury(self, folder_id: FolderId, uid: Uid, *, modseq: Modseq, removed_at: int) -> None:
        """Leave a tombstone for a mail; with uid 0 for the folder."""
        await self._connection.execute(_BURY, self._account_id, folder_id, uid, modseq, removed_at)

    async def list_buried_alive(self) -> list[tuple[FolderId, Uid]]:
        """Return tombstones of mails that are there: there must be none."""
        rows = await self._connection.fetch_all(_LIST_BURIED_ALIVE, self._account_id)
        return [(FolderId(row[0]), Uid(row[1])) for row in rows]

    async def unbury(self, folder_id: FolderId, uid: Uid) -> None:
        """Remove a wrong tombstone; for repairs alone."""
        await self._connection.execute(_UNBURY, self._account_id, folder_id, uid)
