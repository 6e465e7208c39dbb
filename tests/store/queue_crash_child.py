"""The process that is killed: it works on the outgoing queue of a store.

Run as a program, it waits for lines on its input: the URL of a store and its folder, the port of a relay, how far its
clock is put forward, so that the leases of those who died have run out, and how long it is up before it repeats what
they may have sent. For each it forks, so that the imports are paid for once: the child works until it is killed or
nothing is left, and writes ``begun`` and ``done``; the parent writes the child's process id, and ``dead`` when it has
ended.
"""

import asyncio
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks, tell

from postroom.config.classes import AccountClass
from postroom.config.relay import RelayConfig
from postroom.config.sending import SendingConfig
from postroom.domain.clock import Clock
from postroom.domain.ingest import Ingest
from postroom.domain.queue_runner import QueueRunner
from postroom.domain.queue_turns import QueueParts, Turns
from postroom.outgoing.transport import Transport
from postroom.store import open_store
from postroom.store.sql import orders

CHUNK_CAPACITY = 16


class ShiftedClock(Clock):
    """Goes before the system's clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return super().now() + self._seconds


async def work(url: str, folder: Path, *, port: int, seconds: float, steady: float) -> None:
    """Work on the queue until nothing is left."""
    orders.CAPACITY = CHUNK_CAPACITY
    clock = ShiftedClock(seconds)
    store = await open_store(url, folder)
    classes = {"default": AccountClass()}
    sending = SendingConfig()
    relay = RelayConfig(host="127.0.0.1", port=port, tls="none")
    transport = Transport(sending, relay, now=clock.now)
    ingest = Ingest(store, classes, now=clock.now)
    turns = Turns(QueueParts(store, ingest, transport, classes, sending, clock, "mx.example.test"))
    runner = QueueRunner(store, turns, clock=clock, steady_seconds=(steady,))
    tell("begun")
    running = asyncio.create_task(runner.run())
    waiting = 1
    while waiting:
        await asyncio.sleep(0.02)
        async with store.directory() as directory:
            waiting = await directory.outgoing.count_waiting()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await transport.close()
    await store.close()
    tell("done")


def do(task: str) -> None:
    url, folder, port, *times = task.split("\t")
    seconds, steady = map(float, times)
    asyncio.run(work(url, Path(folder), port=int(port), seconds=seconds, steady=steady))


if __name__ == "__main__":
    fork_for_tasks(do)
