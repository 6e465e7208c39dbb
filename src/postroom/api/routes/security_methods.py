"""Security tokens, and the methods by which a user is reached or proves to be there."""

import io

import msgspec
from litestar import delete, get, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.operation import Stream, operation
from postroom.api.query import Query
from postroom.api.reply import Headers, Reply
from postroom.api.schemas.security import (
    CodeToCheck,
    CreatedMethod,
    MethodList,
    MethodQuery,
    MethodToCreate,
    PasswordToCheck,
    SecurityToken,
    render_method,
)
from postroom.model.account import SECOND, SETUP
from postroom.model.factor import MethodRef

_PATH = "/api/v1/account/security/methods"
_METHOD_PATH = f"{_PATH}/{{method_id:str}}"
_NO_STORE: Headers = [(b"cache-control", b"no-store")]

_check_decoder = msgspec.json.Decoder(PasswordToCheck)
_method_query = Query(MethodQuery)
_create_decoder = msgspec.json.Decoder(MethodToCreate)
_code_decoder = msgspec.json.Decoder(CodeToCheck)


def _parse_ref(request: Call) -> MethodRef:
    return ids.parse_method(request.scope["path_params"]["method_id"], "methodId")


@post(
    "/api/v1/account/security/check",
    **operation(
        "checkPassword",
        "Get a security token",
        tag="security",
        returns=SecurityToken,
        body=PasswordToCheck,
        errors=("sessionRequired", "notPermitted", "tooManyRequests"),
        has_passwords=True,
        stages=(SETUP,),
        unremembered="the answer is a secret, and nothing is the worse for a second token",
    ),
)
async def check_password(request: Call) -> Reply:
    """Give the password once more, to change what concerns security for ten minutes in this session.

    Wrong ones are limited like failed logins.
    """
    body = await request.parse_body(_check_decoder)
    token = await request.domain.security_tokens.check(
        request.caller, body.password, client=request.client_host
    )
    return Reply(msgspec.json.encode(SecurityToken(token)), headers=_NO_STORE)


@get(
    _PATH,
    **operation(
        "listSecurityMethods",
        "List the security methods",
        tag="security",
        returns=MethodList,
        query=MethodQuery,
        stages=(SECOND, SETUP),
    ),
)
async def list_methods(request: Call) -> Reply:
    """List the methods that are set up, the oldest first; targets are masked."""
    caller, query = request.caller, request.parse_query(_method_query)
    found = await request.domain.security_methods.list(caller, query.scope)
    items = [render_method(caller.account_id, one) for one in found]
    return Reply(msgspec.json.encode(MethodList(items)), headers=_NO_STORE)


@post(
    _PATH,
    **operation(
        "createSecurityMethod",
        "Begin to set up a security method",
        tag="security",
        returns=CreatedMethod,
        body=MethodToCreate,
        errors=("sessionRequired", "notPermitted", "conflict"),
        needs_security_token=True,
        stages=(SETUP,),
    ),
)
async def create_method(request: Call) -> Reply:
    """Begin to set up a method, in this session: it is pending until it is activated with a code of it."""
    body = await request.parse_body(_create_decoder)
    caller = request.caller
    made = await request.domain.security_methods.create(caller, body.method, body.target)
    answer = CreatedMethod(ids.render_method(caller.account_id, made.method_id), made.otpauth_uri)
    return Reply(msgspec.json.encode(answer), headers=_NO_STORE)


@get(
    f"{_METHOD_PATH}/qr",
    **operation(
        "getSecurityMethodQR",
        "Show an app's secret as a QR code",
        tag="security",
        returns=Stream(("image/svg+xml",), "The otpauth URI, to be scanned.", is_download=False),
        errors=("conflict",),
        needs_security_token=True,
        stages=(SETUP,),
        scope="all",
    ),
)
async def get_qr(request: Call) -> Reply:
    """Show the secret of an app while it is being set up; afterwards it is shown to nobody."""
    uri = await request.domain.security_methods.find_uri(request.caller, _parse_ref(request))
    return Reply(_render_qr(uri), media_type=b"image/svg+xml", headers=_NO_STORE)


@post(
    f"{_METHOD_PATH}/sendtoken",
    **operation(
        "sendMethodToken",
        "Send a code",
        tag="security",
        returns=None,
        stages=(SECOND, SETUP),
    ),
)
async def send_token(request: Call) -> Reply:
    """Send a code by mail or text message; it is good for ten minutes, once. The one before it is void."""
    await request.domain.security_methods.send_code(request.caller, _parse_ref(request))
    return Reply()


@post(
    f"{_METHOD_PATH}/activate",
    **operation(
        "activateSecurityMethod",
        "Set a security method up",
        tag="security",
        returns=None,
        body=CodeToCheck,
        errors=("conflict",),
        needs_security_token=True,
        stages=(SETUP,),
    ),
)
async def activate_method(request: Call) -> Reply:
    """Show with a code that a pending method works; it is kept from then on."""
    body = await request.parse_body(_code_decoder)
    await request.domain.security_methods.activate(
        request.caller, _parse_ref(request), body.totp_token, client=request.client_host
    )
    return Reply()


@delete(
    _METHOD_PATH,
    status_code=200,
    **operation(
        "deleteSecurityMethod",
        "Remove a security method",
        tag="security",
        returns=None,
        errors=("conflict",),
        needs_security_token=True,
    ),
)
async def delete_method(request: Call) -> Reply:
    """Remove a method; all other sessions end. The last one that 2-step verification can use stays while it is on."""
    await request.domain.security_methods.delete(
        request.caller, _parse_ref(request), client=request.client_host
    )
    return Reply()


@delete(
    _PATH,
    status_code=200,
    **operation(
        "deleteSecurityMethods",
        "Remove all security methods",
        tag="security",
        returns=None,
        errors=("conflict",),
        needs_security_token=True,
    ),
)
async def delete_methods(request: Call) -> Reply:
    """Remove all methods; all other sessions end. Not while 2-step verification is on."""
    await request.domain.security_methods.delete_all(request.caller, client=request.client_host)
    return Reply()


def _render_qr(uri: str) -> bytes:

    import segno  # noqa: PLC0415 (few processes need it, and not at once)

    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff"
    )
    return out.getvalue()


ROUTES = [
    check_password,
    list_methods,
    create_method,
    get_qr,
    send_token,
    activate_method,
    delete_method,
    delete_methods,
]
