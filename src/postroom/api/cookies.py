"""The session cookie (RFC 6265), and the session id that a call with a cookie names in its query, as ``_h``.

The cookie is ``Secure`` and its name begins with ``__Host-``, so that browsers take it from this very host alone,
over HTTPS, and no neighbouring host can set one like it; but where the server speaks plain HTTP on loopback, browsers
would not take that. Of several cookies of that name each is tried: which one belongs to the session that the call
names is known, so that a foreign one does no harm.
"""

from urllib.parse import unquote

from postroom.api.settings import APISettings

MAX_COOKIES = 8
"""Cookies of our name that are tried."""
MAX_TOKEN_CHARACTERS = 128
PARAMETER = b"_h"
_SECURE_NAME, _PLAIN_NAME = "__Host-postroom", "postroom"


def _name(settings: APISettings) -> str:
    return _SECURE_NAME if settings.secure_cookies else _PLAIN_NAME


def find_cookies(header: str, settings: APISettings) -> list[str]:
    """Return the values of our cookies in a Cookie header; what cannot be one is left out."""
    found, name = [], _name(settings)
    for pair in header.split(";"):
        key, _, value = pair.partition("=")
        if key.strip() != name:
            continue
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1]
        if 0 < len(value) <= MAX_TOKEN_CHARACTERS:
            found.append(value)
            if len(found) == MAX_COOKIES:
                break
    return found


def find_sessid(query_string: bytes) -> str | None:
    """Return the session id in a query string; None if there is none, or more than one."""
    values = [
        value
        for key, _, value in (pair.partition(b"=") for pair in query_string.split(b"&"))
        if key == PARAMETER
    ]
    if len(values) != 1 or not 0 < len(values[0]) <= MAX_TOKEN_CHARACTERS * 3:
        return None
    return unquote(values[0].decode("ascii", "replace"), errors="replace")


def without_sessid(query_string: bytes) -> bytes:
    """Return a query string without the session id: what is asked for."""
    if PARAMETER + b"=" not in query_string:
        return query_string
    pairs = query_string.split(b"&")
    return b"&".join(pair for pair in pairs if pair.partition(b"=")[0] != PARAMETER)


def render_cookie(token: str, settings: APISettings, *, lifetime_seconds: int | None) -> bytes:
    """Return the Set-Cookie header of a session; without a lifetime it goes with the browser's window."""
    parts = [f"{_name(settings)}={token}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if settings.secure_cookies:
        parts.append("Secure")
    if lifetime_seconds is not None:
        parts.append(f"Max-Age={lifetime_seconds}")
    return "; ".join(parts).encode("ascii")


def clear_cookie(settings: APISettings) -> bytes:
    """Return the Set-Cookie header that removes the cookie."""
    return render_cookie("", settings, lifetime_seconds=0)
