"""Logging in and out, and what the server says of itself."""

import msgspec
from litestar import get, post

import postroom
from postroom.api.call import Call
from postroom.api.cookies import clear_cookie
from postroom.api.operation import Access, operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.logins import Login, Versions
from postroom.api.settings import API_VERSION
from postroom.model.account import COUNTERS, SECOND, SETUP


@get(
    "/api",
    **operation("getVersions", "Tell the versions", tag="logins", returns=Versions, access=Access.PUBLIC),
)
async def get_versions(request: Call) -> Reply:
    """Answer which interface this is and which server; needs no authentication."""
    return json_reply(Versions(API_VERSION, postroom.__version__))


@post(
    "/api/v1/login",
    **operation(
        "login",
        "Make a session",
        tag="logins",
        returns=Login,
        access=Access.LOGIN,
        scope=COUNTERS,
        errors=("tooManyRequests",),
    ),
)
async def login(request: Call) -> Reply:
    """Check the credentials and make a session; later calls name it in ``X-Axigen-Session``."""
    sessid = await request.domain.logins.login(request.authorization, client=request.client_host)
    return Reply(msgspec.json.encode(Login(sessid)), headers=[(b"cache-control", b"no-store")])


@post(
    "/api/v1/logout",
    **operation(
        "logout",
        "End the session",
        tag="logins",
        returns=None,
        scope=COUNTERS,
        errors=("sessionRequired",),
        response_headers=("Set-Cookie",),
        despite_due_password=True,
        stages=(SECOND, SETUP),
        unremembered="the session that the call names is gone afterwards",
    ),
)
async def logout(request: Call) -> Reply:
    """End the session that the call names, and have the browser forget its cookie."""
    await request.domain.logins.logout(request.caller)
    return Reply(headers=[(b"set-cookie", clear_cookie(request.exchange.settings))])


ROUTES = [get_versions, login, logout]
