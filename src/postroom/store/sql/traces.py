"""Traces of folders: where they were before, and those that are gone whose mails are still to be removed."""

from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.store.engine.base import Connection

_NOTE_PAST = """
INSERT INTO folder_past (account_id, folder_id, modseq, parent_id, moved_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, folder_id, modseq) DO NOTHING
"""
_FORGET_PAST = """
DELETE FROM folder_past WHERE account_id = $1 AND (folder_id, modseq) IN
    (SELECT folder_id, modseq FROM folder_past WHERE account_id = $1 AND moved_at < $2 ORDER BY moved_at LIMIT $3)
RETURNING modseq
"""
_DOOM = "INSERT INTO doomed_folder (account_id, folder_id) VALUES ($1, $2)"
_LIST_DOOMED = "SELECT folder_id FROM doomed_folder WHERE account_id = $1 ORDER BY folder_id"
LIST_ACCOUNTS = "SELECT DISTINCT account_id FROM doomed_folder LIMIT 100"
_RETHREAD = """
INSERT INTO rethreaded_folder (account_id, folder_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_LIST_RETHREADED = "SELECT folder_id FROM rethreaded_folder WHERE account_id = $1 ORDER BY folder_id"
LIST_RETHREADED_ACCOUNTS = "SELECT DISTINCT account_id FROM rethreaded_folder LIMIT 100"
_END_RETHREADING = "DELETE FROM rethreaded_folder WHERE account_id = $1 AND folder_id = $2"
_UNDOOM = "DELETE FROM doomed_folder WHERE account_id = $1 AND folder_id = $2"


class TraceRepo:
    """The traces of the folders of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    # What was before

    async def note_past(
        self, folder_id: FolderId, *, modseq: Modseq, parent_id: FolderId, moved_at: int
    ) -> None:
        """Note where a folder was before the change of its path at ``modseq``; ``moved_at`` in milliseconds."""
        await self._connection.execute(_NOTE_PAST, self._account_id, folder_id, modseq, parent_id, moved_at)

    async def forget_past(self, *, before: int, limit: int) -> list[Modseq]:
        """Forget up to ``limit`` of the changes of paths from before a time; return their positions."""
        rows = await self._connection.fetch_all(_FORGET_PAST, self._account_id, before, limit)
        return [Modseq(row[0]) for row in rows]

    # Folders whose mails are still to be removed

    async def doom(self, folder_id: FolderId) -> None:
        """Note that the mails of a folder, which is gone, are to be removed."""
        await self._connection.execute(_DOOM, self._account_id, folder_id)

    async def list_doomed(self) -> list[FolderId]:
        """Return the folders whose mails are to be removed."""
        rows = await self._connection.fetch_all(_LIST_DOOMED, self._account_id)
        return [FolderId(row[0]) for row in rows]

    async def undoom(self, folder_id: FolderId) -> None:
        """Note that the mails of a folder are removed."""
        await self._connection.execute(_UNDOOM, self._account_id, folder_id)

    # Folders whose mails are still to be parted from conversations, or joined to some

    async def rethread(self, folder_id: FolderId) -> None:
        """Note that the mails of a folder are to be threaded as it says."""
        await self._connection.execute(_RETHREAD, self._account_id, folder_id)

    async def list_rethreaded(self) -> list[FolderId]:
        """Return the folders whose mails are to be threaded anew."""
        rows = await self._connection.fetch_all(_LIST_RETHREADED, self._account_id)
        return [FolderId(row[0]) for row in rows]

    async def end_rethreading(self, folder_id: FolderId) -> None:
        """Note that the mails of a folder are threaded as it says."""
        await self._connection.execute(_END_RETHREADING, self._account_id, folder_id)
