"""Headers by which browsers are told to do no more with an answer than the API means them to.

Every answer has them, whoever made it; what an answer says itself of one of them stands: downloads and the page at
/api/docs have policies of their own. What says nothing of caches is kept by none: it may be a secret.

Sources: Content Security Policy Level 3, Fetch (Cross-Origin-Resource-Policy), RFC 6797 (HSTS, which counts for
HTTPS alone), RFC 9111 §5.2.2.5.
"""

from typing import Final

from postroom.api.reply import Headers

SAFETY: Final[Headers] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
"""For an answer that says nothing of them itself."""
SAFETY_UNCHANGED: Final[Headers] = SAFETY[:-1]
"""For a 304: a policy in it would replace that of the answer that the client has kept (RFC 9111 §3.2)."""
NO_STORE: Final = (b"cache-control", b"no-store")
SAFETY_LINES: Final = b"".join(b"%s: %s\r\n" % pair for pair in SAFETY)
"""The same, as they are sent."""


def make_transport_headers(hsts_seconds: int) -> Headers:
    """Return what is told besides to those who came by HTTPS."""
    return [(b"strict-transport-security", b"max-age=%d" % hsts_seconds)] if hsts_seconds else []


def complete(status: int, headers: Headers, more: Headers) -> Headers:
    """Return the headers of an answer with those that it must have, and the ones of ``more``."""
    present = {name for name, _ in headers}
    added = [pair for pair in (SAFETY_UNCHANGED if status == 304 else SAFETY) if pair[0] not in present]
    if b"cache-control" not in present:
        added.append(NO_STORE)
    return [*headers, *added, *more]
