"""The outermost layer: request ids, what a head must be like, the unread counter's short way, counting and the log.

One plain ASGI callable, as every request pays for it. Each answer, refusals included, carries ``X-Request-Id``: the
one that came with the request, if it is harmless (where there are trusted proxies, only theirs reaches this layer),
else one that is unique to this process and request; and what keeps browsers safe (:mod:`postroom.api.safety`). All
that is logged for the request has it too. An exception that reaches this
layer before an answer began becomes the one error shape; after that the connection is broken off, which is the only
way left to say that the answer is not whole.
"""

import re
import secrets
from itertools import count
from time import perf_counter
from typing import Any, cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from postroom.api.call import EXCHANGE, SESSION_HEADER, Exchange
from postroom.api.conditional import matches
from postroom.api.counter import PATHS, READY, ROUTE, SendReady, render_figure, render_lines
from postroom.api.errors import headers_too_large, log_error, may_challenge, render_error
from postroom.api.hosts import bad_host, names_its_host
from postroom.api.safety import complete, make_transport_headers
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.domain import Domain
from postroom.errors import PostroomError

_log = structlog.get_logger("postroom.api")
_HARMLESS_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_NOT_PLAIN = frozenset({b"prefer", b"cookie", b"content-length", b"transfer-encoding"})
_READS = frozenset({"GET", "HEAD"})
UNMATCHED = "unmatched"
"""Stands in the metrics for paths that there are not."""
_LINE_OVERHEAD_BYTES = 4
"""Colon, space and line end of each header line."""


class Edge:
    """The ASGI application that a server runs."""

    def __init__(self, app: ASGIApp, *, domain: Domain, settings: APISettings, stats: APIStats) -> None:
        self.app = app
        self.domain = domain
        self.settings = settings
        self.stats = stats
        self.over_https = make_transport_headers(settings.hsts_seconds)
        self._https_lines = render_lines(self.over_https)
        self._find_fast = domain.counters.find_fast
        self._prefix = secrets.token_hex(6).encode("ascii")
        self._next_number = count(1).__next__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (or run the lifespan of the application inside)."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id")
        if request_id is None or _HARMLESS_ID.fullmatch(request_id) is None:
            request_id = b"%s-%d" % (self._prefix, self._next_number())
        if scope["path"] in PATHS and await self._answer_counter(scope, send, headers, request_id=request_id):
            return
        await _Answering(self, scope, request_id).run(headers, receive, send)

    async def _answer_counter(
        self, scope: HTTPScope, send: Send, headers: dict[bytes, bytes], *, request_id: bytes
    ) -> bool:
        """Answer a plain call of the counter whose credentials are known; False if it is not that."""
        method = scope["method"]
        if method not in _READS or scope["query_string"] or not _NOT_PLAIN.isdisjoint(headers):
            return False
        if measure_head(scope) > self.settings.max_header_bytes or not names_its_host(scope, headers):
            return False
        started = perf_counter()
        try:
            unread = self._find_fast(headers.get(b"authorization"), headers.get(SESSION_HEADER))
        except PostroomError:
            # The ordinary way meets the same trouble, and tells of it.
            unread = None
        if unread is None:
            return False
        figure = render_figure(unread)
        status, body, answer, lines = 200, figure.body, figure.headers, figure.lines
        if b"if-none-match" in headers and matches(headers[b"if-none-match"], figure.etag):
            status, body, answer, lines = 304, b"", figure.unchanged_headers, figure.unchanged_lines
        elif method == "HEAD":
            body = b""
        is_https = scope["scheme"] == "https"
        more = self._https_lines if is_https else b""
        rest = b"%s%sx-request-id: %s\r\n\r\n%s" % (lines, more, request_id, body)
        send_ready = find_ready(scope)
        if send_ready is None or not send_ready(scope, status, rest):
            sent = [*answer, *(self.over_https if is_https else ()), (b"x-request-id", request_id)]
            await send({"type": "http.response.start", "status": status, "headers": sent})
            await send({"type": "http.response.body", "body": body, "more_body": False})
        seconds = perf_counter() - started
        self.stats.get_series(method, ROUTE, status).add(seconds)
        if self.settings.log_requests:
            log_request(scope, request_id, status=status, seconds=seconds)
        return True


class _Answering:
    """One request on its way through the framework."""

    __slots__ = ("_edge", "_request_id", "_scope", "_send", "_status")

    def __init__(self, edge: Edge, scope: HTTPScope, request_id: bytes) -> None:
        self._edge = edge
        self._scope = scope
        self._request_id = request_id
        self._status = 0

    async def run(self, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Have the request answered, counted and logged."""
        edge, scope = self._edge, self._scope
        started = perf_counter()
        edge.stats.requests_open += 1
        self._send = send
        bind_contextvars(request_id=self._request_id.decode("ascii"))
        exchange = Exchange(self._request_id.decode("ascii"), headers, edge.domain, edge.settings, edge.stats)
        cast("dict[str, Any]", scope)[EXCHANGE] = exchange
        try:
            if measure_head(scope) > edge.settings.max_header_bytes:
                raise headers_too_large(edge.settings.max_header_bytes)
            if not names_its_host(scope, headers):
                raise bad_host()
            await edge.app(scope, receive, self.forward)
        except Exception as error:  # noqa: BLE001 (the last resort: whatever it is must not reach the client)
            await self._fail(error, receive, challenges=may_challenge(headers))
        finally:
            edge.stats.requests_open -= 1
            seconds = perf_counter() - started
            route = str(scope.get("path_template") or UNMATCHED)
            edge.stats.get_series(scope["method"], route, self._status).add(seconds)
            if edge.settings.log_requests:
                log_request(scope, self._request_id, status=self._status, seconds=seconds)

    async def forward(self, message: Message) -> None:
        """Send on what the framework sends, with the request id and what keeps browsers safe."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            more = self._edge.over_https if self._scope["scheme"] == "https" else []
            headers = complete(self._status, list(message["headers"]), more)
            message["headers"] = [*headers, (b"x-request-id", self._request_id)]
        await self._send(message)

    async def _fail(self, error: Exception, receive: Receive, *, challenges: bool) -> None:
        log_error(error, request_id=self._request_id.decode("ascii"))
        if self._status:
            raise error
        await render_error(error, challenges=challenges)(self._scope, receive, self.forward)


def find_ready(scope: HTTPScope) -> SendReady | None:
    """Return what sends an answer that is ready, None where the server has no such thing."""
    extensions = scope.get("extensions")
    return cast("SendReady | None", extensions.get(READY)) if extensions else None


def measure_head(scope: HTTPScope) -> int:
    """Return the bytes of path, query and header lines."""
    total = len(scope["query_string"]) + len(scope["raw_path"] or b"")
    for name, value in scope["headers"]:
        total += len(name) + len(value) + _LINE_OVERHEAD_BYTES
    return total


def log_request(scope: HTTPScope, request_id: bytes, *, status: int, seconds: float) -> None:
    """Write the line of one request."""
    client = scope.get("client")
    _log.debug(
        "request",
        request_id=request_id.decode("ascii"),
        client=client[0] if client else "",
        method=scope["method"],
        path=scope["path"],
        status=status,
        milliseconds=round(seconds * 1000, 3),
    )
