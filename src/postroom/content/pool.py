"""The pool of helper processes, as the event loop sees it.

Purpose: digesting a message and making HTML safe are most of a server's computing, and Python computes on one
processor at a time. Helpers use the others, and leave the loop free for everyone else.

Algorithm: a helper starts with the first task and ends when it had none for a while. A task goes to the helper
with the fewest under way, if that has less than :data:`DEPTH`; else :meth:`HelperPool.run` says so at once, and the
caller does the work itself: so the loop and its helpers share what there is to do, and none waits for another.
Tasks and results pass through a socket pair; see :mod:`postroom.content.tasks`.

Invariants: no task is lost with its helper. One that dies, takes too long or answers nonsense is ended, and whoever
waits for it is told to do the work itself.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from typing import Any, cast

import msgspec
import structlog

from postroom.content.frames import LENGTH
from postroom.content.tasks import Task, decode_result, encode_task

DEPTH = 4
"""Tasks under way with one helper: one that it does, and what it finds waiting."""
IDLE_SECONDS = 60
TASK_SECONDS = 20
RESTART_SECONDS = 5
"""A helper that failed is not followed by another at once."""
MOST_HELPERS = 4

_log = structlog.get_logger("postroom.content")


def count_helpers(wanted: int) -> int:
    """Return how many helpers to use: ``wanted``, or for -1 one for each processor but the loop's, at most four."""
    if wanted >= 0:
        return wanted
    return max(0, min(len(os.sched_getaffinity(0)) - 1, MOST_HELPERS))


class _Helper(asyncio.Protocol):
    """One helper process and the tasks it has."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[type[Task], asyncio.Future[Any]]] = deque()
        self.is_ready = False
        self.ended = asyncio.get_running_loop().create_future()
        self.last_used = asyncio.get_running_loop().time()
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process. Raises: OSError."""
        ours, its = socket.socketpair()
        try:
            with its:
                # Unlike asyncio's way this has no moment at which the process is there and nobody knows of it.
                self._process = subprocess.Popen(  # noqa: ASYNC220 - our own module, with no arguments
                    [sys.executable, "-m", "postroom.content.helper"],
                    stdin=its.fileno(),
                    stdout=subprocess.DEVNULL,
                )
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)
        except BaseException:
            ours.close()
            raise
        self.is_ready = True

    def give(self, task: Task) -> "asyncio.Future[Any]":
        """Return the coming result of a task; None stands for a failure."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Any] = loop.create_future()
        self.last_used = loop.time()
        self.waiting.append((type(task), result))
        if self._transport is not None:
            self._transport.write(encode_task(task))
        return result

    async def end(self) -> None:
        """End the process, whatever it is doing, and wait until it is gone."""
        self.is_ready = False
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._fail_all()

    # The protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Take results, in the order of their tasks."""
        self._received += data
        start = 0
        with memoryview(self._received) as received:
            while len(received) - start >= LENGTH.size:
                (size,) = LENGTH.unpack_from(received, start)
                end = start + LENGTH.size + size
                if len(received) < end:
                    break
                with received[start + LENGTH.size : end] as content:
                    self._settle(content)
                start = end
        del self._received[:start]

    def _settle(self, content: memoryview) -> None:
        if not self.waiting:  # nobody asked: the helper is out of its mind
            self._give_up()
            return
        task, result = self.waiting.popleft()
        try:
            found = decode_result(task, content) if content else None
        except (msgspec.ValidationError, msgspec.DecodeError):
            found = None
        if not result.done():
            result.set_result(found)

    def _give_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, _exception: Exception | None) -> None:
        """Let everyone who waits do the work itself."""
        self.is_ready = False
        self._fail_all()
        if not self.ended.done():
            self.ended.set_result(None)

    def _fail_all(self) -> None:
        while self.waiting:
            _, result = self.waiting.popleft()
            if not result.done():
                result.set_result(None)


class HelperPool:
    """Some helper processes, started when there is work for them."""

    def __init__(self, count: int) -> None:
        """Have at most ``count`` helpers."""
        self._count = count
        self._helpers: list[_Helper] = []
        self._keepers: set[asyncio.Task[None]] = set()
        self._may_start_at = 0.0
        self._closed = False
        self.tasks = 0
        """Tasks given to helpers so far."""

    @property
    def running(self) -> int:
        """How many helpers there are."""
        return len(self._helpers)

    async def run(self, task: Task) -> Any:
        """Return the result of a task, None if whoever asks should do it itself."""
        helper = self._find_helper()
        if helper is None and self._helpers:
            # Results that have come in meanwhile are taken before the caller keeps the loop busy.
            await asyncio.sleep(0)
            helper = self._find_helper()
        if helper is None:
            return None
        self.tasks += 1
        result = helper.give(task)
        try:
            async with asyncio.timeout(TASK_SECONDS):
                return await result
        except TimeoutError:
            _log.warning("a helper took too long and is ended", seconds=TASK_SECONDS)
            await helper.end()
            return None

    def _find_helper(self) -> _Helper | None:
        """Return a helper that has room for a task; start one if all are busy and there may be more."""
        best: _Helper | None = None
        for helper in self._helpers:
            if helper.is_ready and (best is None or len(helper.waiting) < len(best.waiting)):
                best = helper
        if best is None or best.waiting:
            self._start_one()
        return best if best is not None and len(best.waiting) < DEPTH else None

    def _start_one(self) -> None:
        if self._closed or len(self._helpers) >= self._count:
            return
        if asyncio.get_running_loop().time() < self._may_start_at:
            return
        helper = _Helper()
        self._helpers.append(helper)
        keeper = asyncio.create_task(self._keep(helper))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)

    async def _keep(self, helper: _Helper) -> None:
        """Start a helper, wait until it is needed no more or fails, and end it."""
        loop = asyncio.get_running_loop()
        try:
            await helper.start()
            while not helper.ended.done() and loop.time() - helper.last_used < IDLE_SECONDS:
                await asyncio.wait([helper.ended], timeout=IDLE_SECONDS)
            if helper.ended.done() and not self._closed:
                _log.warning("a helper process ended by itself")
                self._may_start_at = loop.time() + RESTART_SECONDS
        except OSError as error:
            _log.warning("a helper process cannot be started", error=str(error))
            self._may_start_at = loop.time() + RESTART_SECONDS
        finally:
            self._helpers.remove(helper)
            await helper.end()

    async def close(self) -> None:
        """End all helpers."""
        self._closed = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
