"""Shapes of logging in, and of what the server says of itself."""

from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.schemas.fields import Shape
from postroom.auth.passwords import MAX_PASSWORD_BYTES
from postroom.domain import cookie_logins

Name = Annotated[
    str,
    Meta(min_length=0, max_length=1000, description="The account's address.", examples=["ann@example.test"]),
]


class Versions(Shape, frozen=True):
    """What the server speaks and is."""

    api_version: str
    server_version: str


class Login(Shape, frozen=True):
    """A session, by its id."""

    sessid: str


class CookieLogin(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What a browser logs in with."""

    username: Name
    password: Annotated[str, Meta(max_length=MAX_PASSWORD_BYTES, examples=["correct horse"])]
    captcha_text: (
        Annotated[
            str, Meta(max_length=64, description="What is to be read in the image.", examples=["7HKMXW"])
        ]
        | None
    ) = None
    captcha_id: (
        Annotated[
            str, Meta(max_length=256, description="`X-Captcha-Id` of the image.", examples=["u3Jp4mWk"])
        ]
        | None
    ) = None
    remember_login: Annotated[bool, Meta(description="The cookie outlives the browser.")] = False


def parse_login(body: CookieLogin) -> cookie_logins.CookieLogin:
    """Return what a browser gives."""
    return cookie_logins.CookieLogin(
        username=body.username,
        password=body.password,
        captcha_id=body.captcha_id or "",
        captcha_text=body.captcha_text or "",
        is_remembered=body.remember_login,
    )


class CaptchaStatusQuery(Shape, frozen=True):
    """For whom."""

    username: Name


class CaptchaQuery(Shape, frozen=True):
    """For whom."""

    username: Name
    t: (
        Annotated[str, Meta(min_length=0, description="Of no account: it makes each address another one.")]
        | None
    ) = None


class CaptchaStatus(Shape, frozen=True):
    """Whether the next login needs a captcha."""

    is_required: bool
