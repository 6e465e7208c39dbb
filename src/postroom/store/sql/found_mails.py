"""Mails of a search folder: where those with given numbers are now, what changed, and what they are sorted by.

What was found may be many, and lie anywhere. It is looked up by number, many by one statement; after that, only what
changed is read, by the folders' own orders of change.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, ItemId, Modseq, Uid
from postroom.model.listing import SortField
from postroom.store.engine.base import Connection, Row
from postroom.store.placeholders import iter_batches, placeholders
from postroom.store.sorting import SORT_COLUMNS

MANY = 400
"""Mails looked up by one statement."""
_FEW = 20

_SHOWN = "item_id, folder_id, uid, modseq, date, replaced_modseq"
_FIND = f"SELECT {_SHOWN} FROM mail WHERE account_id = $1 AND item_id IN ({placeholders(MANY)})"
_FIND_FEW = f"SELECT {_SHOWN} FROM mail WHERE account_id = $1 AND item_id IN ({placeholders(_FEW)})"
_LIST_CHANGED = f"""
SELECT {_SHOWN} FROM mail WHERE account_id = $1 AND folder_id = $2 AND modseq > $3 ORDER BY modseq, uid LIMIT $4
"""
_LIST_LEFT = """
SELECT uid FROM tombstone WHERE account_id = $1 AND folder_id = $2 AND modseq > $3 ORDER BY modseq, uid LIMIT $4
"""
# Date and folder are found with the places: these alone would be read from an index over all mails.
_KEYS: dict[SortField, str] = {
    field: f"SELECT item_id, {column}, date FROM mail WHERE account_id = $1 AND item_id IN ({placeholders(MANY)})"
    for field, column in SORT_COLUMNS.items()
    if field is not SortField.DATE
}


class Place(NamedTuple):
    """Where a mail is, and when it changed last."""

    item_id: ItemId
    folder_id: FolderId
    uid: Uid
    modseq: Modseq
    date: int
    replaced_modseq: Modseq
    """When it last got another content; 0: never."""


class FoundMailRepo:
    """The mails of one account that searches have found."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_places(self, item_ids: Sequence[int]) -> list[Place]:
        """Return where those of the mails are that have a row, be their folder there or gone."""
        if len(item_ids) <= _FEW:
            numbers = [*item_ids, *[0] * (_FEW - len(item_ids))]
            rows = await self._connection.fetch_all(_FIND_FEW, self._account_id, *numbers)
        else:
            rows = await self._fetch(_FIND, item_ids)
        return [Place(*row) for row in rows]

    async def list_changed(self, folder_id: FolderId, *, after: int, limit: int) -> list[Place]:
        """Return up to ``limit`` mails of a folder that changed, or came, after a position."""
        rows = await self._connection.fetch_all(_LIST_CHANGED, self._account_id, folder_id, after, limit)
        return [Place(*row) for row in rows]

    async def list_left(self, folder_id: FolderId, *, after: int, limit: int) -> list[Uid]:
        """Return up to ``limit`` uids of mails that left a folder after a position."""
        rows = await self._connection.fetch_all(_LIST_LEFT, self._account_id, folder_id, after, limit)
        return [Uid(row[0]) for row in rows]

    async def list_keys(self, field: SortField, item_ids: Sequence[int]) -> list[Row]:
        """Return the number, the value that is sorted by and the date of mails; not by date or folder."""
        return await self._fetch(_KEYS[field], item_ids)

    async def _fetch(self, statement: str, item_ids: Sequence[int]) -> list[Row]:
        found: list[Row] = []
        for numbers in iter_batches(item_ids, MANY, filler=0):
            found += await self._connection.fetch_all(statement, self._account_id, *numbers)
            # Others have their turn: it may be a long list.
            await asyncio.sleep(0)
        return found
