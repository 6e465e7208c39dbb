"""Deltas: what changed in a folder, or of the folders, after a position in an account's history.

Mails and tombstones of a folder have one common order, (modseq, uid), in which each is found by a range of an index:
a page costs what is on it, not what the folder holds. What is forgotten, the tombstones that are too old, is noted
per folder, so that a folder in which nothing happens for long does not lose its clients.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.mail_columns import COLUMNS

MAX_UID = Uid(2**63 - 1)

_FIND_CONTENT = """
SELECT folder.uid_validity, folder.content_modseq, folder.forgotten_modseq,
       CASE WHEN folder.folder_type = 'mails' THEN folder.total_items ELSE 0 END, mailbox.modseq
FROM folder JOIN mailbox ON mailbox.account_id = folder.account_id
WHERE folder.account_id = $1 AND folder.folder_id = $2
"""
_LIST_MAILS = f"""
SELECT {COLUMNS} FROM mail
WHERE account_id = $1 AND folder_id = $2 AND (modseq, uid) > ($3, $4) ORDER BY modseq, uid LIMIT $5
"""
_LIST_REMOVED = """
SELECT modseq, uid, entered_modseq FROM tombstone
WHERE account_id = $1 AND folder_id = $2 AND (modseq, uid) > ($3, $4) ORDER BY modseq, uid LIMIT $5
"""
_LIST_REMOVED_FOLDERS = """
SELECT modseq, folder_id, entered_modseq FROM tombstone WHERE account_id = $1 AND uid = 0 AND modseq > $2
ORDER BY modseq
"""
_LIST_PAST = "SELECT modseq, folder_id, parent_id FROM folder_past WHERE account_id = $1 AND modseq > $2"
_FIND_OLD_REMOVAL = "SELECT 1 FROM tombstone WHERE account_id = $1 AND removed_at < $2 LIMIT 1"
_FIND_OLD_PAST = "SELECT 1 FROM folder_past WHERE account_id = $1 AND moved_at < $2 LIMIT 1"
_PURGE = """
DELETE FROM tombstone WHERE account_id = $1 AND (folder_id, uid) IN
    (SELECT folder_id, uid FROM tombstone WHERE account_id = $1 AND removed_at < $2 ORDER BY removed_at LIMIT $3)
RETURNING folder_id, modseq
"""
_FORGET = """
UPDATE folder SET forgotten_modseq = $3 WHERE account_id = $1 AND folder_id = $2 AND forgotten_modseq < $3
"""


class Place(NamedTuple):
    """A place in the order of a folder's changes."""

    modseq: int
    uid: int


class Content(NamedTuple):
    """Where the content of a folder stands."""

    uid_validity: int
    content_modseq: Modseq
    forgotten_modseq: Modseq
    """Removals from the folder up to here may be forgotten."""
    total_items: int
    mailbox_modseq: Modseq
    """Where the account's history stands."""


class Removed(NamedTuple):
    """A mail that was removed from its folder."""

    modseq: Modseq
    uid: Uid
    entered_modseq: Modseq


class RemovedFolder(NamedTuple):
    """A folder that was removed."""

    modseq: Modseq
    folder_id: FolderId
    created_modseq: Modseq


class Forgotten(NamedTuple):
    """A removal that is forgotten."""

    folder_id: FolderId
    modseq: Modseq


class DeltaRepo:
    """The changes of the mailbox of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_content(self, folder_id: FolderId) -> Content | None:
        """Return where the content of a folder stands, None if there is no such folder."""
        row = await self._connection.fetch_row(_FIND_CONTENT, self._account_id, folder_id)
        return None if row is None else Content(*row)

    async def list_mails(self, folder_id: FolderId, *, after: Place, limit: int) -> list[Mail]:
        """Return up to ``limit`` mails of a folder that changed after a place, in the order of (modseq, uid)."""
        rows = await self._connection.fetch_all(_LIST_MAILS, self._account_id, folder_id, *after, limit)
        return [Mail(*row) for row in rows]

    async def list_removed(self, folder_id: FolderId, *, after: Place, limit: int) -> list[Removed]:
        """Return up to ``limit`` removals from a folder after a place, in the order of (modseq, uid)."""
        rows = await self._connection.fetch_all(_LIST_REMOVED, self._account_id, folder_id, *after, limit)
        return [Removed(*row) for row in rows]

    async def list_removed_folders(self, modseq: int) -> list[RemovedFolder]:
        """Return the folders that were removed after a position."""
        rows = await self._connection.fetch_all(_LIST_REMOVED_FOLDERS, self._account_id, modseq)
        return [RemovedFolder(*row) for row in rows]

    async def list_past_parents(self, modseq: int) -> dict[FolderId, FolderId]:
        """Return the parents, at a position, of the folders whose paths have changed since."""
        past: dict[FolderId, FolderId] = {}
        rows = await self._connection.fetch_all(_LIST_PAST, self._account_id, modseq)
        for _, folder_id, parent_id in sorted(rows):
            past.setdefault(FolderId(folder_id), FolderId(parent_id))
        return past

    # Forgetting

    async def has_older(self, before: int) -> bool:
        """Tell whether removals or changes of paths from before a time are remembered."""
        for statement in (_FIND_OLD_REMOVAL, _FIND_OLD_PAST):
            if await self._connection.fetch_value(statement, self._account_id, before) is not None:
                return True
        return False

    async def purge_removed(self, *, before: int, limit: int) -> list[Forgotten]:
        """Remove up to ``limit`` of the tombstones from before a time; return what they stood for.

        That it is forgotten must be noted in the same transaction, for the folder and for the mailbox.
        """
        rows = await self._connection.fetch_all(_PURGE, self._account_id, before, limit)
        return [Forgotten(*row) for row in rows]

    async def forget_in(self, folder_id: FolderId, modseq: Modseq) -> None:
        """Note that removals from a folder up to ``modseq`` are forgotten."""
        await self._connection.execute(_FORGET, self._account_id, folder_id, modseq)
