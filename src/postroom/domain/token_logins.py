"""Logins by what is no chosen password: app passwords, badge tokens, and tokens of an OpenID Connect provider.

An app password stands in the place of the password of Basic; the others come as Bearer. What was found is remembered
as a checked password is, for :data:`RECHECK_SECONDS` at most: then it is looked up again, and the time of its use is
written. Failed tries are not counted, as none of it can be guessed.

A secret is looked up together with the version of the account's logins. If it is revoked after that, the version
rises, and what is remembered counts no more.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Protocol

from postroom.auth.access_tokens import APP_PASSWORD_PREFIX, BADGE_PREFIX, hash_secret
from postroom.auth.credentials import BearerToken, not_authenticated, parse_authorization
from postroom.auth.remembered import Remembered
from postroom.domain.identities import Identities
from postroom.errors import PostroomError
from postroom.model.account import ACTIVE, ALL, BADGE, BASIC, BEARER, Account
from postroom.store import Store
from postroom.store.sql.access_tokens import FoundToken

RECHECK_SECONDS = 600.0
_WRITE_EVERY_MILLISECONDS = 300_000


class Accounts(Protocol):
    """What is known of accounts where they log in."""

    async def find_account(self, name: str) -> Account | None:
        """Return the account with a name that may be used to log in. Raises: unavailable."""

    async def find_due(self, account: Account) -> float:
        """Return from when on the password of an account must be changed. Raises: unavailable."""


class TokenLogins:
    """Checks of credentials that are random or signed."""

    def __init__(self, store: Store, accounts: Accounts, *, now: Callable[[], float]) -> None:
        self._store = store
        self._accounts = accounts
        self.identities: Identities | None = None
        """Knows the tokens of a provider; without it none are accepted."""
        self._now = now

    async def close(self) -> None:
        """Leave off what is under way."""
        if self.identities is not None:
            await self.identities.close()

    async def check(self, authorization: bytes) -> Remembered | None:
        """Return whose the credentials are; None if they are a name and a password that is still to be checked.

        Raises: notAuthenticated; unavailable.
        """
        credentials = parse_authorization(authorization)
        if isinstance(credentials, BearerToken):
            if credentials.token.startswith(BADGE_PREFIX):
                return await self._check_badge(credentials.token)
            return await self._check_signed(credentials.token)
        secret_hash = hash_secret(credentials.password, APP_PASSWORD_PREFIX)
        if secret_hash is None:
            return None
        found = await self._find(secret_hash)
        account = await self._accounts.find_account(credentials.name)
        if found is None or found.scope == BADGE or account is None or account.state != ACTIVE:
            return None
        return await self._enter(found, account, BASIC) if found.account_id == account.account_id else None

    async def _check_badge(self, token: str) -> Remembered:
        secret_hash = hash_secret(token, BADGE_PREFIX)
        found = None if secret_hash is None else await self._find(secret_hash)
        if found is None or found.scope != BADGE:
            raise not_authenticated()
        async with self._store.directory() as directory:
            account = await directory.directory.find(found.account_id)
        if account is None or account.state != ACTIVE:
            raise not_authenticated()
        return await self._enter(found, account, BEARER)

    async def _check_signed(self, token: str) -> Remembered:
        if self.identities is None:
            raise not_authenticated()
        identity = await self.identities.identify(token)
        account = await self._accounts.find_account(identity.name)
        if account is None or account.state != ACTIVE:
            raise not_authenticated()
        return Remembered(
            account_id=account.account_id,
            auth_version=account.auth_version,
            expires_at=identity.expires_at,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
            scope=ALL,
            login=BEARER,
            ends_at=identity.expires_at,
        )

    async def _find(self, secret_hash: bytes) -> FoundToken | None:
        async with self._store.directory() as directory:
            return await directory.access_tokens.find(secret_hash)

    async def _enter(self, found: FoundToken, account: Account, login: str) -> Remembered:
        now = self._now()
        used_at = int(now * 1000)
        if used_at - found.last_used_at > _WRITE_EVERY_MILLISECONDS:
            # A store that cannot be written to just now is no reason to refuse who may read.
            with contextlib.suppress(PostroomError):
                async with self._store.directory_transaction() as tx:
                    await tx.access_tokens.touch(found.account_id, found.token_id, used_at=used_at)
        return Remembered(
            account_id=account.account_id,
            auth_version=found.auth_version,
            expires_at=now + RECHECK_SECONDS,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
            must_change_at=await self._accounts.find_due(account),
            scope=found.scope,
            login=login,
            ends_at=math.inf,
        )
