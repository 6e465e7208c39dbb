"""Errors on the wire: one table from :class:`Kind` to status, one JSON shape.

``{"errorCode": …, "message": …, "details": {…}}`` whatever went wrong and wherever. Three codes belong to HTTP
alone and have no kind of their own: ``methodNotAllowed`` (405), ``rangeNotSatisfiable`` (416) and
``headersTooLarge`` (431).

A 401 carries WWW-Authenticate (RFC 9110 §11.6.1) unless the request carries a cookie, or a program in a browser makes
it: the browser must not pop up its own password dialogue. ``private`` facts and tracebacks go to the log alone.
"""

from typing import Any

import msgspec
import structlog
from litestar.exceptions import HTTPException

from postroom.api.reply import Headers, Reply
from postroom.errors import Kind, PostroomError, not_found

STATUS_OF_KIND: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.LIMITED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
}
STATUS_OF_CODE = {"methodNotAllowed": 405, "rangeNotSatisfiable": 416, "headersTooLarge": 431}
"""Codes of HTTP itself, which no kind stands for."""

_CHALLENGES: Headers = [
    (b"www-authenticate", b'Basic realm="postroom", charset="UTF-8"'),
    (b"www-authenticate", b'Bearer realm="postroom"'),
]
_NO_STORE: Headers = [(b"cache-control", b"no-store")]

_log = structlog.get_logger("postroom.api")


class ErrorBody(msgspec.Struct, frozen=True, rename="camel"):
    """What every failed call answers."""

    error_code: str
    """Stable; programs go by it."""
    message: str
    """For people; may change."""
    details: dict[str, Any]
    """``parameter`` names the parameter of a ``badParameter``; ``{}`` when there is nothing to say."""


_encoder = msgspec.json.Encoder(enc_hook=str)


def internal_error() -> PostroomError:
    """Return the error shown for whatever is our own fault; it tells nothing of the inside."""
    return PostroomError(
        Kind.INTERNAL, "internalError", "the server failed; the request id names the log line"
    )


def payload_too_large(limit_bytes: int) -> PostroomError:
    """Return the error for a request body over its limit."""
    return PostroomError(
        Kind.TOO_LARGE,
        "payloadTooLarge",
        f"the request body is larger than {limit_bytes} bytes",
        details={"limit": limit_bytes},
    )


def headers_too_large(limit_bytes: int) -> PostroomError:
    """Return the error for a request line and headers over their limit."""
    return PostroomError(
        Kind.INVALID,
        "headersTooLarge",
        f"request line and headers are larger than {limit_bytes} bytes",
        details={"limit": limit_bytes},
    )


def range_not_satisfiable(size_bytes: int) -> PostroomError:
    """Return the error for a range beyond the end of ``size_bytes`` (RFC 9110 §15.5.17)."""
    return PostroomError(
        Kind.INVALID, "rangeNotSatisfiable", "the range lies beyond the end", details={"size": size_bytes}
    )


def status_of(error: PostroomError) -> int:
    """Return the HTTP status of ``error``."""
    return STATUS_OF_CODE.get(error.code) or STATUS_OF_KIND[error.kind]


def translate(error: Exception) -> PostroomError:
    """Return ``error`` as ours: framework exceptions by their status, anything unknown as ``internalError``."""
    if isinstance(error, PostroomError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return not_found("the path")
        if error.status_code == 405:
            return PostroomError(Kind.INVALID, "methodNotAllowed", "the path does not take this method")
        if error.status_code < 500:
            return PostroomError(Kind.INVALID, "badParameter", error.detail)
    return internal_error()


def may_challenge(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a 401 may ask for credentials: a browser would do so itself, over the head of a page's program."""
    if b"cookie" in headers or b"x-requested-with" in headers:
        return False
    return headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"


def render_error(error: Exception, *, challenges: bool) -> Reply:
    """Return the answer that tells ``error``; a 401 asks for credentials if it ``challenges``.

    Not even 413 ends the connection: closed while the client still sends, it would be reset, and the answer lost.
    """
    ours = translate(error)
    status = status_of(ours)
    headers = list(_NO_STORE)
    if status == 416:
        headers.append((b"content-range", b"bytes */%d" % ours.details["size"]))
    if status == 401 and challenges:
        headers += _CHALLENGES
    if ours.retry_after_seconds is not None:
        headers.append((b"retry-after", b"%d" % max(1, ours.retry_after_seconds)))
    if isinstance(error, HTTPException) and error.headers:
        allow = {name.lower(): value for name, value in error.headers.items()}.get("allow", "")
        headers.append((b"allow", ", ".join(sorted(allow.split(", "))).encode("ascii")))
    body = _encoder.encode(ErrorBody(ours.code, ours.message, ours.details))
    return Reply(body, headers=headers, status=status)


def log_error(error: Exception, *, request_id: str) -> None:
    """Write what only the log may see, under the id that the client was given; refusals are not logged here."""
    ours = translate(error)
    if ours.kind is Kind.INTERNAL:
        _log.error("request failed", request_id=request_id, exc_info=error)
    elif ours.kind is Kind.UNAVAILABLE:
        _log.warning("unavailable", request_id=request_id, message=ours.message, private=ours.private)
    elif ours.private:
        _log.info("refused", request_id=request_id, code=ours.code, private=ours.private)
