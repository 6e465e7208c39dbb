"""Moving a store of either engine into another database of either engine."""

import asyncio
from pathlib import Path

import pytest
from tests.fixtures.copies import Copy, token_of
from tests.fixtures.factories import AddOwner, Owner, make_filing
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import (
    StopError,
    as_clients_see,
    assert_deltas_go_on,
    assert_sound,
    dump,
    in_store,
    large_message,
    list_indexed,
    opened,
    place_of,
    second_postgres_url,
    stop_after,
)
from tests.store.lost_world import change, check_anew, check_goes_on, listen, tell
from tests.store.test_histories import History

from postroom.domain.event_feed import RESET
from postroom.domain.store_move import cancel_move, move_store
from postroom.errors import PostroomError
from postroom.store import Store, open_store
from postroom.store.backups.catalogue import read_catalogue
from postroom.store.backups.rows import clear_table, lock_tables

__all__ = ["second_postgres_url"]

PAIRS = [("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")]
"""A data folder has one database of SQLite."""


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The engines of the old and of the new database."""
    old, new = request.param
    return old, new


@pytest.fixture
def store_url(pair: tuple[str, str], request: pytest.FixtureRequest) -> str:
    """The URL of the old database."""
    return "sqlite:" if pair[0] == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def other_url(pair: tuple[str, str], request: pytest.FixtureRequest) -> str:
    """The URL of the new one."""
    return "sqlite:" if pair[1] == "sqlite" else str(request.getfixturevalue("second_postgres_url"))


async def fill(add_owner: AddOwner) -> list[Owner]:
    owners = [await add_owner("anna"), await add_owner("ben")]
    await History(owners, [await owner.add_folder("More") for owner in owners], seed=3).run(60)
    for number, owner in enumerate(owners):
        await owner.add_mail(large_message(number))
        await owner.add_mails([make_filing(1000 * number + letter) for letter in range(700)])
    return owners


async def test_everything_is_there(add_owner: AddOwner, store: Store, store_url: str, other_url: str) -> None:
    owners = await fill(add_owner)
    before, indexed = await dump(store), await list_indexed(store)
    seen, tokens = await as_clients_see(owners), [await token_of(owner) for owner in owners]
    folder = data_dir_of(store)
    await store.close()
    moved = await move_store(place_of(store_url, folder), place_of(other_url, folder))
    assert moved.findings == []
    assert moved.accounts == 2
    async with opened(other_url, folder) as copy:
        after = await dump(copy)
        assert {name: rows for name, rows in after.items() if name != "meta"} == {
            name: rows for name, rows in before.items() if name != "meta"
        }
        assert {row for row in after["meta"] if "move_number" not in row} == set(before["meta"])
        assert await list_indexed(copy) == indexed
        copies = await in_store(owners, copy, folder)
        assert await as_clients_see(copies) == seen
        await assert_deltas_go_on(copies, tokens)
        await assert_sound(copy)
    with pytest.raises(PostroomError, match="storeMoved"):
        await open_store(store_url, folder)
    with pytest.raises(PostroomError, match="storeNotEmpty"):
        await move_store(place_of(store_url, folder), place_of(other_url, folder))


async def test_interrupted(add_owner: AddOwner, store: Store, store_url: str, other_url: str) -> None:
    await fill(add_owner)
    before, folder, ends = await dump(store), data_dir_of(store), 0
    await store.close()
    places = place_of(store_url, folder), place_of(other_url, folder)
    for steps in (0, 4, 9, 9, 9, 9, 40, 60, 80):
        try:
            moved = await move_store(*places, progress=stop_after(steps))
        except StopError:
            ends += 1
            for url, code in ((store_url, "storeMoved"), (other_url, "storeUnfinished")):
                with pytest.raises(PostroomError, match=code):
                    await open_store(url, folder)
        else:
            assert moved.was_resumed
            break
    else:
        assert (await move_store(*places)).findings == []
    assert ends >= 3
    async with opened(other_url, folder) as copy:
        after = await dump(copy)
        assert {**after, "meta": []} == {**before, "meta": []}
        await assert_sound(copy)


async def test_a_damaged_message_is_moved_and_reported(owner: Owner, store_url: str, other_url: str) -> None:
    await owner.add_mail()
    await owner.add_mail(large_message(1))
    folder = data_dir_of(owner.store)
    (path,) = (path for path in (folder / "blobs").rglob("*") if path.is_file())
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    await owner.store.close()
    moved = await move_store(place_of(store_url, folder), place_of(other_url, folder))
    assert sorted(fault.kind for fault in moved.findings) == ["content", "fulltext"]
    async with opened(other_url, folder) as copy:
        (there,) = await in_store([owner], copy, folder)
        assert len(await as_clients_see([there])) > 1


async def test_cancelled(owner: Owner, store_url: str, other_url: str) -> None:
    """The old store goes on; a second move does not mix its rows with those of the first."""
    await owner.add_mails([make_filing(letter) for letter in range(700)])
    folder = data_dir_of(owner.store)
    places = place_of(store_url, folder), place_of(other_url, folder)
    await owner.store.close()
    with pytest.raises(StopError):
        await move_store(*places, progress=stop_after(8))
    assert (await cancel_move(places[0])).was_closed
    assert not (await cancel_move(places[0])).was_closed
    async with opened(store_url, folder) as store:
        async with store.transaction(owner.account_id) as tx:
            await tx.advance()
        before = await dump(store)
    assert not (await move_store(*places)).was_resumed
    async with opened(other_url, folder) as copy:
        assert {**await dump(copy), "meta": []} == {**before, "meta": []}
        await assert_sound(copy)


async def test_a_move_is_taken_back(owner: Owner, store: Store, store_url: str, other_url: str) -> None:
    """What came into the new store is lost then; a move that is given up loses nothing."""
    await change(owner, "Before")
    folder, early = data_dir_of(store), await tell(owner)
    places = place_of(store_url, folder), place_of(other_url, folder)
    await store.close()
    await move_store(*places)
    async with opened(other_url, folder) as moved:
        (copy,) = await in_store([owner], moved, folder)
        await change(copy, "Lost")
        # It has moved with all its history.
        mails = Copy(copy, await copy.caller(), token=early.mails.token, mails=dict(early.mails.mails))
        assert not (await mails.ask()).is_reset
        assert (await listen(copy, early.position))[0].kind != RESET
        told = await tell(copy)
    assert (await cancel_move(places[0])).was_closed
    async with opened(store_url, folder) as old:
        (copy,) = await in_store([owner], old, folder)
        for name in ("One", "Another one"):
            await change(copy, name)
        await check_anew(copy, told)
        await check_goes_on(copy)
        await assert_sound(old)


async def test_refusals(owner: Owner, store_url: str, other_url: str, tmp_path: Path) -> None:
    folder = data_dir_of(owner.store)
    places = place_of(store_url, folder), place_of(other_url, folder)
    async with owner.store.directory() as directory:
        await directory.meta.find("x")
    with pytest.raises(PostroomError, match="storeInUse"):
        await move_store(*places)
    await owner.store.close()
    async with opened(other_url, folder) as other:
        with pytest.raises(PostroomError, match="storeInUse"):
            await move_store(*places)
        await other.engine.tidy_index()
    with pytest.raises(PostroomError, match="badParameter"):
        await move_store(places[0], places[0])
    if store_url != "sqlite:":
        return
    with pytest.raises(PostroomError, match="notFound"):
        await move_store(place_of("sqlite:", tmp_path / "none"), places[1])
    with pytest.raises(PostroomError, match="notFound"):
        await cancel_move(place_of("sqlite:", tmp_path / "none"))
    assert not (tmp_path / "none").exists()


async def test_a_store_that_has_moved_is_not_moved_again(
    owner: Owner, store_url: str, other_url: str, tmp_path: Path
) -> None:
    """What came into the new one would be missing in a third, and nobody would notice."""
    folder = data_dir_of(owner.store)
    source, third = place_of(store_url, folder), place_of("sqlite:", tmp_path / "third")
    await owner.store.close()
    await move_store(source, place_of(other_url, folder))
    if store_url == "sqlite:":  # a data folder has one database of SQLite
        third = place_of(other_url, folder)
        async with opened(other_url, folder) as moved, moved.engine.write() as connection:
            for table in await read_catalogue(moved.engine, connection):
                await clear_table(connection, table)
    with pytest.raises(PostroomError, match=r"storeMoved.*has moved into another database"):
        await move_store(source, third)
    assert (await cancel_move(source)).was_closed
    await move_store(source, third)


async def test_writers_wait(owner: Owner) -> None:
    """Whoever has the old store open already can read, and not write, while rows are copied."""
    engine = owner.store.engine
    async with engine.write() as connection:
        await lock_tables(engine, connection, ["mailbox", "mail"])
        async with owner.store.read(owner.account_id) as mailbox:
            assert await mailbox.mailbox.find() is not None

        async def write() -> None:
            async with owner.store.transaction(owner.account_id) as tx:
                await tx.advance()

        writing = asyncio.create_task(write())
        done, _ = await asyncio.wait([writing], timeout=0.3)
        assert not done
    await writing
