"""Tickets for event streams: found by the hash of their secret, and taken by the one who finds them."""

from typing import NamedTuple

from postroom.model.ids import AccountId, SessionId
from postroom.store.engine.base import Connection

_COLUMNS = "account_id, session_id, auth_version, expires_at, scope, stream_ends_at"
_CREATE = f"INSERT INTO event_ticket (ticket_hash, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
_TAKE = f"DELETE FROM event_ticket WHERE ticket_hash = $1 RETURNING {_COLUMNS}"
_DELETE_OLDEST = """
DELETE FROM event_ticket WHERE ticket_hash IN
    (SELECT ticket_hash FROM event_ticket WHERE account_id = $1 ORDER BY expires_at DESC LIMIT 1000 OFFSET $2)
"""
_DELETE_EXPIRED = """
DELETE FROM event_ticket WHERE ticket_hash IN
    (SELECT ticket_hash FROM event_ticket WHERE expires_at < $1 LIMIT $2)
RETURNING account_id
"""


class Ticket(NamedTuple):
    """What a ticket stands for; ``auth_version`` is the account's when it was made, times are Unix milliseconds."""

    account_id: AccountId
    session_id: SessionId | None
    auth_version: int
    expires_at: int
    scope: str
    """Of the credentials that it was made with."""
    stream_ends_at: int = 0
    """When these credentials end, 0 for never: so does the stream."""


class TicketRepo:
    """The tickets of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, ticket_hash: bytes, ticket: Ticket) -> None:
        """Store a ticket."""
        await self._connection.execute(_CREATE, ticket_hash, *ticket)

    async def take(self, ticket_hash: bytes) -> Ticket | None:
        """Remove a ticket and return it, expired or not; of several who try, one gets it."""
        row = await self._connection.fetch_row(_TAKE, ticket_hash)
        return None if row is None else Ticket(*row)

    async def delete_beyond(self, account_id: AccountId, *, keep: int) -> None:
        """Remove an account's oldest tickets, but for ``keep``."""
        await self._connection.execute(_DELETE_OLDEST, account_id, keep)

    async def delete_expired(self, before: int, *, limit: int) -> int:
        """Remove up to ``limit`` of the tickets that expired before a time; return how many."""
        return len(await self._connection.fetch_all(_DELETE_EXPIRED, before, limit))
