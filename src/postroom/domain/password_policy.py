"""What the policy of a class asks of passwords: what they are made of, and when they must be changed.

A password must be changed where the operator says so of the account, when it is older than ``renewal_interval``, and
from the day of ``expiration`` on if it was set before it. An owner who changes the password while the warning of that
day is on has done what it asks for: the new one does not expire.

Whatever the policy, a password has a bounded size and no control characters (RFC 8265 §4.2).
"""

import datetime
import math
import unicodedata
from typing import Any

from postroom.auth.passwords import MAX_PASSWORD_BYTES, PasswordHasher, measure, prepare
from postroom.config.classes import Expiration, PasswordPolicy
from postroom.errors import Kind, PostroomError, bad_parameter, not_permitted
from postroom.model.account import Account, PastPassword

NEVER = math.inf
DAY_SECONDS = 86_400

_KINDS = {"letter": "L", "number": "N", "special character": "PSZ"}
"""Kinds of characters, and the beginnings of their Unicode categories."""
_NEEDS = {
    "letters": ("letter",),
    "lettersAndNumbers": ("letter", "number"),
    "lettersAndNumbersAndSpecial": ("letter", "number", "special character"),
}


# When a password must be changed


def find_due(policy: PasswordPolicy, account: Account, present: PastPassword | None) -> float:
    """Return from when on the present password of an account must be changed (Unix seconds), or :data:`NEVER`."""
    if account.must_change_password:
        return 0
    set_at = (account.created_at if present is None else present.set_at) / 1000
    due = NEVER
    if policy.renewal_interval.enabled:
        due = set_at + policy.renewal_interval.interval * DAY_SECONDS
    if _expires(policy.expiration, present, set_at):
        due = min(due, seconds_of(policy.expiration.date))
    return due


def is_warned(policy: PasswordPolicy, account: Account, present: PastPassword | None, *, now: float) -> bool:
    """Tell whether the present password of an account expires soon."""
    expiration = policy.expiration
    set_at = (account.created_at if present is None else present.set_at) / 1000
    if not _expires(expiration, present, set_at):
        return False
    return _begin_of_warning(expiration) <= now < seconds_of(expiration.date)


def may_be_due(policy: PasswordPolicy) -> bool:
    """Tell whether passwords of a class come of age."""
    return policy.renewal_interval.enabled or policy.expiration.enabled


def _expires(expiration: Expiration, present: PastPassword | None, set_at: float) -> bool:
    """Tell whether a password has an end on the day of the class."""
    if not (expiration.enabled and expiration.date) or set_at >= seconds_of(expiration.date):
        return False
    is_own = present is not None and present.is_own
    return not (is_own and set_at >= _begin_of_warning(expiration))


def _begin_of_warning(expiration: Expiration) -> int:
    return seconds_of(expiration.date) - expiration.warning_interval * DAY_SECONDS


def seconds_of(day: str) -> int:
    """Return when a day begins, in UTC (Unix seconds)."""
    return int(datetime.datetime.fromisoformat(day).replace(tzinfo=datetime.UTC).timestamp())


def change_first() -> PostroomError:
    """Return the error for what an account may not do before its password is changed."""
    error = not_permitted("the password must be changed first, with POST /api/v1/account/password/set")
    error.details["mustChangePassword"] = True
    return error


# What a password is made of


def check_form(password: str, *, parameter: str) -> None:
    """Refuse what can be nobody's password. Raises: badParameter."""
    if not password or measure(password) > MAX_PASSWORD_BYTES:
        raise bad_parameter(parameter, f"a password has from 1 to {MAX_PASSWORD_BYTES} bytes")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise bad_parameter(parameter, "a password has no control characters in it")


def check_content(policy: PasswordPolicy, password: str, *, parameter: str) -> None:
    """Refuse a password that is not made of what the policy says. Raises: badParameter, with the reason."""
    check_form(password, parameter=parameter)
    content = policy.content_policy
    if not content.enabled:
        return
    characters = prepare(password)
    if len(characters) < content.min_length:
        message = f"the password must have at least {content.min_length} characters"
        raise refuse(policy, "minLength", message, parameter=parameter)
    if len(characters) > content.max_length:
        message = f"the password must have at most {content.max_length} characters"
        raise refuse(policy, "maxLength", message, parameter=parameter)
    found = {unicodedata.category(character)[0] for character in characters}
    lacking = [kind for kind in _NEEDS[content.must_include] if found.isdisjoint(_KINDS[kind])]
    if lacking:
        message = f"the password must have at least one {' and one '.join(lacking)}"
        raise refuse(policy, "mustInclude", message, parameter=parameter)


async def check_history(
    hasher: PasswordHasher,
    policy: PasswordPolicy,
    present_hash: str,
    *,
    passwords: list[PastPassword],
    new: str,
    parameter: str,
) -> None:
    """Refuse a new password that is the present one, or one of those before it that the policy remembers.

    Raises: badParameter, with the reason.
    """
    if await hasher.verify(present_hash, new):
        raise refuse(policy, "history", "the password must differ from the present one", parameter=parameter)
    if not policy.history.enabled:
        return
    for past in passwords[: policy.history.size]:
        if past.password_hash != present_hash and await hasher.verify(past.password_hash, new):
            message = f"the password must differ from the last {policy.history.size}"
            raise refuse(policy, "history", message, parameter=parameter)


def refuse(policy: PasswordPolicy, reason: str, message: str, *, parameter: str) -> PostroomError:
    """Return the error for a new password that a policy forbids; ``reason`` is the name of what does."""
    details = {"parameter": parameter, "reason": reason, "passwordPolicy": describe(policy)}
    return PostroomError(Kind.INVALID, "badParameter", message, details=details)


def describe(policy: PasswordPolicy) -> dict[str, Any]:
    """Return what a program is told of a policy, so that it can tell its user."""
    content = policy.content_policy
    described: dict[str, Any] = {
        "minLength": content.min_length if content.enabled else 1,
        "maxLength": content.max_length if content.enabled else MAX_PASSWORD_BYTES,
        "mustInclude": content.must_include if content.enabled else "",
    }
    if policy.history.enabled:
        described["historySize"] = policy.history.size
    if policy.renewal_interval.enabled:
        described["renewalInterval"] = policy.renewal_interval.interval
    return described


def count_kept(policy: PasswordPolicy) -> int:
    """Return how many passwords of an account are remembered, the present one among them."""
    return policy.history.size if policy.history.enabled else 1
