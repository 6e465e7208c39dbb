"""Mails: presence of a content in a folder, with flags, and the lists over them.

There is an index for every sort order, ending in (date, uid), so that an order is total and a page is a range of an
index. A page deep in a large folder starts at an anchor (a key of that index) found by the counted chunks of
:mod:`postroom.store.sql.orders`; what is skipped from there is bounded by the size of a chunk.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId, FolderId, ItemId, Uid
from postroom.model.listing import Sort
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection, Row
from postroom.store.mail_columns import COLUMNS, VISIBLE
from postroom.store.pages import PageSpan, fetch_page, iter_ways, page_statement
from postroom.store.placeholders import iter_batches, placeholders
from postroom.store.sorting import SORT_COLUMNS, Anchor, SortKeys

MANY = 50
"""Mails looked up by one statement."""

_MAIL_COLUMNS = len(Mail._fields)
_KEYS = """date, size_bytes, is_unread, is_flagged, importance, has_attachments, sort_subject, sort_from, sort_to"""
_FIND = f"SELECT {COLUMNS} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3 AND {VISIBLE}"
_LOCATED = f"""{COLUMNS}, {_KEYS}"""
_LOCATE = f"SELECT {_LOCATED} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3 AND {VISIBLE}"
_LOCATE_ITEMS = (
    f"SELECT {_LOCATED} FROM mail WHERE account_id = $1 AND item_id IN ({placeholders(MANY)}) AND {VISIBLE}"
)
_FIND_ITEM_IDS = f"""
SELECT uid, item_id FROM mail
WHERE account_id = $1 AND folder_id = $2 AND uid IN ({placeholders(MANY, first=3)}) AND {VISIBLE}
"""
_LIST_OF_FOLDER = f"""
SELECT {_LOCATED} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid > $4 ORDER BY uid LIMIT $3
"""
_FIND_KEYS = f"SELECT {_KEYS} FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid = $3"
_INSERT = f"""
INSERT INTO mail (account_id, {COLUMNS}, importance, has_attachments, sort_subject, sort_from, sort_to)
VALUES ({placeholders(_MAIL_COLUMNS + 6, first=1)})
"""
_SET_FLAGS = """
UPDATE mail SET is_unread = $3, is_flagged = $4, refw = $5, modseq = $6 WHERE account_id = $1 AND item_id = $2
"""
_SET_LABELS = "UPDATE mail SET labels = $3, modseq = $4 WHERE account_id = $1 AND item_id = $2"
_MOVE = """
UPDATE mail SET folder_id = $3, uid = $4, modseq = $5, entered_modseq = $5, conversation_id = $6
WHERE account_id = $1 AND item_id = $2
"""
_COPY = """
INSERT INTO mail (account_id, folder_id, uid, item_id, content_id, modseq, entered_modseq, replaced_modseq, date,
                  size_bytes, is_unread, is_flagged, is_draft, is_deleted, refw, labels, summary, importance,
                  has_attachments, sort_subject, sort_from, sort_to, conversation_id)
SELECT account_id, $3, $4, $5, content_id, $6, $6, 0, date, size_bytes, is_unread, is_flagged, is_draft, is_deleted,
       refw, labels, summary, importance, has_attachments, sort_subject, sort_from, sort_to, $7
FROM mail WHERE account_id = $1 AND item_id = $2
"""
_DELETE = "DELETE FROM mail WHERE account_id = $1 AND item_id = $2"
_FIND_CONTENT_IN = """
SELECT uid FROM mail WHERE account_id = $1 AND content_id = $2 AND folder_id = $3 LIMIT 1
"""


_PAGES = {way: page_statement(way, table="mail", number="uid", shown=COLUMNS) for way in iter_ways()}
_ITEM_PAGES = {
    (sort, anchored): page_statement(
        (sort, anchored), table="mail", number="uid", shown=f"item_id, {SORT_COLUMNS[sort.field]}, date, uid"
    )
    for sort, anchored in iter_ways()
}


class Located(NamedTuple):
    """A mail, and what it is sorted by."""

    mail: Mail
    keys: SortKeys


class Placed(NamedTuple):
    """A mail's number, and its place in a sort order."""

    item_id: ItemId
    place: Anchor


class MailRepo:
    """The mails of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self, folder_id: FolderId, uid: Uid) -> Mail | None:
        """Return a mail."""
        row = await self._connection.fetch_row(_FIND, self._account_id, folder_id, uid)
        return None if row is None else Mail(*row)

    async def locate(self, folder_id: FolderId, uid: Uid) -> Located | None:
        """Return a mail with what it is sorted by."""
        row = await self._connection.fetch_row(_LOCATE, self._account_id, folder_id, uid)
        return None if row is None else _located(row)

    async def locate_items(self, item_ids: Sequence[ItemId]) -> dict[ItemId, Located]:
        """Return those of the mails that are there, wherever they are."""
        found: dict[ItemId, Located] = {}
        for numbers in iter_batches(item_ids, MANY, filler=0):
            for row in await self._connection.fetch_all(_LOCATE_ITEMS, self._account_id, *numbers):
                located = _located(row)
                found[located.mail.item_id] = located
        return found

    async def find_item_ids(self, folder_id: FolderId, uids: Sequence[Uid]) -> dict[Uid, ItemId]:
        """Return the numbers of those mails of a folder that are there."""
        found: dict[Uid, ItemId] = {}
        for numbers in iter_batches(uids, MANY, filler=0):
            rows = await self._connection.fetch_all(_FIND_ITEM_IDS, self._account_id, folder_id, *numbers)
            found.update((Uid(uid), ItemId(item_id)) for uid, item_id in rows)
        return found

    async def list_some(self, folder_id: FolderId, *, limit: int, after: int = 0) -> list[Located]:
        """Return up to ``limit`` mails of a folder, be it there or gone, by number from behind ``after``."""
        rows = await self._connection.fetch_all(_LIST_OF_FOLDER, self._account_id, folder_id, limit, after)
        return [_located(row) for row in rows]

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
        rows = await fetch_page(
            self._connection,
            _PAGES,
            sort,
            folder=(self._account_id, folder_id),
            span=PageSpan(anchor, skip, limit),
        )
        return [Mail(*row) for row in rows]

    async def list_items(
        self, folder_id: FolderId, sort: Sort, *, anchor: Anchor | None, skip: int, limit: int
    ) -> list[Placed]:
        """Return numbers and places of the mails that :meth:`list_page` would return."""
        rows = await fetch_page(
            self._connection,
            _ITEM_PAGES,
            sort,
            folder=(self._account_id, folder_id),
            span=PageSpan(anchor, skip, limit),
        )
        return [Placed(ItemId(row[0]), Anchor(*row[1:])) for row in rows]

    async def insert(self, items: Iterable[Located]) -> None:
        """Store mails."""
        await self._connection.execute_many(
            _INSERT,
            [
                (
                    self._account_id,
                    *mail,
                    keys.importance,
                    keys.has_attachments,
                    keys.subject,
                    keys.from_,
                    keys.to,
                )
                for mail, keys in items
            ],
        )

    async def copy(self, copies: Iterable[tuple[ItemId, Mail]]) -> None:
        """Store copies of mails: of each source's number, the copy's folder, uid, number and modseq are taken."""
        await self._connection.execute_many(
            _COPY,
            [
                (
                    self._account_id,
                    source,
                    copy.folder_id,
                    copy.uid,
                    copy.item_id,
                    copy.modseq,
                    copy.conversation_id,
                )
                for source, copy in copies
            ],
        )

    async def move(self, mails: Iterable[Mail]) -> None:
        """Store where mails are now, from their modseq on."""
        await self._connection.execute_many(
            _MOVE,
            [
                (self._account_id, mail.item_id, mail.folder_id, mail.uid, mail.modseq, mail.conversation_id)
                for mail in mails
            ],
        )

    async def set_flags(self, mails: Iterable[Mail]) -> None:
        """Store the unread and flagged state, what was done with them, and the modseq of mails."""
        await self._connection.execute_many(
            _SET_FLAGS,
            [
                (self._account_id, mail.item_id, mail.is_unread, mail.is_flagged, mail.refw, mail.modseq)
                for mail in mails
            ],
        )

    async def set_labels(self, mails: Iterable[Mail]) -> None:
        """Store the labels and the modseq of mails."""
        await self._connection.execute_many(
            _SET_LABELS, [(self._account_id, mail.item_id, mail.labels, mail.modseq) for mail in mails]
        )

    async def delete(self, item_ids: Iterable[ItemId]) -> None:
        """Remove mails."""
        await self._connection.execute_many(_DELETE, [(self._account_id, item_id) for item_id in item_ids])


def _located(row: Row) -> Located:
    return Located(Mail(*row[:_MAIL_COLUMNS]), SortKeys(*row[_MAIL_COLUMNS:]))
