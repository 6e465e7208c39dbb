"""Blobs whose content was deleted: they are removed some time later, unless a content names them again by then.

A row is written with the deletion of a content that lies in the blob store (:mod:`postroom.store.sql.contents`).
"""

from typing import NamedTuple

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_LIST = """
SELECT account_id, sha256, released_at FROM released_blob WHERE released_at < $1 ORDER BY released_at LIMIT $2
"""
_FIND = "SELECT 1 FROM released_blob WHERE account_id = $1 AND sha256 = $2"
_PUT_OFF = """
UPDATE released_blob SET released_at = $4 WHERE account_id = $1 AND sha256 = $2 AND released_at = $3
"""
_FORGET = "DELETE FROM released_blob WHERE account_id = $1 AND sha256 = $2 AND released_at = $3"
_NOTE = """
INSERT INTO released_blob (account_id, sha256, released_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, sha256) DO UPDATE SET released_at = excluded.released_at
"""
_REMOVE = """
DELETE FROM released_blob WHERE account_id = $1
AND sha256 IN (SELECT sha256 FROM released_blob WHERE account_id = $1 LIMIT $2)
RETURNING sha256
"""


class ReleasedBlob(NamedTuple):
    """A blob whose content was deleted; ``released_at`` in Unix milliseconds."""

    account_id: AccountId
    sha256: bytes
    released_at: int


class ReleasedBlobRepo:
    """The blobs of all accounts whose content was deleted."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_before(self, released_before: int, *, limit: int) -> list[ReleasedBlob]:
        """Return up to ``limit`` blobs that were released before a time, the oldest first."""
        rows = await self._connection.fetch_all(_LIST, released_before, limit)
        return [ReleasedBlob(*row) for row in rows]

    async def has(self, account_id: AccountId, sha256: bytes) -> bool:
        """Tell whether a blob was released, and is to be removed."""
        return await self._connection.fetch_value(_FIND, account_id, sha256) is not None

    async def note(self, account_id: AccountId, sha256: bytes, *, now: int) -> None:
        """Note that a blob may go."""
        await self._connection.execute(_NOTE, account_id, sha256, now)

    async def put_off(self, blob: ReleasedBlob, *, until: int) -> None:
        """Note another time for a blob, if it was not released anew."""
        await self._connection.execute(_PUT_OFF, *blob, until)

    async def forget(self, blob: ReleasedBlob) -> None:
        """Forget a blob, if it was not released anew."""
        await self._connection.execute(_FORGET, *blob)

    async def remove_of(self, account_id: AccountId, *, limit: int) -> list[bytes]:
        """Forget up to ``limit`` blobs of an account; return their hashes."""
        return [row[0] for row in await self._connection.fetch_all(_REMOVE, account_id, limit)]
