"""The full-text index is merged in idle moments, and finds the same before and after."""

import asyncio
import contextlib
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from tests.fixtures.factories import Owner, make_message

from postroom.app import upkeep as upkeep_module
from postroom.app.upkeep import keep_index_tidy
from postroom.errors import unavailable
from postroom.search.query import Phrase, Text
from postroom.store.engine._fts5 import SEGMENT_SIZES, is_scattered
from postroom.store.engine.base import Row
from postroom.store.index_size import index_bytes

MAILS = 60
LETTER = Text((Phrase("subject", ("letter",), False),))


async def _fill(owner: Owner) -> None:
    for number in range(MAILS):
        await owner.add_mail(
            make_message(
                subject=f"Letter {number}", body=" ".join(f"word{number % 3}x{place}" for place in range(500))
            )
        )


async def _find(owner: Owner) -> list[int]:
    async with owner.store.engine.peek() as connection:
        return (await connection.search_text(owner.account_id, LETTER)).contents


async def test_segments_are_merged_until_there_is_one(owner: Owner) -> None:
    await _fill(owner)
    before, found = await index_bytes(owner.store.engine), await _find(owner)
    steps = 0
    while await owner.store.engine.tidy_index():
        steps += 1
    assert await _find(owner) == found
    assert len(found) == MAILS
    if owner.store.engine.name == "sqlite":
        assert steps > 0
        assert await index_bytes(owner.store.engine) < before
        assert len(await _list_segments(owner)) == 1
        # One mail more makes a segment, which is left where the other is much larger.
        await owner.add_mail(make_message(subject="Small"))
        assert not await owner.store.engine.tidy_index()
        assert len(await _list_segments(owner)) == 2
    else:
        assert steps == 0


async def _list_segments(owner: Owner) -> Sequence[Row]:
    async with owner.store.engine.peek() as connection:
        return await connection.fetch_all(SEGMENT_SIZES)


def test_what_is_worth_merging() -> None:
    assert not is_scattered([])
    assert not is_scattered([5])
    assert is_scattered([1, 15])
    assert not is_scattered([1, 16])
    assert is_scattered([4, 100, 4])


async def test_it_is_done_when_nothing_else_is(owner: Owner) -> None:
    engine = owner.store.engine
    await _fill(owner)
    before = await index_bytes(engine)
    upkeep = asyncio.create_task(keep_index_tidy(engine, idle_seconds=0.01, break_seconds=0))
    try:
        if engine.answers_now:
            async with asyncio.timeout(20):
                while await index_bytes(engine) >= before:  # noqa: ASYNC110 - nobody tells of it
                    await asyncio.sleep(0.02)
            assert not upkeep.done()
        else:
            await asyncio.wait_for(upkeep, 20)
    finally:
        upkeep.cancel()


async def test_a_busy_store_is_left_alone(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = steps = 0
    engine = owner.store.engine

    async def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    async def sleep(_: float) -> None:
        """Have something come in meanwhile, and end it in the end."""
        nonlocal letters
        letters += 1
        if letters > 20:
            raise asyncio.CancelledError
        await owner.add_mail(make_message(subject=f"Letter {letters}"))

    monkeypatch.setattr(engine, "tidy_index", count)
    monkeypatch.setattr(upkeep_module, "asyncio", SimpleNamespace(sleep=sleep))
    with contextlib.suppress(asyncio.CancelledError):
        await keep_index_tidy(engine)
    assert (letters, steps) == (21 if engine.answers_now else 0, 0)


async def test_what_has_failed_is_tried_again_once_something_has_changed(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = owner.store.engine
    tried = asyncio.Event()
    times = 0

    async def fail() -> bool:
        nonlocal times
        times += 1
        tried.set()
        raise unavailable("the disk is full")

    monkeypatch.setattr(engine, "tidy_index", fail)
    upkeep = asyncio.create_task(keep_index_tidy(engine, idle_seconds=0.01, break_seconds=0))
    if engine.answers_now:
        for round_number in (1, 2):
            await asyncio.wait_for(tried.wait(), 20)
            await asyncio.sleep(0.2)
            assert times == round_number
            tried.clear()
            await owner.add_mail()
    else:
        await asyncio.wait_for(upkeep, 20)
        assert times == 0
    upkeep.cancel()
