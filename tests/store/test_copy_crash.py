"""Restores and moves that die again and again, at any of their transactions: in the end everything is there, once."""

import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.copies import token_of
from tests.fixtures.crashes import Parent, crash_parent, work_to_the_end
from tests.fixtures.factories import AddOwner, Owner, make_filing, make_message, open_owner
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import (
    as_clients_see,
    assert_deltas_go_on,
    assert_sound,
    dump,
    dump_lasting,
    in_store,
    large_message,
    list_indexed,
    opened,
    other_url,
    second_postgres_url,
)
from tests.store.copy_crash_child import Task
from tests.store.queue_world import QueueWorld
from tests.store.test_account_restore import list_subjects

from postroom.auth.key_file import KeyFile
from postroom.domain.backup import Backup
from postroom.domain.directory import Directory
from postroom.errors import PostroomError
from postroom.store import Store, open_store

__all__ = ["other_url", "second_postgres_url"]

LONGEST = 16
"""Transactions that a process lives for, at most."""
MOST_LIVES = 60
SEED = 1
"""Which of their transactions they die at."""

IsDone = Callable[[], Awaitable[bool]]


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children die."""
    with crash_parent("tests.store.copy_crash_child") as process:
        yield process


async def fill(add_owner: AddOwner) -> list[Owner]:
    owners = [await add_owner("anna"), await add_owner("ben")]
    for number, owner in enumerate(owners):
        for letter in range(30):
            await owner.add_mail(make_message(subject=f"Letter {letter}", body=f"{number} {letter}\r\n"))
        await owner.add_mail(large_message(number))
        many = [make_filing(1000 * number + letter) for letter in range(300)]
        await owner.add_mails(many, folder_id=await owner.add_folder("Many"))
    await QueueWorld(owners[0].store).send(owners[0], ["berta@other.test"])
    return owners


async def live_on(killed: Parent, task: Task, *, is_done: IsDone) -> int:
    """Let one process after the other work, until all is done; return how many died.

    ``is_done`` looks at what a death has left, and tells whether it came behind the end.
    """
    chance = random.Random(SEED)  # noqa: S311
    for deaths in range(MOST_LIVES):
        task.steps, task.is_before = chance.randrange(1, LONGEST), chance.random() < 0.5
        if work_to_the_end(killed, msgspec.json.encode(task).decode()) or await is_done():
            return deaths
    pytest.fail("it comes to no end")


async def find_accounts(url: str, folder: Path) -> int | None:
    """Return how many accounts are in a store, None where nobody can open it."""
    try:
        store = await open_store(url, folder, connections=2)
    except PostroomError as error:
        assert error.code in {"storeUnfinished", "storeMoved"}  # noqa: PT017
        return None
    try:
        async with store.directory() as directory:
            return len(await directory.directory.list_after(0, limit=9))
    finally:
        await store.close()


async def test_restores_that_die(
    add_owner: AddOwner, store: Store, other_url: str, killed: Parent, tmp_path: Path
) -> None:
    await fill(add_owner)
    backup, folder = tmp_path / "backup", tmp_path / "restored"
    await Backup(store, backup).run(KeyFile(data_dir_of(store)).path)
    folder.mkdir()

    async def is_done() -> bool:
        accounts = await find_accounts(other_url, folder)
        # Nothing is there before the first of its own transactions.
        assert accounts in {None, 0, 2}
        return accounts == 2

    task = Task("restore", other_url, str(folder), str(backup), 0, False)
    assert await live_on(killed, task, is_done=is_done) > 5
    async with opened(other_url, folder) as restored:
        assert await dump_lasting(restored) == await dump_lasting(store)
        assert await list_indexed(restored) == await list_indexed(store)
        async with restored.directory() as directory:
            assert await directory.held_messages.count() == 1
        await assert_sound(restored)


async def test_restores_of_an_account_that_die(
    add_owner: AddOwner, directory: Directory, killed: Parent, store_url: str, tmp_path: Path
) -> None:
    anna, _ = await fill(add_owner)
    backup, before = tmp_path / "backup", await list_subjects(anna)
    await Backup(anna.store, backup).run(None)

    async def is_done() -> bool:
        try:
            account = (await directory.get_account("rita")).account
        except PostroomError as error:
            assert error.code == "notFound"  # noqa: PT017
            return False
        # All that is seen of it is whole at once; the index may still be filled.
        assert await list_subjects(Owner(anna.store, anna.domain, account, anna.password)) == before
        async with anna.store.directory() as tables:
            return await tables.meta.find("account_copy:rita@example.test") is None

    folder = data_dir_of(anna.store)
    task = Task("account", store_url, str(folder), str(backup), 0, False)
    assert await live_on(killed, task, is_done=is_done) > 3
    assert await is_done()
    await assert_sound(anna.store)
    account = (await directory.get_account("rita")).account
    indexed = await list_indexed(anna.store)
    assert len(indexed[account.account_id]) == len(indexed[anna.account_id])


@pytest.mark.parametrize("pair", [("sqlite", "postgres"), ("postgres", "sqlite")], ids="-".join)
async def test_moves_that_die(
    pair: tuple[str, str], killed: Parent, second_postgres_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    old, new = (second_postgres_url if engine == "postgres" else "sqlite:" for engine in pair)
    owner = await open_owner(folder, url=old)
    await owner.add_mails([make_filing(number) for number in range(300)])
    for number in range(60):
        await owner.add_mail(make_message(subject=f"Letter {number}"))
    await owner.add_mail(large_message(1))
    before, indexed = await dump(owner.store), await list_indexed(owner.store)
    (program,) = await in_store([owner], owner.store, folder)
    seen, token = await as_clients_see([program]), await token_of(program)
    await owner.store.close()

    async def is_done() -> bool:
        there, here = await find_accounts(new, folder), await find_accounts(old, folder)
        # Nobody can open the old one once anything is in the new one, and never both.
        assert (there, here) in {(0, 1), (None, 1), (None, None), (1, None)}
        return there == 1

    task = Task("move", old, str(folder), new, 0, False)
    assert await live_on(killed, task, is_done=is_done) > 5
    async with opened(new, folder) as moved:
        assert {**await dump(moved), "meta": []} == {**before, "meta": []}
        assert await list_indexed(moved) == indexed
        copies = await in_store([owner], moved, folder)
        assert await as_clients_see(copies) == seen
        await assert_deltas_go_on(copies, [token])
        await assert_sound(moved)
