"""The security log: what happened to the security of an account, written in the transaction of what happened.

An entry has a time, a kind, the address it was done from ("" where there is none: by the server's operator, or over a
unix socket) and details, among which there is never a secret. The log of an account is bounded: the newest
:data:`MOST_KEPT` entries, and none for longer than the configuration says.

The owner is told of some kinds by a mail (:mod:`postroom.domain.security_notices`), but never of what the operator
did: who works on a thousand accounts tells people otherwise.
"""

import json
import time
from collections.abc import Mapping

from postroom.config.classes import SECURITY_NOTICES
from postroom.model.ids import AccountId
from postroom.model.security import SecurityDetails, SecurityEvent, SecurityEventId, SecurityEventKind
from postroom.store import Store
from postroom.store.sql.security_events import Span
from postroom.store.tx import DirectoryTransaction

MOST_KEPT = 1000
"""Entries of one account."""
MAX_TEXT_CHARACTERS = 256
"""Of each text among the details; the rest is cut off."""
OPERATOR = "operator"


async def note(
    tx: DirectoryTransaction,
    account_id: AccountId,
    kind: SecurityEventKind,
    *,
    client: str = "",
    details: SecurityDetails | None = None,
    now_ms: int | None = None,
    is_quiet: bool = False,
) -> None:
    """Write an entry into the log of an account.

    To be called after the account and its sessions were changed: all transactions take these turns in that order.

    Args:
        tx: the transaction of what happened.
        account_id: whose security it concerns.
        kind: what happened.
        client: the source address, "" for none.
        details: more about it, never a secret.
        now_ms: the present time in Unix milliseconds, if not that of the system.
        is_quiet: the owner is not told of it by mail.
    """
    now = int(time.time() * 1000) if now_ms is None else now_ms
    details = details or {}
    is_telling = kind in TELLING and not is_quiet and details.get("by") != OPERATOR
    event = SecurityEvent(SecurityEventId(0), now, kind.value, client[:MAX_TEXT_CHARACTERS], _encode(details))
    await tx.security_events.add(account_id, event, is_telling=is_telling, keep=MOST_KEPT)
    if is_telling:
        await tx.security_events.set_due(account_id, now)
        tx.after_commit(lambda: tx.follow_up(account_id))


async def note_sessions_ended(
    tx: DirectoryTransaction,
    account_id: AccountId,
    count: int,
    *,
    reason: SecurityEventKind,
    client: str = "",
    now_ms: int | None = None,
) -> None:
    """Write into the log of an account that sessions ended because of something else, if any did."""
    if count > 0:
        details = SecurityDetails(count=count, reason=reason.value)
        ended = SecurityEventKind.SESSIONS_ENDED
        await note(tx, account_id, ended, client=client, details=details, now_ms=now_ms)


def _encode(details: Mapping[str, object]) -> str:
    cut = {
        key: value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else value
        for key, value in details.items()
    }
    return json.dumps(cut, separators=(",", ":"))


TELLING = frozenset(SecurityEventKind(kind) for kind in SECURITY_NOTICES)
"""The kinds of which the owner is told by mail."""


class SecurityLogs:
    """The security logs, being read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find_span(self, account_id: AccountId) -> Span:
        """Return which entries an account's log has. Entries do not change. Raises: unavailable."""
        async with self._store.directory() as tables:
            newest = await tables.security_events.find_newest(account_id)
        async with self._store.directory() as tables:
            oldest = await tables.security_events.find_oldest(account_id)
        return Span(newest + 1 if oldest is None else oldest.event_id, newest)

    async def list(self, account_id: AccountId, span: Span, *, start: int, limit: int) -> list[SecurityEvent]:
        """Return a part of the entries of a span, the newest first. Raises: unavailable."""
        if start >= span.total:
            return []
        async with self._store.directory() as tables:
            return await tables.security_events.list_down(account_id, span.newest - start, limit=limit)

    async def forget_old(self, account_id: AccountId, *, before: int) -> None:
        """Forget the entries of before a time (Unix milliseconds). Raises: unavailable."""
        async with self._store.directory() as tables:
            oldest = await tables.security_events.find_oldest(account_id)
        # Most accounts have nothing to forget: they are not written to.
        if oldest is not None and oldest.happened_at < before:
            async with self._store.directory_transaction() as tx:
                await tx.security_events.forget(account_id, before)
