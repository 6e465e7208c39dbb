"""Shapes of security tokens, methods, 2-step verification and recovery."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from postroom.api import ids
from postroom.api.schemas.accounts import DateOrNone
from postroom.api.schemas.fields import MethodText, Number, Shape
from postroom.api.schemas.passwords import NewPassword
from postroom.auth.passwords import MAX_PASSWORD_BYTES
from postroom.domain.security_methods import Shown
from postroom.model.factor import MethodKind
from postroom.model.ids import AccountId

Code = Annotated[
    str, Meta(max_length=64, description="Six digits; spaces are passed over.", examples=["123456"])
]
Target = Annotated[
    str,
    Meta(
        max_length=320,
        description="An address, or a phone number with its country.",
        examples=["ann@example.org"],
    ),
]
Masked = Annotated[
    str,
    Meta(
        description="A phone number's last 3 digits; of an address the first 3 characters and the last 5.",
        examples=["ann***@***e.org"],
    ),
]
Name = Annotated[
    str, Meta(max_length=320, description="An address of the account.", examples=["ann@example.test"])
]
RecoveryCode = Annotated[
    str, Meta(max_length=128, description="Good once.", examples=["a2bc-3def-4ghi-5jkl"])
]
Token = Annotated[str, Meta(max_length=256, description="As it was sent.", examples=["12345678"])]


class PasswordToCheck(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The password, once more."""

    password: Annotated[str, Meta(max_length=MAX_PASSWORD_BYTES, examples=["correct horse"])]


class SecurityToken(Shape, frozen=True):
    """For ``X-Axigen-Security-Token``, for ten minutes in this session."""

    security_token: Annotated[str, Meta(examples=["Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"])]


class MethodQuery(msgspec.Struct, rename="camel"):
    """Which methods are listed."""

    scope: Annotated[
        Literal["general", "2fa", "usernameRecovery", "passwordRecovery"],
        Meta(description="What they are to be good for; `general` for all."),
    ] = "general"


class SecurityMethod(Shape, frozen=True):
    """A way to reach the user, or an app that makes codes."""

    id: MethodText
    method: MethodKind
    target: Masked
    last_used_date: DateOrNone


class MethodList(Shape, frozen=True):
    """The methods of the account."""

    items: list[SecurityMethod]


class MethodToCreate(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A method to be set up; an app has no target."""

    method: MethodKind
    target: Target | None = None


class CreatedMethod(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A method that waits for a code; ``otpauthUri`` is there for an app."""

    id: MethodText
    otpauth_uri: Annotated[
        str,
        Meta(
            description="For typing in by hand.",
            examples=["otpauth://totp/example.test:ann%40example.test?secret=ABC&issuer=example.test"],
        ),
    ] = ""


class CodeToCheck(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A code of the method."""

    totp_token: Code


class SecondStep(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A code of one of the methods."""

    method_id: MethodText
    totp_token: Code


class LoginStep(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A code of one of the methods, or a recovery code."""

    method_id: MethodText | None = None
    totp_token: Code | None = None
    recovery_code: RecoveryCode | None = None


class RecoveryCodes(Shape, frozen=True):
    """Codes that each stand for a second step, once."""

    recovery_codes: list[RecoveryCode]


class NamesWanted(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Where the names of accounts are to be sent: one of the two."""

    email: Target | None = None
    phone_number: Target | None = None


class WaysQuery(msgspec.Struct, rename="camel"):
    """Whose password was forgotten."""

    username: Name


class Way(Shape, frozen=True):
    """A way to recover a password."""

    method: Literal["email", "sms"]
    target: Masked


class WayList(Shape, frozen=True):
    """The ways to recover a password; likely ones for a name that there is not."""

    items: list[Way]


class TokenWanted(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Whose password was forgotten, and where a token is to be sent: one of the two, in full."""

    username: Name
    email: Target | None = None
    phone_number: Target | None = None


class TokenToValidate(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A token that was sent."""

    username: Name
    recovery_token: Token


class Policy(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a new password must be made of; what is not enabled is left out."""

    min_length: Number
    max_length: Number
    must_include: Literal["letters", "lettersAndNumbers", "lettersAndNumbersAndSpecial", ""]
    history_size: Number | None = None
    renewal_interval: Annotated[Number | None, Meta(description="Days.")] = None


class ValidatedToken(Shape, frozen=True):
    """What a new password must be made of."""

    password_policy: Policy


class PasswordToRecover(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A token that was sent, and the new password. ``userName`` is another spelling of ``username``."""

    recovery_token: Token
    new_password: NewPassword
    username: Name | None = None
    user_name: Name | None = None


def render_method(owner: AccountId, shown: Shown) -> SecurityMethod:
    """Return what is told of a method."""
    used = str(shown.last_used_at // 1000) if shown.last_used_at else ""
    return SecurityMethod(ids.render_method(owner, shown.method_id), shown.kind, shown.target, used)
