"""What holds for every place of blobs: a directory, and an object store over a real connection."""

import asyncio
import hashlib
import mmap
import random
import time
from pathlib import Path
from typing import Any

import pytest

from postroom.config.blobs import BlobsConfig
from postroom.errors import PostroomError
from postroom.model.ids import AccountId
from postroom.store.blobs.base import BlobInfo, BlobStore
from postroom.store.blobs.frames import FRAME_BYTES
from postroom.store.blobs.place import open_blobs

ANNA, BERTA = AccountId(3), AccountId(14)
RAW = b"A letter.\r\n" * 1000
PART = 5 << 20


def hashed(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def random_bytes(count: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(count)  # noqa: S311


@pytest.fixture(params=["disk", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    config = BlobsConfig() if request.param == "disk" else request.getfixturevalue("s3_config")
    return open_blobs(config, tmp_path)[0]


async def read(blobs: BlobStore, raw: bytes, account_id: AccountId = ANNA) -> bytes:
    reader = await blobs.open(account_id, hashed(raw))
    try:
        assert reader.size_bytes == len(raw)
        return await reader.read(0, reader.size_bytes)
    finally:
        reader.close()


async def listed(blobs: BlobStore) -> list[BlobInfo]:
    return [info async for info in blobs.iter_all()]


async def refusal(call: Any) -> str:
    with pytest.raises(PostroomError) as caught:
        await call
    return caught.value.code


@pytest.mark.parametrize(
    "raw", [b"", b"x", RAW, random_bytes(2 * FRAME_BYTES + 5), random_bytes(2 * PART + 3)]
)
async def test_what_is_put_is_read(blobs: BlobStore, raw: bytes) -> None:
    await blobs.put(ANNA, hashed(raw), raw)
    assert await read(blobs, raw) == raw
    reader = await blobs.open(ANNA, hashed(raw))
    for start, end in ((0, 1), (5, 5), (7, 3), (-5, 10), (FRAME_BYTES - 3, FRAME_BYTES + 3), (0, 1 << 40)):
        assert await reader.read(start, end) == raw[max(start, 0) : max(end, 0)]
    reader.close()
    reader.close()
    [info] = await listed(blobs)
    assert (info.account_id, info.sha256) == (ANNA, hashed(raw))
    assert abs(info.stored_at - time.time()) < 60


async def test_a_mapped_file_is_put(blobs: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(RAW)
    with (
        (tmp_path / "message").open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped,
    ):
        await blobs.put(ANNA, hashed(RAW), mapped)
    assert await read(blobs, RAW) == RAW


async def test_accounts_have_blobs_of_their_own(blobs: BlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    await blobs.put(BERTA, hashed(RAW), RAW)
    assert await blobs.delete(ANNA, hashed(RAW))
    assert await refusal(blobs.open(ANNA, hashed(RAW))) == "blobMissing"
    assert await read(blobs, RAW, BERTA) == RAW


async def test_many_at_once_put_the_same(blobs: BlobStore) -> None:
    await asyncio.gather(*(blobs.put(ANNA, hashed(RAW), RAW) for _ in range(12)))
    assert len(await listed(blobs)) == 1
    assert await read(blobs, RAW) == RAW


async def test_one_reader_is_read_from_many_sides(blobs: BlobStore) -> None:
    raw = random_bytes(3 * FRAME_BYTES)
    await blobs.put(ANNA, hashed(raw), raw)
    reader = await blobs.open(ANNA, hashed(raw))
    starts = [number * FRAME_BYTES // 4 for number in range(11)] * 4
    pieces = await asyncio.gather(*(reader.read(start, start + 1000) for start in starts))
    reader.close()
    assert pieces == [raw[start : start + 1000] for start in starts]


async def test_only_an_old_blob_is_cleared_away(blobs: BlobStore) -> None:
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert not await blobs.delete(ANNA, hashed(RAW), stored_before=time.time() - 60)
    assert await read(blobs, RAW) == RAW
    assert await blobs.delete(ANNA, hashed(RAW), stored_before=time.time() + 60)
    assert await listed(blobs) == []
    assert await blobs.delete(ANNA, hashed(RAW), stored_before=time.time() + 60)
    assert await blobs.delete(ANNA, hashed(RAW))


async def test_an_empty_store_has_no_blobs(blobs: BlobStore) -> None:
    assert await listed(blobs) == []


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, 2 * FRAME_BYTES + 5, PART, 3 * PART])
async def test_a_blob_in_pieces_is_that_of_the_whole(blobs: BlobStore, size: int) -> None:
    raw = random_bytes(size)
    writer = blobs.create(ANNA, hashed(raw))
    for start in range(0, size, 700_000):
        await writer.write(raw[start : start + 700_000])
    assert await listed(blobs) == []
    await writer.finish()
    await writer.close()
    assert writer.size_bytes == size
    assert await read(blobs, raw) == raw
    [in_pieces] = await listed(blobs)
    await blobs.delete(ANNA, hashed(raw))
    await blobs.put(ANNA, hashed(raw), raw)
    [whole] = await listed(blobs)
    assert in_pieces.size_bytes == whole.size_bytes


@pytest.mark.parametrize("size", [FRAME_BYTES, 3 * PART])
async def test_a_blob_that_is_not_finished_leaves_nothing(blobs: BlobStore, size: int) -> None:
    writer = blobs.create(ANNA, hashed(RAW))
    await writer.close()
    other = blobs.create(ANNA, hashed(RAW))
    for start in range(0, size, FRAME_BYTES):
        await other.write(random_bytes(min(size - start, FRAME_BYTES)))
    await other.close()
    await other.write(random_bytes(FRAME_BYTES))
    await other.finish()
    assert await listed(blobs) == []
