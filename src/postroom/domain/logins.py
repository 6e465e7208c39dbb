"""Logins: from an Authorization header and perhaps a session token to a :class:`Caller`.

A check of a password costs tens of milliseconds on purpose, so a successful one is remembered (see
:mod:`postroom.auth.remembered`); each use still reads the account's versions, in one look-up, so that a change made
in any process counts at once. The same check asked for many times at once is made once. Failed checks are limited
by name and by source address (see :mod:`postroom.auth.guessing`), and an unknown name costs the same work. Whose
name it is is found before, so that all addresses of an account are counted together.

From when on the password of an account must be changed is found with the check and remembered with it: time alone
tells whether that has come, and whatever else changes it also raises the account's version.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from postroom.auth.credentials import BasicCredentials, not_authenticated, parse_basic
from postroom.auth.guessing import Guesses, counted_as
from postroom.auth.passwords import PasswordHasher
from postroom.auth.remembered import Remembered, RememberedChecks
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass, class_of
from postroom.config.options import IPNetwork
from postroom.domain.addresses import find_account_address
from postroom.domain.clearing import LogoutPurges
from postroom.domain.failed_logins import FailedLogins
from postroom.domain.known_addresses import KnownAddresses
from postroom.domain.login_log import LoginLog
from postroom.domain.own_password import is_password_of
from postroom.domain.password_policy import find_due, may_be_due
from postroom.domain.second_steps import read_stage, second_step_required
from postroom.domain.sessions import Making, Sessions
from postroom.domain.token_logins import TokenLogins
from postroom.errors import Kind, PostroomError, not_permitted
from postroom.model.account import (
    ACTIVE,
    ALL,
    BADGE,
    BEARER,
    COUNTERS,
    FULL,
    SECOND,
    SETUP,
    Account,
    Caller,
    permits,
)
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.sql.badges import Badge
from postroom.store.sql.directory import ALIAS, TEMPORARY
from postroom.store.tx import DirectoryTransaction


class Logins:
    """Authentication of callers."""

    def __init__(
        self,
        store: Store,
        config: AuthConfig,
        *,
        hasher: PasswordHasher,
        classes: Mapping[str, AccountClass],
        primary_domain: str = "",
        trusted: Sequence[IPNetwork] = (),
        purges: LogoutPurges | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``trusted`` are the networks of reverse proxies: an address of theirs stands for many users.

        Without ``purges`` a logout clears nothing.
        """
        self._store = store
        self._config = config
        self._hasher = hasher
        self._classes = classes
        self._primary_domain = primary_domain
        self._purges = purges
        self._now = now
        self.sessions = Sessions(store, config, now=now)
        self.remembered = RememberedChecks(max_entries=config.cache_entries)
        self.guesses = Guesses(config, trusted=trusted, now=now)
        self.failed = FailedLogins(store, config, now=now)
        self.log = LoginLog(store, config, now=now)
        self.known = KnownAddresses(store, trusted=trusted, now=now)
        self.tokens = TokenLogins(store, self, now=now)
        self._checking: dict[bytes, asyncio.Task[Remembered]] = {}

    async def authenticate(
        self, authorization: str | None, session_token: str | None, *, client: str
    ) -> Caller:
        """Return the caller of a request.

        Args:
            authorization: the Authorization header, None if there was none.
            session_token: the session named by the request, None for a call without one.
            client: the source address.

        Raises: notAuthenticated; secondFactorRequired for a password that is good for the first step of a login
        alone; tooManyRequests; unavailable.
        """
        if authorization is None:
            raise not_authenticated()
        entry, badge = await self._resolve(authorization.encode("utf-8", "surrogateescape"), client)
        session = None
        if session_token is not None:
            session = await self.sessions.get(
                session_token.encode("utf-8", "surrogateescape"), entry.account_id, badge.session_version
            )
        if entry.stage == SECOND and not (session is not None and session.has_passed):
            raise second_step_required("2-step verification is on: use an app password")
        # What shows a number to whoever has it is no login of the owner.
        if entry.scope != BADGE:
            await self.known.see(entry.account_id, client)
        session_id, is_first, stage, login = None, False, entry.stage, entry.login
        if session is not None:
            session_id, is_first = session.session_id, bool(session.is_first)
            # Who has no second step yet, and must, sets it up first, whatever session it is.
            stage = SETUP if entry.stage == SETUP else session.stage
            login = BEARER if entry.login == BEARER else session.login
        return Caller(
            account_id=entry.account_id,
            address=entry.address,
            full_name=entry.full_name,
            class_name=entry.class_name,
            session_id=session_id,
            is_first_session=is_first,
            auth_version=badge.auth_version,
            session_version=badge.session_version,
            must_change_at=entry.must_change_at,
            scope=entry.scope,
            ends_at=entry.ends_at,
            stage=stage,
            login=login,
        )

    def must_change(self, caller: Caller) -> bool:
        """Tell whether a caller's password must be changed before anything else is done."""
        return caller.must_change_at <= self._now()

    async def is_current(self, caller: Caller) -> bool:
        """Tell whether the logins and sessions of a caller's account are what they were. Raises: unavailable."""
        badge = await self.find_badge(caller.account_id)
        if badge is None or self.must_change(caller):
            return False
        return badge[:2] == (caller.auth_version, caller.session_version)

    async def holds(self, caller: Caller) -> bool:
        """Tell whether the password of a caller that was authenticated before still counts. Raises: unavailable."""
        badge = await self.find_badge(caller.account_id)
        return (
            badge is not None and badge.auth_version == caller.auth_version and not self.must_change(caller)
        )

    async def login(self, authorization: str | None, *, client: str) -> str:
        """Make a session for valid credentials and return its id.

        Raises: notAuthenticated; notPermitted where the credentials are for reading counters alone;
        tooManyRequests; unavailable.
        """
        for _ in range(2):
            caller = await self.authenticate(authorization, None, client=client)
            if not permits(caller.scope, COUNTERS):
                raise not_permitted("these credentials are not for this")
            async with self._store.directory() as directory:
                account = await directory.directory.find(caller.account_id)
            # With a password that was changed meanwhile, no session is made.
            if account is not None and account.auth_version == caller.auth_version:
                making = Making(login=caller.login)
                return await self.sessions.create(account, keep=self.count_sessions(account), making=making)
        raise not_authenticated()

    def count_sessions(self, account: Account) -> int:
        """Return how many sessions an account may have."""
        return class_of(self._classes, account.class_name).sessions

    async def logout(self, caller: Caller) -> None:
        """End the caller's session, and clear what the account's settings say.

        Raises: sessionRequired where the call names none; unavailable.

        A session that ends otherwise, by time or by an administrator, clears nothing: nobody has asked for it. Nor
        do credentials that may not clear anything.
        """
        if caller.session_id is None:
            raise PostroomError(Kind.UNAUTHENTICATED, "sessionRequired", "the call names no session")
        purges = self._purges
        if purges is None or not permits(caller.scope, ALL):
            await self.sessions.end(caller.account_id, caller.session_id)
            return
        noted = False

        async def note(tx: DirectoryTransaction) -> None:
            nonlocal noted
            noted = await purges.note(tx, caller.account_id)

        await self.sessions.end(caller.account_id, caller.session_id, also=note)
        if noted:
            await purges.follow(caller.account_id)

    def find_now(self, authorization: bytes, session_token: bytes | None) -> Badge | None:
        """Return the caller's badge if nothing but memory and one row are needed to tell, else None."""
        now = self._now()
        entry = self.remembered.find(self.remembered.digest(authorization), now)
        if entry is None or entry.must_change_at <= now or entry.stage != FULL:
            return None
        badge = self._store.find_badge_now(entry.account_id)
        if badge is None or badge.auth_version != entry.auth_version:
            return None
        if session_token is not None and not self.sessions.find_now(
            session_token, entry.account_id, badge.session_version
        ):
            return None
        return badge

    # The check of credentials

    async def _resolve(self, authorization: bytes, client: str) -> tuple[Remembered, Badge]:
        digest = self.remembered.digest(authorization)
        entry = self.remembered.find(digest, self._now())
        for _ in range(2):
            if entry is None:
                entry = await self._check_once(digest, authorization, client)
            badge = await self.find_badge(entry.account_id)
            if badge is not None and badge.auth_version == entry.auth_version:
                return entry, badge
            self.remembered.forget(digest)
            entry = None
        raise not_authenticated()

    async def find_badge(self, account_id: AccountId) -> Badge | None:
        """Return what is read for each call of an account, None if there is no such account. Raises: unavailable."""
        return self._store.find_badge_now(account_id) or await self._store.find_badge(account_id)

    async def _check_once(self, digest: bytes, authorization: bytes, client: str) -> Remembered:
        """Make a check, or wait for the same one that is under way."""
        task = self._checking.get(digest)
        if task is None:
            task = asyncio.create_task(self._check_any(digest, authorization, client))
            self._checking[digest] = task
            task.add_done_callback(lambda done: self._checked(digest, done))
        return await asyncio.shield(task)

    def _checked(self, digest: bytes, task: "asyncio.Task[Remembered]") -> None:
        self._checking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # Whoever waits has it too; nobody may be waiting any more.

    async def _check_any(self, digest: bytes, authorization: bytes, client: str) -> Remembered:
        entry = await self.tokens.check(authorization)
        if entry is None:
            try:
                return await self._check(digest, parse_basic(authorization), client)
            except PostroomError as error:
                if error.kind is Kind.LIMITED:
                    self.log.refused(client)
                raise
        if self._config.cache_lifetime_seconds:
            until = min(entry.expires_at, self._now() + self._config.cache_lifetime_seconds)
            self.remembered.remember(digest, entry._replace(expires_at=until))
        return entry

    async def _check(self, digest: bytes, credentials: BasicCredentials, client: str) -> Remembered:
        self.guesses.check_source(client)
        name = await self.count_as(credentials.name)
        self.guesses.begin(name, client)
        try:
            account = await self.check_password(credentials, client=client)
        except BaseException:
            self.guesses.undone(name, client)
            raise
        if account is None:
            await self.failed.note(name)
            raise not_authenticated()
        self.guesses.right(name, client)
        entry = Remembered(
            account_id=account.account_id,
            auth_version=account.auth_version,
            expires_at=self._now() + self._config.cache_lifetime_seconds,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
            must_change_at=await self.find_due(account),
            stage=await self.find_stage(account),
        )
        if self._config.cache_lifetime_seconds:
            self.remembered.remember(digest, entry)
        return entry

    async def find_stage(self, account: Account) -> str:
        """Return what a login to an account by its password waits for. Raises: unavailable."""
        async with self._store.directory() as directory:
            return await read_stage(directory, self._classes, account)

    async def count_as(self, name: str) -> str:
        """Return the name that tries of a name are counted by: one for all spellings and addresses of an account.

        Raises: unavailable.
        """
        address = find_account_address(name, primary_domain=self._primary_domain)
        return counted_as(await self.find_account(name), name if address is None else str(address))

    async def check_password(self, credentials: BasicCredentials, *, client: str) -> Account | None:
        """Return the active account of that name and password, None if there is none, after the same work.

        Raises: unavailable.
        """
        account = await self.find_account(credentials.name)
        is_right = await is_password_of(self._hasher, account, credentials.password)
        if account is not None and is_right and account.state == ACTIVE:
            return account
        self.log.failed(account, client)
        return None

    async def find_due(self, account: Account) -> float:
        """Return from when on the password of an account must be changed (Unix seconds). Raises: unavailable."""
        account_class = class_of(self._classes, account.class_name)
        policy = account_class.restrictions.password_policy
        present = None
        if may_be_due(policy):
            async with self._store.directory() as directory:
                present = await directory.directory.passwords.find_present(account.account_id)
        return find_due(policy, account, present)

    async def find_account(self, name: str) -> Account | None:
        """Return the account with a name that may be used to log in. Raises: unavailable."""
        address = find_account_address(name, primary_domain=self._primary_domain)
        if address is None:
            return None
        async with self._store.directory() as directory:
            found = await directory.directory.find_by_address(*address, now=int(self._now() * 1000))
        # Whoever is given a temporary alias is a stranger, who is to learn nothing by it.
        if (
            found is None
            or found.kind == TEMPORARY
            or (found.kind == ALIAS and not self._config.alias_logins)
        ):
            return None
        return found.account
