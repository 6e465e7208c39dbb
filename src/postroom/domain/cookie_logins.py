"""Cookie logins: how browsers log in, and what tells whose call it is that carries a cookie.

A login makes a session with two secrets: its id, which the program in the browser names in each call, and the token
in the cookie, which the browser sends by itself. Neither does without the other: another site can have calls sent
with the cookie, but knows no id.

After some failed logins for a name a captcha is required (:mod:`postroom.domain.failed_logins`); without a right one
nothing is checked. So the owner can log in however many others guess.

Invariant: all that refuses a login for what was given looks the same: unknown name, wrong password, disabled account,
captcha missing or wrong. Not all of that is the same work, as nobody shall have passwords hashed for nothing; so a
refusal is told at a set time after the login began, which is later than checks of passwords take.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from postroom.auth.credentials import (
    BasicCredentials,
    hash_session_token,
    new_cookie_token,
    not_authenticated,
)
from postroom.config.auth import AuthConfig
from postroom.domain.captchas import Captchas, Image
from postroom.domain.failed_logins import hash_name
from postroom.domain.logins import Logins
from postroom.domain.sessions import Making
from postroom.errors import Kind, PostroomError
from postroom.model.account import ACTIVE, COOKIE, FULL, Account, Caller, Session
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.sql.badges import Badge
from postroom.store.tx import DirectoryTransaction

REFUSED_SECONDS = 0.25
"""A refusal is told so long after the login began, or a multiple of it where checks take longer."""
_SLOWEST_FADES = 0.9
MAX_KNOWN = 20_000


class CookieLogin(NamedTuple):
    """What a browser gives."""

    username: str
    password: str
    captcha_id: str = ""
    captcha_text: str = ""
    is_remembered: bool = False


class LoggedIn(NamedTuple):
    """A new session; ``lifetime_seconds`` is None where its cookie goes with the browser's window."""

    sessid: str
    cookie: str
    stage: str
    lifetime_seconds: int | None


class _Known(NamedTuple):
    """What a call needs to know of an account, while nothing of its logins changes."""

    auth_version: int
    address: str
    full_name: str
    class_name: str
    must_change_at: float


FindStage = Callable[[Account], Awaitable[str]]


async def always_full(_account: Account) -> str:
    """Return the stage of sessions that need no second step."""
    return FULL


class CookieLogins:
    """Cookie logins, and the calls that follow."""

    def __init__(
        self,
        store: Store,
        config: AuthConfig,
        logins: Logins,
        captchas: Captchas,
        *,
        find_stage: FindStage = always_full,
    ) -> None:
        """``find_stage`` tells what a new session of an account waits for."""
        self._store = store
        self._logins = logins
        self._captchas = captchas
        self._find_stage = find_stage
        self._remembered_seconds = config.session_remembered_seconds
        self._guesses = logins.guesses.apart(limits_names=False)
        self._known: OrderedDict[AccountId, _Known] = OrderedDict()
        self._slowest = 0.0

    # Captchas

    async def is_captcha_required(self, username: str) -> bool:
        """Tell whether the next login for a name needs a captcha. Raises: unavailable."""
        return await self._logins.failed.are_many(await self._logins.count_as(username))

    async def make_captcha(self, username: str, *, client: str) -> Image | None:
        """Return a captcha for a name, None if none is required. Raises: tooManyRequests; unavailable."""
        name = await self._logins.count_as(username)
        if not await self._logins.failed.are_many(name):
            return None
        return await self._captchas.make(name, client=client)

    # Logging in

    async def login(self, given: CookieLogin, *, client: str) -> LoggedIn:
        """Make a session for who gives the right things.

        Raises: notAuthenticated, whatever it is that is wrong; tooManyRequests; unavailable.
        """
        began = time.monotonic()
        name = await self._logins.count_as(given.username)
        self._guesses.begin(name, client)
        try:
            account = await self._check(name, given, client=client)
            await self._logins.known.see(account.account_id, client)
            made = await self._make(account, name, given)
        except BaseException as error:
            if not _is_refusal(error):
                self._guesses.undone(name, client)
                raise
            await self._wait_for_refusal(began)
            raise
        self._guesses.right(name, client)
        return made

    async def _check(self, name: str, given: CookieLogin, *, client: str) -> Account:
        failed = self._logins.failed
        begun = await failed.begin(name)
        if begun is None:
            if not await self._captchas.use(name, given.captcha_id, given.captcha_text):
                raise not_authenticated()
            begun = await failed.note(name)
        started = time.monotonic()
        try:
            account = await self._logins.check_password(
                BasicCredentials(given.username, given.password), client=client
            )
        except BaseException:
            await asyncio.shield(failed.undone(begun))
            raise
        self._slowest = max(self._slowest * _SLOWEST_FADES, time.monotonic() - started)
        if account is None:
            raise not_authenticated()
        return account

    async def _make(self, account: Account, name: str, given: CookieLogin) -> LoggedIn:
        cookie = new_cookie_token()
        stage = await self._find_stage(account)
        making = Making(COOKIE, stage, given.is_remembered, hash_session_token(cookie.encode()))

        async def forget(tx: DirectoryTransaction) -> None:
            await tx.failed_logins.delete_all(hash_name(name))

        sessid = await self._logins.sessions.create(
            account, keep=self._logins.count_sessions(account), making=making, also=forget
        )
        lifetime = self._remembered_seconds if given.is_remembered else None
        return LoggedIn(sessid, cookie, stage, lifetime)

    async def _wait_for_refusal(self, began: float) -> None:
        """Wait for the time at which refusals are told: checks take less than that, but for a few."""
        passed = time.monotonic() - began
        least = max(2 * self._slowest, passed)
        await asyncio.sleep(REFUSED_SECONDS * max(math.ceil(least / REFUSED_SECONDS), 1) - passed)

    # Later calls

    async def authenticate(self, sessid: str, cookies: Sequence[str]) -> Caller:
        """Return the caller of a request that names a session and carries these cookies.

        Raises: notAuthenticated, if they do not belong together; unavailable.
        """
        token = sessid.encode("utf-8", "surrogateescape")
        carried = [one.encode("utf-8", "surrogateescape") for one in cookies]
        account_id = await self._logins.sessions.find_owner(token)
        if account_id is None:
            raise not_authenticated()
        for _ in range(3):
            badge = await self._logins.find_badge(account_id)
            if badge is None:
                break
            version = badge.session_version
            session = await self._logins.sessions.get(token, account_id, version, cookies=carried)
            known = await self._find_known(account_id, badge)
            if known is not None:
                return _make_caller(session, known, badge)
        raise not_authenticated()

    async def _find_known(self, account_id: AccountId, badge: Badge) -> _Known | None:
        """Return what is known of an active account, None if it has just been changed."""
        known = self._known.get(account_id)
        if known is not None and known.auth_version == badge.auth_version:
            self._known.move_to_end(account_id)
            return known
        async with self._store.directory() as directory:
            account = await directory.directory.find(account_id)
        if account is None or account.state != ACTIVE:
            raise not_authenticated()
        if account.auth_version != badge.auth_version:
            return None
        known = _Known(
            auth_version=account.auth_version,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
            must_change_at=await self._logins.find_due(account),
        )
        self._known[account_id] = known
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return known


def _make_caller(session: Session, known: _Known, badge: Badge) -> Caller:
    return Caller(
        account_id=session.account_id,
        address=known.address,
        full_name=known.full_name,
        class_name=known.class_name,
        session_id=session.session_id,
        is_first_session=bool(session.is_first),
        auth_version=badge.auth_version,
        session_version=badge.session_version,
        must_change_at=known.must_change_at,
        stage=session.stage,
        login=session.login,
    )


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, PostroomError) and error.kind is Kind.UNAUTHENTICATED
