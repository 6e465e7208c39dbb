"""App passwords and badge tokens: made by an account's owner, shown once, and revoked at once.

A secret is random, and the store has its hash alone. What one may do is its scope (:mod:`postroom.model.account`).
With the removal of one the account's ``auth_version`` rises in the same transaction, so that no process goes on with
what it remembers of it.

An account has a bounded number of each kind. The mailbox's turn to write is taken before they are counted, so that
two who make one at once do not pass the bound.
"""

import time
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from postroom.auth.access_tokens import APP_PASSWORD_PREFIX, BADGE_PREFIX, hash_secret, new_secret
from postroom.auth.credentials import not_authenticated
from postroom.domain import security_log
from postroom.domain.access import require_own
from postroom.domain.numbers import take_number
from postroom.errors import bad_parameter, not_found, not_permitted
from postroom.model.access_token import AccessToken, AccessTokenId, AccessTokenRef
from postroom.model.account import ACTIVE, BADGE, Caller
from postroom.model.security import SecurityDetails, SecurityEventKind
from postroom.store import Store

MOST = 50
"""Of each kind, of one account."""
MAX_NAME_CHARS = 128


class Made(NamedTuple):
    """A new app password or badge token, with its secret."""

    token: AccessToken
    secret: str


class AccessTokens:
    """The app passwords and badge tokens of callers."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    async def list(self, caller: Caller, *, badges: bool) -> list[AccessToken]:
        """Return the caller's badge tokens, or app passwords, oldest first. Raises: unavailable."""
        async with self._store.directory() as directory:
            return await directory.access_tokens.list(caller.account_id, badges=badges)

    async def create(self, caller: Caller, name: str, scope: str, *, client: str) -> Made:
        """Make an app password, or a badge token if that is the scope.

        Raises: badParameter (``name``); notPermitted where there are too many; notAuthenticated where the caller's
        credentials no longer count; unavailable.
        """
        check_name(name)
        is_badge = scope == BADGE
        prefix, what = (BADGE_PREFIX, "badge tokens") if is_badge else (APP_PASSWORD_PREFIX, "app passwords")
        secret = new_secret(prefix)
        secret_hash = hash_secret(secret, prefix)
        assert secret_hash is not None  # noqa: S101 (it has the form of one)
        now = int(self._now() * 1000)
        async with self._store.directory_transaction() as tx:
            number = await take_number(tx.mailbox(caller.account_id))
            account = await tx.directory.find(caller.account_id)
            if account is None or account.state != ACTIVE or account.auth_version != caller.auth_version:
                raise not_authenticated()
            if len(await tx.access_tokens.list(caller.account_id, badges=is_badge)) >= MOST:
                raise not_permitted(f"an account has at most {MOST} {what}")
            token = AccessToken(AccessTokenId(number), scope, name, now, 0)
            await tx.access_tokens.create(caller.account_id, token, secret_hash=secret_hash)
            await security_log.note(
                tx,
                caller.account_id,
                SecurityEventKind.BADGE_TOKEN_MADE if is_badge else SecurityEventKind.APP_PASSWORD_MADE,
                client=client,
                details=_describe(token),
                now_ms=now,
            )
        return Made(token, secret)

    async def delete(self, caller: Caller, ref: AccessTokenRef, *, badges: bool, client: str) -> None:
        """Revoke a badge token, or an app password; nobody may use it any more. Raises: notFound; unavailable."""
        what = "the badge token" if badges else "the app password"
        require_own(caller, ref.owner, what)
        async with self._store.directory_transaction() as tx:
            scope = await tx.access_tokens.find_scope(*ref)
            if scope is None or (scope == BADGE) != badges:
                raise not_found(what)
            # The account comes first, as everywhere.
            await tx.directory.raise_versions(ref.owner, auth=1, sessions=0)
            token = await tx.access_tokens.delete(*ref)
            if token is None:
                raise not_found(what)
            await security_log.note(
                tx,
                ref.owner,
                SecurityEventKind.BADGE_TOKEN_REMOVED if badges else SecurityEventKind.APP_PASSWORD_REMOVED,
                client=client,
                details=_describe(token),
                now_ms=int(self._now() * 1000),
            )


def check_name(name: str) -> None:
    """Refuse what is no name to be shown. Raises: badParameter."""
    if not name.strip() or len(name) > MAX_NAME_CHARS:
        raise bad_parameter("name", f"name must have 1 to {MAX_NAME_CHARS} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise bad_parameter("name", "name must not contain control characters")


def _describe(token: AccessToken) -> SecurityDetails:
    return SecurityDetails(name=token.name, scope=token.scope)
