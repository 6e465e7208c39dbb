"""Logins: from an Authorization header and perhaps a session token to a :class:`Caller`.

A check of a password costs tens of milliseconds on purpose, so a successful one is remembered (see
:mod:`postroom.auth.remembered`); each use still reads the account's versions, in one look-up, so that a change made
in any process counts at once. The same check asked for many times at once is made once. Failed checks are limited
by name and by source address (see :mod:`postroom.auth.throttle`), and an unknown name costs the same work.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence

from postroom.auth.credentials import BasicCredentials, not_authenticated, parse_basic
from postroom.auth.passwords import PasswordHasher
from postroom.auth.remembered import Remembered, RememberedChecks
from postroom.auth.throttle import Throttle
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.config.options import IPNetwork
from postroom.domain.addresses import find_account_address
from postroom.domain.clearing import LogoutPurges
from postroom.domain.sessions import Sessions
from postroom.errors import Kind, PostroomError
from postroom.model.account import ACTIVE, Account, Caller
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
        self._trusted = trusted
        self._purges = purges
        self._now = now
        self.sessions = Sessions(store, config, now=now)
        self.remembered = RememberedChecks(max_entries=config.cache_entries)
        self._by_name = Throttle(
            limit=config.attempts_per_name,
            window_seconds=config.attempts_window_seconds,
            spaced_seconds=config.retry_name_seconds,
        )
        self._by_address = Throttle(
            limit=config.attempts_per_address, window_seconds=config.attempts_window_seconds
        )
        self._checking: dict[bytes, asyncio.Task[Remembered]] = {}

    async def authenticate(
        self, authorization: str | None, session_token: str | None, *, client: str
    ) -> Caller:
        """Return the caller of a request.

        Args:
            authorization: the Authorization header, None if there was none.
            session_token: the session named by the request, None for a call without one.
            client: the source address.

        Raises: notAuthenticated; tooManyRequests; unavailable.
        """
        if authorization is None:
            raise not_authenticated()
        entry, badge = await self._resolve(authorization.encode("utf-8", "surrogateescape"), client)
        session_id, is_first = None, False
        if session_token is not None:
            session = await self.sessions.get(
                session_token.encode("utf-8", "surrogateescape"), entry.account_id, badge.session_version
            )
            session_id, is_first = session.session_id, bool(session.is_first)
        return Caller(
            account_id=entry.account_id,
            address=entry.address,
            full_name=entry.full_name,
            class_name=entry.class_name,
            session_id=session_id,
            is_first_session=is_first,
            auth_version=badge.auth_version,
            session_version=badge.session_version,
        )

    async def is_current(self, caller: Caller) -> bool:
        """Tell whether the logins and sessions of a caller's account are what they were. Raises: unavailable."""
        badge = await self._badge(caller.account_id)
        return badge is not None and badge[:2] == (caller.auth_version, caller.session_version)

    async def holds(self, caller: Caller) -> bool:
        """Tell whether the password of a caller that was authenticated before still counts. Raises: unavailable."""
        badge = await self._badge(caller.account_id)
        return badge is not None and badge.auth_version == caller.auth_version

    async def login(self, authorization: str | None, *, client: str) -> str:
        """Make a session for valid credentials and return its id.

        Raises: notAuthenticated; tooManyRequests; unavailable.
        """
        caller = await self.authenticate(authorization, None, client=client)
        async with self._store.directory() as directory:
            account = await directory.directory.find(caller.account_id)
        if account is None:
            raise not_authenticated()
        account_class = self._classes.get(account.class_name) or self._classes["default"]
        return await self.sessions.create(account, keep=account_class.sessions)

    async def logout(self, caller: Caller, session_token: str) -> None:
        """End the caller's session, and clear what the account's settings say. Raises: notAuthenticated; unavailable.

        A session that ends otherwise, by time or by an administrator, clears nothing: nobody has asked for it.
        """
        session = await self.sessions.get(session_token.encode(), caller.account_id, caller.session_version)
        purges = self._purges
        if purges is None:
            await self.sessions.end(session)
            return
        noted = False

        async def note(tx: DirectoryTransaction) -> None:
            nonlocal noted
            noted = await purges.note(tx, caller.account_id)

        await self.sessions.end(session, also=note)
        if noted:
            await purges.follow(caller.account_id)

    def find_now(self, authorization: bytes, session_token: bytes | None) -> Badge | None:
        """Return the caller's badge if nothing but memory and one row are needed to tell, else None."""
        entry = self.remembered.find(self.remembered.digest(authorization), self._now())
        if entry is None:
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
            badge = await self._badge(entry.account_id)
            if badge is not None and badge.auth_version == entry.auth_version:
                return entry, badge
            self.remembered.forget(digest)
            entry = None
        raise not_authenticated()

    async def _badge(self, account_id: AccountId) -> Badge | None:
        return self._store.find_badge_now(account_id) or await self._store.find_badge(account_id)

    async def _check_once(self, digest: bytes, authorization: bytes, client: str) -> Remembered:
        """Make a check, or wait for the same one that is under way."""
        task = self._checking.get(digest)
        if task is None:
            credentials = parse_basic(authorization)
            task = asyncio.create_task(self._check(digest, credentials, client))
            self._checking[digest] = task
            task.add_done_callback(lambda done: self._checked(digest, done))
        return await asyncio.shield(task)

    def _checked(self, digest: bytes, task: "asyncio.Task[Remembered]") -> None:
        self._checking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # Whoever waits has it too; nobody may be waiting any more.

    async def _check(self, digest: bytes, credentials: BasicCredentials, client: str) -> Remembered:
        address = find_account_address(credentials.name, primary_domain=self._primary_domain)
        name = str(address) if address is not None else credentials.name.casefold()[:320]
        self._begin_try(name, client)
        try:
            account = await self._find_account(credentials.name)
            known = account is not None and bool(account.password_hash)
            if account is not None and known:
                right = await self._hasher.verify(account.password_hash, credentials.password)
            else:
                right = await self._hasher.verify_unknown(credentials.password)
        except BaseException:
            self._by_name.withdraw(name)
            self._withdraw_address(client)
            raise
        if account is None or not right or account.state != ACTIVE:
            raise not_authenticated()
        self._by_name.succeeded(name)
        self._withdraw_address(client)
        entry = Remembered(
            account_id=account.account_id,
            auth_version=account.auth_version,
            expires_at=self._now() + self._config.cache_lifetime_seconds,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
        )
        if self._config.cache_lifetime_seconds:
            self.remembered.remember(digest, entry)
        return entry

    async def _find_account(self, name: str) -> Account | None:
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

    # Limits on guessing

    def _begin_try(self, name: str, client: str) -> None:
        now = self._now()
        seconds = self._by_name.refused_seconds(name, now)
        if self._is_limited(client):
            seconds = max(seconds, self._by_address.refused_seconds(client, now))
        if seconds:
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                "too many failed logins; try again later",
                retry_after_seconds=seconds,
            )
        self._by_name.begin(name, now)
        if self._is_limited(client):
            self._by_address.begin(client, now)

    def _withdraw_address(self, client: str) -> None:
        if self._is_limited(client):
            self._by_address.withdraw(client)

    def _is_limited(self, client: str) -> bool:
        """Return whether failed logins from an address are limited: not where many users share it.

        Those are this machine, a trusted proxy that did not say for whom it asks, and what is no IP address.
        """
        try:
            address = ipaddress.ip_address(client)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return not address.is_loopback and not any(address in network for network in self._trusted)
