"""The browsable page at /api/docs: a small page of our own that renders /api/openapi.json, and tries its calls.

It loads nothing from outside and runs no inline script; its Content-Security-Policy says so.
"""

from functools import cache
from importlib.resources import files

from postroom.api.reply import Headers

PAGE_HEADERS: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
]

ASSETS = {
    "docs.html": b"text/html; charset=utf-8",
    "docs.css": b"text/css; charset=utf-8",
    "docs.js": b"text/javascript; charset=utf-8",
    "try.js": b"text/javascript; charset=utf-8",
}
"""The files of the page, with their media types."""


@cache
def load_asset(name: str) -> bytes:
    """Return the content of one of :data:`ASSETS`."""
    return files(__name__).joinpath(name).read_bytes()
