"""Blobs in an object store: an object store that fails, lies and is slow; clearing away beside deliveries; memory."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fixtures.s3 import FaultyPeer, s3_options
from tests.store.test_blob_contract import ANNA, PART, RAW, hashed, listed, random_bytes, read

from postroom.config.blobs import BlobsConfig, parse_s3_url
from postroom.domain.check import check_store
from postroom.errors import Kind, PostroomError
from postroom.store import open_store
from postroom.store.blobs.base import BlobStore
from postroom.store.blobs.place import open_blobs

LARGE = random_bytes(3 * PART)


@pytest.fixture
async def peer(s3_port: int) -> AsyncIterator[FaultyPeer]:
    async with FaultyPeer(s3_port).running() as running:
        yield running


def place(port: int, **more: object) -> BlobStore:
    options = {"timeout_seconds": 1, "retries": 2, "retry_seconds": 5} | more
    return open_blobs(s3_options(port, **options), Path("/nonexistent"))[0]


async def refusal(call: object) -> PostroomError:
    with pytest.raises(PostroomError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def every_call(blobs: BlobStore) -> list[PostroomError]:
    writer = blobs.create(ANNA, hashed(LARGE))

    async def write() -> None:
        try:
            for start in range(0, len(LARGE), PART):
                await writer.write(LARGE[start : start + PART])
            await writer.finish()
        finally:
            await writer.close()

    calls = [
        blobs.put(ANNA, hashed(RAW), RAW),
        write(),
        blobs.open(ANNA, hashed(RAW)),
        blobs.delete(ANNA, hashed(RAW)),
        blobs.delete(ANNA, hashed(RAW), stored_before=time.time()),
        listed(blobs),
    ]
    return [await refusal(call) for call in calls]


@pytest.mark.parametrize("fault", ["500", "503", "reset", "403", "401", "slow"])
async def test_a_store_that_fails_is_unavailable(peer: FaultyPeer, fault: str) -> None:
    async def fail(_method: str, _path: str) -> str:
        return fault

    peer.fault = fail
    began = time.monotonic()
    errors = await every_call(place(peer.port, retries=0 if fault == "slow" else 1))
    assert {error.kind for error in errors} == {Kind.UNAVAILABLE}
    assert all(error.private for error in errors)
    word = "refuses access" if fault in {"401", "403"} else "does not answer"
    assert [error.message for error in errors if word not in error.message] == []
    assert time.monotonic() - began < 60


async def test_a_store_that_is_not_there() -> None:
    errors = await every_call(place(1, retries=0))
    assert {error.kind for error in errors} == {Kind.UNAVAILABLE}


async def test_a_bucket_that_is_not_there_is_no_missing_message(s3_port: int) -> None:
    blobs = place(s3_port, url="s3://no-such-bucket/mail")
    for error in (
        await refusal(blobs.open(ANNA, hashed(RAW))),
        await refusal(blobs.put(ANNA, hashed(RAW), RAW)),
        await refusal(listed(blobs)),
    ):
        assert error.kind is Kind.UNAVAILABLE
        assert "no such bucket" in error.message


@pytest.mark.parametrize("fault", ["500", "reset", "slow"])
async def test_single_failures_are_not_noticed(peer: FaultyPeer, fault: str) -> None:
    seen: set[str] = set()

    async def fail_once(method: str, path: str) -> str:
        is_first = f"{method} {path}" not in seen
        seen.add(f"{method} {path}")
        return fault if is_first else ""

    blobs = place(peer.port)
    peer.fault = fail_once
    await blobs.put(ANNA, hashed(RAW), RAW)
    await blobs.put(ANNA, hashed(LARGE), LARGE)
    assert await read(blobs, LARGE) == LARGE
    assert await read(blobs, RAW) == RAW
    assert len(await listed(blobs)) == 2


async def test_the_end_of_an_upload_whose_answer_is_lost(peer: FaultyPeer) -> None:
    ends: list[str] = []

    async def lose_answer(method: str, path: str) -> str:
        if method == "POST" and "uploadId=" in path:
            ends.append(path)
        return "unheard" if len(ends) == 1 and ends[0] == path else ""

    blobs = place(peer.port)
    peer.fault = lose_answer
    await blobs.put(ANNA, hashed(LARGE), LARGE)
    assert len(ends) > 1
    assert await read(blobs, LARGE) == LARGE


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_an_upload_that_the_store_has_given_up(peer: FaultyPeer, method: str) -> None:
    async def forget(asked: str, path: str) -> str:
        return "404" if asked == method and "uploadId=" in path else ""

    blobs = place(peer.port)
    peer.fault = forget
    assert (await refusal(blobs.put(ANNA, hashed(LARGE), LARGE))).kind is Kind.UNAVAILABLE
    assert await listed(blobs) == []


async def test_an_answer_that_is_cut_is_never_taken_for_the_message(peer: FaultyPeer) -> None:
    blobs = place(peer.port, retries=0)
    await blobs.put(ANNA, hashed(LARGE), LARGE)
    reader = await blobs.open(ANNA, hashed(LARGE))

    async def cut(method: str, _path: str) -> str:
        return "cut" if method == "GET" else ""

    peer.fault = cut
    for call in (reader.read(0, 10), blobs.open(ANNA, hashed(LARGE)), listed(blobs)):
        assert (await refusal(call)).kind is Kind.UNAVAILABLE


async def test_damage_is_noticed(s3_port: int) -> None:
    blobs = place(s3_port)
    await blobs.put(ANNA, hashed(RAW), RAW)
    store = blobs._store  # type: ignore[attr-defined]
    digits = hashed(RAW).hex()
    key = f"{ANNA}/{digits[:2]}/{digits}"
    import obstore  # noqa: PLC0415

    whole = bytes(await (await obstore.get_async(store, key)).bytes_async())
    spoilt = bytearray(whole)
    spoilt[len(whole) // 3] ^= 0xFF
    for harmed in (b"", b"x", whole[:-1], bytes(spoilt)):
        await obstore.put_async(store, key, harmed)
        error = await refusal(read(blobs, RAW))
        assert (error.code, error.kind) == ("blobDamaged", Kind.INTERNAL)


async def test_a_reader_goes_on_when_its_blob_is_put_again(s3_port: int) -> None:
    blobs = place(s3_port)
    await blobs.put(ANNA, hashed(LARGE), LARGE)
    reader = await blobs.open(ANNA, hashed(LARGE))
    assert await reader.read(0, 9) == LARGE[:9]
    writer = blobs.create(ANNA, hashed(LARGE))
    await writer.write(LARGE[: PART + 7])
    await writer.write(LARGE[PART + 7 :])
    await writer.finish()
    assert await reader.read(9, len(LARGE)) == LARGE[9:]
    reader.close()
    assert (await refusal(reader.read(0, 10))).kind is Kind.UNAVAILABLE


@pytest.mark.parametrize("step", ["HEAD blob", "HEAD blob again", "delete blob"])
async def test_a_delivery_comes_while_its_blob_is_cleared_away(peer: FaultyPeer, step: str) -> None:
    """Whoever was told that the blob is there finds it there."""
    blobs = place(peer.port, timeout_seconds=20, retry_seconds=20)
    await blobs.put(ANNA, hashed(RAW), RAW)
    await asyncio.sleep(2.1)
    before = time.time() - 1
    heads, steps = 0, list[str]()
    putting: list[asyncio.Task[None]] = []

    async def cross(method: str, path: str) -> str:
        nonlocal heads
        name = ""
        if not putting and method == "HEAD" and ".going" not in path:
            heads += 1
            name = "HEAD blob" if heads == 1 else "HEAD blob again"
        elif not putting and method == "POST" and "delete" in path:
            name = "delete blob"
        steps.append(name)
        if name == step:
            putting.append(asyncio.create_task(blobs.put(ANNA, hashed(RAW), RAW)))
            await asyncio.sleep(0.5)
        return ""

    peer.fault = cross
    await blobs.delete(ANNA, hashed(RAW), stored_before=before)
    assert step in steps
    await putting[0]
    assert await read(blobs, RAW) == RAW
    assert len(await listed(blobs)) == 1


async def test_a_mark_that_a_crash_has_left_holds_a_delivery_up_for_a_while(s3_port: int) -> None:
    import obstore  # noqa: PLC0415

    blobs = place(s3_port)
    blobs._mark_seconds = 1.0  # type: ignore[attr-defined]
    digits = hashed(RAW).hex()
    store = blobs._store  # type: ignore[attr-defined]
    await obstore.put_async(store, f"{ANNA}/{digits[:2]}/{digits}.going", b"going")
    await blobs.put(ANNA, hashed(RAW), RAW)
    assert await read(blobs, RAW) == RAW
    assert [meta["path"][-6:] async for batch in obstore.list(store) for meta in batch] == [digits[-6:]]


async def test_a_deletion_of_which_nobody_knows_holds_a_delivery_up(peer: FaultyPeer) -> None:
    """The store has the request, and may do it any time: the mark stays, so that no delivery counts on the blob."""
    import obstore  # noqa: PLC0415

    blobs = place(peer.port, retries=0, retry_seconds=1)
    await blobs.put(ANNA, hashed(RAW), RAW)
    deletions = 0

    async def lose_the_first_deletion(method: str, path: str) -> str:
        nonlocal deletions
        deletions += method == "POST" and "delete" in path
        return "reset" if method == "POST" and deletions == 1 else ""

    peer.fault = lose_the_first_deletion
    later = time.time() + 60
    assert (await refusal(blobs.delete(ANNA, hashed(RAW), stored_before=later))).kind is Kind.UNAVAILABLE
    store = blobs._store  # type: ignore[attr-defined]
    assert len([meta async for batch in obstore.list(store) for meta in batch]) == 2
    assert await blobs.delete(ANNA, hashed(RAW), stored_before=later)
    assert [meta async for batch in obstore.list(store) for meta in batch] == []


async def test_nothing_is_left_of_an_upload_that_is_given_up(peer: FaultyPeer) -> None:
    blobs = place(peer.port, timeout_seconds=20)
    writer = blobs.create(ANNA, hashed(LARGE))
    for start in range(0, len(LARGE), PART):
        await writer.write(LARGE[start : start + PART])
    await writer.close()
    begun = [request for request in peer.requests if request.startswith("POST")]
    ended = [request for request in peer.requests if request.startswith("DELETE") and "uploadId" in request]
    assert (len(begun), len(ended)) == (1, 1)


async def test_the_check_tells_a_store_that_is_away_from_lost_mail(
    s3_config: BlobsConfig, tmp_path: Path
) -> None:
    store = await open_store("sqlite:", tmp_path, blobs=s3_config)
    try:
        await store.blobs.put(ANNA, hashed(RAW), RAW)
        report = await check_store(store, repair=False)
        assert (report.blobs, report.findings) == (1, [])
    finally:
        await store.close()
    away = s3_options(1, retries=0)
    store = await open_store("sqlite:", tmp_path, blobs=away)
    try:
        assert (await refusal(check_store(store, repair=False))).kind is Kind.UNAVAILABLE
    finally:
        await store.close()


async def test_a_large_attachment_takes_little_memory(s3_config: BlobsConfig) -> None:
    """50 MB in and out, in a process of its own: the most that it ever takes, all of Python and Rust included."""
    child = Path(__file__).with_name("s3_memory_child.py")
    settings = json.dumps({"url": s3_config.url, "endpoint": s3_config.endpoint})
    result = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(child), settings], capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 20


@pytest.mark.parametrize(
    "url",
    ["s3:", "s3://", "s3://B", "s3://bucket/../x", "s3://bucket//x", "gs://bucket", "s3://bucket?x", ""],
)
def test_wrong_places(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        parse_s3_url(url)


def test_right_places() -> None:
    assert parse_s3_url("s3://bucket") == ("bucket", "")
    assert parse_s3_url("s3://bucket/a/b/") == ("bucket", "a/b")
