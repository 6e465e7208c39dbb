"""Noticing commits without a system call: the header of SQLite's WAL-index, seen through shared memory.

In WAL mode all processes that have a database open share the file ``…-shm``. It begins with two copies of a header
of 48 bytes that every commit changes, at its very end and in whichever process it happens (a counter, the number of
frames, checksums). So two equal headers mean that nothing was committed in between, and what was read under the
first is still true. Reading it costs a copy of 96 bytes, where a SELECT takes and gives back file locks.

Invariants:
- the two copies are compared: a header that is being written is never taken for a state;
- the file is opened once in a process and closed only after all its connections to the database: POSIX gives up all
  locks of a process on a file, SQLite's own too, as soon as it closes any descriptor of it.

Source: https://www.sqlite.org/walformat.html#the_wal_index_header, https://www.sqlite.org/howtocorrupt.html (§2.2).
"""

import mmap
import os
from pathlib import Path
from typing import ClassVar

_HEADER_BYTES = 48


class WalIndex:
    """The WAL-index of an open database, shared by all who open it in this process."""

    _shared: ClassVar[dict[Path, "WalIndex"]] = {}

    def __init__(self, path: Path) -> None:
        self._path = path
        self._users = 0
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # If this fails the descriptor stays open: closing it would drop SQLite's locks.
        self._map = mmap.mmap(self._descriptor, 2 * _HEADER_BYTES, access=mmap.ACCESS_READ)

    @classmethod
    def open(cls, database: Path) -> "WalIndex":
        """Return the WAL-index of a database that a connection has open. Raises: OSError where there is none."""
        path = Path(f"{database.resolve()}-shm")
        found = cls._shared.get(path)
        if found is None:
            found = cls._shared[path] = cls(path)
        found._users += 1
        return found

    def read_state(self) -> bytes | None:
        """Return what stands for the present state of the database, None while a commit is changing it."""
        headers = self._map[:]
        state = headers[:_HEADER_BYTES]
        return state if state == headers[_HEADER_BYTES:] else None

    def close(self) -> None:
        """Let go of the file, after one's connections are closed; the last user closes it."""
        self._users -= 1
        if self._users == 0:
            del self._shared[self._path]
            self._map.close()
            os.close(self._descriptor)
