"""What an endpoint is, declared where its handler is: the source of admission and of the OpenAPI document.

:func:`operation` gives the keyword arguments for the framework's route decorators; the declaration travels in the
handler's ``opt``. The handler's docstring is the description that people read in the document.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from postroom.errors import Kind, PostroomError, not_permitted
from postroom.model.account import ALL, FULL, READ, SECOND, Caller, permits


class Access(Enum):
    """Who may call."""

    ACCOUNT = "account"
    """Authenticated accounts; the caller is resolved before the handler runs."""
    LOGIN = "login"
    """Credentials are sent, and the handler itself checks them."""
    TICKET = "ticket"
    """Authenticated accounts, and who has a ticket; the handler itself checks."""
    PUBLIC = "public"


@dataclass(frozen=True)
class Stream:
    """An answer that is not JSON: its media types, whether it is a download with HEAD and Range, or endless."""

    media_types: tuple[str, ...]
    description: str
    is_download: bool = True
    is_endless: bool = False


Returned = type[msgspec.Struct] | tuple[type[msgspec.Struct], ...] | type[list[Any]] | Stream | None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One endpoint.

    ``returns`` is a Struct (several where the answer depends on a parameter), a list of one, a
    :class:`Stream`, or None where the response is empty.
    """

    operation_id: str
    summary: str
    tag: str
    returns: Returned
    begins: type[msgspec.Struct] | None = None
    """What is answered, with 201, where the call begins a job that outlives it."""
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    takes_files: bool = False
    """The body is multipart/form-data with files in it; the handler itself has them read."""
    max_file_bytes: int = 0
    """The body is multipart/form-data with one file in it, no larger than this; the handler itself has it read."""
    file_types: tuple[str, ...] = ()
    """Where that file may be the whole body as well: its media types."""
    access: Access = Access.ACCOUNT
    has_etag: bool = False
    headers: tuple[str, ...] = ()
    """Request headers beyond those that follow from the rest of the declaration."""
    errors: tuple[str, ...] = ()
    """Codes beyond those that follow from the rest of the declaration."""
    despite_due_password: bool = False
    """May be called by accounts whose password must be changed before anything else."""
    has_passwords: bool = False
    """The body holds passwords: nothing that they can be guessed from is kept of it."""
    scope: str = ""
    """What the caller's credentials must permit (see :mod:`postroom.model.account`), by default reading where the
    method only reads, and everything where it writes."""
    stages: tuple[str, ...] = ()
    """Stages of a session in which it may be called besides the full one (see :mod:`postroom.model.account`)."""
    needs_security_token: bool = False
    """Needs ``X-Axigen-Security-Token``, unless the session is one that sets up 2-step verification."""
    response_headers: tuple[str, ...] = ()
    """Headers of its answers beyond those that follow from the rest of the declaration."""
    may_be_empty: str = ""
    """When the answer is an empty 204."""
    unremembered: str = ""
    """Why a call with an Idempotency-Key is made again, where it is; most are made once."""


def check_scope(declared: Operation, method: str, caller: Caller) -> None:
    """Raise ``notPermitted`` where the caller's credentials are not for this operation."""
    needed = declared.scope or (READ if method in {"GET", "HEAD"} else ALL)
    if not permits(caller.scope, needed):
        raise not_permitted("these credentials are not for this")


def check_stage(declared: Operation, caller: Caller) -> None:
    """Raise ``secondFactorRequired`` where the caller's session may not call an operation yet."""
    if caller.stage != FULL and caller.stage not in declared.stages:
        raise PostroomError(
            Kind.UNAUTHENTICATED,
            "secondFactorRequired",
            "the session waits for its second step"
            if caller.stage == SECOND
            else "2-step verification must be set up first",
        )


def operation(operation_id: str, summary: str, **facts: Any) -> dict[str, Any]:
    """Return the keyword arguments that make a route decorator declare this operation."""
    declared = Operation(operation_id=operation_id, summary=summary, **facts)
    return {"opt": {"operation": declared}, "name": operation_id, "include_in_schema": False}
