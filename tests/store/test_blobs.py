"""The blob store in a directory: complete or absent whatever happens, found again, cleared away in safety."""

import asyncio
import errno
import hashlib
import mmap
import os
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postroom.content.digest import MAX_PACKED_RAW_BYTES, pack_message
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId, ContentId
from postroom.store.blobs.base import BlobInfo
from postroom.store.blobs.disk import ABANDONED_SECONDS, DiskBlobStore
from postroom.store.blobs.frames import FRAME_BYTES
from postroom.store.messages import (
    CHUNK_BYTES,
    InlineReader,
    MessageStore,
    iter_raw,
)
from postroom.store.sql.contents import Content

ANNA, BERTA = AccountId(3), AccountId(14)
RAW = b"A letter.\r\n" * 1000
OLD = 1_000_000_000


def hashed(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def random_bytes(count: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(count)  # noqa: S311


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobStore:
    return DiskBlobStore(tmp_path / "blobs")


def path_of(blobs: DiskBlobStore, raw: bytes, account_id: AccountId = ANNA) -> Path:
    name = hashed(raw).hex()
    path = blobs._root / str(account_id) / name[:2] / name
    assert path.exists()
    return path


async def read(blobs: DiskBlobStore, raw: bytes, account_id: AccountId = ANNA) -> bytes:
    reader = await blobs.open(account_id, hashed(raw))
    try:
        assert reader.size_bytes == len(raw)
        return await reader.read(0, reader.size_bytes)
    finally:
        reader.close()


async def listed(blobs: DiskBlobStore) -> list[BlobInfo]:
    return [info async for info in blobs.iter_all()]


def files(blobs: DiskBlobStore) -> list[str]:
    return sorted(path.name for path in blobs._root.rglob("*") if path.is_file())


async def refusal(call: Any) -> PostroomError:
    with pytest.raises(PostroomError) as caught:
        await call
    return caught.value


async def test_many_at_once_put_the_same(blobs: DiskBlobStore) -> None:
    await asyncio.gather(*(blobs.put(ANNA, hashed(RAW), RAW) for _ in range(12)))
    assert files(blobs) == [hashed(RAW).hex()]
    assert await read(blobs, RAW) == RAW


class Recorder:
    """Notes what is done to which file, in order, and lets one step fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[str, str]] = []
        self.failing = ""
        self._fsync, self._rename = os.fsync, Path.rename
        monkeypatch.setattr(os, "fsync", self.fsync)

        def rename(path: Path, target: Path) -> Path:
            return self.rename(path, target)

        monkeypatch.setattr(Path, "rename", rename)

    def _note(self, what: str, name: str) -> None:
        if what == self.failing:
            raise OSError(errno.ENOSPC, "made up by the test")
        self.events.append((what, name))

    def fsync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self._note("sync directory" if path.is_dir() else "sync file", path.name)
        self._fsync(descriptor)

    def rename(self, path: Path, target: Path) -> Path:
        self._note("rename", target.name)
        return self._rename(path, target)


async def test_a_name_stands_for_a_durable_file(
    blobs: DiskBlobStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = hashed(RAW).hex()
    recorder = Recorder(monkeypatch)
    directories = [name[:2], str(ANNA), "blobs", tmp_path.name]
    synced = [("sync directory", directory) for directory in directories]
    await blobs.put(ANNA, hashed(RAW), RAW)
    [(first, temporary), *rest] = recorder.events
    assert first == "sync file"
    assert temporary.startswith("new-")
    assert rest == [("rename", name), *synced]
    # One who finds it there must not rely on a name that is not durable yet; here the directories are known to be.
    recorder.events.clear()
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert recorder.events == synced[:1]
    recorder.events.clear()
    await blobs.put(BERTA, hashed(RAW), RAW)
    assert recorder.events[2:] == [synced[0], ("sync directory", str(BERTA)), synced[2]]
    recorder.events.clear()
    await DiskBlobStore(tmp_path / "blobs").put(ANNA, hashed(RAW), RAW)
    assert recorder.events == synced, "another process knows of none"


@pytest.mark.parametrize("step", ["sync file", "rename", "sync directory"])
async def test_a_full_disk_at_any_step(
    blobs: DiskBlobStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    recorder = Recorder(monkeypatch)
    recorder.failing = step
    error = await refusal(blobs.put(ANNA, hashed(RAW), RAW))
    assert error.kind is Kind.UNAVAILABLE
    assert files(blobs) == ([hashed(RAW).hex()] if step == "sync directory" else [])
    recorder.failing = ""
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert await read(blobs, RAW) == RAW


async def test_putting_again_marks_a_blob_as_new(blobs: DiskBlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    os.utime(path_of(blobs, RAW), (OLD, OLD))
    assert (await listed(blobs))[0].stored_at == OLD
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert (await listed(blobs))[0].stored_at > OLD + 1000


async def test_only_an_old_blob_is_cleared_away(blobs: DiskBlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert not await blobs.delete(ANNA, hashed(RAW), stored_before=OLD)
    assert await read(blobs, RAW) == RAW
    os.utime(path_of(blobs, RAW), (OLD - 1, OLD - 1))
    assert await blobs.delete(ANNA, hashed(RAW), stored_before=OLD)
    assert files(blobs) == []
    assert await blobs.delete(ANNA, hashed(RAW), stored_before=OLD)
    assert await blobs.delete(ANNA, hashed(RAW))


@pytest.mark.parametrize("before_the_move", [True, False])
async def test_a_delivery_comes_while_its_blob_is_cleared_away(
    blobs: DiskBlobStore, monkeypatch: pytest.MonkeyPatch, before_the_move: bool
) -> None:
    """Whoever was told that the blob is there finds it there."""
    await blobs.put(ANNA, hashed(RAW), RAW)
    path = path_of(blobs, RAW)
    os.utime(path, (OLD - 1, OLD - 1))
    real = Path.rename

    def rename(source: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", real)
        if before_the_move:
            blobs._put(path, RAW)
            return real(source, target)
        moved = real(source, target)
        blobs._put(path, RAW)
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    await blobs.delete(ANNA, hashed(RAW), stored_before=OLD)
    assert await read(blobs, RAW) == RAW
    assert files(blobs) == [hashed(RAW).hex()]


async def test_leftovers_of_a_crash(blobs: DiskBlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    path = path_of(blobs, RAW)
    abandoned, young = path.with_name("new-abandoned"), path.with_name("new-young")
    foreign, stray = path.with_name("README"), blobs._root / "lost+found"
    for leftover in (abandoned, young, foreign, stray):
        leftover.write_bytes(b"half")
    long_ago = time.time() - ABANDONED_SECONDS - 10
    os.utime(abandoned, (long_ago, long_ago))
    path.rename(path.with_name("old-" + path.name))
    assert [info.sha256 for info in await listed(blobs)] == [hashed(RAW)]
    assert not abandoned.exists()
    assert young.exists()
    assert foreign.exists()
    assert await read(blobs, RAW) == RAW


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [cut, empty, spoil])
async def test_damage_is_noticed(blobs: DiskBlobStore, harm: Callable[[Path], None]) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    harm(path_of(blobs, RAW))
    error = await refusal(read(blobs, RAW))
    assert (error.code, error.kind) == ("blobDamaged", Kind.INTERNAL)


async def test_what_cannot_be_read_is_unavailable(blobs: DiskBlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    reader = await blobs.open(ANNA, hashed(RAW))
    reader.close()
    assert (await refusal(reader.read(0, 10))).kind is Kind.UNAVAILABLE
    path = path_of(blobs, RAW)
    path.unlink()
    path.symlink_to(path)
    assert (await refusal(blobs.open(ANNA, hashed(RAW)))).kind is Kind.UNAVAILABLE
    assert (await refusal(blobs.put(ANNA, hashed(RAW), RAW))).kind is Kind.UNAVAILABLE


# Messages: in their row or in the blob store


def content_of(raw: bytes, data: bytes | None) -> Content:
    return Content(ContentId(1), hashed(raw), len(raw), 1, b"", data, b"")


@pytest.fixture
def messages(blobs: DiskBlobStore) -> MessageStore:
    return MessageStore(blobs, inline_limit_bytes=65536)


async def opened(messages: MessageStore, raw: bytes, data: bytes | None) -> bytes:
    reader = await messages.open(ANNA, content_of(raw, data))
    try:
        return b"".join([piece async for piece in iter_raw(reader, 0, reader.size_bytes)])
    finally:
        reader.close()


@pytest.mark.parametrize("raw", [b"", b"x", RAW, random_bytes(60_000), b"a" * MAX_PACKED_RAW_BYTES])
async def test_small_messages_lie_in_their_row(messages: MessageStore, raw: bytes) -> None:
    data = pack_message(raw)
    assert data is not None
    assert messages.fits_inline(data)
    assert len(data) <= 65536
    assert await opened(messages, raw, data) == raw
    assert isinstance(await messages.open(ANNA, content_of(raw, data)), InlineReader)


@pytest.mark.parametrize(
    "raw", [random_bytes(66_000), random_bytes(200_000), b"a" * (MAX_PACKED_RAW_BYTES + 1)]
)
async def test_large_messages_lie_in_the_blob_store(messages: MessageStore, raw: bytes) -> None:
    assert not messages.fits_inline(pack_message(raw))
    await messages.put_blob(ANNA, hashed(raw), raw)
    assert await opened(messages, raw, None) == raw


def test_the_limit_counts_compressed_bytes(blobs: DiskBlobStore) -> None:
    packed = pack_message(RAW)
    assert packed is not None
    exact = len(packed)
    assert MessageStore(blobs, inline_limit_bytes=exact).fits_inline(packed)
    assert not MessageStore(blobs, inline_limit_bytes=exact - 1).fits_inline(packed)
    assert not MessageStore(blobs, inline_limit_bytes=0).fits_inline(pack_message(b"x"))


async def test_damaged_rows_are_noticed(messages: MessageStore) -> None:
    data = pack_message(RAW)
    assert data is not None
    for harmed in (b"", data[:-1], b"x" + data[1:], data[:6]):
        assert (await refusal(opened(messages, RAW, harmed))).code == "blobDamaged"
    huge = bytes.fromhex("28b52ffde0") + (1 << 61).to_bytes(8, "little") + bytes.fromhex("010000")
    assert (await refusal(opened(messages, RAW, huge))).code == "blobDamaged"


async def test_a_large_message_takes_little_memory(messages: MessageStore, tmp_path: Path) -> None:
    """40 MB in and out: a few frames are held at a time, never the message."""
    piece = random_bytes(1 << 20)
    with (tmp_path / "message").open("w+b") as file:
        for _ in range(40):
            file.write(piece)
        file.flush()
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            digest = hashlib.sha256(mapped).digest()
            tracemalloc.start()
            try:
                assert pack_message(mapped) is None
                await messages.put_blob(ANNA, digest, mapped)
                content = Content(ContentId(1), digest, len(mapped), 1, b"", None, b"")
                reader = await messages.open(ANNA, content)
                received = hashlib.sha256()
                async for chunk in iter_raw(reader, 0, reader.size_bytes):
                    assert len(chunk) <= CHUNK_BYTES
                    received.update(chunk)
                reader.close()
                peak_bytes = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert received.digest() == digest
    assert peak_bytes < 8 << 20


# Blobs that come in pieces


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, 2 * FRAME_BYTES + 5])
@pytest.mark.parametrize("piece", [70_000, 3 * FRAME_BYTES])
async def test_a_blob_in_pieces_is_that_of_the_whole(blobs: DiskBlobStore, size: int, piece: int) -> None:
    raw = random_bytes(size)
    writer = blobs.create(ANNA, hashed(raw))
    for start in range(0, size, piece):
        await writer.write(raw[start : start + piece])
    assert await listed(blobs) == []
    await writer.finish()
    await writer.close()
    assert writer.size_bytes == size
    assert await read(blobs, raw) == raw
    in_pieces = path_of(blobs, raw).read_bytes()
    await blobs.delete(ANNA, hashed(raw))
    await blobs.put(ANNA, hashed(raw), raw)
    assert path_of(blobs, raw).read_bytes() == in_pieces
    assert len(files(blobs)) == 1


async def test_a_blob_that_is_not_finished_leaves_nothing(blobs: DiskBlobStore) -> None:
    writer = blobs.create(ANNA, hashed(RAW))
    await writer.close()
    other = blobs.create(ANNA, hashed(RAW))
    await other.write(random_bytes(FRAME_BYTES))
    assert len(files(blobs)) == 1
    await other.close()
    await other.write(random_bytes(FRAME_BYTES))
    await other.finish()
    assert files(blobs) == []


async def test_writing_is_given_up_in_the_middle(blobs: DiskBlobStore) -> None:
    """A thread may be writing for a caller who is gone: the file goes when it has done."""
    for _ in range(20):
        writer = blobs.create(ANNA, hashed(RAW))
        writing = asyncio.create_task(writer.write(random_bytes(2 * FRAME_BYTES)))
        await asyncio.sleep(0.001)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await writer.close()
        assert files(blobs) == []
