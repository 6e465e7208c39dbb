"""Answers: small ASGI callables that carry ready bytes.

The framework takes any ASGI callable as an answer, so what a route returns is sent as it is, with no second pass
over headers or body. HEAD sends the headers of GET, the Content-Length included, and no body (RFC 9110 §9.3.2).
"""

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

JSON = b"application/json"
_encode = msgspec.json.Encoder().encode

STATE_HEADERS: Headers = [(b"cache-control", b"private, no-cache")]
"""Sent with whatever reflects mailbox state: it may be kept, but must be asked for again (RFC 9111 §5.2.2.4)."""


class Reply:
    """A whole answer: status, headers and a body of known length."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        media_type: bytes = JSON,
        headers: Headers | None = None,
        status: int = 200,
    ) -> None:
        self._body = body
        self._status = status
        self._headers = list(headers) if headers else []
        if body:
            self._headers.append((b"content-type", media_type))
        if status not in (204, 304):
            self._headers.append((b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        is_head = scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD"
        body = b"" if is_head else self._body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def json_reply(value: object, *, etag: bytes | None = None, status: int = 200) -> Reply:
    """Return ``value`` as JSON; with ``etag`` also what makes it revalidate."""
    headers = [*STATE_HEADERS, (b"etag", etag)] if etag is not None else None
    return Reply(_encode(value), headers=headers, status=status)


def not_modified(etag: bytes) -> Reply:
    """Return the 304 that says: you have it (RFC 9110 §15.4.5)."""
    return Reply(status=304, headers=[*STATE_HEADERS, (b"etag", etag)])
