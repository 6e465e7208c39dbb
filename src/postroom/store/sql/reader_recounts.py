"""What readers have seen, counted anew: for a check of one mailbox."""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.store.engine.base import Connection

_COUNTED = """
SELECT folder_reader.folder_id, reader_id, seen_items FROM folder_reader
JOIN folder ON folder.account_id = folder_reader.account_id AND folder.folder_id = folder_reader.folder_id
WHERE folder_reader.account_id = $1
"""
_RECOUNT = """
SELECT folder_id, reader_id, sum(is_seen) FROM reader_mark WHERE account_id = $1 GROUP BY folder_id, reader_id
"""
_STRAYED = """
SELECT folder_id, uid FROM reader_mark
WHERE account_id = $1 AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.account_id = reader_mark.account_id
                                      AND mail.folder_id = reader_mark.folder_id AND mail.uid = reader_mark.uid)
"""
_SET = """
UPDATE folder_reader SET seen_items = $4, modseq = $5 WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3
"""


class SeenCount(NamedTuple):
    """How many mails of a folder a reader has seen."""

    folder_id: FolderId
    reader_id: AccountId
    seen_items: int


class ReaderRecountRepo:
    """The marks of readers in the folders of one account, counted anew."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_counted(self) -> list[SeenCount]:
        """Return the figures that are maintained."""
        return [SeenCount(*row) for row in await self._connection.fetch_all(_COUNTED, self._account_id)]

    async def recount(self) -> dict[tuple[FolderId, AccountId], int]:
        """Return what readers have really seen, by folder and reader."""
        rows = await self._connection.fetch_all(_RECOUNT, self._account_id)
        return {(FolderId(row[0]), AccountId(row[1])): int(row[2]) for row in rows}

    async def list_strayed(self) -> list[tuple[FolderId, Uid]]:
        """Return the places of marks on mails that are not there."""
        rows = await self._connection.fetch_all(_STRAYED, self._account_id)
        return sorted({(FolderId(row[0]), Uid(row[1])) for row in rows})

    async def set_seen(self, count: SeenCount, *, modseq: Modseq) -> None:
        """Correct a figure."""
        await self._connection.execute(_SET, self._account_id, *count, modseq)
