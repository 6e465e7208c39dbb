"""Processor time: what the server used, and what other programs took away meanwhile (proc(5)).

A rate is only as good as the machine was idle. So each measurement tells how many cores were busy with something
else than server and load client, and what an answer cost the server in processor time, which other programs
hardly change.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE_COLUMNS = (3, 4)
"""``idle`` and ``iowait`` of the line ``cpu`` in /proc/stat."""
_ACCOUNTED_COLUMNS = 8
"""user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already."""


class Usage(NamedTuple):
    """Seconds: clock, all processors' busy time, the server's processor time, up to one moment."""

    clock: float
    busy: float
    server: float

    def since(self, before: "Usage") -> "Usage":
        """Return what was used after ``before``."""
        return Usage(self.clock - before.clock, self.busy - before.busy, self.server - before.server)


def read_usage(pid: int) -> Usage:
    """Return what the machine, and the process ``pid``, have used so far."""
    machine = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    busy = sum(machine[:_ACCOUNTED_COLUMNS]) - sum(machine[column] for column in _IDLE_COLUMNS)
    # The name, in brackets, may hold anything; utime and stime are fields 14 and 15 of the line.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    server = int(fields[11]) + int(fields[12])
    return Usage(time.monotonic(), busy / _TICKS_PER_SECOND, server / _TICKS_PER_SECOND)
