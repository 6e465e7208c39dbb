"""Sessions: made by a login, found by their token, ended by logout, time or policy.

A session lives in the store under the hash of its token, so it outlives a restart and every process knows it. Each
process remembers the sessions it has seen; a remembered one is valid while the account's ``session_version`` is
unchanged, which rises whenever a session of the account is ended or changed, in whichever process. Use extends a
session: the time of the last use is kept in memory and written only now and then.

A transaction that changes an account and its sessions begins with the account, so that two never wait for each other.
"""

import hmac
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from postroom.auth.credentials import hash_session_token, new_session_token, not_authenticated
from postroom.config.auth import AuthConfig
from postroom.domain.uploads import remove_files
from postroom.model.account import BASIC, COOKIE, FULL, Account, Caller, Session
from postroom.model.ids import AccountId, SessionId
from postroom.model.listing import Sort, SortField
from postroom.store import Store
from postroom.store.sql.temporary_attachments import RemovedFile
from postroom.store.tx import DirectoryTransaction

MAX_REMEMBERED = 50_000
_MILLISECONDS = 1000
_CLEARED_AT_ONCE = 20
"""Sessions of anybody that are over: a login clears some, the rest is cleared by and by."""


class Making(NamedTuple):
    """How a session is made (see :class:`~postroom.model.account.Session`)."""

    login: str = BASIC
    stage: str = FULL
    is_remembered: bool = False
    cookie_hash: bytes = b""


_PLAIN = Making()


class LiveSession:
    """A session as this process remembers it. Times are Unix milliseconds."""

    __slots__ = ("last_used_at", "session", "session_version", "sorts", "written_at")

    def __init__(self, session: Session, session_version: int) -> None:
        self.session = session
        self.session_version = session_version
        self.last_used_at = session.last_used_at
        self.written_at = session.last_used_at
        self.sorts: dict[str, list[str]] = json.loads(session.sorts)


class Sessions:
    """The sessions of all accounts."""

    def __init__(self, store: Store, config: AuthConfig, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._idle = config.session_idle_seconds * _MILLISECONDS
        self._absolute = config.session_absolute_seconds * _MILLISECONDS
        self._remembered = max(self._absolute, config.session_remembered_seconds * _MILLISECONDS)
        # Written often enough that another process never takes a session in use for an idle one.
        self._write_every = min(60 * _MILLISECONDS, self._idle // 4)
        self._live: OrderedDict[bytes, LiveSession] = OrderedDict()
        self._by_id: dict[SessionId, LiveSession] = {}

    def now(self) -> float:
        """Return the time that sessions go by (Unix seconds)."""
        return self._now()

    def _milliseconds(self) -> int:
        return int(self._now() * _MILLISECONDS)

    async def create(
        self,
        account: Account,
        *,
        keep: int,
        making: Making = _PLAIN,
        also: Callable[[DirectoryTransaction], Awaitable[object]] | None = None,
    ) -> str:
        """Make a session and return its token; beyond ``keep`` sessions of the account the longest idle ones end.

        ``also`` is done in the same transaction. Raises: notAuthenticated if the account's logins have changed
        meanwhile; unavailable.
        """
        token = new_session_token()
        now = self._milliseconds()
        async with self._store.directory_transaction() as tx:
            count = await tx.directory.count_login(account.account_id, account.auth_version)
            if count is None:
                raise not_authenticated()
            session = Session(
                session_id=SessionId(secrets.randbits(62)),
                account_id=account.account_id,
                created_at=now,
                last_used_at=now,
                expires_at=now + (self._remembered if making.is_remembered else self._absolute),
                is_first=int(count == 1),
                sorts="{}",
                login=making.login,
                stage=making.stage,
                is_remembered=int(making.is_remembered),
                cookie_hash=making.cookie_hash,
            )
            await tx.sessions.delete_expired(now, limit=_CLEARED_AT_ONCE)
            # Room is made first: of several sessions of this very instant, the new one is sure to stay.
            files: list[RemovedFile] = []
            if displaced := await tx.sessions.delete_beyond(account.account_id, keep=keep - 1):
                await tx.directory.raise_versions(account.account_id, auth=0, sessions=1)
                for one in displaced:
                    files += await tx.temporary_attachments.delete_of_session(account.account_id, one)
                    await tx.search_folders.delete_of_session(account.account_id, one)
            await tx.sessions.create(hash_session_token(token.encode()), session)
            if also is not None:
                await also(tx)
        await remove_files(self._store, files)
        return token

    def find_now(self, token: bytes, account_id: AccountId, session_version: int) -> bool | None:
        """Return True if a remembered session is valid and needs no write, None if only :meth:`get` can tell."""
        live = self._live.get(hash_session_token(token))
        if live is None or live.session_version != session_version or live.session.account_id != account_id:
            return None
        now = self._milliseconds()
        if live.session.stage != FULL or live.session.cookie_hash:
            return None
        if self._is_over(live, now) or now - live.written_at > self._write_every:
            return None
        live.last_used_at = now
        return True

    async def find_owner(self, token: bytes) -> AccountId | None:
        """Return whose session a token is of, be it over or not; None if there is none. Raises: unavailable."""
        token_hash = hash_session_token(token)
        live = self._live.get(token_hash)
        if live is not None:
            return live.session.account_id
        async with self._store.directory() as directory:
            session = await directory.sessions.find(token_hash)
        return None if session is None else session.account_id

    async def get(
        self,
        token: bytes,
        account_id: AccountId,
        session_version: int,
        *,
        cookies: Sequence[bytes] | None = None,
    ) -> Session:
        """Return the session of a token and note its use.

        ``cookies`` are those that a call carries in the place of an Authorization header: one of them must be the
        session's. Without them the session must be one of a header login.

        Raises: notAuthenticated if there is none, it is over, or it is another account's; unavailable.
        """
        token_hash = hash_session_token(token)
        live = self._live.get(token_hash)
        now = self._milliseconds()
        if live is None or live.session_version != session_version or self._is_over(live, now):
            live = await self._load(token_hash, session_version)
        if live is None or live.session.account_id != account_id:
            raise not_authenticated()
        if not _belongs(live.session, cookies):
            raise not_authenticated()
        if self._is_over(live, now):
            await self.end(account_id, live.session.session_id)
            raise not_authenticated()
        live.last_used_at = now
        if now - live.written_at > self._write_every:
            live.written_at = now
            async with self._store.directory_transaction() as tx:
                await tx.sessions.touch(live.session.session_id, used_at=now)
        return live.session

    async def _load(self, token_hash: bytes, session_version: int) -> LiveSession | None:
        async with self._store.directory() as directory:
            session = await directory.sessions.find(token_hash)
        known = self._live.get(token_hash)
        self._forget(token_hash)
        if session is None:
            return None
        live = LiveSession(session, session_version)
        if known is not None:
            # The uses that are not written yet count too.
            live.last_used_at = max(live.last_used_at, known.last_used_at)
        self._live[token_hash] = live
        self._by_id[session.session_id] = live
        while len(self._live) > MAX_REMEMBERED:
            self._forget(next(iter(self._live)))
        return live

    async def is_live(self, session_id: SessionId) -> bool:
        """Tell whether a session goes on; that is no use of it. Raises: unavailable."""
        async with self._store.directory() as directory:
            session = await directory.sessions.find_by_id(session_id)
        if session is None:
            return False
        live = LiveSession(session, 0)
        known = self._by_id.get(session_id)
        if known is not None:
            # The uses that are not written yet count too.
            live.last_used_at = max(live.last_used_at, known.last_used_at)
        return not self._is_over(live, self._milliseconds())

    def _forget(self, token_hash: bytes) -> None:
        live = self._live.pop(token_hash, None)
        if live is not None:
            self._by_id.pop(live.session.session_id, None)

    def _is_over(self, live: LiveSession, now: int) -> bool:
        if now >= live.session.expires_at:
            return True
        return not live.session.is_remembered and now - live.last_used_at >= self._idle

    async def end(
        self,
        account_id: AccountId,
        session_id: SessionId,
        *,
        also: Callable[[DirectoryTransaction], Awaitable[object]] | None = None,
    ) -> None:
        """End a session, for every process; ``also`` is done in the same transaction. Raises: unavailable."""
        async with self._store.directory_transaction() as tx:
            await tx.directory.raise_versions(account_id, auth=0, sessions=1)
            await tx.sessions.delete(session_id)
            files = await tx.temporary_attachments.delete_of_session(account_id, session_id)
            await tx.search_folders.delete_of_session(account_id, session_id)
            if also is not None:
                await also(tx)
        await remove_files(self._store, files)

    async def sort_for(
        self, caller: Caller, kind: str, *, field: SortField | None, descending: bool | None
    ) -> Sort:
        """Return the sort of a list: what is given, else what this session gave last for that kind, else the default.

        A session remembers what is given. Raises: unavailable.
        """
        default = Sort()
        given = (None if field is None else field.value, descending)
        last = (default.field.value, default.descending)
        name, is_descending = await self.order_for(caller, kind, given=given, default=last)
        return Sort(SortField(name), is_descending)

    async def order_for(
        self, caller: Caller, kind: str, *, given: tuple[str | None, bool | None], default: tuple[str, bool]
    ) -> tuple[str, bool]:
        """Do the same for a list that has fields of its own: field and direction, the latter True if descending.

        Raises: unavailable.
        """
        live = self._by_id.get(caller.session_id) if caller.session_id is not None else None
        known = live.sorts.get(kind) if live is not None else None
        last = (known[0], known[1] == "DESC") if known else default
        order = (last[0] if given[0] is None else given[0], last[1] if given[1] is None else given[1])
        if live is not None and order != last:
            sorts = {**live.sorts, kind: [order[0], "DESC" if order[1] else "ASC"]}
            async with self._store.directory_transaction() as tx:
                await tx.directory.raise_versions(caller.account_id, auth=0, sessions=1)
                await tx.sessions.set_sorts(live.session.session_id, json.dumps(sorts))
            live.sorts = sorts
        return order


def _belongs(session: Session, cookies: Sequence[bytes] | None) -> bool:
    """Tell whether a session may be named by a call that carries these cookies, or that is no cookie call."""
    if cookies is None:
        return session.login != COOKIE
    return session.login == COOKIE and any(
        hmac.compare_digest(hash_session_token(one), session.cookie_hash) for one in cookies
    )


class Ended(NamedTuple):
    """Sessions that were ended: how many, and the files to be removed once that is durable."""

    sessions: int
    files: list[RemovedFile]


async def end_others(tx: DirectoryTransaction, account_id: AccountId, *, keep: SessionId | None) -> Ended:
    """End all sessions of an account but one.

    The account's ``session_version`` is to be raised in the same transaction.
    """
    files: list[RemovedFile] = []
    ended = await tx.sessions.delete_others(account_id, keep)
    for one in ended:
        files += await tx.temporary_attachments.delete_of_session(account_id, one)
        await tx.search_folders.delete_of_session(account_id, one)
    return Ended(len(ended), files)
