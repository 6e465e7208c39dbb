"""The account's own password."""

import msgspec
from litestar import post

from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.reply import Reply
from postroom.api.schemas.passwords import PasswordToReset, PasswordToSet

_set_decoder = msgspec.json.Decoder(PasswordToSet)
_reset_decoder = msgspec.json.Decoder(PasswordToReset)


@post(
    "/api/v1/account/password/set",
    **operation(
        "setPassword",
        "Set the password that must be changed",
        tag="account",
        returns=None,
        body=PasswordToSet,
        errors=("notPermitted",),
        despite_due_password=True,
        has_passwords=True,
    ),
)
async def set_password(request: Call) -> Reply:
    """Set a new password, while ``mustChangePassword`` is on; all other sessions end."""
    body = await request.parse_body(_set_decoder)
    await request.domain.passwords.set(request.caller, body.new_password, client=request.client_host)
    return Reply()


@post(
    "/api/v1/account/password/reset",
    **operation(
        "resetPassword",
        "Change the password",
        tag="account",
        returns=None,
        body=PasswordToReset,
        errors=("notPermitted", "tooManyRequests"),
        despite_due_password=True,
        has_passwords=True,
    ),
)
async def reset_password(request: Call) -> Reply:
    """Change the password, given the present one; all other sessions end.

    Wrong ones are limited like failed logins.
    """
    body = await request.parse_body(_reset_decoder)
    await request.domain.passwords.reset(
        request.caller, body.old_password, body.new_password, client=request.client_host
    )
    return Reply()


ROUTES = [set_password, reset_password]
