"""What a process gives up that reads what strangers made, and the alarms that end it.

What it reads may make a reader loop, take all memory or crash. So before it reads anything, the process gives up
what it does not need: memory beyond a limit, files, other processes. And it sets alarms that nothing in it handles:
the kernel ends it, even if the server is gone. They count the time that the process computes, since a machine that is
busy is no document's fault, and more generously the time that passes.
"""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

NICENESS = 10
PATIENCE = 3
"""Where a machine is busy, so many times as long passes for the time that is computed."""
_OPEN_FILES = 64
_PR_SET_NO_NEW_PRIVS = 38


def give_up_what_is_not_needed(memory_bytes: int) -> None:
    """Limit what this process can take and do, for good."""
    # A handler of Python's would wait for the reader to come back.
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        # Whoever runs out of memory ends this process before any other.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def set_alarms(seconds: float) -> None:
    """Be ended after this time; 0 for never."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE)
