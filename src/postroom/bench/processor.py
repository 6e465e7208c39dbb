"""Processor time: what the server used, and what other programs took away meanwhile (proc(5)).

A rate is only as good as the machine was idle. So each measurement tells how many cores were busy with something
else than server and load client, and what an answer cost the server in processor time, which other programs
hardly change. Nor is a machine that others share always as fast: :func:`measure_speed` tells how fast one processor
is just now, so that runs of different hours can be compared.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE_COLUMNS = (3, 4)
"""``idle`` and ``iowait`` of the line ``cpu`` in /proc/stat."""
_ACCOUNTED_COLUMNS = 8
"""user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already."""


_LOOP_STEPS = 1_000_000
_LOOPS = 5


class Usage(NamedTuple):
    """Seconds: clock, all processors' busy time, the server's processor time, up to one moment."""

    clock: float
    busy: float
    server: float

    def since(self, before: "Usage") -> "Usage":
        """Return what was used after ``before``."""
        return Usage(self.clock - before.clock, self.busy - before.busy, self.server - before.server)


def list_processes(pid: int) -> list[int]:
    """Return ``pid`` and the processes that it has started (proc(5), children)."""
    started: set[int] = set()
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has just ended
            started.update(map(int, children.read_text().split()))
    return [pid, *sorted(started)]


def _read_server(pid: int) -> int:
    # The name, in brackets, may hold anything; utime, stime, cutime and cstime are fields 14 to 17 of the line.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def read_usage(pid: int) -> Usage:
    """Return what the machine, and the process ``pid`` with all that it started, have used so far."""
    machine = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    busy = sum(machine[:_ACCOUNTED_COLUMNS]) - sum(machine[column] for column in _IDLE_COLUMNS)
    server = sum(map(_read_server, list_processes(pid)))
    return Usage(time.monotonic(), busy / _TICKS_PER_SECOND, server / _TICKS_PER_SECOND)


def measure_speed() -> float:
    """Return the millions of steps that a loop in Python makes in a second on one processor: the best of some."""
    seconds = []
    for _ in range(_LOOPS):
        total, started_at = 0, time.perf_counter()
        for number in range(_LOOP_STEPS):
            total += number
        seconds.append(time.perf_counter() - started_at)
    return _LOOP_STEPS / 1_000_000 / min(seconds)
