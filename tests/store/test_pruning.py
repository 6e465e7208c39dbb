"""Pruning of backups: what is kept stays whole, whatever happens; what nobody needs goes."""

import asyncio
import datetime
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.fixtures.crashes import crash_parent, work_to_the_end
from tests.fixtures.factories import Owner, make_message
from tests.store.backup_world import (
    assert_sound,
    dump_lasting,
    large_message,
    opened,
    place_of,
)
from tests.store.prune_crash_child import KEEP
from tests.store.pruning_world import DAY, START, World, check_whole, measure

from postroom.domain import pruning
from postroom.domain.backup import Backup
from postroom.domain.backup_check import verify_backup
from postroom.domain.pruning import prune_backup
from postroom.domain.restoring import restore_store
from postroom.errors import PostroomError
from postroom.store.backups import objects
from postroom.store.backups.keeping import Keep, Made, choose
from postroom.store.backups.objects import BackupFolder, read_index
from postroom.store.backups.snapshots import list_snapshots, read_snapshot


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have many packs."""
    monkeypatch.setattr(objects, "PACK_BYTES", 4000)
    monkeypatch.setattr(pruning, "PACK_BYTES", 4000)


def make(*days: str) -> list[Made]:
    times = [datetime.datetime.fromisoformat(f"{day}+00:00") for day in days]
    return [Made(str(time)[5:13], int(time.timestamp() * 1000), "") for time in times]


def test_what_is_kept() -> None:
    made = make(
        "2026-01-30T02", "2026-02-01T02", "2026-02-27T02", "2026-02-28T01", "2026-02-28T02", "2026-03-01T02",
        "2026-03-02T02",
    )  # fmt: skip
    assert choose(made, Keep()) == {"03-02 02"}
    assert choose(made, Keep(daily=3)) == {"03-02 02", "03-01 02", "02-28 02"}
    # 1 March is a Sunday: the week before ends with it. Of 1 February (a Sunday), too.
    assert choose(made, Keep(weekly=3)) == {"03-02 02", "03-01 02", "02-01 02"}
    assert choose(made, Keep(monthly=9)) == {"03-02 02", "02-28 02", "01-30 02"}
    assert choose([], Keep(daily=1)) == set()
    alone = [one._replace(name=f"{one.name} anna", account="anna@example.test") for one in made[:2]]
    assert choose(made + alone, Keep(daily=1)) == {"03-02 02", "02-01 02 anna"}


@settings(max_examples=25, deadline=None)
@given(
    seed=some.integers(0, 10**6),
    rounds=some.lists(
        some.tuples(some.integers(1, 60), some.integers(0, 12 * DAY), some.sampled_from(["", "", "anna"])),
        min_size=1,
        max_size=7,
    ),
    keep=some.builds(Keep, some.integers(0, 3), some.integers(0, 2), some.integers(0, 2)),
)
def test_random_histories(seed: int, rounds: list[tuple[int, int, str]], keep: Keep) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check_history(World(Path(folder) / "backup", seed), rounds, keep))


async def check_history(world: World, rounds: list[tuple[int, int, str]], keep: Keep) -> None:
    made_at, made = START, list[Made]()
    for number, (changes, later, account) in enumerate(rounds):
        world.change(changes)
        made_at += later + 1
        made.append(Made(await world.back_up(made_at, account), made_at, account))
        if number % 3 != 2:
            continue
        await check_pruned(world, made, keep)
        made = [one for one in made if one.name in list_snapshots(world.root)]
    await check_pruned(world, made, keep)


async def check_pruned(world: World, made: list[Made], keep: Keep) -> None:
    before = await measure(world.root)
    planned = await prune_backup(world.root, keep, is_dry=True)
    assert await measure(world.root) == before
    done = await prune_backup(world.root, keep)
    assert done == planned
    assert set(done.kept) == choose(made, keep) == set(list_snapshots(world.root))
    assert sorted([*done.kept, *done.removed]) == sorted(one.name for one in made)
    await check_whole(world)
    check_sparing(world)
    again = await prune_backup(world.root, keep)
    assert (again.removed, again.packs, again.blobs, again.freed_bytes) == ([], 0, 0, 0)


def check_sparing(world: World) -> None:
    """Check that no pack is for the most part idle."""
    needed = {sha256 for name in list_snapshots(world.root) for sha256 in world.snapshots[name][2]}
    for name in list_snapshots(world.root):
        for table in read_snapshot(world.root, name).tables.values():
            needed |= {bytes.fromhex(chunk.sha256) for chunk in table.chunks}
    for pack in (world.root / "packs").iterdir():
        entries = read_index(pack)
        kept = sum(entry.length for entry in entries if entry.sha256 in needed)
        # Server keys are not counted here; one is some tens of bytes.
        assert kept + 100 >= pruning._LEAST_NEEDED * sum(entry.length for entry in entries)


async def make_history(root: Path) -> World:
    """Make backups of which some of everything goes: snapshots, whole packs, parts of them, large messages."""
    world = World(root, 7)
    for day in (0, 1, 8, 9, 10):
        world.change(60)
        await world.back_up(START + day * DAY)
    return world


async def test_deaths_at_every_step(tmp_path: Path) -> None:
    world = await make_history(tmp_path / "backup")
    whole = tmp_path / "whole"
    shutil.copytree(world.root, whole)
    done = await prune_backup(world.root, KEEP)
    assert done.removed
    assert done.packs
    assert done.blobs
    wanted, step, is_done = await measure(world.root), 0, False
    with crash_parent("tests.store.prune_crash_child") as parent:
        while not is_done:
            shutil.rmtree(world.root)
            shutil.copytree(whole, world.root)
            is_done = work_to_the_end(parent, f"{step} {world.root}")
            await check_whole(world)
            assert set(wanted[0]) <= set(list_snapshots(world.root))
            # The next one may be a backup, or another pruning.
            if step % 2:
                world.change(0)
                await world.back_up(START + 10 * DAY + 1)
                await check_whole(world)
            else:
                await prune_backup(world.root, KEEP)
                assert await measure(world.root) == wanted
            step += 1
    assert step > 15


async def test_others_in_the_folder(tmp_path: Path) -> None:
    world = await make_history(tmp_path / "backup")
    folder = BackupFolder.open(world.root)
    with closing(folder):
        with pytest.raises(PostroomError, match=r"conflict.*another process reads"):
            await prune_backup(world.root, KEEP)
        with folder.locked(), pytest.raises(PostroomError, match="conflict"):
            await prune_backup(world.root, KEEP)
        assert (await prune_backup(world.root, KEEP, is_dry=True)).removed
    folder = BackupFolder.open(world.root)
    with closing(folder):
        with folder.alone(), pytest.raises(PostroomError, match=r"conflict.*is being pruned"):
            BackupFolder.open(world.root)
        BackupFolder.open(world.root).close()
    assert (await prune_backup(world.root, KEEP)).removed


async def test_a_folder_of_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There only what is open to be written can be locked for one alone (flock(2)), and so no folder."""

    def lock(file: int | IO[bytes], operation: int) -> None:
        descriptor = file if isinstance(file, int) else file.fileno()
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        if is_folder or (operation & fcntl.LOCK_EX and mode == os.O_RDONLY):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(file, operation)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lock)
    world = await make_history(tmp_path / "backup")
    before = await measure(world.root)
    folder = BackupFolder.open(world.root)
    with closing(folder), folder.locked(), pytest.raises(PostroomError, match="conflict"):
        await world.back_up(START + 99 * DAY)
    with pytest.raises(PostroomError, match="noLocks"):
        await prune_backup(world.root, KEEP)
    assert await measure(world.root) == before


async def test_damage_stops_it(tmp_path: Path) -> None:
    """What is removed might be the last that is whole."""
    world = await make_history(tmp_path / "backup")
    before = await measure(world.root)
    newest = world.root / "snapshots" / f"{before[0][-1]}.json"
    text = newest.read_bytes()
    newest.write_bytes(text[:-1])
    with pytest.raises(PostroomError, match="backupDamaged"):
        await prune_backup(world.root, KEEP)
    newest.write_bytes(text)
    packs = sorted((world.root / "packs").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    hidden = packs[-1].rename(tmp_path / "pack")
    with pytest.raises(PostroomError, match=r"backupDamaged.*is missing that a kept snapshot needs"):
        await prune_backup(world.root, KEEP)
    hidden.rename(packs[-1])
    for path in (world.root / "blobs").rglob("*"):
        if path.is_file():
            path.rename(tmp_path / path.name)
    with pytest.raises(PostroomError, match=r"backupDamaged.*large message"):
        await prune_backup(world.root, KEEP)
    assert await measure(world.root) == (*before[:2], set())


async def test_damaged_packs_are_left_alone(tmp_path: Path) -> None:
    world = await make_history(tmp_path / "backup")
    (world.root / "packs" / f"{'0' * 64}.pack").write_bytes(b"what is this?")
    done = await prune_backup(world.root, KEEP)
    assert len(done.problems) == 1
    assert (world.root / "packs" / f"{'0' * 64}.pack").exists()
    await check_whole(world)


async def test_a_copy_that_is_whole_stays(tmp_path: Path) -> None:
    """Where an object is there twice (a pruning has died), one that is damaged does not drive out the other."""
    world = await make_history(tmp_path / "backup")
    folder = BackupFolder.open(world.root)
    (path, *_), copy = folder.packs, tmp_path / "copy"
    with closing(folder):
        writer = objects.PackWriter(world.root / "packs")
        for entry in read_index(path):
            writer.add(entry.sha256, folder.get_frame(entry.sha256)[1])
        writer.add(bytes(32), b"another one, so that it has another name")
        twin = writer.finish()
    last = max(path, twin)
    shutil.copy(last, copy)
    spoilt = bytearray(last.read_bytes())
    for entry in read_index(last):
        spoilt[entry.start + entry.length // 2] ^= 255
    last.write_bytes(spoilt)
    await prune_backup(world.root, Keep(daily=9))
    assert path.exists()
    assert twin.exists()
    copy.rename(last)
    await check_whole(world)


async def test_of_a_store(owner: Owner, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    for number in range(3):
        for letter in range(40):
            await owner.add_mail(make_message(subject=f"Letter {letter}", body=f"{number} {letter}\r\n"))
        await owner.add_mail(large_message(number))
        await Backup(owner.store, target).run(None)
    async with owner.store.transaction(owner.account_id) as tx:
        await tx.advance()
    await Backup(owner.store, target).run(None)
    done = await prune_backup(target, Keep(daily=1))
    assert (len(done.kept), len(done.removed)) == (1, 3)
    assert done.freed_bytes > 0
    assert (await verify_backup(target)).problems == []
    await restore_store(target, place_of("sqlite:", tmp_path / "restored"))
    async with opened("sqlite:", tmp_path / "restored") as restored:
        assert await dump_lasting(restored) == await dump_lasting(owner.store)
        await assert_sound(restored)
    made = await Backup(owner.store, target).run(None)
    assert made.new_messages == 0
    assert (await verify_backup(target)).problems == []
