"""The operation log and the tombstones: what was done, and what is gone."""

from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, SessionId, Uid
from postroom.store.engine.base import Connection

_COLUMNS = """modseq, done_at, session_id, kind, history_id, is_head, is_stacked, is_reversible, state, folder_id,
       mail_count, data"""
_LOG = f"""
INSERT INTO operation (account_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LIST = f"SELECT {_COLUMNS} FROM operation WHERE account_id = $1 AND modseq > $2 ORDER BY modseq LIMIT $3"
_FIND = f"SELECT {_COLUMNS} FROM operation WHERE account_id = $1 AND modseq = $2"
_LIST_STEPS = f"""
SELECT {_COLUMNS} FROM operation
WHERE account_id = $1 AND history_id = $2 AND history_id > 0 AND modseq < $3 ORDER BY modseq DESC LIMIT $4
"""
_ADD_TO_HEAD = """
UPDATE operation SET mail_count = mail_count + $3, state = $4,
                     is_stacked = CASE WHEN $5 = 1 AND session_id IS NOT NULL THEN 1 ELSE is_stacked END,
                     is_reversible = CASE WHEN $6 = 1 THEN 1 ELSE is_reversible END
WHERE account_id = $1 AND modseq = $2
"""
_UNSTACK = "UPDATE operation SET is_stacked = 0, state = $3 WHERE account_id = $1 AND modseq = $2"
_FIND_TOP = f"""
SELECT {_COLUMNS} FROM operation WHERE account_id = $1 AND modseq =
    (SELECT max(modseq) FROM operation WHERE account_id = $1 AND session_id = $2 AND is_stacked = 1)
"""
_DROP_BEYOND = """
UPDATE operation SET is_stacked = 0 WHERE account_id = $1 AND session_id = $2 AND is_stacked = 1 AND modseq <=
    (SELECT modseq FROM operation WHERE account_id = $1 AND session_id = $2 AND is_stacked = 1
     ORDER BY modseq DESC LIMIT 1 OFFSET $3)
"""
_WANTED = "account_id = $1 AND is_head = 1 AND ($2 = '' OR kind = $2) AND ($3 = 0 OR folder_id = $3)"
_LIST_SHOWN = f"SELECT {_COLUMNS} FROM operation WHERE {_WANTED} ORDER BY history_id DESC LIMIT $4 OFFSET $5"
_COUNT_SHOWN = f"SELECT count(*) FROM operation WHERE {_WANTED}"
_PURGE = """
DELETE FROM operation WHERE account_id = $1 AND done_at < $2 AND modseq IN
    (SELECT modseq FROM operation WHERE account_id = $1 ORDER BY modseq LIMIT $3)
RETURNING modseq
"""
_OLDEST_AT = "SELECT done_at FROM operation WHERE account_id = $1 ORDER BY modseq LIMIT 1"
_BURY = """
INSERT INTO tombstone (account_id, folder_id, uid, entered_modseq, modseq, removed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, folder_id, uid) DO UPDATE
SET entered_modseq = excluded.entered_modseq, modseq = excluded.modseq, removed_at = excluded.removed_at
"""
_LIST_BURIED_ALIVE = """
SELECT t.folder_id, t.uid FROM tombstone t
JOIN mail m ON m.account_id = t.account_id AND m.folder_id = t.folder_id AND m.uid = t.uid
WHERE t.account_id = $1
"""
_UNBURY = "DELETE FROM tombstone WHERE account_id = $1 AND folder_id = $2 AND uid = $3"


class Operation(NamedTuple):
    """One entry of the log; ``done_at`` in Unix milliseconds, ``data`` JSON. The rest is explained in the schema."""

    modseq: Modseq
    done_at: int
    session_id: SessionId | None
    kind: str
    history_id: int
    is_head: int
    is_stacked: int
    is_reversible: int
    state: str
    folder_id: int
    mail_count: int
    data: str


class Grave(NamedTuple):
    """What a tombstone stands for: a mail, or with uid 0 a folder."""

    folder_id: FolderId
    uid: int
    entered_modseq: Modseq
    modseq: Modseq
    """The step of its removal."""


class OperationRepo:
    """The operation log and the tombstones of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def log(self, operation: Operation) -> None:
        """Write the one entry of a transaction."""
        await self._connection.execute(_LOG, self._account_id, *operation)

    async def find(self, modseq: Modseq) -> Operation | None:
        """Return an entry."""
        row = await self._connection.fetch_row(_FIND, self._account_id, modseq)
        return None if row is None else Operation(*row)

    async def list_steps(self, history_id: int, *, before: int, limit: int) -> list[Operation]:
        """Return up to ``limit`` entries of one operation from before a modseq, newest first."""
        rows = await self._connection.fetch_all(_LIST_STEPS, self._account_id, history_id, before, limit)
        return [Operation(*row) for row in rows]

    async def add_to_head(
        self,
        history_id: int,
        *,
        mails: int,
        state: str,
        is_stacked: bool = False,
        is_reversible: bool = False,
    ) -> None:
        """Count more mails in what is shown of an operation, set its state, and what it has become by them."""
        await self._connection.execute(
            _ADD_TO_HEAD, self._account_id, history_id, mails, state, int(is_stacked), int(is_reversible)
        )

    # The undo stack of a session

    async def find_top(self, session_id: SessionId) -> Operation | None:
        """Return the newest operation on the stack of a session."""
        row = await self._connection.fetch_row(_FIND_TOP, self._account_id, session_id)
        return None if row is None else Operation(*row)

    async def drop_beyond(self, session_id: SessionId, *, keep: int) -> None:
        """Take all but the newest ``keep`` operations off the stack of a session."""
        await self._connection.execute(_DROP_BEYOND, self._account_id, session_id, keep)

    async def unstack(self, modseq: int, *, state: str) -> None:
        """Take an operation off the stack, and set its state."""
        await self._connection.execute(_UNSTACK, self._account_id, modseq, state)

    # History

    async def list_shown(self, *, kind: str, folder_id: int, start: int, limit: int) -> list[Operation]:
        """Return a page of what people see, newest first; "" is any kind, 0 any folder."""
        rows = await self._connection.fetch_all(_LIST_SHOWN, self._account_id, kind, folder_id, limit, start)
        return [Operation(*row) for row in rows]

    async def count_shown(self, *, kind: str, folder_id: int) -> int:
        """Return how many operations people see."""
        return int(await self._connection.fetch_value(_COUNT_SHOWN, self._account_id, kind, folder_id))

    async def list_after(self, modseq: Modseq, *, limit: int) -> list[Operation]:
        """Return up to ``limit`` entries after a position, oldest first."""
        rows = await self._connection.fetch_all(_LIST, self._account_id, modseq, limit)
        return [Operation(*row) for row in rows]

    async def has_older(self, before: int) -> bool:
        """Tell whether the oldest entry is from before a time."""
        oldest = await self._connection.fetch_value(_OLDEST_AT, self._account_id)
        return oldest is not None and oldest < before

    async def purge(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` of the oldest entries, those from before a time; return how many."""
        return len(await self._connection.fetch_all(_PURGE, self._account_id, before, limit))

    async def bury(self, graves: Iterable[Grave], *, removed_at: int) -> None:
        """Leave tombstones; ``removed_at`` in Unix milliseconds."""
        await self._connection.execute_many(
            _BURY, [(self._account_id, *grave, removed_at) for grave in graves]
        )

    async def list_buried_alive(self) -> list[tuple[FolderId, Uid]]:
        """Return tombstones of mails that are there: there must be none."""
        rows = await self._connection.fetch_all(_LIST_BURIED_ALIVE, self._account_id)
        return [(FolderId(row[0]), Uid(row[1])) for row in rows]

    async def unbury(self, folder_id: FolderId, uid: Uid) -> None:
        """Remove a wrong tombstone; for repairs alone."""
        await self._connection.execute(_UNBURY, self._account_id, folder_id, uid)
