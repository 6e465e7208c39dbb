"""Records of domains, accounts and sessions, and the caller every domain function takes."""

import math
from typing import NamedTuple

from postroom.model.ids import AccountId, SessionId

ACTIVE, DISABLED = "active", "disabled"
BASIC, BEARER, COOKIE = "basic", "bearer", "cookie"
"""How a session was made, or a call authenticated."""
FULL, SECOND, SETUP = "full", "second", "setup"
"""Stages of a session: it may do everything; it waits for its second step; its second step must first be set up."""
ALL, READ, COUNTERS, BADGE = "all", "read", "counters", "badge"
"""What credentials may do: everything; read; log in and read the counters; read the counters."""
_SCOPES = (BADGE, COUNTERS, READ, ALL)


def permits(scope: str, needed: str) -> bool:
    """Tell whether credentials of a scope may do what needs another one: each permits those before it, too."""
    return scope == needed or _SCOPES.index(scope) >= _SCOPES.index(needed)


class Account(NamedTuple):
    """An account of the directory. ``auth_version`` rises whenever a remembered login must be checked anew."""

    account_id: AccountId
    address: str
    """Canonical main address, lower-case ``user@domain``."""
    full_name: str
    class_name: str
    language: str
    state: str
    password_hash: str
    must_change_password: int
    auth_version: int
    session_version: int
    """Rises whenever a session of the account is ended, so that remembered sessions are looked up anew."""
    created_at: int
    """Unix milliseconds."""
    login_count: int
    """Sessions ever made by a login."""


class PastPassword(NamedTuple):
    """A password that an account has or had."""

    set_at: int
    """Unix milliseconds."""
    is_own: int
    """The owner of the account has set it, not the operator."""
    password_hash: str


class Domain(NamedTuple):
    """A mail domain; ``alias_of`` is the domain it stands for, "" if it stands for itself."""

    name: str
    alias_of: str
    created_at: int


class Session(NamedTuple):
    """A session. Its token, and the cookie of a cookie login, are known to the client alone; the store has hashes."""

    session_id: SessionId
    account_id: AccountId
    created_at: int
    last_used_at: int
    expires_at: int
    is_first: int
    sorts: str
    """JSON object: kind of list → [field, direction] last asked for."""
    login: str = BASIC
    stage: str = FULL
    is_remembered: int = 0
    """It lasts longer, and does not end for want of use."""
    cookie_hash: bytes = b""
    """Of the cookie that calls must carry besides the token; empty where there is none."""
    has_passed: int = 0
    """A second step was taken in it: a password that is good for the first step alone goes on to be good here."""


class Caller(NamedTuple):
    """Who calls: an authenticated account, with its session if one was named. Domain functions take it."""

    account_id: AccountId
    address: str
    full_name: str
    class_name: str
    session_id: SessionId | None
    is_first_session: bool
    auth_version: int
    session_version: int
    must_change_at: float = math.inf
    """From when on the account can do nothing before its password is changed (Unix seconds)."""
    scope: str = ALL
    """What the credentials of the call may do."""
    ends_at: float = math.inf
    """When the credentials end by themselves (Unix seconds)."""
    stage: str = FULL
    """Of the session; a call without one has no more to wait for."""
    login: str = BASIC
