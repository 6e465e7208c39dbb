"""Grants: what others may do in the folders of an account.

What a reader may do is the union of what he, his domain and everybody is given: at most three rows, found by one
look-up of the folder's.
"""

from collections.abc import Iterable

from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.model.sharing import (
    Asker,
    Grant,
    Reader,
    SharedFolder,
    SharedOwner,
    put_in_order,
)
from postroom.store.engine.base import Connection

_FIND = """
SELECT rights FROM folder_grant
WHERE account_id = $1 AND folder_id = $2 AND reader_id IN (0, $3) AND domain IN ('', $4)
"""
_LIST_OF_FOLDER = """
SELECT folder_grant.reader_id, folder_grant.domain, rights, account.address
FROM folder_grant LEFT JOIN account ON account.account_id = folder_grant.reader_id
WHERE folder_grant.account_id = $1 AND folder_id = $2 ORDER BY reader_id, domain
"""
_LIST_FOR = """
SELECT folder_id, rights FROM folder_grant WHERE account_id = $1 AND reader_id = $2 AND domain = ''
UNION ALL
SELECT folder_id, rights FROM folder_grant WHERE account_id = $1 AND reader_id = 0 AND domain = ''
UNION ALL
SELECT folder_id, rights FROM folder_grant WHERE account_id = $1 AND reader_id = 0 AND domain = $3
"""
_COUNT_OF_READER = "SELECT count(*) FROM folder_grant WHERE reader_id = $1 AND domain = $2"
_PUT = """
INSERT INTO folder_grant (account_id, folder_id, reader_id, domain, rights) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, folder_id, reader_id, domain) DO UPDATE SET rights = excluded.rights
"""
_DELETE = """
DELETE FROM folder_grant WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3 AND domain = $4
RETURNING rights
"""
_DELETE_OF_FOLDER = "DELETE FROM folder_grant WHERE account_id = $1 AND folder_id = $2"
_INHERIT = """
INSERT INTO folder_grant (account_id, folder_id, reader_id, domain, rights)
SELECT account_id, $3, reader_id, domain, rights FROM folder_grant WHERE account_id = $1 AND folder_id = $2
RETURNING rights
"""
_SET_SHARED = "UPDATE folder SET is_shared = 1 WHERE account_id = $1 AND folder_id = $2"
_FIND_MODSEQ = "SELECT grants_modseq FROM mailbox WHERE account_id = $1"
_SET_MODSEQ = "UPDATE mailbox SET grants_modseq = $2 WHERE account_id = $1"
_HAS_SHARED = """
SELECT 1 FROM folder_grant WHERE reader_id IN (0, $1) AND domain IN ('', $2) LIMIT 1
"""
_SHARED = """
SELECT folder_grant.rights, account.address, account.full_name, folder_reader.seen_items, folder_reader.modseq,
       folder.account_id, folder.folder_id, folder.parent_id, folder.name, folder.role, folder.folder_type,
       folder.is_special, folder.takes_subfolders, folder.uid_validity, folder.total_items, folder.unread_items,
       folder.size_bytes, folder.created_modseq, folder.modseq, folder.content_modseq, folder.is_threaded,
       folder.conversations, folder.conversations_modseq
FROM folder_grant
JOIN folder ON folder.account_id = folder_grant.account_id AND folder.folder_id = folder_grant.folder_id
JOIN account ON account.account_id = folder_grant.account_id
LEFT JOIN folder_reader ON folder_reader.account_id = folder_grant.account_id
     AND folder_reader.folder_id = folder_grant.folder_id AND folder_reader.reader_id = $1
WHERE folder_grant.reader_id IN (0, $1) AND folder_grant.domain IN ('', $2) AND folder_grant.account_id <> $1
LIMIT $3
"""


class GrantRepo:
    """What others may do in the folders of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_rights(self, folder_id: FolderId, asker: Asker) -> str:
        """Return what somebody may do in a folder, "" for nothing; one look-up."""
        rows = await self._connection.fetch_all(_FIND, self._account_id, folder_id, *asker)
        return _join(row[0] for row in rows)

    async def list_of_folder(self, folder_id: FolderId) -> list[tuple[Grant, str]]:
        """Return the grants of a folder, each with the address of the account that it is for ("" for none)."""
        rows = await self._connection.fetch_all(_LIST_OF_FOLDER, self._account_id, folder_id)
        return [
            (Grant(folder_id, Reader(AccountId(reader_id), domain), rights), address or "")
            for reader_id, domain, rights, address in rows
        ]

    async def list_for(self, asker: Asker) -> dict[FolderId, str]:
        """Return what somebody may do in the folders of this account, by folder."""
        rows = await self._connection.fetch_all(_LIST_FOR, self._account_id, *asker)
        found: dict[FolderId, str] = {}
        for folder_id, rights in rows:
            found[FolderId(folder_id)] = _join((found.get(FolderId(folder_id), ""), rights))
        return found

    async def count_of_reader(self, reader: Reader) -> int:
        """Return how many grants of all folders of the store there are for a reader."""
        return int(await self._connection.fetch_value(_COUNT_OF_READER, *reader))

    async def put(self, grant: Grant) -> None:
        """Store what a reader may do in a folder."""
        await self._connection.execute(_SET_SHARED, self._account_id, grant.folder_id)
        await self._connection.execute(_PUT, self._account_id, grant.folder_id, *grant.reader, grant.rights)

    async def delete(self, folder_id: FolderId, reader: Reader) -> bool:
        """Take from a reader what he was given; False if that was nothing."""
        row = await self._connection.fetch_row(_DELETE, self._account_id, folder_id, *reader)
        return row is not None

    async def delete_of_folder(self, folder_id: FolderId) -> None:
        """Remove the grants of a folder."""
        await self._connection.execute(_DELETE_OF_FOLDER, self._account_id, folder_id)

    async def inherit(self, parent_id: FolderId, folder_id: FolderId) -> None:
        """Give a new folder the grants of its parent."""
        if await self._connection.fetch_all(_INHERIT, self._account_id, parent_id, folder_id):
            await self._connection.execute(_SET_SHARED, self._account_id, folder_id)

    async def find_modseq(self) -> int:
        """Return the position of the last change of a grant in the account's history."""
        return int(await self._connection.fetch_value(_FIND_MODSEQ, self._account_id) or 0)

    async def set_modseq(self, modseq: Modseq) -> None:
        """Note that a grant has changed."""
        await self._connection.execute(_SET_MODSEQ, self._account_id, modseq)

    # Of all accounts

    async def list_shared(self, asker: Asker, *, limit: int) -> list[SharedOwner]:
        """Return the folders of others that somebody may list, by their owners.

        Of more grants than ``limit`` some are left out. Where there is nothing, that costs one short look-up.
        """
        if await self._connection.fetch_value(_HAS_SHARED, *asker) is None:
            return []
        rows = await self._connection.fetch_all(_SHARED, *asker, limit)
        owners: dict[AccountId, SharedOwner] = {}
        rights: dict[tuple[AccountId, FolderId], str] = {}
        folders: dict[tuple[AccountId, FolderId], Folder] = {}
        for given, address, full_name, seen_items, modseq, *values in rows:
            folder = Folder(*values)
            key = (folder.account_id, folder.folder_id)
            rights[key] = _join((rights.get(key, ""), given))
            folders[key] = as_read(folder, seen_items or 0, modseq or 0)
            owners.setdefault(folder.account_id, SharedOwner(folder.account_id, address, full_name, []))
        for key, folder in sorted(folders.items()):
            if "l" in rights[key]:
                owners[folder.account_id].folders.append(SharedFolder(folder, rights[key]))
        return [owner for _, owner in sorted(owners.items()) if owner.folders]


def as_read(folder: Folder, seen_items: int, modseq: int) -> Folder:
    """Return a folder as a reader has it who has seen some of its mails, and marked the last at ``modseq``."""
    return folder._replace(
        unread_items=folder.total_items - seen_items if folder.folder_type == "mails" else 0,
        content_modseq=Modseq(max(folder.content_modseq, modseq)),
    )


def _join(rights: Iterable[str]) -> str:
    return put_in_order("".join(rights))
