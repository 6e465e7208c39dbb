"""A small blocking client of the mailbox API, for setting measurements up and reading results."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from postroom.errors import Kind, PostroomError

_TIMEOUT_SECONDS = 120.0
_PAGE_ITEMS = 1000


class APIClient:
    """Calls of one account on one kept connection; ``host`` and ``port`` are where the API listens.

    A status other than 200 and 201 raises ``PostroomError`` (``apiCallFailed``) that says what was called and what
    was answered.
    """

    def __init__(self, host: str, port: int, *, address: str, password: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        token = base64.b64encode(f"{address}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"}
        """What every request carries: the credentials, and after :meth:`login` the session."""

    def login(self) -> str:
        """Open a session, use it from now on, and return its id."""
        session = str(self.call("POST", "/api/v1/login")["sessid"])
        self.headers = {**self.headers, "X-Axigen-Session": session}
        return session

    def close(self) -> None:
        """Close the connection; the session stays."""
        self._connection.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the decoded JSON answer, None if it is empty; ``path`` may carry a query."""
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers if data is None else {**self.headers, "Content-Type": "application/json"}
        try:
            status, content = self._exchange(method, path, data=data, headers=headers)
        except (OSError, http.client.HTTPException) as error:
            raise PostroomError(Kind.UNAVAILABLE, "apiCallFailed", f"{method} {path}: {error!r}") from error
        if status not in {200, 201}:
            reason = content[:300].decode(errors="replace")
            raise PostroomError(
                Kind.UNAVAILABLE, "apiCallFailed", f"{method} {path} answered {status}: {reason}"
            )
        return json.loads(content) if content else None

    def _exchange(
        self, method: str, path: str, *, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        is_kept = self._connection.sock is not None
        try:
            self._connection.request(method, path, body=data, headers=headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            # A server may close a connection that was idle just when the next request leaves (RFC 9112 §9.3.1).
            # Nothing was answered, and every call made here can be made twice.
            if not is_kept or not isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                raise
        return self._exchange(method, path, data=data, headers=headers)

    def get_folder(self, role: str) -> dict[str, Any]:
        """Return the folder with this ``role`` (``inbox``, ``drafts``, …)."""
        for folder in self.call("GET", "/api/v1/folders/")["items"]:
            if folder["role"] == role:
                return dict(folder)
        raise PostroomError(Kind.NOT_FOUND, "notFound", f"the account has no folder with the role {role!r}")

    def iter_mails(self, folder_id: str) -> Iterator[dict[str, Any]]:
        """Yield every mail of a folder, newest first."""
        start = 0
        while True:
            page = self.call("GET", mails_path(folder_id, start=start, limit=_PAGE_ITEMS))
            yield from page["items"]
            start += _PAGE_ITEMS
            if start >= page["totalItems"]:
                return


def mails_path(folder_id: str, **parameters: str | int) -> str:
    """Return the path of a list of mails: ``sort``, ``dir``, ``start``, ``limit``."""
    return f"/api/v1/mails?{urlencode({'folderId': folder_id, **parameters})}"


def mail_path(mail_id: str, what: str = "") -> str:
    """Return the path of a mail, or of ``what`` belongs to it (``body?type=html``, ``source``)."""
    return f"/api/v1/mails/{quote(mail_id, safe='')}" + (f"/{what}" if what else "")
