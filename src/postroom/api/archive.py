"""A zip archive (PKWARE APPNOTE 6.3) that is sent while it is written.

The entries are stored, not deflated: attachments are mostly compressed already, nothing holds up the event loop, and
the length of the whole archive is known before it begins, so that it has a Content-Length and can be resumed. As
nothing can be sought back to, the sum of each entry follows its content (flag bit 3). Memory holds one chunk.
"""

import io
import re
import time
import zipfile
from calendar import timegm
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import NamedTuple

_LOCAL_HEADER_BYTES = 30
_DATA_DESCRIPTOR_BYTES = 16
_CENTRAL_HEADER_BYTES = 46
_END_BYTES = 22
_LARGE_END_BYTES = 56 + 20
"""What is said beside it of more entries than 16 bits count: a record of 64 bits, and where it is."""
_MOST_COUNTED = (1 << 16) - 1
_EARLIEST = timegm((1980, 1, 1, 0, 0, 0))
_LATEST = timegm((2107, 12, 31, 23, 59, 58))
"""What a zip archive can say of time."""
_MODE = 0o600 << 16
_STEM = re.compile(r"(.*?)(\.[^.]{1,16})?", re.DOTALL)


class Entry(NamedTuple):
    """A file of the archive: its name, which is unique there, its exact size, and what yields its content."""

    name: str
    size: int
    read: Callable[[], AsyncIterator[bytes]]


class _Sink(io.RawIOBase):
    """What the writer writes to: an unseekable file that is emptied after each step."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        """Yes, and nothing else."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Take ``data``."""
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def number_names(names: Sequence[str]) -> list[str]:
    """Return ``names`` with a number before the extension wherever one was there before, without regard to case."""
    used: set[str] = set()
    reached: dict[str, int] = {}  # a message may have ten thousand parts of one name
    unique: list[str] = []
    for name in names:
        key = name.casefold()
        candidate, number = name, reached.get(key, 1)
        found = _STEM.fullmatch(name)
        stem, extension = (found[1], found[2] or "") if found and found[1] else (name, "")
        while candidate.casefold() in used:
            number += 1
            candidate = f"{stem} ({number}){extension}"
        reached[key] = number
        used.add(candidate.casefold())
        unique.append(candidate)
    return unique


def measure_archive(entries: Sequence[Entry]) -> int:
    """Return the exact length of the archive of ``entries``."""
    each = _LOCAL_HEADER_BYTES + _DATA_DESCRIPTOR_BYTES + _CENTRAL_HEADER_BYTES
    end = _END_BYTES if len(entries) <= _MOST_COUNTED else _END_BYTES + _LARGE_END_BYTES
    return end + sum(each + 2 * len(entry.name.encode()) + entry.size for entry in entries)


async def iter_archive(entries: Sequence[Entry], *, date: int) -> AsyncGenerator[bytes, None]:
    """Yield the archive; the files carry ``date`` (Unix seconds, UTC)."""
    sink = _Sink()
    when = time.gmtime(min(max(date, _EARLIEST), _LATEST))[:6]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, when)
            info.external_attr = _MODE
            with archive.open(info, "w") as file:
                async for chunk in entry.read():
                    file.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()
