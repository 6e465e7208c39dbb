"""Shapes of an account's information: who it is, what it uses, and what its class allows."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from postroom.api import ids
from postroom.api.schemas.fields import FolderText, Number, Shape
from postroom.config import classes
from postroom.domain.accounts import AccountInfo
from postroom.domain.password_policy import seconds_of
from postroom.model.folder import ROOT

_KB = 1024
_DAY_SECONDS = 86_400

DateOrNone = Annotated[
    str,
    Meta(
        pattern="^([1-9][0-9]*)?$", description='Unix seconds in UTC, in decimal; "" if none.', examples=[""]
    ),
]
Methods = list[Literal["email", "sms"]]


class Autopurge(Shape, frozen=True):
    """What is removed by itself, after how many days."""

    spam: bool
    trash: bool
    interval: Number


class ContentPolicy(Shape, frozen=True):
    """What a password must be made of."""

    enabled: bool
    min_length: Number
    max_length: Number
    must_include: Literal["letters", "lettersAndNumbers", "lettersAndNumbersAndSpecial"]


class History(Shape, frozen=True):
    """How many old passwords may not come back."""

    enabled: bool
    size: Number


class RenewalInterval(Shape, frozen=True):
    """After how many days a password must be renewed."""

    enabled: bool
    interval: Number


class Expiration(Shape, frozen=True):
    """The day on which passwords expire; the interval is days."""

    enabled: bool
    date: DateOrNone
    warning_interval: Number
    in_warning_interval: bool


class PasswordPolicy(Shape, frozen=True):
    """Rules for passwords."""

    must_change_password: bool
    content_policy: ContentPolicy
    history: History
    allow_change_by_user: bool
    renewal_interval: RenewalInterval
    expiration: Expiration


class TemporaryAliases(Shape, frozen=True):
    """Addresses that users make for a while."""

    enabled: bool
    max_number_of_aliases: Number


class UpdatePolicy(Shape, frozen=True):
    """The day by which security methods must be set up; the interval is days."""

    date: DateOrNone
    warning_interval: Number
    in_warning_interval: bool


class SecurityMethods(Shape, frozen=True):
    """Ways to reach a user besides the mailbox."""

    is_mandatory: bool
    alternate_email_address: bool
    phone_number: bool
    update_policy: UpdatePolicy


class TwoFactorAuthPolicy(Shape, frozen=True):
    """2-step verification."""

    status: Literal["disabled", "enabled", "mandatory"]
    methods: list[Literal["email", "sms", "authApp"]]


class SecurityPolicy(Shape, frozen=True):
    """Security methods, 2-step verification and recovery."""

    security_methods: SecurityMethods
    two_factor_auth_policy: TwoFactorAuthPolicy
    username_recovery_methods: Methods
    password_recovery_methods: Methods


class Restrictions(Shape, frozen=True):
    """Policies that limit what a user does."""

    password_policy: PasswordPolicy
    temporary_aliases: TemporaryAliases
    security_policy: SecurityPolicy


class Info(Shape, frozen=True):
    """An account; quotas are KB of 1024 bytes, 0 where there is none."""

    account_name: str
    domain_name: str
    full_name: str
    folder_container_id: FolderText
    account_class: str
    total_message_count: Number
    used_message_count: Number
    remaining_message_count: Number
    total_quota: Number
    used_quota: Number
    remaining_quota: Number
    over_quota_threshold: Number
    is_first_api_login: bool
    allow_conversation_view: bool
    autopurge: Autopurge
    two_factor_auth_configured: bool
    restrictions: Restrictions


def render_info(info: AccountInfo, *, now_seconds: float) -> Info:
    """Return what an account is told of itself at this time (Unix seconds)."""
    account, limits = info.account, info.account_class
    name, _, domain = account.address.rpartition("@")
    used_kb = -(-info.size_bytes // _KB)
    return Info(
        name,
        domain,
        account.full_name,
        ids.render_folder(account.account_id, ROOT),
        account.class_name,
        limits.messages,
        info.total_items,
        max(0, limits.messages - info.total_items) if limits.messages else 0,
        limits.quota_kb,
        used_kb,
        max(0, limits.quota_kb - used_kb) if limits.quota_kb else 0,
        limits.over_quota_threshold,
        info.is_first_login,
        limits.allow_conversation_view,
        Autopurge(limits.autopurge.spam, limits.autopurge.trash, limits.autopurge.interval),
        info.has_two_factor,
        _render_restrictions(info, now_seconds),
    )


def _render_restrictions(info: AccountInfo, now: float) -> Restrictions:
    policies = info.account_class.restrictions
    aliases = policies.temporary_aliases
    return Restrictions(
        _render_passwords(policies.password_policy, info),
        TemporaryAliases(aliases.enabled, aliases.max_number_of_aliases),
        _render_security(policies.security_policy, now, has_method=info.has_method),
    )


def _render_passwords(policy: classes.PasswordPolicy, info: AccountInfo) -> PasswordPolicy:
    content, expiration = policy.content_policy, policy.expiration
    return PasswordPolicy(
        info.must_change_password,
        ContentPolicy(content.enabled, content.min_length, content.max_length, content.must_include),  # type: ignore[arg-type]
        History(policy.history.enabled, policy.history.size),
        policy.allow_change_by_user,
        RenewalInterval(policy.renewal_interval.enabled, policy.renewal_interval.interval),
        Expiration(
            expiration.enabled,
            _render_day(expiration.date),
            expiration.warning_interval,
            info.is_password_warned,
        ),
    )


def _render_security(policy: classes.SecurityPolicy, now: float, *, has_method: bool) -> SecurityPolicy:
    methods, two_factor = policy.security_methods, policy.two_factor_auth_policy
    update = methods.update_policy
    near = methods.is_mandatory and not has_method and _is_near(update.date, update.warning_interval, now)
    return SecurityPolicy(
        SecurityMethods(
            methods.is_mandatory,
            methods.alternate_email_address,
            methods.phone_number,
            UpdatePolicy(_render_day(update.date), update.warning_interval, near),
        ),
        TwoFactorAuthPolicy(two_factor.status, list(two_factor.methods)),  # type: ignore[arg-type]
        _methods(policy.username_recovery_methods),
        _methods(policy.password_recovery_methods),
    )


def _methods(names: Sequence[str]) -> Methods:
    """Return ``names``, whose choices the configuration has checked."""
    return list(names)  # type: ignore[arg-type]


def _render_day(day: str) -> str:
    return str(seconds_of(day)) if day else ""


def _is_near(day: str, warning_days: int, now_seconds: float) -> bool:
    """Tell whether ``day`` is ahead, and no further than the days of warning."""
    return bool(day) and 0 <= seconds_of(day) - now_seconds <= warning_days * _DAY_SECONDS
