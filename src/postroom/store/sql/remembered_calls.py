"""Calls that are done once: their keys, and the answers that were given.

A row without a status is a call that is being made, or one whose answer is that of a job.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_FIND = """
SELECT fingerprint, status, headers, body, job_key FROM remembered_call WHERE account_id = $1 AND call_key = $2
"""
_CLAIM = """
INSERT INTO remembered_call (account_id, call_key, fingerprint, status, headers, body, job_key, called_at)
VALUES ($1, $2, $3, 0, $4, $4, '', $5)
ON CONFLICT (account_id, call_key) DO NOTHING RETURNING call_key
"""
_NAME_JOB = "UPDATE remembered_call SET job_key = $3 WHERE account_id = $1 AND call_key = $2"
_ANSWER = """
UPDATE remembered_call SET status = $3, headers = $4, body = $5 WHERE account_id = $1 AND call_key = $2
"""
_PURGE = """
DELETE FROM remembered_call WHERE (account_id, call_key) IN
    (SELECT account_id, call_key FROM remembered_call WHERE called_at < $1 LIMIT $2)
RETURNING status
"""
_DROP_BEYOND = """
DELETE FROM remembered_call WHERE account_id = $1 AND called_at <=
    (SELECT called_at FROM remembered_call WHERE account_id = $1 ORDER BY called_at DESC LIMIT 1 OFFSET $2)
"""


class RememberedCall(NamedTuple):
    """A call and its answer; ``status`` is 0 where there is none."""

    fingerprint: bytes
    status: int
    headers: bytes
    body: bytes
    job_key: str


class RememberedCallRepo:
    """The remembered calls of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, account_id: AccountId, key: str) -> RememberedCall | None:
        """Return a call."""
        row = await self._connection.fetch_row(_FIND, account_id, key)
        return None if row is None else RememberedCall(*row)

    async def claim(self, account_id: AccountId, key: str, fingerprint: bytes, *, called_at: int) -> bool:
        """Note a call that is being made; False if its key was used, once whoever uses it just now is done."""
        found = await self._connection.fetch_value(_CLAIM, account_id, key, fingerprint, b"", called_at)
        return found is not None

    async def name_job(self, account_id: AccountId, key: str, job_key: str) -> None:
        """Note that the answer of a call is that of a job."""
        await self._connection.execute(_NAME_JOB, account_id, key, job_key)

    async def answer(
        self, account_id: AccountId, key: str, *, status: int, headers: bytes, body: bytes
    ) -> None:
        """Keep the answer of a call."""
        await self._connection.execute(_ANSWER, account_id, key, status, headers, body)

    async def drop_beyond(self, account_id: AccountId, *, keep: int) -> None:
        """Forget all but the newest ``keep`` calls of an account."""
        await self._connection.execute(_DROP_BEYOND, account_id, keep)

    async def purge(self, *, before: int, limit: int) -> int:
        """Forget up to ``limit`` calls from before a time (milliseconds); return how many."""
        return len(await self._connection.fetch_all(_PURGE, before, limit))
