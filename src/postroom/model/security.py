"""What happens to the security of an account, as its log tells it."""

from enum import StrEnum
from typing import NamedTuple, NewType, TypedDict

SecurityEventId = NewType("SecurityEventId", int)
"""Number of an event within its account, from 1 on, without gaps."""


class SecurityEventKind(StrEnum):
    """What happened."""

    LOGIN_FROM_NEW_ADDRESS = "loginFromNewAddress"
    MANY_FAILED_LOGINS = "manyFailedLogins"
    PASSWORD_CHANGED = "passwordChanged"  # noqa: S105 (no password)
    METHOD_ADDED = "methodAdded"
    METHOD_REMOVED = "methodRemoved"
    TWO_FACTOR_ENABLED = "twoFactorEnabled"
    TWO_FACTOR_DISABLED = "twoFactorDisabled"
    RECOVERY_CODES_MADE = "recoveryCodesMade"
    RECOVERY_USED = "recoveryUsed"
    APP_PASSWORD_MADE = "appPasswordMade"  # noqa: S105 (no password)
    APP_PASSWORD_REMOVED = "appPasswordRemoved"  # noqa: S105 (no password)
    BADGE_TOKEN_MADE = "badgeTokenMade"  # noqa: S105 (no token)
    BADGE_TOKEN_REMOVED = "badgeTokenRemoved"  # noqa: S105 (no token)
    ACCOUNT_DISABLED = "accountDisabled"
    ACCOUNT_ENABLED = "accountEnabled"
    SESSIONS_ENDED = "sessionsEnded"


class SecurityDetails(TypedDict, total=False):
    """More about an event; never a secret."""

    by: str
    """Who has done it, if not the owner in the ordinary way: ``operator``, ``recovery``."""
    what: str
    """What was recovered, or by what: ``username``, ``password``, ``recoveryCode``."""
    method: str
    """Kind of a security method."""
    target: str
    """Masked, as security methods tell it."""
    name: str
    """What the owner calls an app password or a badge token."""
    scope: str
    """What an app password may do."""
    reason: str
    """Why: the kind of event it came with."""
    count: int
    """How many."""


class SecurityEvent(NamedTuple):
    """An entry of the log."""

    event_id: SecurityEventId
    happened_at: int
    """Unix milliseconds."""
    kind: str
    client: str
    """The address it was done from, "" for none."""
    details: str
    """A JSON object: :class:`SecurityDetails`."""
