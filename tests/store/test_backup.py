"""Backups of random histories, restored into a store of either engine: everything is as it was."""

import random
import re
import shutil
import time
from pathlib import Path

import pytest
from tests.fixtures.copies import token_of
from tests.fixtures.factories import AddOwner, Owner, make_filing, make_message
from tests.fixtures.stores import data_dir_of
from tests.store.backup_world import (
    StopError,
    as_clients_see,
    assert_deltas_begin_anew,
    assert_sound,
    dump_lasting,
    in_store,
    large_message,
    list_indexed,
    opened,
    other_url,
    place_of,
    second_postgres_url,
    stop_after,
)
from tests.store.test_histories import History

from postroom.auth.key_file import KeyFile
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain import mailbox as mailboxes
from postroom.domain.account_restore import restore_account
from postroom.domain.addresses import AccountAddress
from postroom.domain.backup import Backup, Made
from postroom.domain.backup_check import verify_backup
from postroom.domain.blob_hold import held, is_held
from postroom.domain.check import BLOB_GRACE_SECONDS
from postroom.domain.directory import Directory
from postroom.domain.released_blobs import remove_released_blobs
from postroom.domain.restoring import restore_store
from postroom.domain.server_secrets import ServerSecrets
from postroom.errors import PostroomError
from postroom.store import Store, open_store
from postroom.store.backups.catalogue import IN_ACCOUNT, UPLOADS, Fate, read_catalogue
from postroom.store.backups.objects import BackupFolder
from postroom.store.backups.snapshots import list_snapshots, read_snapshot, write_snapshot
from postroom.store.migrations import list_migrations

__all__ = ["other_url", "second_postgres_url"]


async def back_up(store: Store, target: Path) -> Made:
    return await Backup(store, target).run(KeyFile(data_dir_of(store)).path)


@pytest.mark.parametrize("seed", [1, 2])
async def test_history_is_restored_as_it_was(
    seed: int, add_owner: AddOwner, store: Store, other_url: str, tmp_path: Path
) -> None:
    owners = [await add_owner("anna"), await add_owner("ben")]
    history = History(owners, [await owner.add_folder("More") for owner in owners], seed=seed)
    target = tmp_path / "backup"
    await history.run(60)
    carl = await add_owner("carl")
    await carl.add_mail(large_message(1))
    first, before = await back_up(store, target), await dump_lasting(store)
    await history.run(60)
    await carl.add_mail(large_message(2))
    second, after = await back_up(store, target), await dump_lasting(store)
    assert first.blobs, "a large message is there"
    assert second.new_messages < second.messages, "the second one stores what is new"
    assert [blob.sha256 for blob in second.blobs] != [blob.sha256 for blob in first.blobs]
    indexed = await list_indexed(store)
    seen = await as_clients_see(owners, is_same_history=False)
    tokens = [await token_of(owner) for owner in owners]
    assert (await verify_backup(target)).problems == []
    folder = tmp_path / "restored"
    await restore_store(target, place_of(other_url, folder))
    async with opened(other_url, folder) as restored:
        assert await dump_lasting(restored) == after
        assert await list_indexed(restored) == indexed
        await assert_sound(restored)
        copies = await in_store(owners, restored, folder)
        assert await as_clients_see(copies, is_same_history=False) == seen
        await assert_deltas_begin_anew(copies, tokens)
        await assert_sound(restored)
    if other_url == "sqlite:":
        older = tmp_path / "older"
        await restore_store(target, place_of("sqlite:", older), wanted=first.name)
        async with opened("sqlite:", older) as restored:
            assert await dump_lasting(restored) == before
            await assert_sound(restored)


async def test_second_backup_of_the_same_stores_next_to_nothing(owner: Owner, tmp_path: Path) -> None:
    await owner.add_mails([make_filing(number) for number in range(2000)])
    first = await back_up(owner.store, tmp_path / "backup")
    await owner.add_mail()
    second = await back_up(owner.store, tmp_path / "backup")
    assert second.new_messages == 1
    assert second.new_bytes * 10 < first.new_bytes


async def test_nothing_of_the_schema_is_forgotten(owner: Owner, tmp_path: Path) -> None:
    """Each table that a migration makes is in a backup with all its columns, or is known to be left out."""
    engine = owner.store.engine
    made = await back_up(owner.store, tmp_path / "backup")
    snapshot = read_snapshot(tmp_path / "backup", made.name)
    statements = [text for migration in list_migrations(engine.name) for text in migration.statements()]
    named = {match[1] for text in statements if (match := re.match(r"CREATE TABLE (\w+)", text))}
    assert len(named) > 60
    assert set(snapshot.tables) == named - {"fulltext", UPLOADS}
    assert set(IN_ACCOUNT) == named - {"fulltext"}, (
        "say in catalogue.py what becomes of a table in an account's restore"
    )
    for name, table in snapshot.tables.items():
        async with engine.peek() as connection:
            if engine.name == "sqlite":
                sql = f"SELECT name FROM pragma_table_info('{name}')"  # noqa: S608
            else:
                sql = f"SELECT column_name::text FROM information_schema.columns WHERE table_name = '{name}'"  # noqa: S608
            assert {row[0] for row in await connection.fetch_all(sql)} == set(table.columns)


async def test_rows_of_an_account_name_nothing_of_others(store: Store) -> None:
    """A column that names something outside the account must be thought of in an account's restore."""
    async with store.engine.peek() as connection:
        tables = await read_catalogue(store.engine, connection)
    others = ("reader_id", "session_id", "webhook_id", "processing_id", "job_key", "token_hash")
    named = {
        (name, column)
        for name, table in tables.items()
        if IN_ACCOUNT[name] is not Fate.LEFT
        for column in table.columns
        if column in others
    }
    assert named == {("operation", "session_id")}, (
        "sessions are never given out twice, so an old one harms nobody"
    )
    assert all("account_id" in tables[name].columns for name in tables if IN_ACCOUNT[name] is not Fate.LEFT)


@pytest.mark.parametrize("steps", [0, 1, 5])
async def test_an_interrupted_backup_is_gone_on_with(owner: Owner, tmp_path: Path, steps: int) -> None:
    target = tmp_path / "backup"
    await owner.add_mails([make_filing(number) for number in range(1500)])
    await owner.add_mail(large_message(1))
    with pytest.raises(StopError):
        await Backup(owner.store, target, progress=stop_after(steps)).run(None)
    assert list_snapshots(target) == []
    assert "no backup was finished" in (await verify_backup(target)).problems[0]
    await back_up(owner.store, target)
    found = await verify_backup(target)
    assert found.problems == []
    assert len(found.snapshots) == 1


async def test_an_interrupted_restore_is_gone_on_with(
    add_owner: AddOwner, store: Store, other_url: str, tmp_path: Path
) -> None:
    owners = [await add_owner("anna"), await add_owner("ben")]
    for number, owner in enumerate(owners):
        for letter in range(40):
            await owner.add_mail(make_message(subject=f"Letter {letter}", body=f"{number} {letter}\r\n"))
        await owner.add_mail(large_message(number))
        many = [make_filing(1000 * number + letter) for letter in range(1000)]
        await owner.add_mails(many, folder_id=await owner.add_folder("Many"))
    await back_up(store, tmp_path / "backup")
    place = place_of(other_url, tmp_path / "restored")
    ends = 0
    for steps in (0, 3, 9, 20, 30, 40, 50):
        try:
            await restore_store(tmp_path / "backup", place, progress=stop_after(steps))
        except StopError:
            ends += 1
            with pytest.raises(PostroomError, match="storeUnfinished"):
                await open_store(place.url, place.data_dir)
        else:
            break
    else:
        await restore_store(tmp_path / "backup", place)
    assert ends >= 3
    async with opened(other_url, place.data_dir) as restored:
        assert await dump_lasting(restored) == await dump_lasting(store)
        assert await list_indexed(restored) == await list_indexed(store)
        await assert_sound(restored)


async def test_damage_is_found(owner: Owner, tmp_path: Path) -> None:
    """Whichever byte of a backup is changed, the verification says so, and a restore never takes what is wrong."""
    target = tmp_path / "backup"
    await owner.add_mails([make_filing(number) for number in range(300)])
    await owner.add_mail(large_message(1))
    await back_up(owner.store, target)
    chance = random.Random(3)  # noqa: S311
    files = [path for path in target.rglob("*") if path.is_file() and path.name != "postroom-backup.json"]
    assert {path.parent.name for path in files} >= {"packs", "snapshots"}
    for path in files:
        whole = path.read_bytes()
        for place in (0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(6))):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << chance.randrange(8)
            path.write_bytes(damaged)
            assert (await verify_backup(target)).problems, f"byte {place} of {path.name}"
        path.unlink()
        assert (await verify_backup(target)).problems, f"{path.name} is missing"
        path.write_bytes(whole)
    assert (await verify_backup(target)).problems == []


async def test_what_is_damaged_is_stored_anew(owner: Owner, tmp_path: Path) -> None:
    """Once a damaged file is moved away, the next backup is whole, and the messages of older ones are there again."""
    target = tmp_path / "backup"
    await owner.add_mails([make_filing(number) for number in range(300)])
    await owner.add_mail(make_message())
    await owner.add_mail(large_message(1))
    await back_up(owner.store, target)
    damaged = [path for name in ("packs", "blobs") for path in (target / name).rglob("*") if path.is_file()]
    for path in damaged:
        path.write_bytes(bytes(100) + path.read_bytes()[100:])
    problems = (await verify_backup(target)).problems
    for path in damaged:
        assert any(path.stem in problem for problem in problems)
        path.rename(tmp_path / path.name)
    made = await back_up(owner.store, target)
    found = await verify_backup(target)
    assert len(found.snapshots) == 2
    assert [problem for problem in found.problems if made.name in problem or ": message" in problem] == []


async def test_a_lost_blob_is_told_and_the_rest_is_backed_up(owner: Owner, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    await owner.add_mail()
    await owner.add_mail(large_message(1))
    blobs = data_dir_of(owner.store) / "blobs"
    for path in [path for path in blobs.rglob("*") if path.is_file()]:
        path.unlink()
    made = await back_up(owner.store, target)
    assert len(made.problems) == len(made.lost) == 1
    found = await verify_backup(target)
    assert found.problems == []
    assert len(found.notes) == 1
    await restore_store(target, place_of("sqlite:", tmp_path / "restored"))
    async with opened("sqlite:", tmp_path / "restored") as restored:
        assert await dump_lasting(restored) == await dump_lasting(owner.store)


@pytest.mark.parametrize("loser", [0, 1])
async def test_a_blob_that_one_account_lost_is_copied_from_another(
    loser: int, add_owner: AddOwner, store: Store, tmp_path: Path
) -> None:
    owners = [await add_owner("anna"), await add_owner("ben")]
    for owner in owners:
        await owner.add_mail(large_message(1))
    blobs = data_dir_of(store) / "blobs" / str(owners[loser].account_id)
    for path in [path for path in blobs.rglob("*") if path.is_file()]:
        path.unlink()
    made = await back_up(store, tmp_path / "backup")
    assert made.lost == []
    assert [
        problem for problem in made.problems if f"account {owners[loser].account_id}" not in problem
    ] == []
    await restore_store(tmp_path / "backup", place_of("sqlite:", tmp_path / "restored"))
    async with opened("sqlite:", tmp_path / "restored") as restored:
        assert len([blob async for blob in restored.blobs.iter_all()]) == 2
        await assert_sound(restored)


async def test_a_damaged_blob_that_is_there_is_replaced(owner: Owner, tmp_path: Path) -> None:
    """The blobs of the old store may be there still, where the database alone was moved away."""
    for number in range(3):
        await owner.add_mail(large_message(number))
    await back_up(owner.store, tmp_path / "backup")
    folder = tmp_path / "restored"
    shutil.copytree(data_dir_of(owner.store) / "blobs", folder / "blobs")
    damaged, cut, whole = (path for path in (folder / "blobs").rglob("*") if path.is_file())
    damaged.write_bytes(bytes(100) + damaged.read_bytes()[100:])
    cut.write_bytes(cut.read_bytes()[:1000])
    before = whole.stat().st_ino
    await restore_store(tmp_path / "backup", place_of("sqlite:", folder))
    async with opened("sqlite:", folder) as restored:
        await assert_sound(restored)
    assert whole.stat().st_ino == before


async def test_an_account_that_is_half_removed(
    add_owner: AddOwner,
    directory: Directory,
    hasher: PasswordHasher,
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its removal was interrupted before the backup; all others are restored, and it can be ended there."""
    anna, ben = await add_owner("anna"), await add_owner("ben")
    store = anna.store
    for number in range(30):
        await anna.add_mail(make_message(subject=f"Letter {number}", body=f"{number}\r\n"))
    await ben.add_mail()
    monkeypatch.setattr(mailboxes, "SLICE", 10)

    def die(_: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        await directory.remove_account("anna", progress=die)
    await back_up(store, tmp_path / "backup")
    folder = tmp_path / "restored"
    assert (await restore_store(tmp_path / "backup", place_of("sqlite:", folder))).messages == 1
    async with opened("sqlite:", folder) as restored:
        async with restored.read(anna.account_id) as mailbox:
            assert await mailbox.contents.list_references(), "some of it is left"
        again = Directory(restored, hasher, config.classes, primary_domain=config.primary_domain)
        await again.remove_account("anna@example.test")
        await assert_sound(restored)
    address = AccountAddress("anna", "example.test")
    with pytest.raises(PostroomError, match=r"notFound.*being removed"):
        await restore_account(store, tmp_path / "backup", address, new=AccountAddress("rita", "example.test"))


async def test_a_damaged_message_is_kept_as_it_is(owner: Owner, tmp_path: Path) -> None:
    await owner.add_many(50)  # messages without the hash that their rows say
    await owner.add_mail()
    first = await back_up(owner.store, tmp_path / "backup")
    second = await back_up(owner.store, tmp_path / "backup")
    assert len(first.problems) == len(second.problems) == 50
    assert (await verify_backup(tmp_path / "backup")).problems == []
    await restore_store(tmp_path / "backup", place_of("sqlite:", tmp_path / "restored"))
    async with opened("sqlite:", tmp_path / "restored") as restored:
        assert await dump_lasting(restored) == await dump_lasting(owner.store)


async def test_blobs_stay_while_a_backup_copies_them(
    owner: Owner, directory: Directory, tmp_path: Path
) -> None:
    """The account is removed behind the snapshot of the rows, before its large message is copied."""
    await owner.add_mail(large_message(1))
    store, target = owner.store, tmp_path / "backup"
    async with held(store):
        await directory.remove_account(owner.account.address)
        blobs = [blob async for blob in store.blobs.iter_all()]
        assert len(blobs) == 1
        later = time.time() + 2 * BLOB_GRACE_SECONDS
        assert await is_held(store)
        assert await remove_released_blobs(store, now=lambda: later - 2 * BLOB_GRACE_SECONDS) == 0
    assert not await is_held(store, now=lambda: later)
    assert await remove_released_blobs(store, now=lambda: later) == 1
    assert [blob async for blob in store.blobs.iter_all()] == []
    assert not target.exists()


async def test_refusals(owner: Owner, tmp_path: Path) -> None:
    filled = tmp_path / "filled"
    filled.mkdir()
    (filled / "letter.txt").write_text("Hello")
    with pytest.raises(PostroomError, match="notABackup"):
        await back_up(owner.store, filled)
    assert [path.name for path in filled.iterdir()] == ["letter.txt"]
    with pytest.raises(PostroomError, match="notFound"):
        await restore_store(tmp_path / "none", place_of("sqlite:", tmp_path / "restored"))
    target = tmp_path / "backup"
    await back_up(owner.store, target)
    async with opened("sqlite:", tmp_path / "other"):
        with pytest.raises(PostroomError, match="storeInUse"):
            await restore_store(target, place_of("sqlite:", tmp_path / "other"))
    await restore_store(target, place_of("sqlite:", tmp_path / "other"))
    with pytest.raises(PostroomError, match="storeNotEmpty"):
        await restore_store(target, place_of("sqlite:", tmp_path / "other"))
    with BackupFolder.open(target).locked(), pytest.raises(PostroomError, match="conflict"):
        await back_up(owner.store, target)
    folder = BackupFolder.open(target)
    newer = read_snapshot(target, list_snapshots(target)[-1])
    newer.schema += 1000
    newer.made_at += 1000
    write_snapshot(folder, newer)
    with pytest.raises(PostroomError, match="schemaTooNew"):
        await restore_store(target, place_of("sqlite:", tmp_path / "third"))


async def test_an_empty_store_of_a_later_schema_is_refused(
    owner: Owner, other_url: str, tmp_path: Path
) -> None:
    """Else the steps between the two would never be taken for the rows of the backup."""
    target, place = tmp_path / "backup", place_of(other_url, tmp_path / "restored")
    made = await back_up(owner.store, target)
    folder = BackupFolder.open(target)
    older = read_snapshot(target, made.name)
    older.schema -= 1
    older.made_at += 1000
    name = write_snapshot(folder, older)
    async with opened(other_url, place.data_dir):
        pass
    with pytest.raises(PostroomError, match=r"storeNotEmpty.*newer Postroom"):
        await restore_store(target, place, wanted=name)
    await restore_store(target, place, wanted=made.name)


async def test_server_keys(owner: Owner, tmp_path: Path) -> None:
    secrets = await ServerSecrets.load(owner.store, data_dir_of(owner.store))
    secret = await secrets.get_own("token_key")
    await back_up(owner.store, tmp_path / "backup")
    restored = await restore_store(tmp_path / "backup", place_of("sqlite:", tmp_path / "one"))
    assert not restored.needs_key
    async with opened("sqlite:", tmp_path / "one") as store:
        assert await (await ServerSecrets.load(store, tmp_path / "one")).get_own("token_key") == secret
    assert ((tmp_path / "one" / "server.key").stat().st_mode & 0o777) == 0o600
    # Without the keys it says so; the keys of another store are not overwritten.
    await Backup(owner.store, tmp_path / "bare").run(None)
    assert (await restore_store(tmp_path / "bare", place_of("sqlite:", tmp_path / "two"))).needs_key
    async with opened("sqlite:", tmp_path / "three") as store:
        await ServerSecrets.load(store, tmp_path / "three")
    with pytest.raises(PostroomError, match="serverKeyMissing"):
        await restore_store(tmp_path / "backup", place_of("sqlite:", tmp_path / "three"))
