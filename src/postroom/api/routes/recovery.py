"""Forgotten names and passwords. Whoever asks learns nothing: what is known and what is not is answered alike."""

import msgspec
from litestar import get, post

from postroom.api.call import Call
from postroom.api.operation import Access, operation
from postroom.api.query import Query
from postroom.api.reply import Headers, Reply
from postroom.api.schemas.security import (
    NamesWanted,
    PasswordToRecover,
    Policy,
    TokenToValidate,
    TokenWanted,
    ValidatedToken,
    Way,
    WayList,
    WaysQuery,
)
from postroom.errors import bad_parameter
from postroom.model.factor import EMAIL, SMS

_PATH = "/api/v1/recover"
_NO_STORE: Headers = [(b"cache-control", b"no-store")]

_names_decoder = msgspec.json.Decoder(NamesWanted)
_ways_query = Query(WaysQuery)
_token_decoder = msgspec.json.Decoder(TokenWanted)
_validate_decoder = msgspec.json.Decoder(TokenToValidate)
_reset_decoder = msgspec.json.Decoder(PasswordToRecover)


def _one_of(email: str | None, phone_number: str | None) -> tuple[str, str]:
    """Return the kind and target of the one that is given. Raises: badParameter."""
    if email is not None and phone_number is not None:
        raise bad_parameter("phoneNumber", "email and phoneNumber do not go together")
    if email is not None:
        return EMAIL, email
    if phone_number is not None:
        return SMS, phone_number
    raise bad_parameter("email", "email or phoneNumber is missing")


@post(
    f"{_PATH}/username",
    **operation(
        "recoverUsername",
        "Send the names of accounts",
        tag="recovery",
        returns=None,
        body=NamesWanted,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
    ),
)
async def recover_username(request: Call) -> Reply:
    """Send the names of the accounts that have set up an address or phone number to it; answers alike if none has."""
    body = await request.parse_body(_names_decoder)
    kind, target = _one_of(body.email, body.phone_number)
    await request.domain.recovery.send_names(kind, target, client=request.client_host)
    return Reply()


@get(
    f"{_PATH}/password/methods",
    **operation(
        "listRecoveryMethods",
        "List the ways to recover a password",
        tag="recovery",
        returns=WayList,
        query=WaysQuery,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
    ),
)
async def list_recovery_methods(request: Call) -> Reply:
    """List where a token can be sent, masked; a name that there is not has a likely answer, always the same."""
    query = request.parse_query(_ways_query)
    found = await request.domain.recovery.list_ways(query.username, client=request.client_host)
    items = [Way(way.kind, way.target) for way in found]  # type: ignore[arg-type]
    return Reply(msgspec.json.encode(WayList(items)), headers=_NO_STORE)


@post(
    f"{_PATH}/password/sendtoken",
    **operation(
        "sendRecoveryToken",
        "Send a token to recover a password",
        tag="recovery",
        returns=None,
        body=TokenWanted,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
    ),
)
async def send_recovery_token(request: Call) -> Reply:
    """Send a token to an address or phone number of the account, named in full; answers alike if it is none."""
    body = await request.parse_body(_token_decoder)
    kind, target = _one_of(body.email, body.phone_number)
    await request.domain.recovery.send_token(body.username, kind, target, client=request.client_host)
    return Reply()


@post(
    f"{_PATH}/password/validatetoken",
    **operation(
        "validateRecoveryToken",
        "Check a token to recover a password",
        tag="recovery",
        returns=ValidatedToken,
        body=TokenToValidate,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
    ),
)
async def validate_token(request: Call) -> Reply:
    """Check a token, without using it up, and tell what the new password must be made of."""
    body = await request.parse_body(_validate_decoder)
    policy = await request.domain.recovery.validate(
        body.username, body.recovery_token, client=request.client_host
    )
    answer = ValidatedToken(msgspec.convert(policy, Policy))
    return Reply(msgspec.json.encode(answer), headers=_NO_STORE)


@post(
    f"{_PATH}/password/reset",
    **operation(
        "recoverPassword",
        "Set a new password with a token",
        tag="recovery",
        returns=None,
        body=PasswordToRecover,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
        has_passwords=True,
    ),
)
async def recover_password(request: Call) -> Reply:
    """Set a new password; all sessions and app passwords of the account end.

    A password that the policy forbids is refused with ``passwordPolicy`` in the details, and uses no token up.
    """
    body = await request.parse_body(_reset_decoder)
    if body.username is not None and body.user_name is not None:
        raise bad_parameter("userName", "username and userName are the same")
    name = body.username if body.username is not None else body.user_name
    if name is None:
        raise bad_parameter("username", "username is missing")
    await request.domain.recovery.reset(
        name, body.recovery_token, body.new_password, client=request.client_host
    )
    return Reply()


ROUTES = [
    recover_username,
    list_recovery_methods,
    send_recovery_token,
    validate_token,
    recover_password,
]
