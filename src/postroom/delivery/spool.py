"""Where one message is gathered while it comes in: in memory, or beyond a bound in a temporary file.

Small messages become one ``bytes``. Larger ones go to a file without a name in the spool directory (so that not
even a crash leaves it behind) and are handed over as a read-only memory map, so that their size costs no memory.

A message that fails (too large, disk full) is not an exception here: the protocol has to read it to its end before
it may answer. The spool remembers the first failure, gives back what it holds, and swallows the rest.

Invariant: the content is the trace fields, then every byte written, then CRLF unless it already ends so.
"""

import errno
import mmap
import tempfile
from pathlib import Path
from typing import IO, Final, Protocol

from postroom.errors import Kind, PostroomError, unavailable

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Gatherer(Protocol):
    """What message data is read into; see :class:`MessageSpool`."""

    @property
    def failure(self) -> PostroomError | None:
        """Return why this message cannot be taken; None while it can."""
        ...

    @property
    def size_bytes(self) -> int:
        """Return how much has been written."""
        ...

    def write(self, data: bytes) -> None:
        """Add ``data``; never raises, but may set ``failure``."""
        ...

    def finish(self) -> bytes | mmap.mmap:
        """Return the content, complete; valid until :meth:`close`. Raises the ``failure``."""
        ...

    def close(self) -> None:
        """Give back memory and file."""
        ...


class MessageSpool:
    """Gathers one message; used once. Always :meth:`close` it."""

    __slots__ = (
        "_directory",
        "_file",
        "_map",
        "_max_bytes",
        "_memory",
        "_memory_bytes",
        "_tail",
        "failure",
        "size_bytes",
    )

    def __init__(self, trace: bytes, *, directory: Path, memory_bytes: int, max_bytes: int) -> None:
        self._memory = bytearray(trace)
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None
        self._directory = directory
        self._memory_bytes = memory_bytes
        self._max_bytes = max_bytes
        self._tail = trace[-2:]
        self.size_bytes = 0
        """Bytes written so far, without the trace fields."""
        self.failure: PostroomError | None = None
        """Why this message cannot be taken; None while it can."""

    def write(self, data: bytes) -> None:
        """Add ``data``; never raises, but may set ``failure``."""
        self.size_bytes += len(data)
        if self.failure is not None:
            return
        if self.size_bytes > self._max_bytes:
            self._fail(too_large(self._max_bytes))
            return
        self._keep(data)

    def finish(self) -> bytes | mmap.mmap:
        """Return the content, complete; valid until :meth:`close`.

        Raises the ``failure``, or what goes wrong with the file now.
        """
        if self.failure is None and self._tail != b"\r\n":
            self._keep(b"\r\n")
        if self.failure is not None:
            raise self.failure
        if self._file is None:
            return bytes(self._memory)
        try:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise _spool_failure(error) from error
        return self._map

    def close(self) -> None:
        """Give back memory and file. A map that somebody still looks into goes when they let go of it."""
        self._memory = bytearray()
        if self._map is not None:
            try:
                self._map.close()
            except BufferError:
                self._map = None
        if self._file is not None:
            self._file.close()

    def _keep(self, data: bytes) -> None:
        self._tail = (self._tail + data[-2:])[-2:]
        try:
            if self._file is None:
                if len(self._memory) + len(data) <= self._memory_bytes:
                    self._memory += data
                    return
                self._file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115 - see close()
                _write_all(self._file, self._memory)
                self._memory = bytearray()
            _write_all(self._file, data)
        except OSError as error:
            self._fail(_spool_failure(error))

    def _fail(self, failure: PostroomError) -> None:
        self.failure = failure
        self.close()


def too_large(max_bytes: int) -> PostroomError:
    """Return the error for a message over the server's limit."""
    return PostroomError(
        Kind.TOO_LARGE, "payloadTooLarge", f"Message is too large; the limit is {max_bytes} bytes"
    )


def _write_all(file: IO[bytes], data: bytes | bytearray) -> None:
    """Write all of ``data``: an unbuffered write may take only a part, and then tell why at the next one."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _spool_failure(error: OSError) -> PostroomError:
    if error.errno in _NO_SPACE:
        return PostroomError(
            Kind.UNAVAILABLE,
            "diskFull",
            "Insufficient storage; try again later",
            private=str(error),
            retry_after_seconds=60,
        )
    return unavailable("Cannot take the message now; try again later", private=str(error))
