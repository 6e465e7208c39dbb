# ruff: noqa: PT012
"""Group commit on SQLite: who shares a commit, who waits for whom, and what becomes of a group that fails.

What is expected to fail here is often a whole transaction, statements and all.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from postroom.errors import Kind, PostroomError
from postroom.search.terms import IndexTerms, make_mark
from postroom.store.engine import sqlite
from postroom.store.engine.sqlite import MAX_GROUP, SQLiteEngine

PUT = "INSERT INTO fact (name) VALUES ($1)"
HOLDER = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE; INSERT INTO fact VALUES ('other')")
print("locked", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
connection.close()
"""
OTHERS = "uvwxyz"
"""Writers who wait behind those of a test, so that there is a group whenever a part of all share one."""
FIELDS = IndexTerms("from", "to", "cc", "bcc", "subject", "body", "other")


class RefusedError(Exception):
    """What a test's transaction fails with."""


class Engine(SQLiteEngine):
    """An engine whose commits can be held back, and made to fail."""

    def __init__(self, path: Path) -> None:
        self.groups: list[int] = []
        super().__init__(path, on_commit=self.groups.append)
        self._gates: list[Future[None]] = []
        self.is_halving = False
        """False: whoever waits joins the group, so that a test knows who is in it."""

    def _wanted_group(self) -> int:
        return super()._wanted_group() if self.is_halving else MAX_GROUP

    def hold(self) -> Callable[[], None]:
        """Keep the committer thread busy until the function returned is called."""
        gate: Future[None] = Future()
        self._committer.submit(gate.result)
        self._gates.append(gate)
        return lambda: gate.set_result(None)

    async def close(self) -> None:
        for gate in self._gates:
            if not gate.done():
                gate.set_result(None)
        await super().close()

    async def put(self, name: str, *, pauses: int = 0) -> None:
        async with self.write() as connection:
            await connection.execute(PUT, name)
            for _ in range(pauses):
                await asyncio.sleep(0)

    async def list_indexed(self, account_id: int) -> set[int]:
        async with self.peek() as connection:
            return await connection.list_indexed(account_id)

    async def names(self) -> list[str]:
        async with self.peek() as connection:
            return [row[0] for row in await connection.fetch_all("SELECT name FROM fact ORDER BY name")]


async def open_engine(path: Path) -> Engine:
    engine = Engine(path)
    async with engine.write() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS fact (name TEXT NOT NULL PRIMARY KEY)")
        await connection.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS fulltext USING fts5(from_, to_, cc, bcc, subject, body, attachments,"
            " other, content = '', contentless_delete = 1)"
        )
    engine.groups.clear()
    return engine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    opened = await open_engine(tmp_path / "db.sqlite")
    yield opened
    await opened.close()


async def settled(*tasks: "asyncio.Task[None]") -> list[BaseException | None]:
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)


def start(engine: Engine, *names: str, pauses: int = 1) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(engine.put(name, pauses=pauses)) for name in names]


def stored(names: Sequence[str], results: Sequence[BaseException | None]) -> list[str]:
    """Return the names whose writers were told that they are durable; the others must have been told why not."""
    for result in results:
        assert result is None or (isinstance(result, PostroomError) and result.kind is Kind.UNAVAILABLE)
    return [name for name, result in zip(names, results, strict=True) if result is None]


def require_lost(results: Sequence[BaseException | None]) -> None:
    assert stored([""] * len(results), results) == []


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_writers_who_wait_share_a_commit(engine: Engine) -> None:
    tasks = start(engine, *(f"{number:03}" for number in range(50)))
    assert await settled(*tasks) == [None] * 50
    assert sum(engine.groups) == 50
    assert len(engine.groups) <= 3
    assert len(await engine.names()) == 50


async def test_a_group_has_a_largest_size(engine: Engine) -> None:
    tasks = start(engine, *(f"{number:03}" for number in range(sqlite.MAX_GROUP * 2 + 10)))
    await settled(*tasks)
    assert max(engine.groups) == sqlite.MAX_GROUP
    assert sum(engine.groups) == sqlite.MAX_GROUP * 2 + 10


async def test_nobody_returns_before_the_commit(engine: Engine) -> None:
    release = engine.hold()
    tasks = start(engine, "a", "b", "c")
    await turns(50)
    assert not any(task.done() for task in tasks)
    assert await engine.names() == []
    release()
    assert await settled(*tasks) == [None] * 3
    assert await engine.names() == ["a", "b", "c"]
    assert engine.groups == [3]


async def test_half_of_the_writers_commit_while_the_others_prepare(engine: Engine) -> None:
    engine.is_halving = True
    release = engine.hold()
    tasks = start(engine, *"abcdefgh")
    await turns(50)
    release()
    assert await settled(*tasks) == [None] * 8
    assert engine.groups[0] == 4
    assert sum(engine.groups) == 8
    assert await engine.names() == list("abcdefgh")


async def test_a_single_writer_never_waits_for_others(engine: Engine) -> None:
    engine.is_halving = True
    for name in "abc":
        await engine.put(name)
    assert engine.groups == [1, 1, 1]


async def test_who_comes_during_a_commit_is_in_the_next_one(engine: Engine) -> None:
    release = engine.hold()
    first = start(engine, "a", "b")
    await turns()
    second = start(engine, "c", "d", "e")
    await turns()
    release()
    await settled(*first, *second)
    assert sum(engine.groups) == 5
    assert len(engine.groups) >= 2


async def test_the_loop_goes_on_during_a_commit(engine: Engine) -> None:
    release = engine.hold()
    tasks = start(engine, "a")
    await turns()
    async with engine.read() as connection:
        assert await connection.fetch_value("SELECT count(*) FROM fact") == 0
    assert engine.fetch_now("SELECT count(*) FROM fact") == (0,)
    release()
    await settled(*tasks)


async def test_one_failure_is_taken_back_alone(engine: Engine) -> None:
    async def fail() -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, "b")
            raise RefusedError

    release = engine.hold()
    tasks = [*start(engine, "a"), asyncio.create_task(fail()), *start(engine, "c")]
    await turns()
    assert not tasks[0].done()
    release()
    results = await settled(*tasks)
    assert results[0] is results[2] is None
    assert isinstance(results[1], RefusedError)
    assert await engine.names() == ["a", "c"]
    assert sum(engine.groups) == 2


async def test_the_last_of_a_group_fails(engine: Engine) -> None:
    async def fail() -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, "a")

    tasks = [*start(engine, "a", "b"), asyncio.create_task(fail())]
    results = await settled(*tasks)
    assert results[:2] == [None, None]
    assert isinstance(results[2], apsw.ConstraintError)
    assert await engine.names() == ["a", "b"]


async def test_a_failed_commit_fails_its_whole_group_and_nobody_else(engine: Engine) -> None:
    called: list[str] = []

    async def put(name: str) -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, name)
            connection.after_commit(lambda: called.append(name))

    def fail(_: object) -> None:
        raise apsw.FullError("made up by the test")

    real = engine._commit
    engine._commit = fail  # type: ignore[method-assign,assignment]
    doomed = [asyncio.create_task(put(name)) for name in "abc"]
    await turns(2)
    results = await settled(*doomed)
    engine._commit = real  # type: ignore[method-assign]
    engine._roll_back()
    kinds = [result.kind for result in results if isinstance(result, PostroomError)]
    assert kinds == [Kind.UNAVAILABLE] * 3
    assert len({id(result) for result in results}) == 3
    await put("d")
    assert await engine.names() == ["d"]
    assert called == ["d"]


async def test_a_commit_that_fails_in_sqlite_is_rolled_back(engine: Engine) -> None:
    """A hook makes SQLite itself refuse the COMMIT, as a full disk would."""
    engine._writer.set_commit_hook(lambda: True)
    results = await settled(*start(engine, "a", "b"))
    assert all(isinstance(result, PostroomError) and result.kind is Kind.UNAVAILABLE for result in results)
    engine._writer.set_commit_hook(None)
    assert not engine._writer.in_transaction
    await engine.put("c")
    assert await engine.names() == ["c"]


async def test_a_group_for_which_there_is_no_thread_is_lost(engine: Engine) -> None:
    committer, engine._committer = engine._committer, ThreadPoolExecutor(1)
    engine._committer.shutdown()
    require_lost(await settled(*start(engine, "a", "b")))
    engine._committer = committer
    await engine.put("c")
    assert await engine.names() == ["c"]


async def test_a_row_of_the_full_text_index_that_cannot_be_stored_fails_the_group(engine: Engine) -> None:
    async def index(name: str, account_id: int) -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, name)
            await asyncio.sleep(0)
            await connection.index(account_id, 1, FIELDS)

    # No number of an account is so large; whatever fails in the thread must reach those who wait.
    pair = [asyncio.create_task(index("a", 1)), asyncio.create_task(index("b", 1 << 40))]
    results = await settled(*pair, *start(engine, *OTHERS))
    require_lost(results[:2])
    await index("c", 1)
    assert await engine.names() == sorted(["c", *stored(OTHERS, results[2:])])
    assert await engine.list_indexed(1) == {1}


async def test_sqlite_takes_back_everything_in_the_middle_of_a_group(engine: Engine) -> None:
    """What a full disk does to a statement: the savepoints before it are gone too, and all are told."""

    async def lose() -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, "c")
            engine._writer.execute("ROLLBACK")
            raise apsw.FullError("made up by the test")

    tasks = [*start(engine, "a", "b"), asyncio.create_task(lose()), *start(engine, *OTHERS)]
    results = await settled(*tasks)
    require_lost(results[:3])
    assert results[3:] == [None] * len(OTHERS)
    assert await engine.names() == sorted(OTHERS)


async def test_a_writer_who_does_not_notice_the_loss_is_told(engine: Engine) -> None:
    async def lose() -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, "b")
            engine._writer.execute("ROLLBACK")

    tasks = [*start(engine, "a"), asyncio.create_task(lose()), *start(engine, *OTHERS)]
    results = await settled(*tasks)
    require_lost(results[:1])
    assert isinstance(results[1], Exception)
    assert results[2:] == [None] * len(OTHERS)
    assert await engine.names() == sorted(OTHERS)


@pytest.mark.parametrize("victim", [0, 1, 2, 3])
@pytest.mark.parametrize("moment", range(9))
async def test_a_writer_cancelled_at_any_moment(engine: Engine, victim: int, moment: int) -> None:
    """The others' work becomes durable without any later writer, and the turn is free."""
    names = "abcd"
    tasks = start(engine, *names, pauses=1)
    await turns(moment)
    tasks[victim].cancel()
    results = await settled(*tasks)
    there = await engine.names()
    for number, name in enumerate(names):
        if number != victim:
            assert results[number] is None
            assert name in there
    await asyncio.wait_for(engine.put("z"), 10)
    assert not engine._group
    assert not engine._turn.locked()


async def test_all_who_wait_for_the_turn_are_cancelled(engine: Engine) -> None:
    """The first writer passed its turn on to the second, who does not come: the first is committed all the same."""
    tasks = start(engine, "a", "b", "c")
    for _ in range(20):
        await asyncio.sleep(0)
        if engine._group:
            break
    assert (len(engine._group), engine._waiting) == (1, 2)
    for task in tasks[1:]:
        task.cancel()
    results = await settled(*tasks)
    assert results[0] is None
    assert await engine.names() == ["a"]


async def test_a_callback_runs_though_its_caller_is_cancelled_during_the_commit(engine: Engine) -> None:
    called: list[str] = []

    async def put() -> None:
        async with engine.write() as connection:
            await connection.execute(PUT, "a")
            connection.after_commit(lambda: called.append("a"))

    release = engine.hold()
    task = asyncio.create_task(put())
    await turns()
    task.cancel()
    assert isinstance((await settled(task))[0], asyncio.CancelledError)
    assert called == []
    release()
    await engine.put("b")
    assert called == ["a"]
    assert await engine.names() == ["a", "b"]


async def test_full_text_rows_share_the_commit(engine: Engine) -> None:
    async with engine.write() as connection:
        await connection.index(3, 7, FIELDS)
        await connection.index(3, 8, FIELDS)
        with pytest.raises(RefusedError):
            async with connection.savepoint():
                await connection.index(3, 9, FIELDS)
                await connection.unindex(3, 7)
                raise RefusedError
        await connection.unindex(3, 8)
    with pytest.raises(RefusedError):
        async with engine.write() as connection:
            await connection.index(3, 10, FIELDS)
            raise RefusedError
    async with engine.write() as connection:
        await connection.index(4, 7, FIELDS)
    assert await engine.list_indexed(3) == {7}
    assert await engine.list_indexed(4) == {7}
    assert await engine.list_indexed(2) == set()


async def test_very_many_full_text_rows_of_one_transaction(engine: Engine) -> None:
    async with engine.write() as connection:
        for number in range(300):
            await connection.index(3, number, FIELDS._replace(subject=f"number{number}"))
    assert await engine.list_indexed(3) == set(range(300))
    for number in (0, 127, 128, 299):
        found = engine._writer.execute(
            "SELECT rowid FROM fulltext WHERE subject MATCH ?", (f"{make_mark(3)}number{number}",)
        )
        assert found.fetchall() == [(3 << 32 | number,)]


@contextlib.contextmanager
def locked_elsewhere(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process holds the write lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        try:
            yield process
        finally:
            if not process.stdin.closed:
                process.stdin.close()


async def test_the_loop_goes_on_while_another_process_writes(engine: Engine) -> None:
    with locked_elsewhere(engine._path) as process:
        tasks = start(engine, "a", "b")
        steps = 0
        while steps < 50:
            await asyncio.sleep(0.001)
            assert await engine.names() == []
            steps += 1
        assert not any(task.done() for task in tasks)
        assert process.stdin is not None
        process.stdin.close()
        assert await settled(*tasks) == [None, None]
    assert await engine.names() == ["a", "b", "other"]


async def test_a_writer_who_waits_for_another_process_is_cancelled(engine: Engine) -> None:
    with locked_elsewhere(engine._path):
        tasks = start(engine, "a", "b")
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        assert isinstance((await settled(tasks[0]))[0], asyncio.CancelledError)
    assert await settled(tasks[1]) == [None]
    assert await engine.names() == ["b", "other"]


async def test_another_process_that_keeps_the_lock_makes_it_unavailable(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    with locked_elsewhere(engine._path):
        with pytest.raises(PostroomError) as caught:
            await engine.put("a")
        assert caught.value.kind is Kind.UNAVAILABLE
        assert caught.value.retry_after_seconds
    await engine.put("b")
    assert await engine.names() == ["b", "other"]


async def test_two_engines_on_one_file_write_in_turns(engine: Engine) -> None:
    other = Engine(engine._path)
    names = [f"{number:02}" for number in range(40)]
    tasks = start(engine, *names[::2]) + start(other, *names[1::2])
    assert await settled(*tasks) == [None] * 40
    await other.close()
    assert await engine.names() == names


async def test_closing_finishes_what_is_under_way(tmp_path: Path) -> None:
    engine = await open_engine(tmp_path / "other.sqlite")
    tasks = start(engine, "a", "b", "c", pauses=2)
    await turns(3)
    await engine.close()
    results = await settled(*tasks)
    with pytest.raises(PostroomError) as caught:
        await engine.put("d")
    assert caught.value.kind is Kind.UNAVAILABLE
    with pytest.raises(PostroomError):
        await engine.names()
    await engine.close()
    again = Engine(engine._path)
    there = await again.names()
    await again.close()
    assert results[0] is None
    assert there == stored("abc", results)


async def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(PostroomError) as caught:
        SQLiteEngine(tmp_path / "missing" / "db.sqlite")
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_settings_of_durability(engine: Engine) -> None:
    assert engine._writer.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert engine._writer.execute("PRAGMA synchronous").fetchall() == [(2,)]
