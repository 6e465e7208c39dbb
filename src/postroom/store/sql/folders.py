"""Folders: their place in the tree and their maintained counters."""

from typing import NamedTuple

from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.store.engine.base import Connection

_COLUMNS = """account_id, folder_id, parent_id, name, role, folder_type, is_special, takes_subfolders,
       uid_validity, total_items, unread_items, size_bytes, created_modseq, modseq, content_modseq, is_threaded,
       conversations, conversations_modseq"""
_LIST = f"SELECT {_COLUMNS} FROM folder WHERE account_id = $1 ORDER BY folder_id"
_FIND = f"SELECT {_COLUMNS} FROM folder WHERE account_id = $1 AND folder_id = $2"
_FIND_NAMED = "SELECT folder_id FROM folder WHERE account_id = $1 AND parent_id = $2 AND name_key = $3"
_COUNTS = "SELECT folder_id, role, unread_items, total_items, folder_type FROM folder WHERE account_id = $1"
_UNREAD = "SELECT unread_items FROM folder WHERE account_id = $1 AND folder_id = $2"
_CREATE = """
INSERT INTO folder (account_id, folder_id, parent_id, name, name_key, role, folder_type, is_special,
                    takes_subfolders, uid_validity, next_uid, total_items, unread_items, size_bytes,
                    created_modseq, modseq, content_modseq, forgotten_modseq, is_threaded, conversations,
                    conversations_modseq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 0, 0, 0, $11, $11, $11, 0, $12, 0, $11)
"""
_COUNT = """
UPDATE folder SET total_items = total_items + $3, unread_items = unread_items + $4, size_bytes = size_bytes + $5,
                  next_uid = next_uid + $6, content_modseq = $7
WHERE account_id = $1 AND folder_id = $2
RETURNING next_uid, total_items, unread_items, is_threaded, is_shared
"""
_COUNT_CONVERSATIONS = """
UPDATE folder SET conversations = conversations + $3, conversations_modseq = $4
WHERE account_id = $1 AND folder_id = $2
RETURNING conversations
"""
_PLACE = """
UPDATE folder SET parent_id = $3, name = $4, name_key = $5, modseq = $6 WHERE account_id = $1 AND folder_id = $2
"""
_SET_THREADED = """
UPDATE folder SET is_threaded = $3, conversations_modseq = $4 WHERE account_id = $1 AND folder_id = $2
"""
_DELETE = "DELETE FROM folder WHERE account_id = $1 AND folder_id = $2"
_FIND_ROLE = """
SELECT folder_id FROM folder WHERE account_id = $1 AND role = $2 AND role <> '' ORDER BY folder_id LIMIT 1
"""
_SET_COUNTERS = """
UPDATE folder SET total_items = $3, unread_items = $4, size_bytes = $5, content_modseq = $6
WHERE account_id = $1 AND folder_id = $2
"""


class NewFolder(NamedTuple):
    """A folder to be made."""

    folder_id: FolderId
    parent_id: FolderId
    name: str
    name_key: str
    role: str
    folder_type: str
    is_special: int
    takes_subfolders: int
    uid_validity: int
    modseq: Modseq
    is_threaded: int


class FolderCount(NamedTuple):
    """The counters of one folder."""

    folder_id: FolderId
    role: str
    unread_items: int
    total_items: int
    folder_type: str


class Counted(NamedTuple):
    """A folder's counters after a change; ``first_uid`` is the first of the uids reserved."""

    first_uid: Uid
    total_items: int
    unread_items: int
    is_threaded: int
    is_shared: int
    """1: readers may have marks on its mails."""


class FolderRepo:
    """The folders of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_all(self) -> list[Folder]:
        """Return all folders, by number."""
        return [Folder(*row) for row in await self._connection.fetch_all(_LIST, self._account_id)]

    async def find(self, folder_id: FolderId) -> Folder | None:
        """Return a folder."""
        row = await self._connection.fetch_row(_FIND, self._account_id, folder_id)
        return None if row is None else Folder(*row)

    async def find_named(self, parent_id: FolderId, name_key: str) -> FolderId | None:
        """Return the number of the folder with that name (see ``name_key``) among the children of a folder."""
        value = await self._connection.fetch_value(_FIND_NAMED, self._account_id, parent_id, name_key)
        return None if value is None else FolderId(value)

    async def list_counts(self) -> list[FolderCount]:
        """Return the counters of all folders."""
        return [FolderCount(*row) for row in await self._connection.fetch_all(_COUNTS, self._account_id)]

    async def find_unread(self, folder_id: FolderId) -> int | None:
        """Return the number of unread mails in a folder, None if there is no such folder."""
        value = await self._connection.fetch_value(_UNREAD, self._account_id, folder_id)
        return None if value is None else int(value)

    async def create(self, new: NewFolder) -> None:
        """Make an empty folder."""
        await self._connection.execute(_CREATE, self._account_id, *new)

    async def count(
        self, folder_id: FolderId, *, items: int, unread: int, size_bytes: int, uids: int, modseq: Modseq
    ) -> Counted | None:
        """Add to the counters and reserve ``uids`` numbers; None if there is no such folder."""
        row = await self._connection.fetch_row(
            _COUNT, self._account_id, folder_id, items, unread, size_bytes, uids, modseq
        )
        return None if row is None else Counted(Uid(row[0] - uids), *row[1:])

    async def count_conversations(self, folder_id: FolderId, *, items: int, modseq: Modseq) -> int | None:
        """Add to the number of conversations, which have changed; return it, None if there is no such folder."""
        value = await self._connection.fetch_value(
            _COUNT_CONVERSATIONS, self._account_id, folder_id, items, modseq
        )
        return None if value is None else int(value)

    async def place(
        self, folder_id: FolderId, *, parent_id: FolderId, name: str, name_key: str, modseq: Modseq
    ) -> None:
        """Give a folder a parent and a name."""
        await self._connection.execute(_PLACE, self._account_id, folder_id, parent_id, name, name_key, modseq)

    async def set_threaded(self, folder_id: FolderId, is_threaded: int, *, modseq: Modseq) -> None:
        """Say whether a folder's mails belong to conversations."""
        await self._connection.execute(_SET_THREADED, self._account_id, folder_id, is_threaded, modseq)

    async def delete(self, folder_id: FolderId) -> None:
        """Remove the row of a folder; what is in it is another matter."""
        await self._connection.execute(_DELETE, self._account_id, folder_id)

    async def find_role(self, role: str) -> FolderId | None:
        """Return the folder with a role."""
        value = await self._connection.fetch_value(_FIND_ROLE, self._account_id, role)
        return None if value is None else FolderId(value)

    async def set_counters(
        self, folder_id: FolderId, *, items: int, unread: int, size_bytes: int, modseq: Modseq
    ) -> None:
        """Correct the counters; for repairs alone."""
        await self._connection.execute(
            _SET_COUNTERS, self._account_id, folder_id, items, unread, size_bytes, modseq
        )
