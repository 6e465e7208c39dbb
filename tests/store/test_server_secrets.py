"""Secrets sealed in the store: who may start, what is read by whom, and rotations that are killed."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.crashes import Parent, crash_parent, work_until_killed
from tests.fixtures.factories import Owner
from tests.fixtures.stores import data_dir_of
from tests.store.sealed_world import COUNT, PLACES, TestSecrets, get, name_of, place_of, put

from postroom.auth.key_file import KeyFile
from postroom.auth.vault import Place, ServerKey, Vault, key_id_of
from postroom.domain.key_rotation import Rotated, Sealed, list_keys, prepare, rotate
from postroom.domain.server_secrets import META_NAME, OWN_SECRETS, ServerSecrets
from postroom.errors import Kind, PostroomError
from postroom.store import Store, open_store
from postroom.store.tx import Directory

ROUNDS = 10


async def find_meta(store: Store, name: str) -> str:
    async with store.directory() as directory:
        return await directory.meta.find(name) or ""


async def fill(store: Store, secrets: ServerSecrets) -> None:
    for number in range(COUNT):
        await put(store, secrets, number, b"plain %d" % number)


async def refused(store: Store, folder: Path) -> PostroomError:
    with pytest.raises(PostroomError) as caught:
        await ServerSecrets.load(store, folder)
    return caught.value


# Starting


async def test_a_new_store_gets_a_key(store: Store) -> None:
    folder = data_dir_of(store)
    secrets = await ServerSecrets.load(store, folder)
    [key] = KeyFile(folder).find() or []
    assert await find_meta(store, META_NAME) == key.key_id
    again = await ServerSecrets.load(store, folder)
    assert await secrets.get_own("token_key") == await again.get_own("token_key")
    assert await secrets.get_own("token_key") != await secrets.get_own("webhook_key")


async def test_own_secrets_are_not_in_the_store_in_clear(store: Store, owner: Owner) -> None:
    secrets = await ServerSecrets.load(store, data_dir_of(store))
    assert owner.domain is not None
    for name in OWN_SECRETS:
        stored, plain = await find_meta(store, name), await secrets.get_own(name)
        assert key_id_of(stored)
        assert plain.hex() not in stored
        assert secrets.unseal(stored, Place(name)) == plain


async def test_another_server_needs_the_key(store: Store, tmp_path: Path) -> None:
    first = await ServerSecrets.load(store, data_dir_of(store))
    elsewhere = tmp_path / "elsewhere"
    error = await refused(store, elsewhere)
    assert error.code == "serverKeyMissing"
    assert "copy the file server.key" in error.message
    assert not elsewhere.exists()
    KeyFile(elsewhere).create(ServerKey.generate("2026-01-01"))
    assert (await refused(store, elsewhere)).code == "serverKeyMissing"
    KeyFile(elsewhere).replace(KeyFile(data_dir_of(store)).find() or [])
    second = await ServerSecrets.load(store, elsewhere)
    assert await first.get_own("token_key") == await second.get_own("token_key")


async def test_a_lost_file_is_not_replaced(store: Store) -> None:
    await ServerSecrets.load(store, data_dir_of(store))
    KeyFile(data_dir_of(store)).path.unlink()
    assert (await refused(store, data_dir_of(store))).code == "serverKeyMissing"
    assert not KeyFile(data_dir_of(store)).path.exists()


async def test_many_start_at_once(store: Store) -> None:
    folder = data_dir_of(store)
    started = await asyncio.gather(*(ServerSecrets.load(store, folder) for _ in range(8)))
    assert len(set(await asyncio.gather(*(one.get_own("token_key") for one in started)))) == 1


async def test_what_was_stored_in_clear_is_told_of(store: Store) -> None:
    secrets = await ServerSecrets.load(store, data_dir_of(store))
    async with store.directory_transaction() as tx:
        await tx.meta.put("token_key", "ab" * 32)
    with pytest.raises(
        PostroomError, match="token_key cannot be read: it was changed, or stored by a version"
    ):
        await secrets.get_own("token_key")
    with pytest.raises(PostroomError, match="token_key cannot be read"):
        await rotate(store, data_dir_of(store))


async def test_a_secret_moved_to_another_row_is_refused(store: Store) -> None:
    secrets = await ServerSecrets.load(store, data_dir_of(store))
    await secrets.get_own("token_key")
    async with store.directory_transaction() as tx:
        await tx.meta.put("webhook_key", await find_meta(store, "token_key"))
    with pytest.raises(PostroomError) as caught:
        await secrets.get_own("webhook_key")
    assert caught.value.kind is Kind.INTERNAL


# Rotation


async def test_a_rotation(store: Store) -> None:
    folder = data_dir_of(store)
    secrets = await ServerSecrets.load(store, folder)
    token_key = await secrets.get_own("token_key")
    await fill(store, secrets)
    [old] = KeyFile(folder).find() or []
    done = await rotate(store, folder, places=PLACES, slice_size=7)
    assert (done.resealed, done.dropped, done.was_resumed) == (COUNT + 1, [old.key_id], False)
    [new] = KeyFile(folder).find() or []
    assert (done.key_id, await find_meta(store, META_NAME)) == (new.key_id, new.key_id)
    assert key_id_of(await find_meta(store, name_of(COUNT - 1))) == new.key_id
    # The process that was there before goes on, and so do new ones.
    for process in (secrets, await ServerSecrets.load(store, folder)):
        assert [await get(store, process, number) for number in (0, COUNT - 1)] == [b"plain 0", b"plain 59"]
        assert await process.get_own("token_key") == token_key


async def test_a_running_process_seals_under_the_new_key(store: Store) -> None:
    folder = data_dir_of(store)
    secrets = await ServerSecrets.load(store, folder)
    done = await rotate(store, folder)
    await put(store, secrets, 1, b"later")
    assert key_id_of(await find_meta(store, name_of(1))) == done.key_id
    assert await get(store, secrets, 1) == b"later"


async def test_a_process_elsewhere_waits_for_its_copy(store: Store, tmp_path: Path) -> None:
    folder, elsewhere = data_dir_of(store), tmp_path / "elsewhere"
    await ServerSecrets.load(store, folder)
    KeyFile(elsewhere).create((KeyFile(folder).find() or [])[0])
    other = await ServerSecrets.load(store, elsewhere)
    await fill(store, other)
    await rotate(store, folder, places=PLACES)
    with pytest.raises(PostroomError) as caught:
        await get(store, other, 1)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "copy the file" in caught.value.private
    with pytest.raises(PostroomError, match="just now"):
        await put(store, other, 1, b"x")
    KeyFile(elsewhere).replace(KeyFile(folder).find() or [])
    assert await get(store, other, 1) == b"plain 1"


async def test_a_prepared_key_is_taken(store: Store, tmp_path: Path) -> None:
    folder, elsewhere = data_dir_of(store), tmp_path / "elsewhere"
    secrets = await ServerSecrets.load(store, folder)
    await fill(store, secrets)
    key = await prepare(folder)
    assert key_id_of(await find_meta(store, name_of(1))) != key.key_id
    states = [(one.state, one.secrets) for one in await list_keys(store, folder, places=PLACES)]
    assert states == [("prepared", 0), ("seals", COUNT)]
    await put(store, secrets, 1, b"plain 1")
    assert key_id_of(await find_meta(store, name_of(1))) != key.key_id
    KeyFile(elsewhere).create(ServerKey.generate("2026-01-01"))
    KeyFile(elsewhere).replace(KeyFile(folder).find() or [])
    other = await ServerSecrets.load(store, elsewhere)
    assert (await rotate(store, folder, places=PLACES)).key_id == key.key_id
    assert await get(store, other, 1) == b"plain 1"
    await put(store, other, 1, b"plain 1")
    assert [(one.state, one.secrets) for one in await list_keys(store, folder, places=PLACES)] == [
        ("seals", COUNT)
    ]


async def test_an_interrupted_rotation_is_gone_on_with(store: Store) -> None:
    folder = data_dir_of(store)
    secrets = await ServerSecrets.load(store, folder)
    await fill(store, secrets)

    class Interrupted(TestSecrets):
        async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
            found = await super().list_after(directory, position, limit=limit)
            if found and found[0].position > COUNT // 2:
                raise RuntimeError("interrupted")
            return found

    with pytest.raises(RuntimeError):
        await rotate(store, folder, places=[Interrupted()], slice_size=5)
    keys = await list_keys(store, folder, places=PLACES)
    assert [key.state for key in keys] == ["seals", "being replaced"]
    assert all(key.secrets > 10 for key in keys)
    assert [await get(store, secrets, number) for number in range(COUNT)] == [
        b"plain %d" % number for number in range(COUNT)
    ]
    done = await rotate(store, folder, places=PLACES)
    assert (done.key_id, done.was_resumed, done.dropped) == (keys[0].key_id, True, [keys[1].key_id])


async def test_several_rotations_at_once(store: Store) -> None:
    folder = data_dir_of(store)
    await ServerSecrets.load(store, folder)
    outcomes = await asyncio.gather(*(rotate(store, folder) for _ in range(3)), return_exceptions=True)
    # Who comes while another is at it is refused; who comes later rotates once more.
    assert any(isinstance(one, Rotated) for one in outcomes)
    for refusal in outcomes:
        assert isinstance(refusal, Rotated) or (
            isinstance(refusal, PostroomError) and refusal.code == "conflict"
        )
    [key] = KeyFile(folder).find() or []
    assert await find_meta(store, META_NAME) == key.key_id


async def test_a_slice_is_a_transaction(store_url: str, tmp_path: Path) -> None:
    commits = 0

    def count(_: int) -> None:
        nonlocal commits
        commits += 1

    store = await open_store(store_url, tmp_path / "data", on_commit=count)
    await fill(store, await ServerSecrets.load(store, tmp_path / "data"))
    before = commits
    await rotate(store, tmp_path / "data", places=[TestSecrets()], slice_size=10)
    await store.close()
    # The keys are named and forgotten, and an empty slice ends the table.
    assert commits - before == COUNT // 10 + 3


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.key_crash_child") as process:
        yield process


async def test_rotations_that_are_killed(store: Store, store_url: str, killed: Parent) -> None:
    chance, folder = random.Random(3), data_dir_of(store)  # noqa: S311
    secrets = await ServerSecrets.load(store, folder)
    token_key = await secrets.get_own("token_key")
    await fill(store, secrets)
    seen: set[str] = set()
    for round_number in range(ROUNDS):
        seconds = chance.uniform(0, 0.25)
        # However slow the machine is, most of them end a rotation before they die.
        since = "rotated" if round_number % 3 else "begun"
        task = asyncio.ensure_future(
            asyncio.to_thread(
                work_until_killed, killed, f"{store_url} {folder}", seconds=seconds, since=since
            )
        )
        # A server that is never started anew reads and writes all the time.
        while not task.done():
            number = chance.randrange(COUNT)
            if chance.random() < 0.3:
                await put(store, secrets, number, b"plain %d" % number)
            assert await get(store, secrets, number) == b"plain %d" % number
            await ServerSecrets.load(store, folder)
        await task
        fresh = await ServerSecrets.load(store, folder)
        for number in range(COUNT):
            assert await get(store, fresh, number) == b"plain %d" % number
        in_use = (await find_meta(store, META_NAME)).split()
        seen.update(in_use)
        # Whatever anything is sealed with is in use, and in the file.
        vault = Vault(KeyFile(folder).find() or [])
        assert vault.lacks(in_use) == []
        for number in range(COUNT):
            sealed = await find_meta(store, name_of(number))
            assert key_id_of(sealed) in in_use
            assert vault.open(sealed, place_of(number)) == b"plain %d" % number
    done = await rotate(store, folder, places=PLACES)
    assert await find_meta(store, META_NAME) == done.key_id
    assert [key.key_id for key in KeyFile(folder).find() or []] == [done.key_id]
    assert await (await ServerSecrets.load(store, folder)).get_own("token_key") == token_key
    assert len(seen) > ROUNDS // 2
