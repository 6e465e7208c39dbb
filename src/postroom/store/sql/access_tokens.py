"""App passwords and badge tokens: found by the hash of their secret, listed by account.

Who finds one is told the version of the account's logins as of the same moment: whatever is revoked later raises it.
"""

from typing import NamedTuple

from postroom.model.access_token import AccessToken, AccessTokenId
from postroom.model.account import BADGE
from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_COLUMNS = "token_id, scope, name, created_at, last_used_at"
_CREATE = (
    f"INSERT INTO access_token (account_id, secret_hash, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_LIST = f"SELECT {_COLUMNS} FROM access_token WHERE account_id = $1 ORDER BY token_id"
_DELETE = f"DELETE FROM access_token WHERE account_id = $1 AND token_id = $2 RETURNING {_COLUMNS}"
_FIND_SCOPE = "SELECT scope FROM access_token WHERE account_id = $1 AND token_id = $2"
_FIND = """
SELECT token.account_id, token.token_id, token.scope, token.last_used_at, account.auth_version
FROM access_token token JOIN account ON account.account_id = token.account_id
WHERE token.secret_hash = $1
"""
_TOUCH = """
UPDATE access_token SET last_used_at = $3 WHERE account_id = $1 AND token_id = $2 AND last_used_at < $3
"""


class FoundToken(NamedTuple):
    """An app password or badge token that was used; ``last_used_at``: written, in Unix milliseconds."""

    account_id: AccountId
    token_id: AccessTokenId
    scope: str
    last_used_at: int
    auth_version: int


class AccessTokenRepo:
    """The app passwords and badge tokens of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, account_id: AccountId, token: AccessToken, *, secret_hash: bytes) -> None:
        """Store one."""
        await self._connection.execute(_CREATE, account_id, secret_hash, *token)

    async def list(self, account_id: AccountId, *, badges: bool) -> list[AccessToken]:
        """Return an account's badge tokens, or its app passwords, oldest first."""
        rows = await self._connection.fetch_all(_LIST, account_id)
        tokens = [AccessToken(*row) for row in rows]
        return [token for token in tokens if (token.scope == BADGE) == badges]

    async def find(self, secret_hash: bytes) -> FoundToken | None:
        """Return the one with that secret."""
        row = await self._connection.fetch_row(_FIND, secret_hash)
        return None if row is None else FoundToken(*row)

    async def find_scope(self, account_id: AccountId, token_id: AccessTokenId) -> str | None:
        """Return what one may do, None if there is none of that number."""
        scope: str | None = await self._connection.fetch_value(_FIND_SCOPE, account_id, token_id)
        return scope

    async def delete(self, account_id: AccountId, token_id: AccessTokenId) -> AccessToken | None:
        """Remove one and return what it was."""
        row = await self._connection.fetch_row(_DELETE, account_id, token_id)
        return None if row is None else AccessToken(*row)

    async def touch(self, account_id: AccountId, token_id: AccessTokenId, *, used_at: int) -> None:
        """Write that one is used."""
        await self._connection.execute(_TOUCH, account_id, token_id, used_at)
