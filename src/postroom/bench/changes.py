"""Measurements of changes: single ones, batches, deltas, event streams, the deletion of a large folder.

They leave the mailbox empty, so they come last. The load on the side, while a batch runs, is what another client of
the same account would see.
"""

import asyncio
import itertools
import resource
import time
from collections.abc import Sequence
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from postroom.bench.api_client import APIClient, mail_path
from postroom.bench.load import HTTPLoad, run_http
from postroom.bench.processor import read_usage
from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Question, Scene, add_usage, make_measurement
from postroom.errors import Kind, PostroomError

_CHANGES = 6_000
_CONNECTIONS = 16
_PAGE = 500
_STREAMS = 2_000
_WAIT_SECONDS = 300.0


def measure_changes(scene: Scene) -> None:
    """Take all figures of this group."""
    measure_single_changes(scene)
    measure_deltas(scene)
    measure_streams(scene)
    measure_batch(scene)


def measure_single_changes(scene: Scene) -> None:
    """Flag, label and move mails one by one, over 16 connections."""
    mails = [mail["id"] for mail in scene.list_mails()]
    label = scene.api.call("POST", "/api/v1/labels", {"name": "Bench"})["id"]
    sent = scene.api.get_folder("sent")["id"]
    chosen = sorted(mails, key=lambda mail_id: mail_id[::-1])[: min(_CHANGES, len(mails) // 2)]
    for name, method, what, body in (
        ("flag", "PATCH", "", '{"isFlagged":true}'),
        ("label", "POST", "labels", f'{{"labelId":"{label}"}}'),
        ("move", "POST", "move", f'{{"destinationFolderId":"{sent}"}}'),
    ):
        paths = [mail_path(mail_id, what) for mail_id in chosen]
        load = HTTPLoad(
            paths=paths,
            connections=_CONNECTIONS,
            requests=len(paths),
            method=method,
            body=body,
            headers={**scene.api.headers, "Content-Type": "application/json"},
        )
        before = read_usage(scene.server.pid)
        result = run_http(scene.server.host, scene.server.port, load)
        used = read_usage(scene.server.pid).since(before)
        asked = Question(group="changes", name=f"{name}, {_CONNECTIONS} connections", goal=Goal(3_000))
        scene.take(add_usage(make_measurement([result], asked), [result], [used]))
    scene.mails.clear()


def measure_deltas(scene: Scene) -> None:
    """Ask for a delta after one change, many times; then synchronise from nothing, by pages."""
    api, folder = scene.api, scene.inbox_id
    token = api.call("GET", f"/api/v1/mails?folderId={folder}&syncTokenOnly=true")["syncToken"]
    mail = next(api.iter_mails(folder))["id"]
    seconds: list[float] = []
    for flagged in itertools.islice(itertools.cycle((True, False)), 200):
        api.call("PATCH", f"/api/v1/mails/{mail}", {"isFlagged": flagged, "isUnread": flagged})
        started = time.perf_counter()
        answer = api.call("GET", _delta_path(folder, syncToken=token))
        seconds.append(time.perf_counter() - started)
        token = answer["syncToken"]
        if len(answer["updatedItems"]) + len(answer["newItems"]) != 1:
            raise _failed("a delta after one change did not tell of one mail")
    figure = make_figure(
        "changes",
        "delta after one change, at the client",
        unit="ms",
        repeats=[each * 1000 for each in seconds],
        goal=Goal(2, at_most=True),
    )
    scene.take(figure)
    started, total, token, more = time.perf_counter(), 0, "", True
    while more:
        query = {"limit": _PAGE, **({"syncToken": token} if token else {})}
        answer = api.call("GET", _delta_path(folder, **query))
        token, more = answer["syncToken"], answer["moreAvailable"]
        total += len(answer["newItems"])
    rate = total / (time.perf_counter() - started)
    scene.take(
        make_figure("changes", "first sync, pages of 500", unit="/s", repeats=[rate], goal=Goal(20_000))
    )


def _delta_path(folder_id: str, **query: Any) -> str:
    return f"/api/v1/mails/delta?{urlencode({'folderId': folder_id, **query})}"


# Event streams


def measure_streams(scene: Scene) -> None:
    """Connect many event streams, make one change, and take the time until all were told, and the memory of each."""
    count = min(_STREAMS, 2 * scene.mailbox.size)
    _allow_files(2 * count)
    before = scene.server.resident_bytes()
    told, connected = asyncio.run(_listen(scene, count))
    memory = (connected.memory - before) / count / 1024
    scene.take(
        make_figure(
            "changes",
            f"{count:,} event streams, all told of a change",
            unit="s",
            repeats=[told],
            goal=Goal(1, at_most=True),
        )
    )
    scene.take(
        make_figure(
            "changes", "memory of an event stream", unit="KB", repeats=[memory], goal=Goal(60, at_most=True)
        )
    )


def _allow_files(count: int) -> None:
    """Let this process have that many open files, if the machine allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 100
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))


class _Connected:
    """What was seen when all streams were connected."""

    memory = 0


async def _listen(scene: Scene, count: int) -> tuple[float, _Connected]:
    streams = [await _open_stream(scene) for _ in range(count)]
    seen = _Connected()
    seen.memory = scene.server.resident_bytes()
    mail = next(scene.api.iter_mails(scene.inbox_id))
    body = {"isUnread": not mail["isUnread"]}
    waiting = [asyncio.create_task(_next_event(reader)) for reader, _ in streams]
    await asyncio.sleep(0.2)
    started = time.perf_counter()
    await asyncio.to_thread(scene.api.call, "PATCH", f"/api/v1/mails/{mail['id']}", body)
    await asyncio.wait_for(asyncio.gather(*waiting), _WAIT_SECONDS)
    told = time.perf_counter() - started
    for _, writer in streams:
        writer.close()
    return told, seen


async def _open_stream(scene: Scene) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(scene.server.host, scene.server.port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in scene.api.headers.items())
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _WAIT_SECONDS)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise _failed(f"an event stream was refused: {head[:80].decode(errors='replace')}")
    await _next_event(reader)
    return reader, writer


async def _next_event(reader: asyncio.StreamReader) -> None:
    """Read until the end of an event that has data."""
    found = False
    while True:
        line = await reader.readline()
        if not line:
            raise _failed("an event stream ended")
        if line.startswith(b"data:"):
            found = True
        elif found and line.strip(b"\r\n") == b"":
            return


# Batches


def measure_batch(scene: Scene) -> None:
    """Move the whole Inbox while another client reads and marks, then delete the folder it went to."""
    api = scene.api
    folder = api.call("POST", "/api/v1/folders", {"name": "Bench"})["id"]
    first = next(api.iter_mails(scene.inbox_id))
    beside = scene.api.call(
        "POST", f"/api/v1/mails/{first['id']}/copy", {"destinationFolderId": api.get_folder("drafts")["id"]}
    )
    total = api.call("GET", f"/api/v1/folders/{scene.inbox_id}")["totalItems"]
    body = {
        "ranges": [{"start": first["id"], "limit": total}],
        "sortInfo": {"field": "date", "direction": "DESC"},
        "destinationFolderId": folder,
    }
    others = _Others(scene, str(beside["id"]))
    others.start()
    started = time.perf_counter()
    _run_batch(api, body)
    seconds = time.perf_counter() - started
    latencies = others.stop()
    moved = api.call("GET", f"/api/v1/folders/{folder}")["totalItems"]
    if moved != total:
        raise _failed(f"{total} mails were to be moved, {moved} were")
    goal = Goal(15, at_most=True) if scene.mailbox.size == 100_000 else None
    scene.take(make_figure("changes", "move of all mails in a batch", unit="s", repeats=[seconds], goal=goal))
    p99 = sorted(latencies)[int(len(latencies) * 0.99)] * 1000
    scene.take(
        make_figure(
            "changes",
            "other calls meanwhile, p99",
            unit="ms",
            repeats=[p99],
            goal=Goal(60, at_most=True),
        )
    )
    api.call("PATCH", "/api/v1/account/settings", {"deleteToTrash": False})
    started = time.perf_counter()
    api.call("DELETE", f"/api/v1/folders/{folder}")
    milliseconds = (time.perf_counter() - started) * 1000
    scene.take(
        make_figure(
            "changes",
            "deletion of the folder, answer",
            unit="ms",
            repeats=[milliseconds],
            goal=Goal(100, at_most=True),
        )
    )


def _run_batch(api: APIClient, body: dict[str, Any]) -> None:
    answer = api.call("POST", "/api/v1/batch/mails/move", body)
    deadline = time.monotonic() + _WAIT_SECONDS
    while answer["status"] != "completed":
        if time.monotonic() > deadline:
            raise _failed("a batch did not end")
        time.sleep(0.1)
        answer = api.call("GET", f"/api/v1/batch/{answer['jobKey']}")
    if answer["failedItems"]:
        raise _failed("a batch could not do all mails")


class _Others(Thread):
    """Another client of the account, that reads and marks one mail after the other while something else goes on."""

    def __init__(self, scene: Scene, mail_id: str) -> None:
        super().__init__(daemon=True)
        self._api = scene.mailbox.connect(scene.server)
        self._mail_id = mail_id
        self._ends = False
        self._seconds: list[float] = []

    def run(self) -> None:
        """Call until told to stop."""
        for flagged in itertools.cycle((True, False)):
            if self._ends:
                return
            for method, path, body in (
                ("PATCH", f"/api/v1/mails/{self._mail_id}", {"isFlagged": flagged}),
                ("GET", f"/api/v1/mails/{self._mail_id}", None),
                ("GET", "/api/v1/mails/counters", None),
            ):
                started = time.perf_counter()
                self._api.call(method, path, body)
                self._seconds.append(time.perf_counter() - started)
            time.sleep(0.002)

    def stop(self) -> Sequence[float]:
        """Stop, and return the seconds that each call took."""
        self._ends = True
        self.join()
        self._api.close()
        return self._seconds


def _failed(what: str) -> PostroomError:
    return PostroomError(Kind.INTERNAL, "benchmarkFailed", what)
