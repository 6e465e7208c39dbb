"""Contents: the immutable messages, once per account, addressed by SHA-256."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId
from postroom.store.engine.base import Connection

_FIND_BY_HASH = "SELECT content_id FROM content WHERE account_id = $1 AND sha256 = $2"
_ADD = """
INSERT INTO content (account_id, content_id, sha256, size_bytes, refs, structure, data, threading)
VALUES ($1, $2, $3, $4, 1, $5, $6, $7)
ON CONFLICT (account_id, sha256) DO UPDATE SET refs = content.refs + 1
RETURNING content_id
"""
_GET = """
SELECT content_id, sha256, size_bytes, refs, structure, data, threading FROM content
WHERE account_id = $1 AND content_id = $2
"""
_GET_HEAD = """
SELECT content_id, sha256, size_bytes, refs, structure, threading FROM content
WHERE account_id = $1 AND content_id = $2
"""
_SCAN = """
SELECT content_id, sha256, size_bytes, refs, structure, data, threading FROM content
WHERE account_id = $1 AND content_id > $2 ORDER BY content_id LIMIT $3
"""
_LIST_REFERENCES = "SELECT content_id, refs FROM content WHERE account_id = $1"
_SHARE = "UPDATE content SET refs = refs + 1 WHERE account_id = $1 AND content_id = $2"
_RELEASE = """
UPDATE content SET refs = refs - 1 WHERE account_id = $1 AND content_id = $2 RETURNING refs
"""
_DELETE = """
DELETE FROM content WHERE account_id = $1 AND content_id = $2
RETURNING sha256, CASE WHEN data IS NULL THEN 1 ELSE 0 END
"""
_NOTE_RELEASED = """
INSERT INTO released_blob (account_id, sha256, released_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, sha256) DO UPDATE SET released_at = excluded.released_at
"""
_SETTLE_RECEIPT = """
UPDATE content SET is_receipted = 1 WHERE account_id = $1 AND content_id = $2 AND is_receipted = 0
RETURNING content_id
"""
_SET_REFS = "UPDATE content SET refs = $3 WHERE account_id = $1 AND content_id = $2"


class Content(NamedTuple):
    """A content as stored; ``data`` is None where the message lies in the blob store."""

    content_id: ContentId
    sha256: bytes
    size_bytes: int
    refs: int
    structure: bytes
    data: bytes | None
    threading: bytes
    """What it is joined to conversations by (:mod:`postroom.model.thread`), in MessagePack."""


class ContentRepo:
    """The contents of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_by_hash(self, sha256: bytes) -> ContentId | None:
        """Return the number of the content with that hash."""
        value = await self._connection.fetch_value(_FIND_BY_HASH, self._account_id, sha256)
        return None if value is None else ContentId(value)

    async def add(self, contents: Iterable[Content]) -> list[ContentId]:
        """Add one reference to each content, storing those that are new; return their numbers."""
        rows = await self._connection.fetch_many(
            _ADD,
            [
                (
                    self._account_id,
                    content.content_id,
                    content.sha256,
                    content.size_bytes,
                    content.structure,
                    content.data,
                    content.threading,
                )
                for content in contents
            ],
        )
        return [ContentId(row[0]) for row in rows]

    async def find(self, content_id: ContentId) -> Content | None:
        """Return a content with its data."""
        row = await self._connection.fetch_row(_GET, self._account_id, content_id)
        return None if row is None else Content(*row)

    async def find_head(self, content_id: ContentId) -> Content | None:
        """Return a content without its data."""
        row = await self._connection.fetch_row(_GET_HEAD, self._account_id, content_id)
        return None if row is None else Content(row[0], row[1], row[2], row[3], row[4], None, row[5])

    async def list_after(self, content_id: int, *, limit: int) -> list[Content]:
        """Return up to ``limit`` contents with higher numbers, ascending."""
        rows = await self._connection.fetch_all(_SCAN, self._account_id, content_id, limit)
        return [Content(*row) for row in rows]

    async def list_references(self) -> list[tuple[ContentId, int]]:
        """Return all contents with their references; for checks alone."""
        rows = await self._connection.fetch_all(_LIST_REFERENCES, self._account_id)
        return [(ContentId(row[0]), row[1]) for row in rows]

    async def share(self, content_ids: Iterable[ContentId]) -> None:
        """Add one reference to each content."""
        await self._connection.execute_many(_SHARE, [(self._account_id, number) for number in content_ids])

    async def release(self, content_id: ContentId) -> int:
        """Take one reference off; at none the content is deleted. Returns the references left."""
        refs = int(await self._connection.fetch_value(_RELEASE, self._account_id, content_id))
        if refs <= 0:
            await self.delete(content_id)
        return refs

    async def delete(self, content_id: ContentId) -> None:
        """Delete a content; if it lies in the blob store, note that its blob may go."""
        row = await self._connection.fetch_row(_DELETE, self._account_id, content_id)
        if row is not None and row[1]:
            await self._connection.execute(_NOTE_RELEASED, self._account_id, row[0], int(time.time() * 1000))

    async def settle_receipt(self, content_id: ContentId) -> bool:
        """Settle the wish for a receipt; False if it was settled before."""
        found = await self._connection.fetch_value(_SETTLE_RECEIPT, self._account_id, content_id)
        return found is not None

    async def set_refs(self, content_id: ContentId, refs: int) -> None:
        """Correct the number of references; for repairs alone."""
        await self._connection.execute(_SET_REFS, self._account_id, content_id, refs)
