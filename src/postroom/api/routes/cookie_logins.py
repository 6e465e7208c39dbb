"""Logging in from a browser, and the captchas for it."""

from collections.abc import Mapping

import msgspec
from litestar import get, post

from postroom.api.call import Call
from postroom.api.cookies import render_cookie
from postroom.api.operation import Access, Stream, operation
from postroom.api.query import Query
from postroom.api.reply import Headers, Reply
from postroom.api.schemas.logins import (
    CaptchaQuery,
    CaptchaStatus,
    CaptchaStatusQuery,
    CookieLogin,
    Login,
    parse_login,
)
from postroom.errors import not_permitted
from postroom.model.account import SECOND, SETUP

_decoder = msgspec.json.Decoder(CookieLogin)
_query = Query(CaptchaQuery)
_status_query = Query(CaptchaStatusQuery)
_NO_STORE = (b"cache-control", b"no-store")
_SECOND_STEPS = {SECOND: b"required", SETUP: b"mandatory"}


def _is_of_another_site(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether a page of another site may have sent a call.

    Where a browser does not say so, what it sends for other sites without asking is known by its type: JSON is not.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None or b"origin" not in headers:
        return site == b"cross-site"
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json"


@post(
    "/api/v1/login/cookie",
    **operation(
        "loginWithCookie",
        "Make a session for a browser",
        tag="logins",
        returns=Login,
        body=CookieLogin,
        access=Access.PUBLIC,
        errors=("notAuthenticated", "notPermitted", "tooManyRequests"),
        response_headers=("Set-Cookie", "X-Axigen-2FA"),
    ),
)
async def login_with_cookie(request: Call) -> Reply:
    """Check name and password and make a session; later calls carry the cookie, and name the session as ``_h``.

    After some failed logins for a name a captcha is required.
    """
    # Other sites could have nothing from it, but they could have their visitors guess passwords, or log them in as
    # somebody else.
    if _is_of_another_site(request.exchange.headers):
        raise not_permitted("cookie logins are for pages of this site")
    given = parse_login(await request.parse_body(_decoder))
    made = await request.domain.cookie_logins.login(given, client=request.client_host)
    cookie = render_cookie(made.cookie, request.exchange.settings, lifetime_seconds=made.lifetime_seconds)
    headers: Headers = [_NO_STORE, (b"set-cookie", cookie)]
    if made.stage in _SECOND_STEPS:
        headers.append((b"x-axigen-2fa", _SECOND_STEPS[made.stage]))
    return Reply(msgspec.json.encode(Login(made.sessid)), headers=headers)


@get(
    ["/api/v1/captha/status", "/api/v1/captcha/status"],
    **operation(
        "getCaptchaStatus",
        "Tell whether a captcha is required",
        tag="logins",
        returns=CaptchaStatus,
        query=CaptchaStatusQuery,
        access=Access.PUBLIC,
    ),
)
async def get_captcha_status(request: Call) -> Reply:
    """Tell whether the next cookie login for a name needs a captcha; the name may be nobody's."""
    query = request.parse_query(_status_query)
    is_required = await request.domain.cookie_logins.is_captcha_required(query.username)
    return Reply(msgspec.json.encode(CaptchaStatus(is_required)), headers=[_NO_STORE])


@get(
    ["/api/v1/captha", "/api/v1/captcha"],
    **operation(
        "getCaptcha",
        "Make a captcha",
        tag="logins",
        returns=Stream(("image/png",), "An image with a text to be read.", is_download=False),
        query=CaptchaQuery,
        access=Access.PUBLIC,
        errors=("tooManyRequests",),
        response_headers=("X-Captcha-Id",),
        may_be_empty="No captcha is required.",
    ),
)
async def get_captcha(request: Call) -> Reply:
    """Make a captcha for a name; it is good for one login, right or wrong, within 5 minutes."""
    query = request.parse_query(_query)
    image = await request.domain.cookie_logins.make_captcha(query.username, client=request.client_host)
    if image is None:
        return Reply(status=204, headers=[_NO_STORE])
    headers = [_NO_STORE, (b"x-captcha-id", image.captcha_id.encode("ascii"))]
    return Reply(image.png, media_type=b"image/png", headers=headers)


ROUTES = [login_with_cookie, get_captcha_status, get_captcha]
