"""Sending calls, for asyncio: credentials, sessions, repeats, errors, downloads, events.

``sync_core.py`` is this module without asyncio, made from it by ``make client``: change this one only.

A call that the server cannot take just now (429, 502, 503, 504), or whose answer is lost, is made again if making it
twice is safe: reading calls, and writing ones by their Idempotency-Key, which stays the same.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from postroom.client.call import RETRIED, Call, Event, EventReader, decode, wait_seconds
from postroom.client.errors import APIError, NotReachableError

T = TypeVar("T")
_EVENT_SILENCE_SECONDS = 60.0
"""The server sends something every 25 seconds."""


class AsyncDownload:
    """The content of an answer, piece by piece; read it to its end, or close it."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.media_type = response.headers.get("content-type", "")
        self.headers = response.headers

    async def read(self) -> bytes:
        """Return all of it."""
        try:
            return await self._response.aread()
        except httpx.TransportError as error:
            raise NotReachableError(str(error)) from error
        finally:
            await self.close()

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yield it in pieces, holding one at a time."""
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except httpx.TransportError as error:
            raise NotReachableError(str(error)) from error
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.aclose()


class AsyncCore:
    """One account at one server. ``auth`` is a name and a password (also an app password), or a Bearer token."""

    def __init__(
        self,
        url: str,
        auth: tuple[str, str] | str | None = None,
        *,
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._auth = httpx.BasicAuth(*auth) if isinstance(auth, tuple) else None
        headers = {"Authorization": f"Bearer {auth}"} if isinstance(auth, str) else {}
        self._attempts = attempts
        self._pairing: dict[str, str] = {}
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout_seconds, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a session stays until it is logged out or times out."""
        await self._http.aclose()

    async def open_session(self) -> str:
        """Log in with the credentials; the calls that follow belong to that session. Returns its id."""
        session = await self._log_in(Call(method="POST", path="/api/v1/login"))
        self._http.headers["X-Axigen-Session"] = session
        return session

    async def open_cookie_session(self, username: str, password: str, *, remember: bool = False) -> str:
        """Log in as a browser does; the calls that follow belong to that session. Returns its id."""
        body = {"username": username, "password": password, "rememberLogin": remember}
        session = await self._log_in(Call(method="POST", path="/api/v1/login/cookie", body=body))
        self._auth, self._pairing = None, {"_h": session}
        return session

    async def _log_in(self, call: Call) -> str:
        return str((await self._json(call, dict[str, Any]))["sessid"])

    async def iter_events(
        self, *, kinds: Sequence[str] = (), folders: str = "", last_event_id: str = ""
    ) -> AsyncIterator[Event]:
        """Yield events without an end; a stream that breaks is taken up where it broke. Raises: APIError."""
        reader, failures = EventReader(last_event_id), 0
        while True:
            try:
                response = await self._http.send(
                    self._event_request(kinds, folders, reader), stream=True, auth=self._auth
                )
                try:
                    await self._refuse(response)
                    async for line in response.aiter_lines():
                        # The server is there, even if it has nothing to tell.
                        failures = 0
                        if (event := reader.feed(line)) is not None:
                            yield event
                finally:
                    await response.aclose()
            except httpx.TransportError:
                pass
            except APIError as error:
                if error.status not in RETRIED:
                    raise
            failures += 1
            if failures > self._attempts:
                raise NotReachableError("the event stream breaks again and again")
            await asyncio.sleep(wait_seconds(failures, ""))
            reader = EventReader(reader.last_event_id)

    def _event_request(self, kinds: Sequence[str], folders: str, reader: EventReader) -> httpx.Request:
        query = {"kinds": ",".join(kinds), "folders": folders}
        return self._http.build_request(
            "GET",
            "/api/v1/events",
            params={name: value for name, value in query.items() if value} | self._pairing,
            headers={"Last-Event-ID": reader.last_event_id} if reader.last_event_id else {},
            timeout=_EVENT_SILENCE_SECONDS,
        )

    async def _json(self, call: Call, kind: type[T]) -> T:
        """Make a call; return its answer as ``kind``. Raises: APIError, NotReachableError."""
        return decode(await self._bytes(call), kind)

    async def _json_or_none(self, call: Call, kind: type[T]) -> T | None:
        """Make a call whose answer may be empty."""
        content = await self._bytes(call)
        return decode(content, kind) if content else None

    async def _bytes(self, call: Call) -> bytes:
        """Make a call; return the content of its answer. Raises: APIError, NotReachableError."""
        for attempt in range(self._attempts):
            is_last = attempt == self._attempts - 1
            retry_after = ""
            try:
                response = await self._send(call)
                try:
                    content = await response.aread()
                finally:
                    await response.aclose()
            except httpx.TransportError as error:
                if is_last or not call.is_repeatable:
                    raise NotReachableError(str(error) or type(error).__name__) from error
            else:
                if response.is_success:
                    return content
                if is_last or not self._is_worth_repeating(call, response):
                    raise APIError(response.status_code, content, response.headers)
                retry_after = response.headers.get("retry-after", "")
            await asyncio.sleep(wait_seconds(attempt, retry_after))
        raise NotReachableError("no attempt was allowed")

    def _is_worth_repeating(self, call: Call, response: httpx.Response) -> bool:
        # 429 and 503 of ours say that nothing was done; what stands between may say 502 and 504 of anything.
        return response.status_code in {429, 503} or (call.is_repeatable and response.status_code in RETRIED)

    async def _open(self, call: Call) -> AsyncDownload:
        """Make a call whose answer may be large. Raises: APIError, NotReachableError."""
        try:
            response = await self._send(call)
            await self._refuse(response)
        except httpx.TransportError as error:
            raise NotReachableError(str(error) or type(error).__name__) from error
        return AsyncDownload(response)

    async def _send(self, call: Call) -> httpx.Response:
        request = self._http.build_request(
            call.method,
            call.path,
            params=call.parameters() | self._pairing,
            content=call.content(),
            files=call.parts(),
            headers=call.headers(),
        )
        return await self._http.send(request, stream=True, auth=self._auth)

    async def _refuse(self, response: httpx.Response) -> None:
        if not response.is_success:
            content = await response.aread()
            await response.aclose()
            raise APIError(response.status_code, content, response.headers)
