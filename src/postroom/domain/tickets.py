"""Tickets: what a browser's EventSource sends in place of the headers that it cannot send.

A ticket is made by a call that has authenticated, and stands for its account, its session and the scope of its
credentials. It opens one stream, soon: it is taken out of the store by the statement that finds it, so that no two
can use it. The store has its hash alone. What ends the logins of the account, or the session, ends its tickets; a
password that must be changed does, too.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from postroom.auth.credentials import hash_session_token, new_session_token, not_authenticated
from postroom.domain.logins import Logins
from postroom.domain.password_policy import change_first
from postroom.model.account import ACTIVE, Caller
from postroom.store import Store
from postroom.store.sql.tickets import Ticket

LIFETIME_SECONDS = 60
MAX_OPEN = 100
"""Tickets of an account that are not used yet; beyond it the oldest go."""


class Issued(NamedTuple):
    """A new ticket; ``expires_at`` in Unix seconds."""

    ticket: str
    expires_at: int


class Tickets:
    """The tickets of all accounts."""

    def __init__(self, store: Store, logins: Logins, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._logins = logins
        self._now = now

    async def issue(self, caller: Caller) -> Issued:
        """Return a new ticket for the caller. Raises: unavailable."""
        ticket = new_session_token()
        now = int(self._now() * 1000)
        expires_at = now // 1000 + LIFETIME_SECONDS
        row = Ticket(
            caller.account_id,
            caller.session_id,
            caller.auth_version,
            expires_at * 1000,
            caller.scope,
            0 if math.isinf(caller.ends_at) else int(caller.ends_at * 1000),
        )
        async with self._store.directory_transaction() as tx:
            await tx.tickets.delete_expired(now, limit=MAX_OPEN)
            await tx.tickets.delete_beyond(caller.account_id, keep=MAX_OPEN - 1)
            await tx.tickets.create(hash_session_token(ticket.encode()), row)
        return Issued(ticket, expires_at)

    async def redeem(self, ticket: str) -> Caller:
        """Use a ticket up and return the caller it was made for.

        Raises: notAuthenticated; notPermitted where the password must be changed; unavailable.
        """
        async with self._store.directory_transaction() as tx:
            found = await tx.tickets.take(hash_session_token(ticket.encode("utf-8", "surrogatepass")))
        if found is None or found.expires_at <= self._now() * 1000:
            raise not_authenticated()
        async with self._store.directory() as directory:
            account = await directory.directory.find(found.account_id)
        if account is None or account.state != ACTIVE or account.auth_version != found.auth_version:
            raise not_authenticated()
        if found.session_id is not None and not await self._logins.sessions.is_live(found.session_id):
            raise not_authenticated()
        must_change_at = await self._logins.find_due(account)
        if must_change_at <= self._now():
            raise change_first()
        return Caller(
            account_id=account.account_id,
            address=account.address,
            full_name=account.full_name,
            class_name=account.class_name,
            session_id=found.session_id,
            is_first_session=False,
            auth_version=account.auth_version,
            session_version=account.session_version,
            must_change_at=must_change_at,
            scope=found.scope,
            ends_at=found.stream_ends_at / 1000 if found.stream_ends_at else math.inf,
        )
