"""Contents whose documents are still to be read for the full-text index.

Who reads one has claimed it: ``due_at`` was moved on to the end of a lease, and ``attempts`` counts the claims. What
is written in the end names the attempt: one who was thought dead can spoil nothing. Times are Unix milliseconds.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId
from postroom.store.engine.base import Connection

_ADD = """
INSERT INTO extraction (account_id, content_id, due_at, attempts) VALUES ($1, $2, 0, 0)
ON CONFLICT (account_id, content_id) DO UPDATE SET due_at = 0, attempts = 0
"""
_REMOVE = "DELETE FROM extraction WHERE account_id = $1 AND content_id = $2"
_FINISH = """
DELETE FROM extraction WHERE account_id = $1 AND content_id = $2 AND attempts = $3 RETURNING content_id
"""
_PUT_OFF = """
UPDATE extraction SET due_at = $4 WHERE account_id = $1 AND content_id = $2 AND attempts = $3 RETURNING content_id
"""
_GIVE_BACK = """
UPDATE extraction SET due_at = $4, attempts = attempts - 1
WHERE account_id = $1 AND content_id = $2 AND attempts = $3
"""
_COUNT = "SELECT count(*) FROM extraction WHERE account_id = $1"
_FIND_ACCOUNT = """
SELECT account_id FROM extraction WHERE account_id > $1 AND due_at <= $2 ORDER BY account_id LIMIT 1
"""
_CLAIM = """
UPDATE extraction SET due_at = $3, attempts = attempts + 1
WHERE account_id = $1 AND content_id =
    (SELECT content_id FROM extraction WHERE account_id = $1 AND due_at <= $2
     ORDER BY due_at, content_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING content_id, attempts
"""
_COUNT_WAITING = "SELECT count(*) FROM extraction"


class Claim(NamedTuple):
    """A content that somebody reads, and the number of the attempt."""

    content_id: ContentId
    attempt: int


class ExtractionRepo:
    """The contents of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def add(self, content_id: ContentId) -> None:
        """Add a content; one that waits already starts anew."""
        await self._connection.execute(_ADD, self._account_id, content_id)

    async def remove(self, content_id: ContentId) -> None:
        """Remove a content, whoever reads it just now."""
        await self._connection.execute(_REMOVE, self._account_id, content_id)

    async def finish(self, claim: Claim) -> bool:
        """Remove a content that was claimed; False if it has been claimed anew, or is gone."""
        found = await self._connection.fetch_value(_FINISH, self._account_id, claim.content_id, claim.attempt)
        return found is not None

    async def put_off(self, claim: Claim, *, due_at: int) -> bool:
        """Let a content that was claimed wait; False if it has been claimed anew, or is gone."""
        found = await self._connection.fetch_value(
            _PUT_OFF, self._account_id, claim.content_id, claim.attempt, due_at
        )
        return found is not None

    async def give_back(self, claim: Claim, *, due_at: int) -> None:
        """Let a content that was claimed wait as if it had never been, if it has not been claimed anew."""
        await self._connection.execute(_GIVE_BACK, self._account_id, claim.content_id, claim.attempt, due_at)

    async def count(self) -> int:
        """Return how many there are."""
        return int(await self._connection.fetch_value(_COUNT, self._account_id))


class ExtractionWork:
    """The contents of all accounts, for those who read them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_account(self, *, after: int, now: int) -> AccountId | None:
        """Return the first account behind ``after`` that has something due."""
        found = await self._connection.fetch_value(_FIND_ACCOUNT, after, now)
        return None if found is None else AccountId(found)

    async def claim(self, account_id: AccountId, *, now: int, until: int) -> Claim | None:
        """Claim what has been due longest of an account, until a time."""
        row = await self._connection.fetch_row(_CLAIM, account_id, now, until)
        return None if row is None else Claim(ContentId(row[0]), row[1])

    async def count_waiting(self) -> int:
        """Return how many there are in all."""
        return int(await self._connection.fetch_value(_COUNT_WAITING))
