"""What calls raise: what the server refused (:class:`APIError`), and that it could not be reached."""

from collections.abc import Mapping
from typing import Any

import msgspec


class ClientError(Exception):
    """Anything that goes wrong with a call."""


class NotReachableError(ClientError):
    """No answer of the server came: none, or not the whole of it, or one of something between it and us."""


class APIError(ClientError):
    """The server answered with an error; ``error_code`` is stable, ``message`` is for people."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        read = _read(body)
        self.status = status
        self.error_code = str(read.get("errorCode", ""))
        self.message = str(read.get("message", ""))
        details = read.get("details")
        self.details: dict[str, Any] = details if isinstance(details, dict) else {}
        self.request_id = headers.get("x-request-id", "")
        super().__init__(f"{status} {self.error_code}: {self.message}")


def _read(body: bytes) -> dict[str, Any]:
    """Return the members of an error; one of something between us and the server has none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
