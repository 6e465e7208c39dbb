"""The security log: what happened to the security of an account, written in the transaction of what happened.

An entry has a time, a kind, the address it was done from ("" where the server's operator did it) and details, among
which there is never a secret. The log of an account is bounded: the newest :data:`MOST_KEPT` entries, and none for
longer than the configuration says.

The owner is told of some kinds by a mail (:mod:`postroom.domain.security_notices`), but never of what the operator
did: who works on a thousand accounts tells people otherwise.
"""

import json
import time
from collections.abc import Mapping

from postroom.model.ids import AccountId
from postroom.model.security import SecurityDetails, SecurityEvent, SecurityEventId, SecurityEventKind
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
) -> None:
    """Write an entry into the log of an account.

    To be called after the account and its sessions were changed: all transactions take these turns in that order.

    Args:
        tx: the transaction of what happened.
        account_id: whose security it concerns.
        kind: what happened.
        client: the source address, "" for the operator.
        details: more about it, never a secret.
        now_ms: the present time in Unix milliseconds, if not that of the system.
    """
    now = int(time.time() * 1000) if now_ms is None else now_ms
    is_telling = bool(client) and kind in TELLING
    event = SecurityEvent(
        SecurityEventId(0), now, kind.value, client[:MAX_TEXT_CHARACTERS], _encode(details or {})
    )
    await tx.security_events.add(account_id, event, is_telling=is_telling, keep=MOST_KEPT)
    if is_telling:
        await tx.security_events.set_due(account_id, now)
        tx.after_commit(lambda: tx.follow_up(account_id))


def _encode(details: Mapping[str, object]) -> str:
    cut = {
        key: value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else value
        for key, value in details.items()
    }
    return json.dumps(cut, separators=(",", ":"))


TELLING = frozenset(
    {
        SecurityEventKind.LOGIN_FROM_NEW_ADDRESS,
        SecurityEventKind.MANY_FAILED_LOGINS,
        SecurityEventKind.PASSWORD_CHANGED,
        SecurityEventKind.METHOD_ADDED,
        SecurityEventKind.METHOD_REMOVED,
        SecurityEventKind.TWO_FACTOR_ENABLED,
        SecurityEventKind.TWO_FACTOR_DISABLED,
        SecurityEventKind.RECOVERY_CODES_MADE,
        SecurityEventKind.RECOVERY_USED,
        SecurityEventKind.APP_PASSWORD_MADE,
        SecurityEventKind.BADGE_TOKEN_MADE,
    }
)
"""The kinds of which the owner is told by mail."""
