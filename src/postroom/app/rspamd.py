"""rspamd over HTTP: its score of a message (``/checkv2``), and teaching it (``/learnspam``, ``/learnham``).

A delivery waits no longer than its time limit, in which everything is: waiting for one of a bounded number of
connections, the connection, the answer. What goes wrong is told in the log and is no score; whatever rspamd answers
can do no harm: of an answer only so much is read, and of that only what has the right types.

A rspamd that is dead must not cost every delivery the time limit: after some failures in a row nobody asks for a
while, and then one delivery tries again for all (a circuit breaker; Nygard, Release It!, 2007).

This module is loaded only where an rspamd is configured.
"""

import asyncio
import ipaddress
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore
import msgspec
import structlog

from postroom.config.filters import FiltersConfig
from postroom.domain.spam_filters import LOCAL_CLIENT, Score
from postroom.mime.raw import Raw
from postroom.model.envelope import Envelope

FAILURES = 3
"""Failures in a row after which rspamd is not asked for a while."""
REST_SECONDS = 15.0
MAX_ANSWER_BYTES = 1 << 20
LEARN_SECONDS = 30.0
_PIECE_BYTES = 64 << 10
_MOST_RECIPIENTS = 100
_SPAM_ACTIONS = frozenset(("reject", "add header", "rewrite subject", "quarantine", "discard"))
_TEMPORARY = frozenset((429, 502, 503, 504))
_LARGEST_SCORE = 9999.0
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]")
_FAILURES = (
    OSError,
    TimeoutError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    msgspec.DecodeError,
)

_log = structlog.get_logger("postroom.rspamd")


class _Reply(msgspec.Struct, frozen=True):
    """What is needed of an answer."""

    action: str
    score: float
    required_score: float | None = None


class _Answer(NamedTuple):
    """An answer as it came."""

    status: int
    body: bytes


class _AnswerError(OSError):
    """An answer that is none; the message is fit for the log."""


_decode = msgspec.json.Decoder(_Reply).decode


class Breaker:
    """Tells whether it is worth while to ask somebody who may be dead."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures = 0
        self._asks_again_at = 0.0

    def admits(self) -> bool:
        """Tell whether to ask now; during a rest one of all who want to does, once it is over."""
        if self._failures < FAILURES:
            return True
        if self._now() < self._asks_again_at:
            return False
        self._rest()
        return True

    def succeeded(self) -> bool:
        """Note an answer; return whether it is the first after a rest."""
        was_resting = self._failures >= FAILURES
        self._failures = 0
        return was_resting

    def failed(self) -> bool:
        """Note that there was no answer; return whether a rest begins with that."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._rest()
        return self._failures == FAILURES

    def _rest(self) -> None:
        self._asks_again_at = self._now() + REST_SECONDS


class Rspamd:
    """An rspamd, to be asked and to be taught."""

    def __init__(self, config: FiltersConfig, *, breaker: Breaker | None = None) -> None:
        self._config = config
        self._breaker = breaker or Breaker()
        self._slots = asyncio.Semaphore(config.rspamd_connections)
        self._tls: ssl.SSLContext | None = None

    async def score(self, envelope: Envelope, content: Raw, *, received: str) -> Score | None:
        """Return the score of a message, None if there is none now. Never raises."""
        config = self._config
        if not config.rspamd_url or len(content) > config.rspamd_max_message_bytes:
            return None
        if not self._breaker.admits():
            return None
        try:
            async with asyncio.timeout(config.rspamd_timeout_ms / 1000), self._slots:
                headers = self._login(config.rspamd_url) + _describe(envelope, received)
                answer = await self._post(config.rspamd_url, "checkv2", content, headers=headers)
            score = _read_score(answer)
        except _FAILURES as error:
            self._note_failure(error)
            return None
        if self._breaker.succeeded():
            _log.info("rspamd answers again")
        return score

    def _note_failure(self, error: Exception) -> None:
        is_resting = self._breaker.failed()
        _log.warning("rspamd gives no score", error=str(error) or type(error).__name__)
        if is_resting:
            _log.warning("rspamd is not asked for a while", seconds=REST_SECONDS)

    async def teach(self, content: bytes, *, is_spam: bool) -> bool:
        """Teach what a message is; False if it is worth while to try again later. Never raises."""
        url = self._config.rspamd_learn_url or self._config.rspamd_url
        headers = self._login(url)
        command = "learnspam" if is_spam else "learnham"
        try:
            async with asyncio.timeout(LEARN_SECONDS):
                answer = await self._post(url, command, content, headers=headers)
        except _FAILURES as error:
            _log.warning("rspamd cannot be taught now", error=str(error) or type(error).__name__)
            return False
        if answer.status in _TEMPORARY:
            _log.warning("rspamd cannot be taught now", status=answer.status)
            return False
        # It knows the message already, or learns nothing from it.
        if answer.status not in {200, 204, 208, 404}:
            _log.warning("rspamd did not learn a message", status=answer.status, command=command)
        return True

    def _login(self, url: str) -> list[tuple[bytes, bytes]]:
        """Return the field with the password for the controller, which may be who is asked for scores, too."""
        password = self._config.rspamd_password
        is_controller = url == (self._config.rspamd_learn_url or url)
        return [(b"Password", password.encode())] if password and is_controller else []

    async def _post(
        self, url: str, command: str, content: Raw, *, headers: list[tuple[bytes, bytes]]
    ) -> _Answer:
        """Send a message with a command and return the answer. Raises: what is in ``_FAILURES``."""
        parts = urlsplit(url)
        if parts.scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        target = httpcore.URL(
            scheme=parts.scheme.encode(),
            host=(parts.hostname or "").encode("ascii"),
            port=parts.port,
            target=f"{parts.path.rstrip('/')}/{command}".encode(),
        )
        fields = [
            (b"Host", parts.netloc.encode("ascii")),
            (b"Content-Length", b"%d" % len(content)),
            (b"Connection", b"close"),
            *headers,
        ]
        # A connection for each: an answer that is not as it should be harms no other.
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self._tls, max_connections=1) as pool,
            pool.stream("POST", target, headers=fields, content=_iter_pieces(content)) as answer,
        ):
            return _Answer(answer.status, await _read_body(answer))


async def _iter_pieces(content: Raw) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


async def _read_body(answer: httpcore.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_stream():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise _AnswerError("the answer is too long")
    return bytes(body)


def _read_score(answer: _Answer) -> Score:
    if answer.status != 200:
        raise _AnswerError(f"the answer was {answer.status}")
    reply = _decode(answer.body)
    is_over = reply.required_score is not None and 0 < reply.required_score <= reply.score
    score = max(-_LARGEST_SCORE, min(reply.score, _LARGEST_SCORE))
    return Score(reply.action in _SPAM_ACTIONS or is_over, score)


def _describe(envelope: Envelope, received: str) -> list[tuple[bytes, bytes]]:
    """Return the fields that tell of the transaction: sender, recipients, and who the server in front had it from."""
    fields = [("From", f"<{envelope.sender}>")]
    recipients = list(dict.fromkeys(recipient.address for recipient in envelope.recipients))
    fields += [("Rcpt", f"<{address}>") for address in recipients[:_MOST_RECIPIENTS]]
    if envelope.client == LOCAL_CLIENT:
        fields.append(("User", envelope.sender or "postmaster"))
    else:
        fields += _describe_client(received)
    return [
        (name.encode("ascii"), value.encode("utf-8", "replace"))
        for name, value in fields
        if value.isprintable()
    ]


def _describe_client(received: str) -> list[tuple[str, str]]:
    words = received.split(maxsplit=2)
    found = _ADDRESS.search(received.partition(" by ")[0])
    if len(words) < 2 or words[0].lower() != "from" or found is None:
        return []
    try:
        address = ipaddress.ip_address(found[1])
    except ValueError:
        return []
    return [("IP", str(address)), ("Helo", words[1])]
