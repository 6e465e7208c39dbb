"""Sending messages of webhooks by HTTP, only ever to where they may go.

A name is resolved once, and the connection is made to one of the addresses that came of it, each checked before
(:mod:`postroom.domain.webhook_urls`): no later look-up can lead elsewhere. Proxies of the environment are not used,
redirections are not followed, certificates are verified. An answer has ten seconds in all; of its body no more than
64 KiB is read, and dropped.

This module is loaded when the first message is to be sent.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpcore

import postroom
from postroom.domain.webhook_turns import Outcome
from postroom.domain.webhook_urls import HookURL, find_literal, may_connect, parse_hook_url
from postroom.errors import PostroomError

ANSWER_SECONDS = 10.0
CONNECT_SECONDS = 3.0
"""Time for one of several addresses; the last one has all that is left."""
DRAIN_SECONDS = 1.0
"""Time for the body of an answer, which nobody wants."""
MAX_ADDRESSES = 4
MAX_ANSWER_BYTES = 65_536
MAX_LOOKUPS = 64
"""Look-ups of names that run at the same time; each has a thread."""
_MAX_PROBLEM_CHARS = 200
FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host. Raises OSError."""


class NoAddressError(httpcore.ConnectError):
    """There is no address to connect to; the message is fit to be shown."""


class Lookups:
    """Resolves names in threads of its own, so that a dead name server holds up nothing else.

    A look-up cannot be cancelled; whoever asks for the same name meanwhile waits for the one that runs.
    """

    def __init__(self) -> None:
        self._running: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Raises: OSError."""
        key = (host, port)
        if key not in self._running:
            if len(self._running) >= MAX_LOOKUPS:
                raise OSError("too many names are being looked up")
            self._start(key)
        return await asyncio.shield(self._running[key])

    def _start(self, key: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        future.add_done_callback(lambda _: self._running.pop(key, None))
        # If nobody waits any more, nobody need be told of a failure.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._running[key] = future

        def finish(found: list[str] | OSError) -> None:
            if future.done():
                return
            if isinstance(found, OSError):
                future.set_exception(found)
            else:
                future.set_result(found)

        def look_up() -> None:
            try:
                rows = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
                found: list[str] | OSError = list(dict.fromkeys(str(row[4][0]) for row in rows))
            except (OSError, UnicodeError) as error:
                found = OSError(f"the name cannot be resolved ({getattr(error, 'strerror', error)})")
            with contextlib.suppress(RuntimeError):  # The loop is closed: the server has ended.
                loop.call_soon_threadsafe(finish, found)

        threading.Thread(target=look_up, name="webhook-lookup", daemon=True).start()


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that are allowed, and to no others.

    It knows the connections it made: one that is given up in the middle of a TLS handshake is nobody else's to close.
    """

    def __init__(self, resolve: Resolve, *, allow_private: bool, what: str = "webhooks") -> None:
        """``what`` goes to the addresses, in the words of those who are told that it cannot."""
        self._what = what
        self._resolve = resolve
        self._allow_private = allow_private
        self._tcp = httpcore.AnyIOBackend()
        self._streams: list[httpcore.AsyncNetworkStream] = []

    async def close(self) -> None:
        """Close all connections."""
        while self._streams:
            await self._streams.pop().aclose()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that answers."""
        literal = find_literal(host)
        try:
            found = [host] if literal is not None else await self._resolve(host, port)
        except OSError as error:
            raise NoAddressError(str(error)) from error
        allowed = [address for address in found if self._is_allowed(address)][:MAX_ADDRESSES]
        if not allowed:
            raise NoAddressError(f"the host has no address that {self._what} may go to")
        for address in allowed[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connect(address, port, timeout=CONNECT_SECONDS)
        return await self._connect(allowed[-1], port, timeout=timeout)

    async def _connect(
        self, address: str, port: int, *, timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._tcp.connect_tcp(address, port, timeout=timeout)
        self._streams.append(stream)
        return stream

    def _is_allowed(self, text: str) -> bool:
        address = find_literal(text)
        return address is not None and may_connect(address, allow_private=self._allow_private)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL leads there."""
        raise NoAddressError(f"{self._what} go to no sockets")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class HTTPSender:
    """Opens connections to receivers."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """``tls`` verifies certificates; by default by the authorities that the system trusts."""
        self._allow_private = allow_private
        self._resolve = resolve or Lookups()
        self._tls = tls or ssl.create_default_context()
        self._answer_seconds = answer_seconds

    @contextlib.asynccontextmanager
    async def open(self, url: str) -> AsyncIterator["HTTPChannel"]:
        """Open a way to a receiver; the connection is made with the first message."""
        network = CheckedNetwork(self._resolve, allow_private=self._allow_private)
        channel = HTTPChannel(self._parse(url), network, tls=self._tls, seconds=self._answer_seconds)
        try:
            yield channel
        finally:
            await channel.close()

    def _parse(self, url: str) -> HookURL | str:
        try:
            return parse_hook_url(url, allow_private=self._allow_private)
        except PostroomError as error:  # What is allowed has changed since the hook was made.
            return error.message


class HTTPChannel:
    """A connection to a receiver, made anew whenever an answer was not read to its end."""

    def __init__(
        self, url: HookURL | str, network: CheckedNetwork, *, tls: ssl.SSLContext, seconds: float
    ) -> None:
        self._url = url
        self._network = network
        self._tls = tls
        self._seconds = seconds
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def close(self) -> None:
        """Close the connection; the next message makes another."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()
        await self._network.close()

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a message and wait for the answer."""
        if isinstance(self._url, str):
            return Outcome(self._url)
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(self._url, body, headers)
        except TimeoutError:
            await self.close()
            return Outcome(f"no answer within {self._seconds:g} seconds")
        except (OSError, *FAILURES) as error:
            await self.close()
            return Outcome(describe(error))
        if 200 <= status < 300:
            return Outcome()
        return Outcome(f"the answer was {status}", is_gone=status == 410)

    async def _post(self, url: HookURL, body: bytes, headers: Mapping[str, str]) -> int:
        if self._pool is not None:
            # The receiver may have closed the connection that was kept open for it.
            with contextlib.suppress(httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError):
                return await self._post_once(self._pool, url, body=body, headers=headers)
            await self.close()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls, max_connections=1, keepalive_expiry=5, network_backend=self._network
        )
        return await self._post_once(self._pool, url, body=body, headers=headers)

    async def _post_once(
        self, pool: httpcore.AsyncConnectionPool, url: HookURL, *, body: bytes, headers: Mapping[str, str]
    ) -> int:
        target = httpcore.URL(
            scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        fields = {
            "Host": url.netloc,
            "User-Agent": f"postroom/{postroom.__version__}",
            "Content-Type": "application/json",
            **headers,
        }
        is_whole = False
        async with pool.stream("POST", target, headers=list(fields.items()), content=body) as answer:
            status = answer.status
            # What was decided stands, whatever becomes of the body.
            with contextlib.suppress(TimeoutError, *FAILURES):
                async with asyncio.timeout(DRAIN_SECONDS):
                    is_whole = await _drain(answer)
        if not is_whole:
            await self.close()
        return status


async def _drain(answer: httpcore.Response) -> bool:
    """Read the body of an answer and drop it; False if it is too long."""
    count = 0
    async for piece in answer.aiter_stream():
        count += len(piece)
        if count > MAX_ANSWER_BYTES:
            return False
    return True


def describe(error: BaseException) -> str:
    """Return in words why there was no answer."""
    if isinstance(error, httpcore.TimeoutException):
        return "the connection took too long"
    if isinstance(error, NoAddressError):
        return _shorten(error)
    if isinstance(error, httpcore.ProtocolError):
        return f"the answer is not HTTP ({_shorten(error)})"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid ({_shorten(cause.verify_message)})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({_shorten(cause.reason or cause)})"
        if isinstance(cause, OSError) and cause.errno:
            return f"the connection failed ({os.strerror(cause.errno)})"
        cause = cause.__cause__ or cause.__context__
    return f"the connection failed ({_shorten(error)})" if str(error) else "the connection broke off"


def _shorten(problem: object) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(problem))
    return text[:_MAX_PROBLEM_CHARS]
