"""``Idempotency-Key``: a call that changes something is done once, however often a client has to repeat it.

This stands before every handler of a writing method, so no route can forget it; a handler knows nothing of it. With
the header the call is admitted, its whole body read and hashed, and its answer held back until it is stored in the
transaction of what was done (:mod:`postroom.domain.calls`). Without the header the call passes. Of an upload not the
body is hashed but the files: a program that repeats it separates them by another boundary.

Of a body with passwords in it no plain hash is kept: that would be easier to guess from than the hashes of passwords.

Calls that do not authenticate by account (login) take the header and do without it: their answer is a secret, and
nothing is the worse for a second session. So do calls that declare why (:attr:`Operation.unremembered`).
"""

import hashlib
import re
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from postroom.api.call import Call, admit, get_exchange
from postroom.api.cookies import without_sessid
from postroom.api.errors import may_challenge, render_error
from postroom.api.jobs import reply_again
from postroom.api.operation import Access, Operation
from postroom.api.reply import Headers
from postroom.api.uploads import read_file_or_body, read_files, read_one_file
from postroom.domain.calls import Answer, KeyedCall
from postroom.errors import PostroomError, bad_parameter

HEADER = b"idempotency-key"
PARAMETER = "Idempotency-Key"
WRITING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = re.compile(rb"[\x21-\x7e]{1,128}")
_REPLAYED = (b"idempotency-replayed", b"true")


class OncePerKey:
    """The ASGI middleware before handlers of writing methods."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the call made, if it was not yet, and answer it."""
        try:
            await self._answer(scope, receive, send)
        finally:
            # A handler cannot know whether what it has done will be stored: so that its files are seen to here.
            if scope["type"] == ScopeType.HTTP and (staging := get_exchange(scope).staging) is not None:
                await staging.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or HEADER not in get_exchange(scope).headers:
            await self.app(scope, receive, send)
            return
        key = parse_key(get_exchange(scope).headers[HEADER])
        declared: Operation | None = scope["route_handler"].opt.get("operation")
        if declared is None or declared.access is not Access.ACCOUNT or declared.unremembered:
            await self.app(scope, receive, send)
            return
        call: Call = Call(scope, receive, send)
        await admit(call)
        fingerprint = make_fingerprint(scope, await _read(call, declared))
        if declared.has_passwords:
            fingerprint = await call.domain.calls.harden(call.caller, key, fingerprint)
        keyed = KeyedCall(key, fingerprint)
        answer = await call.domain.calls.once(call.caller, keyed, _Answering(self.app, call))
        headers = [*answer.headers, _REPLAYED] if answer.is_replayed else answer.headers
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _read(call: Call, declared: Operation) -> bytes:
    """Return what tells a call from another one of the same path."""
    if declared.takes_files:
        return (await read_files(call)).fingerprint()
    if declared.max_file_bytes:
        read = read_file_or_body if declared.file_types else read_one_file
        return await read(call, declared.max_file_bytes)
    return await call.read_raw_body()


class _Answering:
    """How one call is made and answered."""

    def __init__(self, app: ASGIApp, call: Call) -> None:
        self._app = app
        self._call = call

    async def make(self) -> Answer:
        """Have the handler make the call."""
        return await self._collect(self._app)

    async def refuse(self, error: PostroomError) -> Answer:
        """Return the answer that tells of an error."""
        challenges = may_challenge(self._call.exchange.headers)
        return await self._collect(render_error(error, challenges=challenges))

    async def resume(self, job_key: str) -> Answer:
        """Return the answer of a call that began a job."""
        return await self._collect(await reply_again(self._call, job_key))

    async def _collect(self, app: Any) -> Answer:
        sent = _Sent()
        await app(self._call.scope, self._call.receive, sent)
        return Answer(sent.status, sent.headers, bytes(sent.body))


class _Sent:
    """Takes an answer in the place of the client."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: Headers = []
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(bytes(name), bytes(value)) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            self.body += message["body"]


def parse_key(value: bytes) -> str:
    """Return the key that a header gives; raises ``badParameter``."""
    if _KEY.fullmatch(value) is None:
        raise bad_parameter(PARAMETER, f"{PARAMETER} must be 1 to 128 visible ASCII characters")
    return value.decode("ascii")


def make_fingerprint(scope: HTTPScope, body: bytes) -> bytes:
    """Return a hash of method, path, query and body; the session that a browser names is no part of the query."""
    path = scope["path"].rstrip("/").encode("utf-8", "surrogateescape")
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), path, without_sessid(scope["query_string"]), body):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
