"""The Authorization header (RFC 9110 §11.6.2), Basic (RFC 7617) in UTF-8, Bearer (RFC 6750), and session tokens."""

import base64
import binascii
import hashlib
import re
import secrets
from typing import NamedTuple

from postroom.errors import Kind, PostroomError

MAX_AUTHORIZATION_BYTES = 8192
_TOKEN_BYTES = 24
_BEARER = re.compile(rb"[A-Za-z0-9._~+/-]+=*")


class BasicCredentials(NamedTuple):
    """A name and a password, as given."""

    name: str
    password: str


class BearerToken(NamedTuple):
    """A token that says all by itself (RFC 6750)."""

    token: str


def not_authenticated() -> PostroomError:
    """Return the one answer to every failed authentication: nothing can be learned from it."""
    return PostroomError(
        Kind.UNAUTHENTICATED, "notAuthenticated", "the credentials or the session are missing or not valid"
    )


def parse_basic(authorization: bytes) -> BasicCredentials:
    """Return the name and password of an Authorization header.

    Raises: notAuthenticated for any other scheme and for what is not valid.
    """
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic" or len(authorization) > MAX_AUTHORIZATION_BYTES:
        raise not_authenticated()
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise not_authenticated() from error
    name, colon, password = decoded.partition(":")
    if not colon or not name or "\x00" in decoded:
        raise not_authenticated()
    return BasicCredentials(name, password)


def parse_authorization(authorization: bytes) -> BasicCredentials | BearerToken:
    """Return what an Authorization header says. Raises: notAuthenticated for what is not valid."""
    scheme, _, rest = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        return parse_basic(authorization)
    token = rest.strip()
    if len(authorization) > MAX_AUTHORIZATION_BYTES or _BEARER.fullmatch(token) is None:
        raise not_authenticated()
    return BearerToken(token.decode("ascii"))


def new_session_token() -> str:
    """Return a new session id for the client: 192 random bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_cookie_token() -> str:
    """Return what a cookie holds: 192 random bits, which have nothing to do with the session id."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def hash_session_token(token: bytes) -> bytes:
    """Return what the store keeps of a session id or a cookie; a plain hash is enough for a random token."""
    return hashlib.sha256(token).digest()
