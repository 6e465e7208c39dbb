"""Blobs in a directory: ``<account>/<first two digits>/<sha256>``.

Writing goes to a temporary file beside the target: write, fsync, rename, fsync of the directory, so that a name
stands for a complete blob at any instant. All file access runs in threads.
"""

import asyncio
import mmap
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from postroom.errors import Kind, PostroomError, unavailable
from postroom.model.ids import AccountId
from postroom.store.blobs.base import BlobInfo, BlobReader
from postroom.store.blobs.frames import (
    TRAILER_BYTES,
    FrameIndex,
    damaged,
    iter_blob,
    open_frame,
    parse_index,
    parse_trailer,
)

_TEMPORARY_PREFIX = "new-"
ABANDONED_SECONDS = 3600
"""A temporary file older than this is left over from a crash."""


class DiskBlobReader:
    """An open blob file; the last frame opened is kept, since readers go forward."""

    def __init__(self, descriptor: int, index: FrameIndex) -> None:
        self._descriptor = descriptor
        self._index = index
        self._frame_number = -1
        self._frame = b""
        self.size_bytes = index.size_bytes

    async def read(self, start: int, end: int) -> bytes:
        """Return the raw bytes ``[start:end]``, cut to the message. Raises: blobDamaged, unavailable."""
        return await asyncio.to_thread(self._read, max(start, 0), min(end, self.size_bytes))

    def _read(self, start: int, end: int) -> bytes:
        pieces: list[bytes] = []
        frame_bytes = self._index.frame_bytes
        while start < end:
            number, within = divmod(start, frame_bytes)
            piece = self._open(number)[within : within + end - start]
            if not piece:
                raise damaged("a frame is shorter than it should be")
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def _open(self, number: int) -> bytes:
        if number != self._frame_number:
            low, high = self._index.offsets[number : number + 2]
            data = os.pread(self._descriptor, high - low, low)
            self._frame, self._frame_number = b"", -1
            self._frame = open_frame(data, frame_bytes=self._index.frame_bytes)
            self._frame_number = number
        return self._frame

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class DiskBlobStore:
    """Blobs below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, account_id: AccountId, sha256: bytes) -> Path:
        name = sha256.hex()
        return self._root / str(account_id) / name[:2] / name

    async def put(self, account_id: AccountId, sha256: bytes, raw: bytes | mmap.mmap) -> None:
        """Store a message durably; if it is there already, only mark it as new. Raises: unavailable."""
        try:
            await asyncio.to_thread(self._put, self._path(account_id, sha256), raw)
        except OSError as error:
            raise unavailable("the blob store cannot be written just now", private=repr(error)) from error

    def _put(self, path: Path, raw: bytes | mmap.mmap) -> None:
        try:
            os.utime(path)
        except FileNotFoundError:
            pass
        else:
            return
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
        for directory in (path.parent, path.parent.parent, self._root):
            _sync_directory(directory)

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
            index = parse_index(trailer, os.pread(descriptor, trailer.index_bytes, place))
        except BaseException:
            os.close(descriptor)
            raise
        return DiskBlobReader(descriptor, index)

    async def delete(self, account_id: AccountId, sha256: bytes) -> None:
        """Delete a blob; it is no error if it is gone. Raises: unavailable."""
        try:
            await asyncio.to_thread(self._path(account_id, sha256).unlink, missing_ok=True)
        except OSError as error:
            raise unavailable("the blob store cannot be written just now", private=repr(error)) from error

    async def iter_all(self) -> AsyncIterator[BlobInfo]:
        """Yield all blobs, in no order; temporary files left over from a crash are removed on the way."""
        for account in await asyncio.to_thread(_list_numbered, self._root):
            for directory in await asyncio.to_thread(lambda path: sorted(path.iterdir()), account):
                for info in await asyncio.to_thread(_list_blobs, AccountId(int(account.name)), directory):
                    yield info


def _list_numbered(root: Path) -> list[Path]:
    return [path for path in sorted(root.iterdir()) if path.name.isdecimal()] if root.exists() else []


def _list_blobs(account_id: AccountId, directory: Path) -> list[BlobInfo]:
    infos: list[BlobInfo] = []
    for path in sorted(directory.iterdir()):
        status = path.stat()
        if path.name.startswith(_TEMPORARY_PREFIX):
            if status.st_mtime < time.time() - ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
            continue
        infos.append(BlobInfo(account_id, bytes.fromhex(path.name), status.st_size, status.st_mtime))
    return infos


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
