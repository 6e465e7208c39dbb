"""Request bodies: read with a limit, decoded strictly into the msgspec Struct that declares them.

An empty body is no body whatever its Content-Type says. A body is UTF-8 JSON without exception; a member that is
not declared is refused by name. The limit is checked on the declared length first and then while reading, so that
no more than it is ever held. Nobody is waited for without end.
"""

import asyncio
import re
from typing import TypeVar

import msgspec
from litestar.types import Receive

from postroom.api.errors import payload_too_large
from postroom.errors import PostroomError, bad_parameter

T = TypeVar("T", bound=msgspec.Struct)

PIECE_SECONDS = 60.0
"""Time for the next piece of a body to arrive."""

_AT = re.compile(r" - at `\$\.?(.*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL)
_NAMES = re.compile(r"[^\[]+")
"""The members on the way to the one that is wrong, down to the first array."""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body ``{}``, accepted where none is expected."""


_nothing = msgspec.json.Decoder(Nothing)


async def read_body(headers: dict[bytes, bytes], receive: Receive, limit_bytes: int) -> bytes:
    """Return the request body; raises ``payloadTooLarge`` as soon as it is known to pass ``limit_bytes``."""
    declared = headers.get(b"content-length")
    if declared is None and b"transfer-encoding" not in headers:
        return b""
    if declared is not None and declared.isdigit():
        size_bytes = int(declared.lstrip(b"0")[:20] or b"0")
        if size_bytes > limit_bytes:
            raise payload_too_large(limit_bytes)
        if size_bytes == 0:
            return b""
    chunks = bytearray()
    while True:
        try:
            message = await asyncio.wait_for(receive(), PIECE_SECONDS)
        except TimeoutError:
            raise bad_parameter("body", "the request body did not arrive in time") from None
        if message["type"] != "http.request":
            raise bad_parameter("body", "the connection ended before the body")
        chunks += message["body"]
        if len(chunks) > limit_bytes:
            raise payload_too_large(limit_bytes)
        if not message["more_body"]:
            return bytes(chunks)


def refuse_body(raw: bytes) -> None:
    """Accept an empty body and ``{}``; raise ``badParameter`` for anything else."""
    if raw:
        decode_body(raw, _nothing)


def decode_body(raw: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """Return what ``raw`` holds; raises ``badParameter`` naming the member that is wrong, else ``body``."""
    try:
        raw.decode("utf-8")
        return decoder.decode(raw)
    except UnicodeDecodeError:
        raise bad_parameter("body", "the request body is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        raise bad_parameter("body", "the request body is not valid JSON") from None


def _explain(text: str) -> PostroomError:
    place = _AT.search(text)
    path = place[1] if place else ""
    problem = text[: place.start()] if place else text
    if unknown := _UNKNOWN.match(problem):
        name = f"{path}.{unknown[1]}" if path else unknown[1]
        return bad_parameter(name[:256], f"{name[:256]} is not a known member")
    if lacking := _MISSING.match(problem):
        path = f"{path}.{lacking[1]}" if path else lacking[1]
        return bad_parameter(_find_parameter(path), f"{path} is missing")
    return bad_parameter(_find_parameter(path), f"{path or 'the request body'}: {problem.replace('`', '')}")


def _find_parameter(path: str) -> str:
    """Return what is named of a place: of all that lies in an array, the array."""
    names = _NAMES.match(path)
    return names[0] if names else "body"
