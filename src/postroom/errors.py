"""The one error type of Postroom.

Whatever goes wrong in a way a caller can understand is raised as :class:`PostroomError`. It has two faces: what
is safe to show (``code``, ``message``, ``details``) and what only the log may see (``cause``, ``private``). The
domain knows no status codes: each protocol edge maps :class:`Kind` to its own numbers, in one table.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Kind(Enum):
    """What sort of failure it is; a closed set, mapped to HTTP statuses and SMTP enhanced codes at the edges."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class PostroomError(Exception):
    """A failure with a stable code and a message that is safe to show.

    ``details`` travels to the client beside the message; ``private`` (internal facts) only to the log.
    ``retry_after_seconds`` is set where trying again later can succeed.
    """

    def __init__(
        self,
        kind: Kind,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        private: str = "",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.kind = kind
        self.code = code
        self.message = message
        self.details: dict[str, Any] = dict(details or {})
        self.private = private
        self.retry_after_seconds = retry_after_seconds


def bad_parameter(parameter: str, message: str) -> PostroomError:
    """Return the error for an invalid, missing or unexpected ``parameter``."""
    return PostroomError(Kind.INVALID, "badParameter", message, details={"parameter": parameter})


def not_found(what: str) -> PostroomError:
    """Return the error for a thing that does not exist, or is not the caller's to know of."""
    return PostroomError(Kind.NOT_FOUND, "notFound", f"{what} does not exist")


def not_permitted(message: str) -> PostroomError:
    """Return the error for what permissions or policy forbid."""
    return PostroomError(Kind.DENIED, "notPermitted", message)


def unavailable(message: str, *, private: str = "", retry_after_seconds: int = 5) -> PostroomError:
    """Return the error for a store or peer that cannot be reached just now; nothing was half done."""
    return PostroomError(
        Kind.UNAVAILABLE, "unavailable", message, private=private, retry_after_seconds=retry_after_seconds
    )
