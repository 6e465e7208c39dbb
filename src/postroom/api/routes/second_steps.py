"""2-step verification: on and off, recovery codes, and the second step of a login."""

import msgspec
from litestar import delete, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.reply import Headers, Reply
from postroom.api.schemas.security import LoginStep, RecoveryCodes, SecondStep
from postroom.errors import bad_parameter
from postroom.model.account import SECOND, SETUP

_PATH = "/api/v1/account/security/2fa"
_NO_STORE: Headers = [(b"cache-control", b"no-store")]

_step_decoder = msgspec.json.Decoder(SecondStep)
_login_decoder = msgspec.json.Decoder(LoginStep)


def _reply_codes(codes: list[str]) -> Reply:
    return Reply(msgspec.json.encode(RecoveryCodes(codes)), headers=_NO_STORE)


@post(
    "/api/v1/login/2fa",
    **operation(
        "passSecondStep",
        "Pass the second step of a login",
        tag="logins",
        returns=None,
        body=LoginStep,
        errors=("sessionRequired", "secondFactorRequired", "notFound", "notPermitted", "conflict"),
        stages=(SECOND,),
        unremembered="a code is good once, and what is wrong must be counted each time",
    ),
)
async def pass_second_step(request: Call) -> Reply:
    """Give a code of a method, or a recovery code. With the fifth wrong one the session ends."""
    body, caller = await request.parse_body(_login_decoder), request.caller
    steps = request.domain.second_steps
    if body.recovery_code is not None:
        if body.method_id is not None or body.totp_token is not None:
            raise bad_parameter("recoveryCode", "recoveryCode comes alone")
        await steps.pass_by_recovery_code(caller, body.recovery_code, client=request.client_host)
        return Reply()
    if body.method_id is None:
        raise bad_parameter("methodId", "methodId is missing")
    if body.totp_token is None:
        raise bad_parameter("totpToken", "totpToken is missing")
    await steps.pass_by_method(caller, ids.parse_method(body.method_id, "methodId"), body.totp_token)
    return Reply()


@post(
    _PATH,
    **operation(
        "enableTwoFactor",
        "Switch 2-step verification on",
        tag="security",
        returns=RecoveryCodes,
        body=SecondStep,
        errors=("notFound", "conflict"),
        needs_security_token=True,
        stages=(SETUP,),
    ),
)
async def enable_two_factor(request: Call) -> Reply:
    """Switch it on with a code of a method. From then on HTTP Basic takes app passwords, and no longer the password.

    The recovery codes are shown this once. All other sessions end.
    """
    body = await request.parse_body(_step_decoder)
    ref = ids.parse_method(body.method_id, "methodId")
    return _reply_codes(
        await request.domain.second_steps.enable(
            request.caller, ref, body.totp_token, client=request.client_host
        )
    )


@delete(
    _PATH,
    status_code=200,
    **operation(
        "disableTwoFactor",
        "Switch 2-step verification off",
        tag="security",
        returns=None,
        body=SecondStep,
        errors=("notFound", "conflict"),
        needs_security_token=True,
    ),
)
async def disable_two_factor(request: Call) -> Reply:
    """Switch it off with a code of a method; the recovery codes are void."""
    body = await request.parse_body(_step_decoder)
    ref = ids.parse_method(body.method_id, "methodId")
    await request.domain.second_steps.disable(
        request.caller, ref, body.totp_token, client=request.client_host
    )
    return Reply()


@post(
    f"{_PATH}/recoverycodes",
    **operation(
        "makeRecoveryCodes",
        "Make new recovery codes",
        tag="security",
        returns=RecoveryCodes,
        errors=("conflict",),
        needs_security_token=True,
    ),
)
async def make_recovery_codes(request: Call) -> Reply:
    """Make new recovery codes, which are shown this once; the old ones are void."""
    codes = await request.domain.second_steps.make_codes(request.caller, client=request.client_host)
    return _reply_codes(codes)


ROUTES = [pass_second_step, enable_two_factor, disable_two_factor, make_recovery_codes]
