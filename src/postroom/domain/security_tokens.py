"""Security tokens: whoever gives the password once more, in a session, may change what concerns security for a while.

A token belongs to its session and to nothing else, and holds for ten minutes; the store has a hash of it. A session
that must set up 2-step verification before it may do anything else needs none for that.
"""

from typing import Final

from postroom.auth.codes import new_token
from postroom.auth.credentials import hash_session_token, not_authenticated
from postroom.auth.guessing import Guesses
from postroom.auth.passwords import PasswordHasher
from postroom.domain.clock import Clock
from postroom.domain.own_password import require_password
from postroom.errors import Kind, PostroomError, not_permitted
from postroom.model.account import BEARER, SETUP, Caller
from postroom.model.ids import SessionId
from postroom.store import Store

LIFE_MILLISECONDS: Final = 600_000
MOST_TOKENS: Final = 10
"""Of one session; the oldest go."""


class SecurityTokens:
    """The security tokens of all sessions."""

    def __init__(self, store: Store, hasher: PasswordHasher, guesses: Guesses, *, clock: Clock) -> None:
        """``guesses`` counts the wrong passwords."""
        self._store = store
        self._hasher = hasher
        self._guesses = guesses
        self._clock = clock

    async def check(self, caller: Caller, password: str, *, client: str) -> str:
        """Return a new token for who knows the password of the account.

        Raises: sessionRequired; notPermitted; badParameter (``password``); tooManyRequests; notAuthenticated;
        unavailable.
        """
        session_id = require_session(caller)
        if caller.login == BEARER:
            raise not_permitted("there is no password to check: the provider of the login does this")
        async with self._store.directory() as tables:
            account = await tables.directory.find(caller.account_id)
        if account is None or account.auth_version != caller.auth_version:
            raise not_authenticated()
        await require_password(
            self._hasher, self._guesses, account, password=password, client=client, parameter="password"
        )
        token = new_token()
        async with self._store.directory_transaction() as tx:
            if await tx.two_factor.lock_account(caller.account_id) != caller.auth_version:
                raise not_authenticated()
            await tx.security_tokens.create(
                hash_session_token(token.encode()),
                caller.account_id,
                session_id,
                expires_at=self._clock.now_ms() + LIFE_MILLISECONDS,
                keep=MOST_TOKENS,
            )
        return token

    async def require(self, caller: Caller, token: str | None) -> None:
        """Refuse who needs a token and has none. Raises: sessionRequired; securityTokenRequired; unavailable."""
        if caller.stage == SETUP:
            return
        session_id = require_session(caller)
        found = None
        if token:
            async with self._store.directory() as tables:
                token_hash = hash_session_token(token.encode("utf-8", "surrogateescape"))
                found = await tables.security_tokens.find(token_hash)
        if found is None or found[:2] != (caller.account_id, session_id) or found[2] <= self._clock.now_ms():
            raise PostroomError(
                Kind.DENIED,
                "securityTokenRequired",
                "this needs a token of POST /api/v1/account/security/check in X-Axigen-Security-Token",
            )


def require_session(caller: Caller) -> SessionId:
    """Return the session of a caller. Raises: sessionRequired."""
    if caller.session_id is None:
        raise PostroomError(Kind.UNAUTHENTICATED, "sessionRequired", "the call names no session")
    return caller.session_id
