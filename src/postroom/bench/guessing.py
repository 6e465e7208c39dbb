"""Measurements while somebody guesses passwords: what it costs others, and how many guesses are checked.

All guesses are at the account that is measured, each with another password. They come from loopback, where no
source address is limited: to the server it is as if each came from elsewhere.
"""

import base64
import http.client
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from postroom.bench.results import Goal, make_figure
from postroom.bench.scenarios import Question, Scene, measure_http

TRIES = 10_000
MOST_CHECKED = 29
_CONNECTIONS = 4
_PATH = "/api/v1/mails/counters"


class _Attack:
    """Threads that guess passwords until they are told to stop, and at least :data:`TRIES` times."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._statuses: list[Counter[int]] = []
        self._threads = [threading.Thread(target=self._guess, daemon=True) for _ in range(_CONNECTIONS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    @property
    def statuses(self) -> Counter[int]:
        return sum(self._statuses, Counter[int]())

    def _guess(self) -> None:
        server, statuses = self._scene.server, Counter[int]()
        self._statuses.append(statuses)
        connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
        for number in self._numbers:
            if self._stopping.is_set() and number >= TRIES:
                break
            token = base64.b64encode(f"{self._scene.mailbox.address}:guess {number}".encode()).decode()
            connection.request("GET", _PATH, headers={"Authorization": f"Basic {token}"})
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
        connection.close()


def measure_guessing(scene: Scene) -> None:
    """Poll the unread counter while nobody guesses and while somebody does, and count what of it was checked."""
    asked = Question(group="guessing", name="counter, nobody guesses", paths=[_PATH])
    alone = measure_http(scene, asked)
    scene.take(alone)
    attack = _Attack(scene)
    with attack.running():
        most = None if alone.p99_ms is None else 2 * alone.p99_ms
        scene.take(measure_http(scene, replace(asked, name="counter, guessing goes on", p99_goal_ms=most)))
    statuses = attack.statuses
    note = f"of {sum(statuses.values()):,} guesses; the others were refused unchecked"
    goal = Goal(MOST_CHECKED, at_most=True)
    scene.take(
        make_figure("guessing", "passwords checked", unit="", repeats=[statuses[401]], goal=goal, note=note)
    )
