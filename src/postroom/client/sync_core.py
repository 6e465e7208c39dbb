"""Sending calls, without asyncio. Made from ``async_core.py``.

Made by ``make client`` from the OpenAPI document: do not change it by hand.
"""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from postroom.client.call import RETRIED, Call, Event, EventReader, decode, wait_seconds
from postroom.client.errors import APIError, NotReachableError

T = TypeVar("T")
_EVENT_SILENCE_SECONDS = 60.0
"""The server sends something every 25 seconds."""


class Download:
    """The content of an answer, piece by piece; read it to its end, or close it."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.media_type = response.headers.get("content-type", "")
        self.headers = response.headers

    def read(self) -> bytes:
        """Return all of it."""
        try:
            return self._response.read()
        except httpx.TransportError as error:
            raise NotReachableError(str(error)) from error
        finally:
            self.close()

    def iter_bytes(self) -> Iterator[bytes]:
        """Yield it in pieces, holding one at a time."""
        try:
            for piece in self._response.iter_bytes():
                yield piece
        except httpx.TransportError as error:
            raise NotReachableError(str(error)) from error
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class Core:
    """One account at one server. ``auth`` is a name and a password (also an app password), or a Bearer token."""

    def __init__(
        self,
        url: str,
        auth: tuple[str, str] | str | None = None,
        *,
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._auth = httpx.BasicAuth(*auth) if isinstance(auth, tuple) else None
        headers = {"Authorization": f"Bearer {auth}"} if isinstance(auth, str) else {}
        self._attempts = attempts
        self._pairing: dict[str, str] = {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_seconds, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; a session stays until it is logged out or times out."""
        self._http.close()

    def open_session(self) -> str:
        """Log in with the credentials; the calls that follow belong to that session. Returns its id."""
        session = self._log_in(Call(method="POST", path="/api/v1/login"))
        self._http.headers["X-Axigen-Session"] = session
        return session

    def open_cookie_session(self, username: str, password: str, *, remember: bool = False) -> str:
        """Log in as a browser does; the calls that follow belong to that session. Returns its id."""
        body = {"username": username, "password": password, "rememberLogin": remember}
        session = self._log_in(Call(method="POST", path="/api/v1/login/cookie", body=body))
        self._auth, self._pairing = None, {"_h": session}
        return session

    def _log_in(self, call: Call) -> str:
        return str((self._json(call, dict[str, Any]))["sessid"])

    def iter_events(
        self, *, kinds: Sequence[str] = (), folders: str = "", last_event_id: str = ""
    ) -> Iterator[Event]:
        """Yield events without an end; a stream that breaks is taken up where it broke. Raises: APIError."""
        reader, failures = EventReader(last_event_id), 0
        while True:
            try:
                response = self._http.send(
                    self._event_request(kinds, folders, reader), stream=True, auth=self._auth
                )
                try:
                    self._refuse(response)
                    for line in response.iter_lines():
                        # The server is there, even if it has nothing to tell.
                        failures = 0
                        if (event := reader.feed(line)) is not None:
                            yield event
                finally:
                    response.close()
            except httpx.TransportError:
                pass
            except APIError as error:
                if error.status not in RETRIED:
                    raise
            failures += 1
            if failures > self._attempts:
                raise NotReachableError("the event stream breaks again and again")
            time.sleep(wait_seconds(failures, ""))
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

    def _json(self, call: Call, kind: type[T]) -> T:
        """Make a call; return its answer as ``kind``. Raises: APIError, NotReachableError."""
        return decode(self._bytes(call), kind)

    def _json_or_none(self, call: Call, kind: type[T]) -> T | None:
        """Make a call whose answer may be empty."""
        content = self._bytes(call)
        return decode(content, kind) if content else None

    def _bytes(self, call: Call) -> bytes:
        """Make a call; return the content of its answer. Raises: APIError, NotReachableError."""
        for attempt in range(self._attempts):
            is_last = attempt == self._attempts - 1
            retry_after = ""
            try:
                response = self._send(call)
                try:
                    content = response.read()
                finally:
                    response.close()
            except httpx.TransportError as error:
                if is_last or not call.is_repeatable:
                    raise NotReachableError(str(error) or type(error).__name__) from error
            else:
                if response.is_success:
                    return content
                if is_last or not self._is_worth_repeating(call, response):
                    raise APIError(response.status_code, content, response.headers)
                retry_after = response.headers.get("retry-after", "")
            time.sleep(wait_seconds(attempt, retry_after))
        raise NotReachableError("no attempt was allowed")

    def _is_worth_repeating(self, call: Call, response: httpx.Response) -> bool:
        # 429 and 503 of ours say that nothing was done; what stands between may say 502 and 504 of anything.
        return response.status_code in {429, 503} or (call.is_repeatable and response.status_code in RETRIED)

    def _open(self, call: Call) -> Download:
        """Make a call whose answer may be large. Raises: APIError, NotReachableError."""
        try:
            response = self._send(call)
            self._refuse(response)
        except httpx.TransportError as error:
            raise NotReachableError(str(error) or type(error).__name__) from error
        return Download(response)

    def _send(self, call: Call) -> httpx.Response:
        request = self._http.build_request(
            call.method,
            call.path,
            params=call.parameters() | self._pairing,
            content=call.content(),
            files=call.parts(),
            headers=call.headers(),
        )
        return self._http.send(request, stream=True, auth=self._auth)

    def _refuse(self, response: httpx.Response) -> None:
        if not response.is_success:
            content = response.read()
            response.close()
            raise APIError(response.status_code, content, response.headers)
