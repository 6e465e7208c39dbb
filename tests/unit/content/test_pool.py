"""Helper processes: they do what the server would, and nothing is lost with them."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.factories import make_message

from postroom.content import pool as pool_module
from postroom.content import work as work_module
from postroom.content.digest import digest_message
from postroom.content.frames import LENGTH, pack_frame
from postroom.content.pool import MOST_HELPERS, HelperPool, count_helpers
from postroom.content.show import Shown, ShowTask, show
from postroom.content.tasks import (
    MAX_SOURCE_BYTES,
    DigestTask,
    decode_result,
    encode_task,
    perform,
)
from postroom.content.work import ContentWork
from postroom.mime.parse import parse_message

RAW = make_message(
    body="<p>Hello <b>world</b></p>" * 400, headers=[("Content-Type", "text/html; charset=utf-8")]
)


def make_task(*, find_quotes: bool = True) -> ShowTask:
    part = parse_message(RAW)
    return ShowTask(
        source=RAW[part.body_start :],
        part=part,
        kind="html",
        level=1,
        show_external_images=True,
        images={},
        max_chars=None,
        find_quotes=find_quotes,
    )


@pytest.fixture
async def pool() -> AsyncIterator[HelperPool]:
    pool = HelperPool(1)
    yield pool
    await pool.close()


async def ready(pool: HelperPool) -> int:
    """Wait until the pool has done a task in a helper; return that process's id."""
    async with asyncio.timeout(30):
        while await pool.run(DigestTask(RAW)) is None:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.02)
    process = pool._helpers[0]._process
    assert process is not None
    return process.pid


async def gone(pool: HelperPool) -> None:
    """Wait until the pool has no helper."""
    async with asyncio.timeout(10):
        await asyncio.gather(*pool._keepers)
    assert pool.running == 0


async def test_a_helper_gives_what_the_loop_would(pool: HelperPool) -> None:
    pid = await ready(pool)
    assert pid != os.getpid()
    assert await pool.run(DigestTask(RAW)) == digest_message(RAW)
    assert await pool.run(make_task()) == show(make_task())


async def test_results_belong_to_their_tasks(pool: HelperPool) -> None:
    await ready(pool)
    work = ContentWork(pool)
    raws = [make_message(subject=f"Letter {number}", body="x" * 5000 * (number % 4)) for number in range(60)]
    before = pool.tasks
    found = await asyncio.gather(*map(work.digest, raws))
    assert found == [digest_message(raw) for raw in raws]
    assert 1 <= pool.tasks - before <= 60


async def test_nothing_waits_for_a_helper_that_is_not_there_yet(pool: HelperPool) -> None:
    assert await pool.run(DigestTask(RAW)) is None
    assert pool.running == 1
    assert await ContentWork(pool).digest(RAW) == digest_message(RAW)


async def test_without_helpers_all_is_done_here() -> None:
    pool = HelperPool(0)
    assert await pool.run(DigestTask(RAW)) is None
    assert pool.running == 0
    assert await ContentWork(pool).digest(RAW) == digest_message(RAW)
    assert await ContentWork().show(make_task()) == show(make_task())


@pytest.mark.parametrize(
    ("source", "in_loop"), [(b"<p>short</p>", True), (b"<b>x</b>" * 4000, True), (b"<b>x</b>" * 5000, False)]
)
async def test_only_a_long_text_is_worth_a_thread(
    source: bytes, in_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def show_and_tell(task: ShowTask) -> Shown:
        threads.append(threading.get_ident())
        return show(task)

    monkeypatch.setattr(work_module, "show", show_and_tell)
    task = msgspec.structs.replace(make_task(), source=source)
    assert await ContentWork().show(task) == show(task)
    assert (threads == [threading.get_ident()]) is in_loop


async def test_a_full_helper_is_not_waited_for(pool: HelperPool) -> None:
    await ready(pool)
    results = [asyncio.create_task(pool.run(DigestTask(RAW))) for _ in range(pool_module.DEPTH + 3)]
    assert sum(result is None for result in await asyncio.gather(*results)) == 3


async def test_a_helper_that_dies_loses_nothing(pool: HelperPool, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = await ready(pool)
    work = ContentWork(pool)
    os.kill(pid, signal.SIGSTOP)
    waiting = [asyncio.create_task(work.digest(RAW)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.gather(*waiting) == [digest_message(RAW)] * 3
    # It is not started again at once, but later it is.
    assert await pool.run(DigestTask(RAW)) is None
    await gone(pool)
    assert await pool.run(DigestTask(RAW)) is None
    assert pool.running == 0
    monkeypatch.setattr(pool, "_may_start_at", 0.0)
    assert await ready(pool) != pid


async def test_a_helper_that_hangs_is_ended(pool: HelperPool, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = await ready(pool)
    monkeypatch.setattr(pool_module, "TASK_SECONDS", 0.1)
    os.kill(pid, signal.SIGSTOP)
    assert await ContentWork(pool).digest(RAW) == digest_message(RAW)
    assert not Path(f"/proc/{pid}").exists()


async def test_a_helper_that_has_nothing_to_do_ends(
    pool: HelperPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "IDLE_SECONDS", 0.2)
    pid = await ready(pool)
    await gone(pool)
    assert not Path(f"/proc/{pid}").exists()


async def test_a_helper_outlives_a_task_that_it_cannot_read(pool: HelperPool) -> None:
    await ready(pool)
    helper = pool._helpers[0]
    assert helper._transport is not None
    result = asyncio.get_running_loop().create_future()
    helper.waiting.append((DigestTask, result))
    helper._transport.write(pack_frame(b"\xc1nonsense"))
    assert await result is None
    assert await pool.run(DigestTask(RAW)) == digest_message(RAW)


async def test_a_helper_that_answers_unasked_is_ended(pool: HelperPool) -> None:
    await ready(pool)
    helper = pool._helpers[0]
    helper.data_received(pack_frame(b"x"))
    async with asyncio.timeout(10):
        await helper.ended


async def test_a_result_of_another_shape_counts_as_a_failure(pool: HelperPool) -> None:
    await ready(pool)
    helper = pool._helpers[0]
    result = asyncio.get_running_loop().create_future()
    helper.waiting.append((DigestTask, result))
    helper.data_received(pack_frame(b"\x93\x01\x02\x03"))
    assert await result is None


async def test_a_closed_pool_does_nothing_and_leaves_no_process() -> None:
    pool = HelperPool(1)
    pid = await ready(pool)
    await pool.close()
    assert not Path(f"/proc/{pid}").exists()
    assert await pool.run(DigestTask(RAW)) is None
    assert pool.running == 0


async def test_large_messages_do_not_go_to_a_helper(pool: HelperPool) -> None:
    await ready(pool)
    before = pool.tasks
    raw = make_message(body="x" * 70 + "\r\n" + "y" * MAX_SOURCE_BYTES)
    assert await ContentWork(pool).digest(raw) == digest_message(raw)
    assert pool.tasks == before


def test_frames_carry_tasks_and_results() -> None:
    for task, expected in ((DigestTask(RAW), digest_message(RAW)), (make_task(), show(make_task()))):
        frame = perform(encode_task(task)[LENGTH.size :])
        assert LENGTH.unpack_from(frame) == (len(frame) - LENGTH.size,)
        assert decode_result(type(task), frame[LENGTH.size :]) == expected


def test_helpers_by_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(2)))
    assert (count_helpers(-1), count_helpers(0), count_helpers(7)) == (1, 0, 7)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)))
    assert count_helpers(-1) == MOST_HELPERS
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert count_helpers(-1) == 0
