"""Blobs in a directory: ``<account>/<first two digits>/<sha256>``.

Writing goes to a temporary file beside the target: write, fsync, rename, fsync of the directory, so that a name
stands for a complete blob at any instant. The names of the directories themselves are made durable by the first blob
that a process puts there: a sync makes the disk write out its cache, also where nothing is to be written. A blob that
nobody needs is moved aside before it is looked at for the last time, so that it can't be taken from a delivery that
has just found it there. All file access runs in threads.
"""

import asyncio
import contextlib
import mmap
import os
import re
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from postroom.errors import Kind, PostroomError, unavailable
from postroom.model.ids import AccountId
from postroom.store.blobs.base import BlobInfo, BlobReader, BlobWriter
from postroom.store.blobs.frames import (
    TRAILER_BYTES,
    FrameIndex,
    FrameWriter,
    damaged,
    iter_blob,
    open_frame,
    parse_index,
    parse_trailer,
)

_TEMPORARY_PREFIX = "new-"
_ASIDE_PREFIX = "old-"
_NAME = re.compile(r"[0-9a-f]{64}")
ABANDONED_SECONDS = 3600
"""A temporary file older than this is left over from a crash."""
_MOST_REMEMBERED = 10_000
"""Directories that are remembered as durable."""


class DiskBlobReader:
    """An open blob file; the last frame opened is kept, since readers go forward."""

    def __init__(self, descriptor: int, index: FrameIndex) -> None:
        self._descriptor = descriptor
        self._index = index
        self._last_frame = (-1, b"")
        self.size_bytes = index.size_bytes

    async def read(self, start: int, end: int) -> bytes:
        """Return the raw bytes ``[start:end]``, cut to the message. Raises: blobDamaged, unavailable."""
        try:
            return await asyncio.to_thread(self._read, max(start, 0), min(end, self.size_bytes))
        except OSError as error:
            raise unavailable("the blob store cannot be read just now", private=repr(error)) from error

    def _read(self, start: int, end: int) -> bytes:
        pieces: list[bytes] = []
        while start < end:
            number, within = divmod(start, self._index.frame_bytes)
            piece = self._open(number)[within : within + end - start]
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def _open(self, number: int) -> bytes:
        last, frame = self._last_frame
        if number != last:
            low, high = self._index.offsets[number : number + 2]
            data = os.pread(self._descriptor, high - low, low)
            frame = open_frame(data, raw_bytes=self._index.raw_bytes_of(number))
            self._last_frame = (number, frame)
        return frame

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _Names:
    """Makes names of blobs durable, for one process. No directory is ever removed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[Path] = set()

    def sync(self, path: Path) -> None:
        """Make the name of a blob durable, and those of the directories that it is in. Raises: OSError."""
        _sync_directory(path.parent)
        if len(self._durable) > _MOST_REMEMBERED:
            self._durable.clear()
        for directory in (path.parent, path.parent.parent, self._root):
            if directory not in self._durable:
                _sync_directory(directory.parent)
                self._durable.add(directory)


class DiskBlobWriter:
    """A blob that is being written into a temporary file beside its place.

    What a caller who was cancelled has left to a thread is waited for by whoever comes next, in that one's thread.
    """

    def __init__(self, path: Path, names: _Names) -> None:
        self._path = path
        self._names = names
        self._frames = FrameWriter()
        self._file: IO[bytes] | None = None
        self._temporary = path
        self._turn = threading.Lock()
        self._is_over = False

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._frames.size_bytes

    async def write(self, data: bytes) -> None:
        """Add ``data``. Raises: unavailable."""
        if self._frames.takes_without_work(data):
            self._frames.feed(data)
            return
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            raise _not_written(self._path, error) from error

    def _write(self, data: bytes) -> None:
        with self._turn:
            if not self._is_over:
                self._open().write(self._frames.feed(data))

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=self._path.parent)
            self._file, self._temporary = os.fdopen(descriptor, "wb"), Path(temporary)
        return self._file

    async def finish(self) -> None:
        """Make the blob durable under its name. Raises: unavailable."""
        try:
            await asyncio.to_thread(self._finish)
        except OSError as error:
            raise _not_written(self._path, error) from error

    def _finish(self) -> None:
        with self._turn:
            if self._is_over:
                return
            with self._open() as file:
                file.write(self._frames.finish())
                file.flush()
                os.fsync(file.fileno())
            self._temporary.rename(self._path)
            self._file, self._is_over = None, True
            self._names.sync(self._path)

    async def close(self) -> None:
        """Let go of the file; one that is not finished is removed."""
        if not self._is_over:
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._turn:
            file, self._file, self._is_over = self._file, None, True
            if file is not None:
                # It may fail for want of space, once more: nothing of it is needed.
                with contextlib.suppress(OSError):
                    file.close()
                with contextlib.suppress(OSError):
                    self._temporary.unlink()


class DiskBlobStore:
    """Blobs below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = _Names(root)

    def _path(self, account_id: AccountId, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._root / str(account_id) / name[:2] / name

    async def put(self, account_id: AccountId, sha256: bytes, raw: bytes | mmap.mmap) -> None:
        """Store a message durably; if it is there already, only mark it as new. Raises: unavailable."""
        try:
            await asyncio.to_thread(self._put, self._path(account_id, sha256), raw)
        except OSError as error:
            raise _not_written(self._path(account_id, sha256), error) from error

    def _put(self, path: Path, raw: bytes | mmap.mmap) -> None:
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write(path, raw)
        # Whoever wrote it may not have come so far as to make its name durable.
        self._names.sync(path)

    def _write(self, path: Path, raw: bytes | mmap.mmap) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in iter_blob(raw):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).rename(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def create(self, account_id: AccountId, name: bytes) -> BlobWriter:
        """Begin a blob that comes in pieces, under a name that no other has."""
        return DiskBlobWriter(self._path(account_id, name), self._names)

    async def open(self, account_id: AccountId, sha256: bytes) -> BlobReader:
        """Open a blob. Raises: blobMissing, blobDamaged, unavailable."""
        try:
            return await asyncio.to_thread(self._open, self._path(account_id, sha256))
        except FileNotFoundError as error:
            raise PostroomError(
                Kind.INTERNAL, "blobMissing", "the stored message is missing; run postroom check"
            ) from error
        except OSError as error:
            raise unavailable("the blob store cannot be read just now", private=repr(error)) from error

    def _open(self, path: Path) -> DiskBlobReader:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size_bytes = os.fstat(descriptor).st_size
            trailer = parse_trailer(os.pread(descriptor, TRAILER_BYTES, max(size_bytes - TRAILER_BYTES, 0)))
            place = size_bytes - TRAILER_BYTES - trailer.index_bytes
            if place < 0:
                raise damaged("its index is cut")
            data = os.pread(descriptor, trailer.index_bytes, place)
            index = parse_index(trailer, data, frames_end=place)
        except BaseException:
            os.close(descriptor)
            raise
        return DiskBlobReader(descriptor, index)

    async def delete(
        self, account_id: AccountId, sha256: bytes, *, stored_before: float | None = None
    ) -> bool:
        """Delete a blob, with ``stored_before`` only if its last ``put`` is older; return whether it is gone.

        Raises: unavailable.
        """
        try:
            return await asyncio.to_thread(_delete, self._path(account_id, sha256), stored_before)
        except OSError as error:
            raise _not_written(self._path(account_id, sha256), error) from error

    async def iter_all(self) -> AsyncIterator[BlobInfo]:
        """Yield all blobs, in no order; what a crash has left over is cleared away. Raises: unavailable."""
        try:
            for account in await asyncio.to_thread(_list_numbered, self._root):
                for directory in await asyncio.to_thread(_list_directories, account):
                    for info in await asyncio.to_thread(_list_blobs, AccountId(int(account.name)), directory):
                        yield info
        except OSError as error:
            raise unavailable("the blob store cannot be read just now", private=repr(error)) from error


def _not_written(path: Path, error: OSError) -> PostroomError:
    private = f"{path}: {error.strerror or error}"
    return unavailable("the blob store cannot be written just now", private=private)


def _delete(path: Path, stored_before: float | None) -> bool:
    if stored_before is None:
        path.unlink(missing_ok=True)
        return True
    aside = path.with_name(_ASIDE_PREFIX + path.name)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return True
    # From here on a put finds nothing and stores the blob anew; one that came before has left its mark.
    try:
        if aside.stat().st_mtime >= stored_before:
            aside.rename(path)
            return False
        aside.unlink()
    except FileNotFoundError:  # put back by another process that took it for left over
        return False
    return True


def _list_numbered(root: Path) -> list[Path]:
    return [path for path in _list_directories(root) if path.name.isdecimal()]


def _list_directories(path: Path) -> list[Path]:
    return [entry for entry in sorted(path.iterdir()) if entry.is_dir()] if path.exists() else []


def _list_blobs(account_id: AccountId, directory: Path) -> list[BlobInfo]:
    infos: list[BlobInfo] = []
    for entry in sorted(directory.iterdir()):
        path = _clear_leftover(entry)
        try:
            status = path.stat()
        except FileNotFoundError:  # removed since the directory was read
            continue
        if _NAME.fullmatch(path.name):
            infos.append(BlobInfo(account_id, bytes.fromhex(path.name), status.st_size, status.st_mtime))
    return infos


def _clear_leftover(path: Path) -> Path:
    """Remove a file that was not finished long ago; put back one that was moved aside. Returns where it is now."""
    try:
        if path.name.startswith(_ASIDE_PREFIX):
            return path.rename(path.with_name(path.name.removeprefix(_ASIDE_PREFIX)))
        if path.name.startswith(_TEMPORARY_PREFIX) and path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
            path.unlink()
    except FileNotFoundError:  # another process has done it
        pass
    return path


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
