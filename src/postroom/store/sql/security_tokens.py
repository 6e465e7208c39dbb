"""Tokens that stand for a password that was given once more, or for one that was forgotten; hashes of them."""

from postroom.model.factor import RecoveryToken
from postroom.model.ids import AccountId, SessionId
from postroom.store.engine.base import Connection

_CREATE = (
    "INSERT INTO security_token (token_hash, account_id, session_id, expires_at) VALUES ($1, $2, $3, $4)"
)
_FIND = "SELECT account_id, session_id, expires_at FROM security_token WHERE token_hash = $1"
_DELETE_BEYOND = """
DELETE FROM security_token WHERE token_hash IN (
    SELECT token_hash FROM security_token WHERE account_id = $1 AND session_id = $2
    ORDER BY expires_at DESC LIMIT 1000 OFFSET $3)
"""
_PURGE = """
DELETE FROM security_token
WHERE token_hash IN (SELECT token_hash FROM security_token WHERE expires_at <= $1 LIMIT $2) RETURNING account_id
"""
_LOCK_RECOVERY = """
INSERT INTO password_recovery (account_id, token_hash, expires_at, tries, sent_since, sent_count)
VALUES ($1, $2, 0, 0, 0, 0)
ON CONFLICT (account_id) DO UPDATE SET tries = password_recovery.tries
RETURNING token_hash, expires_at, tries, sent_since, sent_count
"""
_TRY_RECOVERY = """
UPDATE password_recovery SET tries = tries + CASE WHEN token_hash = $2 THEN 0 ELSE 1 END
WHERE account_id = $1 AND expires_at > $3 AND tries < $4
RETURNING CASE WHEN token_hash = $2 THEN 1 ELSE 0 END
"""
_PUT_RECOVERY = """
UPDATE password_recovery SET token_hash = $2, expires_at = $3, tries = $4, sent_since = $5, sent_count = $6
WHERE account_id = $1
"""
_USE_RECOVERY = """
UPDATE password_recovery SET token_hash = $4, expires_at = 0
WHERE account_id = $1 AND token_hash = $2 AND expires_at > $3 AND tries < $5 RETURNING account_id
"""
_DELETE_PASSWORDS = "DELETE FROM access_token WHERE account_id = $1 AND scope <> 'badge'"


class SecurityTokenRepo:
    """Security tokens of all accounts. Times are Unix milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self, token_hash: bytes, account_id: AccountId, session_id: SessionId, *, expires_at: int, keep: int
    ) -> None:
        """Store a token; of its session the ``keep`` newest are kept."""
        await self._connection.execute(_DELETE_BEYOND, account_id, session_id, keep - 1)
        await self._connection.execute(_CREATE, token_hash, account_id, session_id, expires_at)

    async def find(self, token_hash: bytes) -> tuple[AccountId, SessionId, int] | None:
        """Return whose a token is, of which session, and when it expires."""
        row = await self._connection.fetch_row(_FIND, token_hash)
        return None if row is None else (AccountId(row[0]), SessionId(row[1]), int(row[2]))

    async def purge(self, *, before: int, limit: int) -> int:
        """Remove up to ``limit`` that have expired; return how many."""
        return len(await self._connection.fetch_all(_PURGE, before, limit))


class RecoveryRepo:
    """What was sent to who forgot a password, of all accounts. Times are Unix milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, account_id: AccountId) -> RecoveryToken:
        """Return what was sent last for an account, and keep it so until the transaction ends."""
        row = await self._connection.fetch_row(_LOCK_RECOVERY, account_id, b"")
        return RecoveryToken() if row is None else RecoveryToken(*row)

    async def put(self, account_id: AccountId, token: RecoveryToken) -> None:
        """Note what is sent."""
        await self._connection.execute(_PUT_RECOVERY, account_id, *token)

    async def try_token(self, account_id: AccountId, token_hash: bytes, *, now: int, tries: int) -> bool:
        """Tell whether a token is the one that was sent, and holds; a wrong one is counted."""
        found = await self._connection.fetch_value(_TRY_RECOVERY, account_id, token_hash, now, tries)
        return bool(found == 1)

    async def use(self, account_id: AccountId, token_hash: bytes, *, now: int, tries: int) -> bool:
        """Use a token up; False if it is not the one that was sent, or no longer holds."""
        found = await self._connection.fetch_value(_USE_RECOVERY, account_id, token_hash, now, b"", tries)
        return found is not None

    async def delete_program_passwords(self, account_id: AccountId) -> None:
        """Remove the passwords that an account has for programs."""
        await self._connection.execute(_DELETE_PASSWORDS, account_id)
