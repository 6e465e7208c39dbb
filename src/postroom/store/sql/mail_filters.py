"""Which mails match a search: by what the full-text index has found, and by their dates, sizes, flags and labels.

There are three ways to look, all of constant statements:

- by content: few contents were found in the text; each is looked up, wherever it is;
- by folder: the mails of a folder, by their dates, from the index of these, which has all that is needed;
- by facet: the mails of a folder that have some property, from the index that sorts by that property.

What is read by folder or by facet may be very much, so it comes as columns of numbers, and no row of the table itself
is touched: they are wide.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from postroom.model.ids import AccountId, FolderId
from postroom.search.query import Bounds, Query, Text
from postroom.store.engine.base import Connection, Row, TextMatches, Word

# What is compared as an expression is no key to look up by: a content is in a folder or two, and folders may be many.
_BY_CONTENT = """
SELECT date AS n1, item_id AS n2 FROM mail
WHERE account_id = $1 AND content_id IN (SELECT value FROM numbers($2))
  AND folder_id + 0 IN (SELECT value FROM numbers($3)) AND date >= $4 AND date < $5
ORDER BY date, item_id
"""
_PROPERTIES = """date + 0 >= $4 AND date + 0 < $5 AND size_bytes + 0 >= $6 AND size_bytes + 0 < $7
  AND ((1 << is_unread) & $8) > 0 AND ((1 << is_flagged) & $9) > 0 AND ((1 << has_attachments) & $10) > 0
  AND ((1 << importance) & $11) > 0 AND ((1 << refw) & $12) > 0"""
_BY_CONTENT_FILTERED = f"""
SELECT date AS n1, item_id AS n2, labels AS n3 FROM mail
WHERE account_id = $1 AND content_id IN (SELECT value FROM numbers($2))
  AND folder_id + 0 IN (SELECT value FROM numbers($3)) AND {_PROPERTIES}
ORDER BY date, item_id
"""
_BY_UID = f"""
SELECT date AS n1, item_id AS n2, labels AS n3, content_id AS n4 FROM mail
WHERE account_id = $1 AND folder_id = $2 AND uid IN (SELECT value FROM numbers($3)) AND {_PROPERTIES}
ORDER BY date, item_id
"""
_SCAN = """
SELECT date AS n1, item_id AS n2, uid AS n3, content_id AS n4 FROM mail
WHERE account_id = $1 AND folder_id = $2 AND date >= $3 AND date < $4 ORDER BY date, uid
"""
_CHANGED = """
SELECT date, item_id, uid, content_id FROM mail
WHERE account_id = $1 AND folder_id = $2 AND modseq > $3 ORDER BY modseq, uid LIMIT $4
"""
_FACETS = {
    "unread": "SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND is_unread = $3",
    "flagged": "SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND is_flagged = $3",
    "attachments": "SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND has_attachments = $3",
    "importance": "SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND importance = $3",
    "refw": "SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND refw = $3 AND refw > 0",
}
"""Statements for the mails of a folder that have a value, by the name of the property in ``Masks``."""
_OF_SIZE = """
SELECT uid AS n1 FROM mail WHERE account_id = $1 AND folder_id = $2 AND size_bytes >= $3 AND size_bytes < $4
"""
_LABELLED = """
SELECT uid AS n1, labels AS n2 FROM mail WHERE account_id = $1 AND folder_id = $2 AND labels <> ''
"""

_LIST_SUMMARIES = """
SELECT content_id, summary FROM mail WHERE account_id = $1 AND content_id IN (SELECT value FROM numbers($2))
"""


class Candidates(NamedTuple):
    """Mails by their dates, then numbers; columns that were not asked for are empty."""

    dates: list[int]
    item_ids: list[int]
    labels: list[str] = []  # noqa: RUF012 - nobody changes it
    contents: list[int] = []  # noqa: RUF012


class MailFilterRepo:
    """The mails of one account, as searches look at them."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def search_text(self, text: Text) -> TextMatches:
        """Return the contents that the full-text index has for a text; at least one phrase must be asked for."""
        return await self._connection.search_text(self._account_id, text)

    async def list_words(self, beginning: str, *, limit: int) -> list[Word]:
        """Return the terms of the index that begin like that, the most frequent first."""
        return await self._connection.list_words(self._account_id, beginning, limit=limit)

    async def list_summaries(self, contents: Iterable[int]) -> list[bytes]:
        """Return the summaries of those of a few contents that a mail shows, by the number of the content."""
        rows = await self._connection.fetch_all(_LIST_SUMMARIES, self._account_id, _render(contents))
        return [summary for _, summary in sorted({row[0]: row[1] for row in rows}.items())]

    async def list_by_content(
        self, contents: Iterable[int], folder_ids: Iterable[int], query: Query, *, is_filtered: bool
    ) -> Candidates:
        """Return the mails with some contents in some folders, within the dates of a query.

        With ``is_filtered`` they also have the sizes and properties asked for, and their labels are returned.
        """
        numbers = (_render(contents), _render(folder_ids))
        if not is_filtered:
            return Candidates(*await self._fetch(_BY_CONTENT, *numbers, *query.dates))
        return Candidates(*await self._fetch(_BY_CONTENT_FILTERED, *numbers, *_arguments(query)))

    async def list_by_uid(self, folder_id: FolderId, uids: Iterable[int], query: Query) -> Candidates:
        """Return those of some mails of a folder that have the dates, sizes and properties of a query."""
        return Candidates(*await self._fetch(_BY_UID, folder_id, _render(uids), *_arguments(query)))

    async def list_folder(self, folder_id: FolderId, dates: Bounds) -> list[list[int]]:
        """Return the mails of a folder within some dates: columns of dates, numbers, uids and contents, by dates.

        Those of the same second are in no order.
        """
        return await self._fetch(_SCAN, folder_id, *dates)

    async def list_changed(self, folder_id: FolderId, *, after: int, limit: int) -> Sequence[Row]:
        """Return up to ``limit`` mails of a folder that changed, or came, after a position; the same columns."""
        return await self._connection.fetch_all(_CHANGED, self._account_id, folder_id, after, limit)

    async def list_with(self, folder_id: FolderId, name: str, value: int) -> list[int]:
        """Return the uids of the mails of a folder with a value of a property; 0 of ``refw`` is not to be asked."""
        [uids] = await self._fetch(_FACETS[name], folder_id, value)
        return uids

    async def list_of_size(self, folder_id: FolderId, sizes: Bounds) -> list[int]:
        """Return the uids of the mails of a folder that have some sizes."""
        [uids] = await self._fetch(_OF_SIZE, folder_id, *sizes)
        return uids

    async def list_labelled(self, folder_id: FolderId) -> list[tuple[int, str]]:
        """Return the uids and labels of the mails of a folder that have any."""
        uids, labels = await self._fetch(_LABELLED, folder_id)
        return list(zip(uids, labels, strict=True))

    async def _fetch(self, sql: str, *args: object) -> list[list[Any]]:
        return await self._connection.fetch_columns(sql, self._account_id, *args)


def _render(numbers: Iterable[int]) -> str:
    return json.dumps(list(numbers))


def _arguments(query: Query) -> tuple[int, ...]:
    return (*query.dates, *query.sizes, *query.masks)
