"""The database server goes away and comes back: clear errors, nothing half done, no restart needed."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.fixtures.postgres import PostgresServer, run_in_thread, running_postgres

from postroom.domain.health import Health
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store, open_store


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, which is killed and started again."""
    with running_postgres() as started:
        yield started


@pytest.fixture
async def lost_store(server: PostgresServer, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(server.url("postgres"), tmp_path, connections=4)
    async with opened.directory_transaction() as tx:
        await tx.meta.put("kept", "1")
    yield opened
    await opened.close()


def lose(server: PostgresServer) -> None:
    run_in_thread(lambda: server.stop(signal.SIGQUIT))


def find(server: PostgresServer) -> None:
    run_in_thread(server.start)


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    with pytest.raises(PostroomError) as caught:
        yield
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.retry_after_seconds
    assert "asyncpg" not in caught.value.message
    assert caught.value.private


async def test_the_server_is_lost_and_found(lost_store: Store, server: PostgresServer) -> None:
    called: list[str] = []
    with unavailable():
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put("lost", "1")
            tx.after_commit(lambda: called.append("lost"))
            lose(server)
            await tx.meta.put("lost", "2")
    with unavailable():
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put("lost", "3")
    with unavailable():
        async with lost_store.directory() as tables:
            await tables.meta.find("kept")
    with unavailable():
        async with lost_store.read(AccountId(1)) as mailbox:
            await mailbox.mailbox.find()
    with unavailable():
        await Health(lost_store).ready()
    with unavailable():
        await open_store(server.url("postgres"), Path("unused"))
    find(server)
    await Health(lost_store).ready()
    async with lost_store.directory() as tables:
        assert await tables.meta.find("kept") == "1"
        assert await tables.meta.find("lost") is None
    async with lost_store.directory_transaction() as tx:
        await tx.meta.put("found", "1")
    assert called == []


async def test_the_server_is_lost_before_the_commit(lost_store: Store, server: PostgresServer) -> None:
    with unavailable():
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put("uncommitted", "1")
            lose(server)
    find(server)
    async with lost_store.directory() as tables:
        assert await tables.meta.find("uncommitted") is None


async def test_a_snapshot_is_lost(lost_store: Store, server: PostgresServer) -> None:
    with unavailable():
        async with lost_store.read(AccountId(1)) as mailbox:
            await mailbox.mailbox.find()
            lose(server)
            await mailbox.mailbox.find()
    find(server)
    async with lost_store.read(AccountId(1)) as mailbox:
        assert await mailbox.mailbox.find() is None


async def test_many_are_waiting_when_it_is_lost(lost_store: Store, server: PostgresServer) -> None:
    async def write(number: int) -> None:
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put("contended", str(number))
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(write(number)) for number in range(12)]
    await asyncio.sleep(0.1)
    lose(server)
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
    errors = [result for result in results if result is not None]
    assert errors
    assert all(isinstance(error, PostroomError) and error.kind is Kind.UNAVAILABLE for error in errors)
    find(server)
    await write(99)


async def test_a_connection_that_an_administrator_ends(lost_store: Store, server: PostgresServer) -> None:
    with unavailable():
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put("ended", "1")
            run_in_thread(
                lambda: server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'postroom'"
                )
            )
            await tx.meta.put("ended", "2")
    async with lost_store.directory_transaction() as tx:
        assert await tx.meta.find("ended") is None


async def test_deadlocks_are_unavailable(lost_store: Store) -> None:
    async with lost_store.directory_transaction() as tx:
        await tx.meta.put("a", "0")
        await tx.meta.put("b", "0")

    both = asyncio.Barrier(2)

    async def write(first: str, second: str) -> None:
        async with lost_store.directory_transaction() as tx:
            await tx.meta.put(first, "1")
            await both.wait()
            await tx.meta.put(second, "1")

    async with asyncio.timeout(60):
        results = await asyncio.gather(write("a", "b"), write("b", "a"), return_exceptions=True)
    [error] = [result for result in results if result is not None]
    assert isinstance(error, PostroomError)
    assert error.kind is Kind.UNAVAILABLE


async def test_servers_that_cannot_be_used(server: PostgresServer, tmp_path: Path) -> None:
    for url in (
        server.url("missing"),
        f"postgresql://postgres@/postgres?host={tmp_path}",
        "postgresql://postgres@127.0.0.1:1/postgres",
        f"postgresql://nobody@/postgres?host={server.folder}",
    ):
        with unavailable():
            await open_store(url, tmp_path)
