"""Sections ``[classes.NAME]``: the limits and policies of a class of accounts.

The names are those of ``GET /api/v1/account/info`` in snake_case. Every class inherits what it does not say
from ``[classes.default]``, key by key, in nested tables too.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from postroom.config.options import about, option
from postroom.config.settings import DefaultSettings
from postroom.model.settings import Language

DEFAULT_CLASS = "default"
"""The class of accounts that are given no other, and of those whose class is no longer configured."""
LANGUAGES: tuple[str, ...] = get_args(Language)
"""Languages that an account may have."""

_CHARACTERS_OF = {"letters": 1, "lettersAndNumbers": 2, "lettersAndNumbersAndSpecial": 3}
"""How many characters a password has at least that contains what ``must_include`` says."""
_METHODS = ("email", "sms", "authApp")
_RECOVERY = ("email", "sms")


def _check_date(text: str) -> None:
    if text:
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            raise ValueError('must be a date such as 2030-12-31, or ""') from None
        if text < "1970-01-02" or len(text) != len("2030-12-31"):
            raise ValueError('must be a date such as 2030-12-31, from 1970 on, or ""')


@dataclass(frozen=True)
class Autopurge:
    """What is removed by itself."""

    spam: bool = option(False, "Mails are removed from Spam and the folders below.")
    trash: bool = option(False, "Mails are removed from Trash, and folders that were deleted with them.")
    interval: int = option(
        30, "Time in the folder after which they are removed.", unit="days", minimum=1, maximum=3650
    )


@dataclass(frozen=True)
class ContentPolicy:
    """What a password must be made of."""

    enabled: bool = option(False, "New passwords are checked.")
    min_length: int = option(8, "Shortest password.", unit="characters", minimum=1, maximum=1024)
    max_length: int = option(256, "Longest password.", unit="characters", minimum=1, maximum=1024)
    must_include: str = option(
        "letters",
        "What a password must contain.",
        choices=tuple(_CHARACTERS_OF),
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.min_length > self.max_length:
            yield "min_length", "must not be more than max_length"
        if self.max_length < _CHARACTERS_OF[self.must_include]:
            yield "max_length", f"must leave room for what must_include asks for, {self.must_include}"


@dataclass(frozen=True)
class History:
    """Which old passwords may not come back."""

    enabled: bool = option(False, "A new password must differ from the last ones.")
    size: int = option(5, "Passwords remembered, the present one among them.", minimum=1, maximum=100)


@dataclass(frozen=True)
class RenewalInterval:
    """How often a password must be renewed."""

    enabled: bool = option(False, "Passwords must be renewed.")
    interval: int = option(
        90, "Age at which a password must be renewed.", unit="days", minimum=1, maximum=36_500
    )


@dataclass(frozen=True)
class Expiration:
    """A day on which the passwords of the class expire."""

    enabled: bool = option(
        False,
        "Passwords that were set before the date must be changed from then on, but for those that their owners have "
        "changed while they were warned.",
    )
    date: str = option("", 'The day, such as 2030-12-31, in UTC; "" for none.', check=_check_date)
    warning_interval: int = option(
        7, "Users are warned for this time before.", unit="days", minimum=0, maximum=36_500
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.enabled and not self.date:
            yield "date", "must be given where the expiration is enabled"


@dataclass(frozen=True)
class PasswordPolicy:
    """Rules for passwords."""

    must_change_password: bool = option(
        False, "New accounts must change their password at first; until then they can do nothing else."
    )
    content_policy: ContentPolicy = field(
        default_factory=ContentPolicy, metadata=about("What a password must be made of.")
    )
    history: History = field(
        default_factory=History, metadata=about("Which old passwords may not come back.")
    )
    allow_change_by_user: bool = option(
        True,
        "Users may change their own password; where the operator demands it of an account, they always may.",
    )
    renewal_interval: RenewalInterval = field(
        default_factory=RenewalInterval, metadata=about("How often a password must be renewed.")
    )
    expiration: Expiration = field(
        default_factory=Expiration, metadata=about("A day on which the passwords of the class expire.")
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if not self.allow_change_by_user:
            demands = {
                "must_change_password": self.must_change_password,
                "renewal_interval.enabled": self.renewal_interval.enabled,
                "expiration.enabled": self.expiration.enabled,
            }
            for name in (name for name, is_on in demands.items() if is_on):
                yield (
                    name,
                    "must not be on where allow_change_by_user is false: nobody could do what it demands",
                )
        is_renewed = self.renewal_interval.enabled and self.expiration.enabled
        if is_renewed and self.expiration.warning_interval > self.renewal_interval.interval:
            yield "expiration.warning_interval", "must not be longer than renewal_interval.interval"


@dataclass(frozen=True)
class TemporaryAliases:
    """Addresses that users make for a while."""

    enabled: bool = option(True, "Users may make temporary aliases.")
    max_number_of_aliases: int = option(10, "Temporary aliases of one account.", minimum=0)
    days: int = option(30, "Life of a temporary alias.", unit="days", minimum=1, maximum=3650)


@dataclass(frozen=True)
class UpdatePolicy:
    """By when users must have set up their security methods."""

    date: str = option("", 'The day, such as 2030-12-31; "" for none.', check=_check_date)
    warning_interval: int = option(7, "Users are warned for this time before.", unit="days", minimum=0)


@dataclass(frozen=True)
class SecurityMethods:
    """Ways to reach a user besides the mailbox."""

    is_mandatory: bool = option(
        False, "Programs are told that users must set up a security method; the server refuses nothing."
    )
    alternate_email_address: bool = option(True, "An alternate address may be set up.")
    phone_number: bool = option(False, "A phone number may be set up.")
    update_policy: UpdatePolicy = field(
        default_factory=UpdatePolicy, metadata=about("By when methods must be set up.")
    )


@dataclass(frozen=True)
class TwoFactorAuthPolicy:
    """2-step verification."""

    status: str = option(
        "enabled", "Whether users may, must or cannot use it.", choices=("disabled", "enabled", "mandatory")
    )
    methods: tuple[str, ...] = option(("authApp", "email"), "Second steps offered.", choices=_METHODS)


SECURITY_NOTICES = (
    "loginFromNewAddress",
    "manyFailedLogins",
    "passwordChanged",
    "methodAdded",
    "methodRemoved",
    "twoFactorEnabled",
    "twoFactorDisabled",
    "recoveryUsed",
    "appPasswordMade",
)
"""Kinds of security events that owners may be told of by mail."""


@dataclass(frozen=True)
class SecurityPolicy:
    """Security methods, 2-step verification and recovery."""

    security_methods: SecurityMethods = field(
        default_factory=SecurityMethods, metadata=about("Ways to reach a user besides the mailbox.")
    )
    two_factor_auth_policy: TwoFactorAuthPolicy = field(
        default_factory=TwoFactorAuthPolicy, metadata=about("2-step verification.")
    )
    username_recovery_methods: tuple[str, ...] = option(
        ("email",), "Ways to recover a forgotten account name.", choices=_RECOVERY
    )
    password_recovery_methods: tuple[str, ...] = option(
        ("email",), "Ways to recover a forgotten password.", choices=_RECOVERY
    )
    notices: tuple[str, ...] = option(
        SECURITY_NOTICES,
        "Security events that users are told of by a mail into the Inbox, unless the operator did it.",
        choices=SECURITY_NOTICES,
    )


@dataclass(frozen=True)
class Restrictions:
    """Policies that limit what a user does."""

    password_policy: PasswordPolicy = field(
        default_factory=PasswordPolicy, metadata=about("Rules for passwords.")
    )
    temporary_aliases: TemporaryAliases = field(
        default_factory=TemporaryAliases, metadata=about("Addresses that users make for a while.")
    )
    security_policy: SecurityPolicy = field(
        default_factory=SecurityPolicy, metadata=about("Security methods and recovery.")
    )


@dataclass(frozen=True)
class AccountClass:
    """Limits and policies of a class of accounts."""

    language: str = option("en", "Language of new accounts, and of their folder names.", choices=LANGUAGES)
    page_size: int = option(50, "Length of a page of a list that names none.", minimum=1, maximum=1000)
    messages: int = option(0, "Largest number of mails in an account; 0: no limit.", minimum=0)
    quota_kb: int = option(0, "Largest size of an account; 0: no limit.", unit="KB (1024 bytes)", minimum=0)
    over_quota_threshold: int = option(
        90,
        "Part of the quota from which programs should warn; who passes it gets a mail.",
        unit="percent",
        minimum=1,
        maximum=100,
    )
    sessions: int = option(
        100, "Sessions of one account at the same time; beyond it the oldest idle one ends.", minimum=1
    )
    temporary_attachments_kb: int = option(
        102_400,
        "Size of the files that a session has uploaded to attach them.",
        unit="KB (1024 bytes)",
        minimum=1,
    )
    max_recipients: int = option(100, "Recipients of one mail that is sent.", minimum=1)
    queued_mails: int = option(
        10_000,
        "Mails of one account that wait to be sent at the same time, scheduled ones included; 0: no limit.",
        minimum=0,
    )
    contacts: int = option(50_000, "Contacts of one account, in all its folders.", minimum=1, maximum=100_000)
    remembered_calls: int = option(
        200_000,
        "Calls with an Idempotency-Key of one account that are remembered; beyond it the oldest are forgotten before "
        "their seven days.",
        minimum=100,
    )
    allow_conversation_view: bool = option(True, "Programs may show mails as conversations.")
    settings: DefaultSettings = field(
        default_factory=DefaultSettings,
        metadata=about("Settings that accounts have until they set others."),
    )
    autopurge: Autopurge = field(default_factory=Autopurge, metadata=about("What is removed by itself."))
    restrictions: Restrictions = field(
        default_factory=Restrictions, metadata=about("Policies that limit what a user does.")
    )


def class_of(classes: Mapping[str, AccountClass], name: str) -> AccountClass:
    """Return the class called ``name``, the default class where it is no longer configured."""
    return classes.get(name) or classes[DEFAULT_CLASS]
