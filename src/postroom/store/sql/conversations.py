"""Conversations, as they are kept: their counters, and their rows in the lists of folders."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple

from postroom.model.conversation import Conversation, ConversationId
from postroom.model.ids import AccountId, ContentId, FolderId, ItemId, Modseq, Uid
from postroom.store.engine.base import Connection, Row
from postroom.store.placeholders import iter_batches, placeholders
from postroom.store.sorting import Presence, SortKeys

MANY = 50
"""Rows looked up by one statement."""

_COLUMNS = """conversation_id, modseq, total_items, unread_items, flagged_items, draft_items, attachment_items,
       high_items, normal_items, first_date, first_item_id"""
_PRESENCE = """folder_id, conversation_id, total_items, uid, date, is_unread, is_flagged, importance, has_attachments,
       sort_subject, sort_from, sort_to"""


_SIZES = (1, MANY)
_FIND = {
    size: f"SELECT {_COLUMNS} FROM conversation WHERE account_id = $1 AND conversation_id IN ({placeholders(size)})"
    for size in _SIZES
}
_LIST_PRESENCES = {
    size: f"""
SELECT {_PRESENCE} FROM conversation_folder WHERE account_id = $1 AND conversation_id IN ({placeholders(size)})
"""
    for size in _SIZES
}
_SAVE = f"""
INSERT INTO conversation (account_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (account_id, conversation_id) DO UPDATE SET
    modseq = excluded.modseq, total_items = excluded.total_items, unread_items = excluded.unread_items,
    flagged_items = excluded.flagged_items, draft_items = excluded.draft_items,
    attachment_items = excluded.attachment_items, high_items = excluded.high_items,
    normal_items = excluded.normal_items, first_date = excluded.first_date, first_item_id = excluded.first_item_id
"""
_DELETE = "DELETE FROM conversation WHERE account_id = $1 AND conversation_id = $2"
_SAVE_PRESENCE = f"""
INSERT INTO conversation_folder (account_id, {_PRESENCE})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (account_id, folder_id, conversation_id) DO UPDATE SET
    total_items = excluded.total_items, uid = excluded.uid, date = excluded.date, is_unread = excluded.is_unread,
    is_flagged = excluded.is_flagged, importance = excluded.importance,
    has_attachments = excluded.has_attachments, sort_subject = excluded.sort_subject,
    sort_from = excluded.sort_from, sort_to = excluded.sort_to
"""
_CHANGE_PRESENCE = """
UPDATE conversation_folder SET total_items = $4, uid = $5
WHERE account_id = $1 AND folder_id = $2 AND conversation_id = $3
"""
_MARK_PRESENCE = {
    column: f"""
UPDATE conversation_folder SET total_items = $4, uid = $5, {column} = $6
WHERE account_id = $1 AND folder_id = $2 AND conversation_id = $3
"""
    for column in ("is_unread", "is_flagged")
}
"""SQLite writes the entry of an index anew if one of its columns is named, even with the value that it has."""
_DELETE_PRESENCE = """
DELETE FROM conversation_folder WHERE account_id = $1 AND folder_id = $2 AND conversation_id = $3
"""
# Sums keep planners from indexes that begin with the folder.
# What is told twice of the number lets the planner see that the index, which leaves out 0, has it.
_MEMBER = "account_id = $1 AND conversation_id = $2 AND conversation_id > 0"
_FIRST = f"""
SELECT date, item_id, sort_subject FROM mail WHERE {_MEMBER} ORDER BY date, item_id LIMIT 1
"""
_LAST = f"""
SELECT date, uid, sort_from, sort_to FROM mail WHERE {_MEMBER} AND folder_id + 0 = $3
AND date = (SELECT date FROM mail WHERE {_MEMBER} AND folder_id + 0 = $3 ORDER BY date DESC LIMIT 1)
"""
_RECOUNT = f"""
SELECT folder_id + 0, count(*), sum(is_unread), sum(is_flagged), sum(is_draft), sum(has_attachments),
       sum(CASE WHEN importance = 2 THEN 1 ELSE 0 END), sum(CASE WHEN importance = 1 THEN 1 ELSE 0 END)
FROM mail WHERE {_MEMBER} GROUP BY folder_id + 0
"""
_THREADING = """(SELECT content.threading FROM content
        WHERE content.account_id = mail.account_id AND content.content_id = mail.content_id)"""
_LIST_MEMBERS = f"""
SELECT item_id, date, conversation_id, folder_id, {_THREADING} FROM mail WHERE {_MEMBER} ORDER BY date, item_id
"""
_FIND_MEMBERS = f"""
SELECT item_id, date, conversation_id, folder_id, {_THREADING} FROM mail
WHERE account_id = $1 AND item_id IN ({placeholders(MANY)})
"""
_FIND_NUMBERS = {
    size: f"""
SELECT item_id, conversation_id, date FROM mail WHERE account_id = $1 AND item_id IN ({placeholders(size)})
"""
    for size in (1, 4, 16, MANY)
}
_FIND_THREADINGS = {
    size: f"SELECT content_id, threading FROM content WHERE account_id = $1 AND content_id IN ({placeholders(size)})"
    for size in _SIZES
}
_ASSIGN = "UPDATE mail SET conversation_id = $3, modseq = $4 WHERE account_id = $1 AND item_id = $2"
_RENUMBER = f"UPDATE mail SET conversation_id = $3, modseq = $4 WHERE {_MEMBER}"


class Member(NamedTuple):
    """A mail of a conversation; ``threading`` is what it is joined by, in MessagePack."""

    item_id: ItemId
    date: int
    conversation_id: ConversationId
    folder_id: FolderId
    threading: bytes


class Numbered(NamedTuple):
    """A mail and its conversation."""

    item_id: ItemId
    conversation_id: ConversationId
    date: int


class First(NamedTuple):
    """The first mail of a conversation."""

    date: int
    item_id: ItemId
    sort_subject: bytes


class Last(NamedTuple):
    """The last mail of a conversation in a folder."""

    date: int
    uid: Uid
    sort_from: bytes
    sort_to: bytes


class Share(NamedTuple):
    """What a folder has of a conversation, counted."""

    folder_id: FolderId
    total_items: int
    unread_items: int
    flagged_items: int
    draft_items: int
    attachment_items: int
    high_items: int
    normal_items: int


class ConversationRepo:
    """The conversations of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id
        self.has_renumbered = False
        """Mails have got other conversations through this; what was read of them before may be wrong."""

    async def find(self, numbers: Sequence[ConversationId]) -> dict[ConversationId, Conversation]:
        """Return those of the conversations that are there."""
        rows = [row async for row in self._look_up(_FIND, numbers)]
        return {row[0]: Conversation(*row) for row in rows}

    async def list_presences(self, numbers: Sequence[ConversationId]) -> list[Presence]:
        """Return where conversations are."""
        return [
            Presence(row[0], row[1], row[2], row[3], SortKeys(row[4], 0, *row[5:]))
            async for row in self._look_up(_LIST_PRESENCES, numbers)
        ]

    async def _look_up(self, statements: dict[int, str], numbers: Sequence[int]) -> AsyncIterator[Row]:
        size = next((size for size in statements if size >= len(numbers)), MANY)
        for batch in iter_batches(numbers, size, filler=0):
            for row in await self._connection.fetch_all(statements[size], self._account_id, *batch):
                yield row

    async def save(self, conversations: Iterable[Conversation]) -> None:
        """Store conversations as they are now."""
        await self._connection.execute_many(_SAVE, [(self._account_id, *one) for one in conversations])

    async def delete(self, numbers: Iterable[ConversationId]) -> None:
        """Remove conversations that have no mail any more."""
        await self._connection.execute_many(_DELETE, [(self._account_id, number) for number in numbers])

    async def save_presences(self, changes: Iterable[tuple[Presence | None, Presence]]) -> None:
        """Store what folders show of conversations: as it was, None where it is new, and as it is now."""
        saved: list[tuple[object, ...]] = []
        counted: list[tuple[object, ...]] = []
        marked: dict[str, list[tuple[object, ...]]] = {column: [] for column in _MARK_PRESENCE}
        for before, row in changes:
            column = _changed_column(before, row)
            if column is None:
                saved.append((self._account_id, *row[:4], row.keys.date, *row.keys[2:]))
            elif column:
                marked[column].append((self._account_id, *row[:4], getattr(row.keys, column)))
            else:
                counted.append((self._account_id, *row[:4]))
        for statement, rows in (
            (_SAVE_PRESENCE, saved),
            (_CHANGE_PRESENCE, counted),
            *((_MARK_PRESENCE[column], rows) for column, rows in marked.items()),
        ):
            if rows:
                await self._connection.execute_many(statement, rows)

    async def delete_presences(self, presences: Iterable[Presence]) -> None:
        """Remove conversations from folders that have no mail of them any more."""
        await self._connection.execute_many(
            _DELETE_PRESENCE, [(self._account_id, row.folder_id, row.conversation_id) for row in presences]
        )

    # The mails of conversations

    async def find_first(self, number: ConversationId) -> First | None:
        """Return the first mail."""
        row = await self._connection.fetch_row(_FIRST, self._account_id, number)
        return None if row is None else First(*row)

    async def find_last(self, number: ConversationId, folder_id: FolderId) -> Last | None:
        """Return the last mail in a folder."""
        rows = await self._connection.fetch_all(_LAST, self._account_id, number, folder_id)
        return max((Last(*row) for row in rows), default=None)

    async def recount(self, number: ConversationId) -> list[Share]:
        """Count the mails of a conversation, by folder."""
        rows = await self._connection.fetch_all(_RECOUNT, self._account_id, number)
        return [Share(FolderId(row[0]), *map(int, row[1:])) for row in rows]

    async def list_members(self, number: ConversationId) -> list[Member]:
        """Return the mails of a conversation, by date and number."""
        return [
            Member(*row) for row in await self._connection.fetch_all(_LIST_MEMBERS, self._account_id, number)
        ]

    async def find_members(self, item_ids: Sequence[ItemId]) -> list[Member]:
        """Return mails with what they are joined by."""
        return [
            Member(*row)
            for batch in iter_batches(item_ids, MANY, filler=0)
            for row in await self._connection.fetch_all(_FIND_MEMBERS, self._account_id, *batch)
        ]

    async def find_numbers(self, item_ids: Sequence[ItemId]) -> list[Numbered]:
        """Return the conversations of mails."""
        return [Numbered(*row) async for row in self._look_up(_FIND_NUMBERS, item_ids)]

    async def find_threadings(self, content_ids: Sequence[ContentId]) -> dict[ContentId, bytes]:
        """Return what contents are joined by."""
        return {row[0]: row[1] async for row in self._look_up(_FIND_THREADINGS, content_ids)}

    async def assign(self, numbers: Iterable[tuple[ItemId, ConversationId]], *, modseq: Modseq) -> None:
        """Make mails be of other conversations; they have changed then."""
        self.has_renumbered = True
        await self._connection.execute_many(
            _ASSIGN, [(self._account_id, item_id, number, modseq) for item_id, number in numbers]
        )

    async def renumber(self, old: ConversationId, new: ConversationId, *, modseq: Modseq) -> None:
        """Make all mails of a conversation be of another; they have changed then."""
        self.has_renumbered = True
        await self._connection.execute(_RENUMBER, self._account_id, old, new, modseq)


def _changed_column(before: Presence | None, after: Presence) -> str | None:
    """Return what has changed of what lists are sorted by: "" for nothing, None where the row is stored anew."""
    if before is None:
        return None
    if before.keys == after.keys:
        return ""
    for column in _MARK_PRESENCE:
        if before.keys._replace(**{column: getattr(after.keys, column)}) == after.keys:
            return column
    return None
