"""A client that keeps a copy of a mailbox on disk, by delta and by live events. Python alone is needed.

    python sync_client.py http://127.0.0.1:8080 demo@example.test copy.json

It asks for the password, synchronises, and then follows what happens. What any such client does is in
:meth:`LocalCopy.sync_folders` (which folders are there, and which of them changed) and :meth:`LocalCopy.sync_mails`
(what changed in one of them, page by page). Events only say when to look again: whatever is missed while a stream is
down is in the next delta.
"""

import base64
import getpass
import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

PAGE = 500
PATIENCE_SECONDS = 60
RETRY_SECONDS = 5


class API:
    """Calls of one account; each call is a connection, so that none is found dead."""

    def __init__(self, url: str, address: str, password: str) -> None:
        self._place = urlsplit(url)
        token = base64.b64encode(f"{address}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET."""
        connection = self._connect(PATIENCE_SECONDS)
        try:
            response = self._ask(connection, path, query)
            return json.loads(response.read())
        finally:
            connection.close()

    def iter_events(self) -> Iterator[tuple[str, Any]]:
        """Yield the kind and the data of each event until the stream ends."""
        # The server sends something every 25 seconds; silence means that it is gone.
        connection = self._connect(PATIENCE_SECONDS)
        try:
            response = self._ask(connection, "/api/v1/events", {"kinds": "folders,mails"})
            kind = ""
            for line in response:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)
        finally:
            connection.close()

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._place.scheme == "https" else http.client.HTTPConnection
        return kind(self._place.hostname or "localhost", self._place.port, timeout=seconds)

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, query: dict[str, Any]
    ) -> http.client.HTTPResponse:
        connection.request("GET", f"{path}?{urlencode(query)}", headers=self._headers)
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"{path} answered {response.status}: {response.read(500).decode(errors='replace')}")
        return response


class LocalCopy:
    """The copy: folders and mails by id, and the tokens that say how far it is."""

    def __init__(self, api: API) -> None:
        self._api = api
        self.folders: dict[str, dict[str, Any]] = {}
        self.mails: dict[str, dict[str, dict[str, Any]]] = {}
        self.tokens: dict[str, str] = {}
        self.folders_token = ""

    def load(self, path: Path) -> None:
        """Take up what was saved."""
        vars(self).update(json.loads(path.read_text()))

    def save(self, path: Path) -> None:
        """Save the copy; a crash leaves the old one, from which the next delta goes on."""
        fields = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        new = path.with_name(path.name + ".new")
        new.write_text(json.dumps(fields))
        new.replace(path)

    def sync(self) -> None:
        """Bring everything up to date."""
        for folder_id in self.sync_folders():
            self.sync_mails(folder_id)

    def sync_folders(self) -> list[str]:
        """Bring the folders up to date; return those whose mails are to be looked at."""
        query = {"syncToken": self.folders_token} if self.folders_token else {}
        answer = self._api.get("/api/v1/folders/delta", **query)
        marked: set[str] = set()
        for event in answer["events"]:
            kind, folder_id = event["eventType"], event["id"]
            if kind == "resetContainer":
                marked |= self._list_in(folder_id)
            elif kind == "removeContainer":
                for gone in (*self._list_in(folder_id), folder_id):
                    self._forget(gone)
            elif kind == "removedFolder":
                self._forget(folder_id)
            else:
                self._take(folder_id, event)
                marked.discard(folder_id)
        for folder_id in marked:
            self._forget(folder_id)
        self.folders_token = answer["syncToken"]
        return [
            folder_id
            for folder_id, folder in self.folders.items()
            if self._is_readable(folder) and folder["syncToken"] != self.tokens.get(folder_id)
        ]

    def _list_in(self, container_id: str) -> set[str]:
        """Return the folders of a container: one's own, or what somebody shares."""
        return {
            folder_id for folder_id, folder in self.folders.items() if folder["containerId"] == container_id
        }

    def _take(self, folder_id: str, event: dict[str, Any]) -> None:
        folder = self.folders.setdefault(folder_id, {})
        is_another = folder.get("idValidity", event["idValidity"]) != event["idValidity"]
        folder.update(event)
        if is_another or not self._is_readable(folder):
            self._forget_mails(folder_id)

    @staticmethod
    def _is_readable(folder: dict[str, Any]) -> bool:
        """Tell whether a folder holds mails, and its owner lets us read them."""
        return folder["folderType"] == "mails" and "r" in folder["permissions"]

    def _forget(self, folder_id: str) -> None:
        self.folders.pop(folder_id, None)
        self._forget_mails(folder_id)

    def _forget_mails(self, folder_id: str) -> None:
        self.mails.pop(folder_id, None)
        self.tokens.pop(folder_id, None)

    def sync_mails(self, folder_id: str) -> None:
        """Bring the mails of a folder up to date, a page of changes after the other."""
        mails = self.mails.setdefault(folder_id, {})
        more = True
        while more:
            query = {"syncToken": self.tokens[folder_id]} if folder_id in self.tokens else {}
            answer = self._api.get("/api/v1/mails/delta", folderId=folder_id, limit=PAGE, **query)
            if answer["reset"]:
                mails.clear()
            for mail in answer["newItems"] + answer["replacedItems"]:
                mails[mail["id"]] = mail
            for changes in answer["updatedItems"]:
                mails[changes["id"]].update(changes)
            for removed in answer["removedItems"]:
                mails.pop(removed["id"], None)
            self.tokens[folder_id] = answer["syncToken"]
            more = answer["moreAvailable"]

    def follow(self) -> Iterator[str]:
        """Yield the id of each folder that changed, when the copy has been brought up to date with it."""
        for kind, data in self._api.iter_events():
            if kind == "folders":
                for folder_id in self.sync_folders():
                    self.sync_mails(folder_id)
                    yield folder_id
            elif kind == "mails" and data["folderId"] in self.folders:
                folder_id = data["folderId"]
                if data["syncToken"] != self.tokens.get(folder_id):
                    self.sync_mails(folder_id)
                    yield folder_id

    def describe(self, folder_id: str) -> str:
        """Return a line about a folder."""
        mails = self.mails.get(folder_id, {})
        unread = sum(mail["isUnread"] for mail in mails.values())
        return f"{self.folders[folder_id]['name']}: {len(mails)} mails, {unread} unread"


def main() -> None:
    """Keep a copy until interrupted."""
    url, address, name = sys.argv[1:4]
    path = Path(name)
    copy = LocalCopy(API(url, address, getpass.getpass()))
    if path.exists():
        copy.load(path)
    while True:
        try:
            copy.sync()
            copy.save(path)
            print(*(copy.describe(folder_id) for folder_id in copy.mails), sep="\n")
            for folder_id in copy.follow():
                copy.save(path)
                print(copy.describe(folder_id))
        except (OSError, http.client.HTTPException) as error:
            print(f"{error}; trying again in {RETRY_SECONDS} s", file=sys.stderr)
        time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    main()
