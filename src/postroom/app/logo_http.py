"""Fetching senders' logos by HTTPS, only ever from where they may be.

Connections are made as those of webhooks are (:class:`postroom.app.webhook_http.CheckedNetwork`): a name is resolved
once, and each address is checked before it is connected to. Redirections are followed a few times, each a URL as any
other, to HTTPS alone. A file that is too large is not read to its end, and one that was compressed is unpacked no
further than it may be large. All of it has one time limit.

This module is loaded when the first logo is to be fetched.
"""

import asyncio
import contextlib
import ssl
import zlib
from urllib.parse import urljoin

import httpcore

import postroom
from postroom.app.webhook_http import FAILURES, CheckedNetwork, Resolve, describe
from postroom.domain.bimi_runner import Fetched
from postroom.domain.webhook_urls import HookURL, parse_hook_url
from postroom.errors import PostroomError

MAX_REDIRECTIONS = 3
_REDIRECTIONS = frozenset((301, 302, 303, 307, 308))
_PASSING = frozenset((408, 425, 429))
"""Statuses of the client's kind that say nothing of the file."""
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class _RedirectedError(Exception):
    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


class LogoFetcher:
    """Fetches files."""

    def __init__(
        self,
        resolve: Resolve,
        *,
        max_bytes: int,
        seconds: float,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``tls`` verifies certificates; by default by the authorities that the system trusts."""
        self._resolve = resolve
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allow_private = allow_private
        self._tls = tls or ssl.create_default_context()

    async def fetch(self, url: str) -> Fetched:
        """Return the file at a URL. Whatever happens is an outcome."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url)
        except TimeoutError:
            return Fetched(None, f"no file within {self._seconds:g} seconds")
        except PostroomError as error:
            return Fetched(None, error.message, is_final=True)
        except (OSError, *FAILURES) as error:
            return Fetched(None, describe(error))

    async def _follow(self, url: str) -> Fetched:
        for _ in range(MAX_REDIRECTIONS + 1):
            parsed = parse_hook_url(url, allow_private=self._allow_private)
            if parsed.scheme != "https":
                return Fetched(None, "the URL is not one of HTTPS", is_final=True)
            try:
                return await self._get(parsed)
            except _RedirectedError as redirection:
                try:
                    url = urljoin(url, redirection.location).partition("#")[0]
                except ValueError:
                    return Fetched(None, "the redirection leads to no URL", is_final=True)
        return Fetched(None, "there are too many redirections", is_final=True)

    async def _get(self, url: HookURL) -> Fetched:
        network = CheckedNetwork(self._resolve, allow_private=self._allow_private, what="requests for logos")
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls, max_connections=1, keepalive_expiry=0, network_backend=network
        )
        target = httpcore.URL(
            scheme=b"https", host=url.host.encode(), port=url.port, target=url.target.encode()
        )
        fields = {
            "Host": url.netloc,
            "User-Agent": f"postroom/{postroom.__version__}",
            "Accept": "image/svg+xml",
            "Accept-Encoding": "gzip",
        }
        try:
            async with pool.stream("GET", target, headers=list(fields.items())) as answer:
                return await self._read(answer)
        finally:
            # What is left of an answer is nobody's concern, least of all for how long it would go on.
            with contextlib.suppress(OSError, *FAILURES):
                await network.close()
            with contextlib.suppress(OSError, *FAILURES):
                await pool.aclose()

    async def _read(self, answer: httpcore.Response) -> Fetched:
        headers = {name.lower(): value for name, value in answer.headers}
        if answer.status in _REDIRECTIONS and b"location" in headers:
            raise _RedirectedError(headers[b"location"].decode("latin-1"))
        if answer.status != 200:
            is_final = 400 <= answer.status < 500 and answer.status not in _PASSING
            return Fetched(None, f"the answer was {answer.status}", is_final=is_final)
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in {b"identity", b"gzip", b"x-gzip", b""}:
            return Fetched(None, "the file is encoded in an unknown way", is_final=True)
        data = bytearray()
        async for piece in answer.aiter_stream():
            data += piece
            if len(data) > self._max_bytes:
                return Fetched(None, "the file is too large", is_final=True)
        # A compressed file (svgz) may be sent as it is, without being told of.
        if encoding.endswith(b"gzip") or data.startswith(_GZIP_MAGIC):
            return self._unpack(bytes(data))
        return Fetched(bytes(data))

    def _unpack(self, data: bytes) -> Fetched:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked = unpacker.decompress(data, self._max_bytes + 1)
        except zlib.error:
            return Fetched(None, "the file cannot be unpacked", is_final=True)
        if len(unpacked) > self._max_bytes:
            return Fetched(None, "the file is too large", is_final=True)
        if not unpacker.eof:
            return Fetched(None, "the file cannot be unpacked", is_final=True)
        return Fetched(unpacked)
