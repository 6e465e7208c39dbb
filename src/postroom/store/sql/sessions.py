"""Sessions: found by the hash of their token."""

from postroom.model.account import Session
from postroom.model.ids import AccountId, SessionId
from postroom.store.engine.base import Connection

_COLUMNS = (
    "session_id, account_id, created_at, last_used_at, expires_at, is_first, sorts, login, stage, is_remembered,"
    " cookie_hash, has_passed"
)
_FIND = f"SELECT {_COLUMNS} FROM session WHERE token_hash = $1"
_FIND_BY_ID = f"SELECT {_COLUMNS} FROM session WHERE session_id = $1"
_CREATE = f"""
INSERT INTO session (token_hash, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LOCK = "UPDATE session SET is_first = is_first WHERE session_id = $1 RETURNING session_id"
_TOUCH = "UPDATE session SET last_used_at = $2 WHERE session_id = $1 AND last_used_at < $2"
_SET_SORTS = "UPDATE session SET sorts = $2 WHERE session_id = $1"
_TAKE_STEP = "UPDATE session SET stage = 'full', has_passed = 1 WHERE session_id = $1 RETURNING session_id"
_DELETE = "DELETE FROM session WHERE session_id = $1 RETURNING account_id"
_DELETE_OLDEST = """
DELETE FROM session WHERE session_id IN
    (SELECT session_id FROM session WHERE account_id = $1 ORDER BY last_used_at DESC LIMIT 1000 OFFSET $2)
RETURNING session_id
"""
_DELETE_OF_ACCOUNT = "DELETE FROM session WHERE account_id = $1"
_DELETE_OTHERS = "DELETE FROM session WHERE account_id = $1 AND session_id <> $2 RETURNING session_id"
_DELETE_EXPIRED = """
DELETE FROM session WHERE session_id IN
    (SELECT session_id FROM session WHERE expires_at < $1 LIMIT $2)
RETURNING session_id
"""
_COUNT = "SELECT count(*) FROM session WHERE account_id = $1"


class SessionRepo:
    """The sessions of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, token_hash: bytes) -> Session | None:
        """Return the session whose token has that hash, expired or not."""
        row = await self._connection.fetch_row(_FIND, token_hash)
        return None if row is None else Session(*row)

    async def find_by_id(self, session_id: SessionId) -> Session | None:
        """Return the session with that number, expired or not."""
        row = await self._connection.fetch_row(_FIND_BY_ID, session_id)
        return None if row is None else Session(*row)

    async def create(self, token_hash: bytes, session: Session) -> None:
        """Store a new session."""
        await self._connection.execute(_CREATE, token_hash, *session)

    async def lock(self, session_id: SessionId) -> bool:
        """Keep a session from being changed or ended until the transaction ends; False if there is none."""
        return await self._connection.fetch_value(_LOCK, session_id) is not None

    async def touch(self, session_id: SessionId, *, used_at: int) -> None:
        """Note the last use."""
        await self._connection.execute(_TOUCH, session_id, used_at)

    async def set_sorts(self, session_id: SessionId, sorts: str) -> None:
        """Note the sorts last asked for (JSON)."""
        await self._connection.execute(_SET_SORTS, session_id, sorts)

    async def pass_step(self, session_id: SessionId) -> bool:
        """Note that a second step was taken in a session, which may do everything now; False if there is none.

        The account's ``session_version`` is to be raised in the same transaction.
        """
        return await self._connection.fetch_value(_TAKE_STEP, session_id) is not None

    async def delete(self, session_id: SessionId) -> bool:
        """End a session; False if there was none."""
        return await self._connection.fetch_value(_DELETE, session_id) is not None

    async def delete_beyond(self, account_id: AccountId, *, keep: int) -> list[SessionId]:
        """End the sessions of an account that were idle longest, but for ``keep``; return which."""
        rows = await self._connection.fetch_all(_DELETE_OLDEST, account_id, keep)
        return [SessionId(row[0]) for row in rows]

    async def delete_of_account(self, account_id: AccountId) -> None:
        """End all sessions of an account."""
        await self._connection.execute(_DELETE_OF_ACCOUNT, account_id)

    async def delete_others(self, account_id: AccountId, keep: SessionId | None) -> list[SessionId]:
        """End all sessions of an account but one; return which."""
        # No session has a negative number.
        rows = await self._connection.fetch_all(_DELETE_OTHERS, account_id, -1 if keep is None else keep)
        return [SessionId(row[0]) for row in rows]

    async def delete_expired(self, before: int, *, limit: int) -> int:
        """Delete up to ``limit`` of the sessions whose absolute limit has passed; return how many."""
        return len(await self._connection.fetch_all(_DELETE_EXPIRED, before, limit))

    async def count(self, account_id: AccountId) -> int:
        """Return how many sessions an account has."""
        return int(await self._connection.fetch_value(_COUNT, account_id))
