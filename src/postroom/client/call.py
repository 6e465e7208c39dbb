"""A call before it is made: what the generated methods hand to the core, which sends it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import msgspec

from postroom.client.errors import NotReachableError

T = TypeVar("T")
File = tuple[str, bytes, str]
"""Name, content and media type of a file."""
RETRIED = frozenset({429, 502, 503, 504})
_LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of the stream; ``id`` is where to go on after it."""

    id: str
    kind: str
    data: dict[str, Any]


@dataclass(kw_only=True)
class Call:
    """One call; what is UNSET is left out; None is null in a body, and left out of a query."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    files: tuple[File, ...] = ()
    security_token: str | None = None
    idempotency_key: str | None = None
    is_keyed: bool = False
    """The server makes it once, however often it comes with the same key."""

    def __post_init__(self) -> None:
        if self.is_keyed and self.idempotency_key is None:
            self.idempotency_key = str(uuid4())

    @property
    def is_repeatable(self) -> bool:
        """Making it twice changes nothing more than making it once."""
        return self.is_keyed or self.method in {"GET", "HEAD"}

    def parameters(self) -> dict[str, Any]:
        """Return the query as it goes over the wire."""
        given = {name: value for name, value in self.query.items() if is_given(value)}
        return {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()
        }

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to this call."""
        headers = {"Content-Type": "application/json"} if self.body is not None else {}
        if self.security_token is not None:
            headers["X-Axigen-Security-Token"] = self.security_token
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers

    def content(self) -> bytes | None:
        """Return the body as JSON."""
        if self.body is None:
            return None
        given = {name: value for name, value in self.body.items() if value is not msgspec.UNSET}
        return msgspec.json.encode(given)

    def parts(self) -> list[tuple[str, File]] | None:
        """Return the files of a form."""
        return [("file", file) for file in self.files] or None


def decode(content: bytes, kind: type[T]) -> T:
    """Return what an answer says. Raises: NotReachableError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise NotReachableError(f"the answer is none of this API's ({error})") from error


def is_given(value: object) -> bool:
    """Tell whether a parameter was given."""
    return value is not msgspec.UNSET and value is not None


def fill(path: str, *names: str) -> str:
    """Return a path with the names in its places."""
    return path.format(*(quote(name, safe="") for name in names))


def wait_seconds(attempt: int, retry_after: str) -> float:
    """Return how long to wait before a call is made again: as long as the server says, else longer each time."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_WAIT_SECONDS)
    return min(0.2 * 2.0**attempt, _LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1)  # noqa: S311


class EventReader:
    """Puts the lines of an event stream together to events."""

    def __init__(self, last_event_id: str) -> None:
        self.last_event_id = last_event_id
        self._kind = ""
        self._data: list[str] = []

    def feed(self, line: str) -> Event | None:
        """Take a line; return the event that it ends."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "id":
            self.last_event_id = value
        elif name == "data" and line:
            self._data.append(value)
        elif not line and self._data:
            event = Event(
                id=self.last_event_id,
                kind=self._kind or "message",
                data=msgspec.json.decode("\n".join(self._data), type=dict[str, Any]),
            )
            self._kind, self._data = "", []
            return event
        return None
