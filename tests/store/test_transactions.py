# ruff: noqa: PT012
"""Transactions, savepoints, snapshots and what waits for a commit: one contract, both engines.

What is expected to fail here is often a whole transaction, statements and all.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.factories import Owner

from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store, open_store
from postroom.store.engine.base import finish


class RefusedError(Exception):
    """What a test's transaction fails with."""


async def value(store: Store, name: str) -> str | None:
    async with store.directory() as tables:
        return await tables.meta.find(name)


async def test_a_transaction_is_there_once_it_is_left(store: Store) -> None:
    async with store.directory_transaction() as tx:
        await tx.meta.put("a", "1")
        assert await tx.meta.find("a") == "1"
        assert await value(store, "a") is None
    assert await value(store, "a") == "1"


async def test_a_failed_transaction_never_happened(store: Store) -> None:
    called: list[str] = []
    with pytest.raises(RefusedError):
        async with store.directory_transaction() as tx:
            await tx.meta.put("a", "1")
            tx.after_commit(lambda: called.append("a"))
            raise RefusedError
    assert await value(store, "a") is None
    assert called == []


async def test_a_failed_statement_fails_its_transaction_alone(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)syntax"):
        async with store.engine.write() as connection:
            await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '1')")
            await connection.execute("NONSENSE")
    assert await value(store, "a") is None
    async with store.directory_transaction() as tx:
        await tx.meta.put("b", "2")
    assert await value(store, "b") == "2"


async def test_after_commit_runs_in_order_and_when_it_is_durable(store: Store) -> None:
    called: list[str] = []
    async with store.directory_transaction() as tx:
        tx.after_commit(lambda: called.append("first"))
        tx.after_commit(lambda: called.append("second"))
        await tx.meta.put("a", "1")
        assert called == []
    assert called == ["first", "second"]


async def test_a_failing_callback_harms_nobody(store: Store) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    called: list[str] = []

    def fail() -> None:
        raise RefusedError

    async with store.directory_transaction() as tx:
        tx.after_commit(fail)
        tx.after_commit(lambda: called.append("next"))
        await tx.meta.put("a", "1")
    assert await value(store, "a") == "1"
    assert called == ["next"]
    assert [type(context["exception"]) for context in reported] == [RefusedError]


async def test_a_failed_savepoint_is_taken_back_alone(store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '1')")
        with pytest.raises(RefusedError):
            async with connection.savepoint():
                await connection.execute("INSERT INTO meta (name, value) VALUES ('b', '2')")
                raise RefusedError
        async with connection.savepoint():
            await connection.execute("INSERT INTO meta (name, value) VALUES ('c', '3')")
    assert [await value(store, name) for name in "abc"] == ["1", None, "3"]


async def test_savepoints_nest(store: Store) -> None:
    async with store.engine.write() as connection:
        with pytest.raises(RefusedError):
            async with connection.savepoint():
                await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '1')")
                async with connection.savepoint():
                    await connection.execute("INSERT INTO meta (name, value) VALUES ('b', '2')")
                raise RefusedError
        async with connection.savepoint():
            await connection.execute("INSERT INTO meta (name, value) VALUES ('c', '3')")
            with pytest.raises(RefusedError):
                async with connection.savepoint():
                    await connection.execute("INSERT INTO meta (name, value) VALUES ('d', '4')")
                    raise RefusedError
    assert [await value(store, name) for name in "abcd"] == [None, None, "3", None]


async def test_a_failed_statement_in_a_savepoint_leaves_the_transaction_usable(store: Store) -> None:
    async with store.engine.write() as connection:
        with pytest.raises(Exception, match=r"(?i)unique"):
            async with connection.savepoint():
                await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '1')")
                await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '2')")
        await connection.execute("INSERT INTO meta (name, value) VALUES ('b', '2')")
    assert [await value(store, name) for name in "ab"] == [None, "2"]


async def test_callbacks_of_a_failed_savepoint_are_forgotten(owner: Owner, store: Store) -> None:
    called: list[str] = []
    async with store.transaction(owner.account_id) as tx:
        tx.after_commit(lambda: called.append("before"))
        with pytest.raises(RefusedError):
            async with tx.savepoint():
                tx.after_commit(lambda: called.append("inside"))
                raise RefusedError
        tx.after_commit(lambda: called.append("behind"))
    assert called == ["before", "behind"]


async def test_history_makes_its_step_again_after_a_failed_savepoint(owner: Owner, store: Store) -> None:
    async with store.transaction(owner.account_id) as tx:
        with pytest.raises(RefusedError):
            async with tx.savepoint():
                inside = await tx.advance()
                raise RefusedError
        behind = await tx.advance()
        assert (await tx.advance()).modseq == behind.modseq
        await tx.log("test", {}, modseq=behind.modseq)
    assert behind.modseq == inside.modseq
    async with store.read(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
        assert state is not None
        assert state.modseq == behind.modseq


async def test_history_makes_one_step_a_transaction(owner: Owner, store: Store) -> None:
    async with store.transaction(owner.account_id) as tx:
        first = await tx.advance(items=1, size_bytes=10, contents=2)
        second = await tx.advance(items=2, size_bytes=20, contents=1)
        await tx.lock()
    async with store.transaction(owner.account_id) as tx:
        await tx.lock()
        third = await tx.advance()
    assert (first.modseq, second.modseq, third.modseq) == (2, 2, 3)
    assert (first.content_id, second.content_id, third.content_id) == (1, 3, 4)
    assert (third.total_items, third.size_bytes) == (3, 30)


async def test_an_account_without_a_mailbox_cannot_be_changed(store: Store) -> None:
    for step in ("lock", "advance"):
        with pytest.raises(PostroomError) as caught:
            async with store.transaction(AccountId(77)) as tx:
                await getattr(tx, step)()
        assert caught.value.kind is Kind.NOT_FOUND


async def test_a_snapshot_stays_as_it_was(owner: Owner, store: Store) -> None:
    async with store.read(owner.account_id) as mailbox:
        before = await mailbox.mailbox.find()
        async with store.transaction(owner.account_id) as tx:
            await tx.advance(items=5)
        assert await mailbox.mailbox.find() == before
    async with store.peek(owner.account_id) as mailbox:
        after = await mailbox.mailbox.find()
    assert before is not None
    assert after is not None
    assert after.total_items == before.total_items + 5


async def test_a_snapshot_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only|unavailable"):
        async with store.engine.read() as connection:
            await connection.execute("INSERT INTO meta (name, value) VALUES ('a', '1')")
    assert await value(store, "a") is None


async def test_readers_are_not_harmed_by_a_failed_reader(store: Store) -> None:
    for _ in range(12):
        with pytest.raises(RefusedError):
            async with store.engine.read() as connection:
                await connection.fetch_value("SELECT 1")
                raise RefusedError
        with pytest.raises(Exception, match=r"(?i)syntax"):
            async with store.engine.peek() as connection:
                await connection.fetch_value("NONSENSE")
    assert await value(store, "a") is None


async def test_results_have_one_shape(store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute_many(
            "INSERT INTO meta (name, value) VALUES ($1, $2)", [("a", "1"), ("b", "2"), ("c", "3")]
        )
        rows = await connection.fetch_all("SELECT name, value FROM meta WHERE name < $1 ORDER BY name", "d")
        assert [type(row) for row in rows] == [tuple] * 3
        assert list(rows) == [("a", "1"), ("b", "2"), ("c", "3")]
        assert await connection.fetch_all("SELECT name FROM meta WHERE name = $1", "x") == []
        row = await connection.fetch_row("SELECT value, name FROM meta WHERE name = $1", "b")
        assert row == ("2", "b")
        assert type(row) is tuple
        assert await connection.fetch_row("SELECT name FROM meta WHERE name = $1", "x") is None
        assert await connection.fetch_value("SELECT value FROM meta WHERE name = $1", "c") == "3"
        assert await connection.fetch_value("SELECT value FROM meta WHERE name = $1", "x") is None


async def test_writers_of_one_account_lose_nothing(owner: Owner, store: Store) -> None:
    async def write() -> int:
        async with store.transaction(owner.account_id) as tx:
            return (await tx.advance(items=1)).modseq

    steps = await asyncio.gather(*(write() for _ in range(40)))
    assert sorted(steps) == list(range(2, 42))
    async with store.peek(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    assert (state.modseq, state.total_items) == (41, 40)


@pytest.mark.parametrize("round_trips", [0, 1, 2, 3, 5, 8])
async def test_a_cancelled_writer_leaves_no_trace_of_half_its_work(
    store: Store, owner: Owner, round_trips: int
) -> None:
    """Cancelled at any step, its work is either whole or not there, its callback told alike, and others go on."""
    called: list[int] = []

    async def write(number: int) -> None:
        async with store.transaction(owner.account_id) as tx:
            await tx.advance(items=1)
            await asyncio.sleep(0)
            await tx.advance(size_bytes=1)
            tx.after_commit(lambda: called.append(number))

    tasks = [asyncio.create_task(write(number)) for number in range(12)]
    for _ in range(round_trips):
        await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not any(isinstance(result, Exception) for result in results)
    async with store.transaction(owner.account_id) as tx:
        state = await tx.advance()
    assert state.total_items == state.size_bytes == len(called) == len(set(called))
    assert state.modseq == 2 + len(called)
    assert set(called) >= {number for number in range(12) if results[number] is None}


async def test_many_cancellations_at_random_moments(store: Store, owner: Owner) -> None:
    import random  # noqa: PLC0415

    chance = random.Random(7)  # noqa: S311
    called: list[int] = []

    async def write(number: int) -> None:
        async with store.transaction(owner.account_id) as tx:
            await tx.advance(items=1)
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
            tx.after_commit(lambda: called.append(number))

    finished = 0
    for round_number in range(25):
        tasks = [asyncio.create_task(write(round_number * 8 + number)) for number in range(8)]
        for task in chance.sample(tasks, 5):
            await asyncio.sleep(chance.choice((0, 0, 0, 0.0005, 0.002)))
            task.cancel()
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        finished += sum(result is None for result in results)
    # A commit of those who are gone may be under way: what comes behind it finds it done and told.
    async with store.transaction(owner.account_id):
        pass
    async with store.peek(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    assert state.total_items == len(called) >= finished


async def test_what_must_not_be_interrupted_is_finished_first() -> None:
    steps: list[str] = []

    async def work() -> str:
        await asyncio.sleep(0.01)
        steps.append("done")
        return "result"

    async def caller() -> str:
        return await finish(asyncio.ensure_future(work()))

    assert await caller() == "result"
    task = asyncio.create_task(caller())
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["done", "done"]


async def test_what_fails_while_its_caller_goes_away_is_nobody_s_business() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise RefusedError

    with pytest.raises(RefusedError):
        await finish(asyncio.ensure_future(fail()))
    task = asyncio.create_task(finish(asyncio.ensure_future(fail())))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


SLOW_COMMIT = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()
"""
"""A COMMIT waits for a lock."""
_HOLD = "SELECT pg_advisory_xact_lock(7)"
_IS_WAITED_FOR = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"


async def test_a_caller_goes_away_during_a_slow_commit(postgres_url: str, tmp_path: Path) -> None:
    """The COMMIT is not interrupted, so that it is known whether it happened."""
    store = await open_store(postgres_url, tmp_path, connections=2)
    called: list[str] = []

    async def write() -> None:
        async with store.directory_transaction() as tx:
            await tx.meta.put("slow", "1")
            tx.after_commit(lambda: called.append("slow"))

    async with store.engine.write() as connection:
        await connection.execute(SLOW_COMMIT)
    try:
        async with asyncio.timeout(20), store.engine.write() as holder:
            await holder.execute(_HOLD)
            task = asyncio.create_task(write())
            while not await holder.fetch_value(_IS_WAITED_FOR):  # noqa: ASYNC110 (the server alone knows)
                await asyncio.sleep(0.01)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert called == ["slow"]
        assert await value(store, "slow") == "1"
    finally:
        async with store.engine.write() as connection:
            await connection.execute("DROP FUNCTION wait CASCADE")
        await store.close()
