"""Mails: presence of a content in a folder, with flags, and the lists over them.

There is an index for every sort order, ending in (date, uid), so that an order is total and a page is a range of an
index. A page deep in a large folder starts at an anchor (a key of that index) found by the counted chunks of
:mod:`postroom.store.sql.orders`; what is skipped from there is bounded by the size of a chunk.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId, FolderId, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.sorting import SORT_COLUMNS, Anchor, SortKeys

_SHOWN = """folder_id, uid, content_id, modseq, date, size_bytes, is_unread, is_flagged, is_draft, is_deleted, refw,
       labels, summary"""
_KEYS = """date, size_bytes, is_unread, is_flagged, importance, has_attachments, sort_subject, sort_from, sort_to"""
_FIND = f"SELECT {_SHOWN} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3"
_FIND_KEYS = f"SELECT {_KEYS} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3"
_INSERT = """
INSERT INTO mail (account_id, folder_id, uid, content_id, modseq, date, size_bytes, is_unread, is_flagged, is_draft,
                  is_deleted, refw, labels, summary, importance, has_attachments, sort_subject, sort_from, sort_to)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
"""
_SET_FLAGS = """
UPDATE mail SET is_unread = $4, is_flagged = $5, modseq = $6
WHERE account_id = $1 AND folder_id = $2 AND uid = $3
"""
_DELETE = "DELETE FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3"
_FIND_CONTENT_IN = """
SELECT uid FROM mail WHERE account_id = $1 AND content_id = $2 AND folder_id = $3 LIMIT 1
"""
_RECOUNT = """
SELECT folder_id, count(*), sum(is_unread), sum(size_bytes) FROM mail WHERE account_id = $1 GROUP BY folder_id
"""
_RECOUNT_CONTENTS = "SELECT content_id, count(*) FROM mail WHERE account_id = $1 GROUP BY content_id"
_LABELLED = "SELECT folder_id, uid, labels, is_unread FROM mail WHERE account_id = $1 AND labels <> ''"


def _page_statement(sort: Sort, *, anchored: bool) -> str:
    column = SORT_COLUMNS[sort.field]
    columns = ("date", "uid") if column == "date" else (column, "date", "uid")
    direction = " DESC" if sort.descending else ""
    order = ", ".join(name + direction for name in columns)
    condition = ""
    if anchored:
        places = ", ".join(f"${number}" for number in range(5, 5 + len(columns)))
        condition = f" AND ({', '.join(columns)}) {'<' if sort.descending else '>='} ({places})"
    return f"""SELECT {_SHOWN} FROM mail WHERE account_id = $1 AND folder_id = $2{condition}
ORDER BY {order} LIMIT $3 OFFSET $4"""


_PAGES = {
    (sort, anchored): _page_statement(sort, anchored=anchored)
    for sort in (Sort(field, descending) for field in SortField for descending in (False, True))
    for anchored in (False, True)
}


class FolderRecount(NamedTuple):
    """What a folder really holds."""

    folder_id: FolderId
    total_items: int
    unread_items: int
    size_bytes: int


class MailRepo:
    """The mails of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self, folder_id: FolderId, uid: Uid) -> Mail | None:
        """Return a mail."""
        row = await self._connection.fetch_row(_FIND, self._account_id, folder_id, uid)
        return None if row is None else Mail(*row)

    async def find_keys(self, folder_id: FolderId, uid: Uid) -> SortKeys | None:
        """Return the sort keys of a mail."""
        row = await self._connection.fetch_row(_FIND_KEYS, self._account_id, folder_id, uid)
        return None if row is None else SortKeys(*row)

    async def find_content_in(self, folder_id: FolderId, content_id: ContentId) -> Uid | None:
        """Return a mail of a folder with that content."""
        value = await self._connection.fetch_value(_FIND_CONTENT_IN, self._account_id, content_id, folder_id)
        return None if value is None else Uid(value)

    async def list_page(
        self, folder_id: FolderId, sort: Sort, *, anchor: Anchor | None, skip: int, limit: int
    ) -> list[Mail]:
        """Return up to ``limit`` mails in the order of ``sort``, from ``skip`` rows behind ``anchor``."""
        places: tuple[object, ...] = ()
        if anchor is not None:
            places = anchor[1:] if sort.field is SortField.DATE else anchor
        rows = await self._connection.fetch_all(
            _PAGES[sort, anchor is not None], self._account_id, folder_id, limit, skip, *places
        )
        return [Mail(*row) for row in rows]

    async def insert(self, mail: Mail, keys: SortKeys) -> None:
        """Store a mail."""
        await self._connection.execute(
            _INSERT,
            self._account_id,
            *mail,
            keys.importance,
            keys.has_attachments,
            keys.subject,
            keys.from_,
            keys.to,
        )

    async def set_flags(self, mail: Mail) -> None:
        """Store the unread and flagged state and the modseq of ``mail``."""
        await self._connection.execute(
            _SET_FLAGS,
            self._account_id,
            mail.folder_id,
            mail.uid,
            mail.is_unread,
            mail.is_flagged,
            mail.modseq,
        )

    async def delete(self, folder_id: FolderId, uid: Uid) -> None:
        """Remove a mail."""
        await self._connection.execute(_DELETE, self._account_id, folder_id, uid)

    async def recount_folders(self) -> list[FolderRecount]:
        """Count the mails of each folder that has some; reads them all."""
        rows = await self._connection.fetch_all(_RECOUNT, self._account_id)
        return [FolderRecount(FolderId(row[0]), *map(int, row[1:])) for row in rows]

    async def recount_contents(self) -> dict[ContentId, int]:
        """Count the mails of each content; reads them all."""
        rows = await self._connection.fetch_all(_RECOUNT_CONTENTS, self._account_id)
        return {ContentId(content_id): count for content_id, count in rows}

    async def list_labelled(self) -> list[tuple[FolderId, Uid, str, int]]:
        """Return folder, uid, labels and unread state of all mails with labels."""
        rows = await self._connection.fetch_all(_LABELLED, self._account_id)
        return [(FolderId(row[0]), Uid(row[1]), row[2], row[3]) for row in rows]
