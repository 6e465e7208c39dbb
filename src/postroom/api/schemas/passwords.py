"""Shapes of setting and changing a password."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from postroom.auth.passwords import MAX_PASSWORD_BYTES

NewPassword = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_PASSWORD_BYTES,
        description="As `restrictions.passwordPolicy` of the account's information says.",
        examples=["correct horse battery staple"],
    ),
]


class PasswordToSet(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A new password."""

    new_password: NewPassword


class PasswordToReset(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A new password, by who knows the present one."""

    old_password: Annotated[str, Meta(max_length=MAX_PASSWORD_BYTES, examples=["correct horse"])]
    new_password: NewPassword
    logout_other_sessions: Annotated[
        Any, Meta(description="Of no account: other sessions end in any case.", examples=[True])
    ] = None
