"""The unread counter, answered before any framework is reached.

It is the hottest call of the server: every program polls it, all day. Where the credentials were checked a moment
ago and the call is the plain one, the figure comes from :meth:`find_fast` without an await, and the answer is one
that was rendered before, down to the bytes of its head where the server takes them (:data:`READY`). Whatever is not
plain (a query, a body, credentials not checked yet, a failure) is left to the ordinary route, which answers the same.

The tag is the figure itself, so it changes exactly when the figure changes.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from litestar.types import HTTPScope

from postroom.api.reply import JSON, STATE_HEADERS, Headers
from postroom.api.safety import SAFETY, SAFETY_UNCHANGED

ROUTE = "/api/v1/mails/counters"
PATHS = frozenset({ROUTE, ROUTE + "/"})


READY: Final = "postroom.ready"
"""Key, among the extensions of an ASGI scope, of what sends an answer whose head is ready as it goes on the wire."""

SendReady = Callable[[HTTPScope, int, bytes], bool]
"""Sends an answer: its status, and all that follows the status line. It tells whether it could; if not, the ordinary
way is left to go."""


class Rendered(NamedTuple):
    """The answers that stand for one figure."""

    etag: bytes
    body: bytes
    headers: Headers
    """Of the 200, to be copied."""
    unchanged_headers: Headers
    """Of the 304, to be copied."""
    lines: bytes
    """Of the 200, as they are sent."""
    unchanged_lines: bytes


@lru_cache(maxsize=4096)
def render_figure(unread: int) -> Rendered:
    """Return the answers for ``unread``; remembered, as the figures of mailboxes repeat."""
    etag = b'"unread-%d"' % unread
    body = b'{"unreadCount":%d}' % unread
    tagged = [*STATE_HEADERS, (b"etag", etag)]
    headers = [*tagged, (b"content-type", JSON), (b"content-length", b"%d" % len(body)), *SAFETY]
    unchanged = [*tagged, *SAFETY_UNCHANGED]
    return Rendered(etag, body, headers, unchanged, render_lines(headers), render_lines(unchanged))


def render_lines(headers: Headers) -> bytes:
    """Return headers as they are sent."""
    return b"".join(b"%s: %s\r\n" % pair for pair in headers)
