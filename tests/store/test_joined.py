"""Several transactions of a task as one."""

import asyncio

import pytest
from tests.fixtures.factories import Owner

from postroom.errors import Kind, PostroomError
from postroom.store import Store
from postroom.store.engine.base import WriteConnection


class Ends:
    """Notes when a joined transaction begins and is released."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def begin(self, _: WriteConnection) -> None:
        self.seen.append("begin")

    async def release(self, _: WriteConnection, note: str) -> None:
        self.seen.append(note)


async def put(owner: Owner, text: str) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        await tx.settings.put_ui(text)


async def find(owner: Owner) -> str:
    async with owner.store.peek(owner.account_id) as mailbox:
        return await mailbox.settings.find_ui()


async def find_outside(owner: Owner) -> str:
    """Return what is committed: another task has no part in what this one joins."""
    return await asyncio.create_task(find(owner))


async def test_all_is_committed_at_the_end(owner: Owner, store: Store) -> None:
    ends, told = Ends(), list[str]()
    async with store.join(ends.begin, ends.release) as joined:
        assert (await find(owner), ends.seen) == ("", [])
        async with store.transaction(owner.account_id) as tx:
            await tx.settings.put_ui("one")
            tx.after_commit(lambda: told.append("one"))
        assert joined.has_changed
        await put(owner, "two")
        async with store.read(owner.account_id) as mailbox:
            assert await mailbox.settings.find_ui() == "two"
        assert (await find_outside(owner), told) == ("", [])
    assert (await find_outside(owner), told, ends.seen) == ("two", ["one"], ["begin"])


async def test_what_fails_inside_is_taken_back_alone(owner: Owner, store: Store) -> None:
    ends, told = Ends(), list[str]()

    async def fail() -> None:
        async with store.transaction(owner.account_id) as tx:
            await tx.settings.put_ui("two")
            tx.after_commit(lambda: told.append("two"))
            raise ZeroDivisionError

    async with store.join(ends.begin, ends.release):
        await put(owner, "one")
        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await find(owner) == "one"
    assert (await find_outside(owner), told) == ("one", [])


async def test_a_block_that_fails_leaves_nothing(owner: Owner, store: Store) -> None:
    async def fail() -> None:
        async with store.join(Ends().begin, Ends().release):
            await put(owner, "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await find_outside(owner) == ""
    await put(owner, "two")
    assert await find(owner) == "two"


async def test_a_beginning_that_fails(owner: Owner, store: Store) -> None:
    async def fail(_: WriteConnection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with store.join(fail, Ends().release):
            await put(owner, "one")
    assert await find_outside(owner) == ""


async def test_committed_before_the_end(owner: Owner, store: Store) -> None:
    ends = Ends()

    async def work() -> None:
        async with store.join(ends.begin, ends.release) as joined:
            await store.commit_now("early")
            assert ends.seen == []
            await put(owner, "one")
            await store.commit_now("late")
            assert (ends.seen, joined.is_over) == (["begin", "late"], True)
            assert await find_outside(owner) == "one"
            # Another task may write now, and be waited for.
            await asyncio.create_task(put(owner, "two"))
            await put(owner, "three")
            async with joined.write() as connection:
                await connection.execute("UPDATE account_setting SET client = 'x'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await find_outside(owner) == "three"
    await store.commit_now("outside")


async def test_it_is_over_after_a_while(owner: Owner, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.store.joined.HOLD_SECONDS", 0.05)
    ends = Ends()

    async def work() -> None:
        async with store.join(ends.begin, ends.release):
            await put(owner, "one")
            await asyncio.Event().wait()

    with pytest.raises(PostroomError) as caught:
        await work()
    assert caught.value.kind is Kind.UNAVAILABLE
    assert await find_outside(owner) == ""
    with pytest.raises(TimeoutError):
        async with store.join(ends.begin, ends.release):
            raise TimeoutError


async def test_two_at_once(owner: Owner, store: Store) -> None:
    async def work(number: int) -> None:
        ends = Ends()
        async with store.join(ends.begin, ends.release):
            for part in range(3):
                await put(owner, f"{number}.{part}")
                await asyncio.sleep(0)
                assert await find(owner) == f"{number}.{part}"

    await asyncio.gather(*(work(number) for number in range(5)))
    assert (await find(owner)).endswith(".2")
