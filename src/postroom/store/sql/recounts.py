"""Counting all mails of an account anew: for checks alone, since it reads them all."""

from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId, FolderId, Uid
from postroom.model.outgoing import ProcessingId
from postroom.store.engine.base import Connection

# The mails of a folder that is gone are removed later, and not to be seen meanwhile.
_VISIBLE = """EXISTS (SELECT 1 FROM folder
              WHERE folder.account_id = mail.account_id AND folder.folder_id = mail.folder_id)"""
_RECOUNT = """
SELECT folder_id, count(*), sum(is_unread), sum(size_bytes) FROM mail WHERE account_id = $1 GROUP BY folder_id
"""
_RECOUNT_CONTENTS = "SELECT content_id, count(*) FROM mail WHERE account_id = $1 GROUP BY content_id"
_RECOUNT_QUEUED = """
SELECT content_id, count(*) FROM outgoing WHERE account_id = $1 AND finished_at = 0 GROUP BY content_id
"""
_RECOUNT_CONTACTS = "SELECT folder_id, count(*) FROM contact WHERE account_id = $1 GROUP BY folder_id"
_STRANDED = """
SELECT processing_id FROM outgoing WHERE account_id = $1 AND finished_at = 0
AND NOT EXISTS (SELECT 1 FROM outgoing_group WHERE outgoing_group.processing_id = outgoing.processing_id)
"""
_LABELLED = f"""
SELECT folder_id, uid, labels, is_unread FROM mail WHERE account_id = $1 AND labels <> '' AND {_VISIBLE}
"""


class FolderRecount(NamedTuple):
    """What a folder really holds."""

    folder_id: FolderId
    total_items: int
    unread_items: int
    size_bytes: int


class RecountRepo:
    """The mails of one account, counted."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def recount_folders(self) -> list[FolderRecount]:
        """Count the mails of each folder that has some; reads them all."""
        rows = await self._connection.fetch_all(_RECOUNT, self._account_id)
        return [FolderRecount(FolderId(row[0]), *map(int, row[1:])) for row in rows]

    async def recount_contents(self) -> dict[ContentId, int]:
        """Count the mails of each content; reads them all."""
        rows = await self._connection.fetch_all(_RECOUNT_CONTENTS, self._account_id)
        return {ContentId(content_id): count for content_id, count in rows}

    async def recount_queued(self) -> dict[ContentId, int]:
        """Count the messages in the outgoing queue of each content that are not finished."""
        rows = await self._connection.fetch_all(_RECOUNT_QUEUED, self._account_id)
        return {ContentId(content_id): count for content_id, count in rows}

    async def recount_contacts(self) -> dict[FolderId, int]:
        """Count the contacts of each folder that has some; reads them all."""
        rows = await self._connection.fetch_all(_RECOUNT_CONTACTS, self._account_id)
        return {FolderId(folder_id): count for folder_id, count in rows}

    async def list_indexed(self) -> set[int]:
        """Return the contents that are in the full-text index."""
        return await self._connection.list_indexed(self._account_id)

    async def list_stranded(self) -> list[ProcessingId]:
        """Return the messages in the outgoing queue that are not finished though nobody waits for them."""
        rows = await self._connection.fetch_all(_STRANDED, self._account_id)
        return [ProcessingId(row[0]) for row in rows]

    async def list_labelled(self) -> list[tuple[FolderId, Uid, str, int]]:
        """Return folder, uid, labels and unread state of all mails with labels."""
        rows = await self._connection.fetch_all(_LABELLED, self._account_id)
        return [(FolderId(row[0]), Uid(row[1]), row[2], row[3]) for row in rows]
