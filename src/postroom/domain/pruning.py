"""Pruning a folder of backups: snapshots that need not be kept go, and the objects that no kept one needs.

Algorithm: what the kept snapshots need is read from them. The others are removed, durably; from then on nothing names
what only they needed. Then packs are removed of which nothing is needed, and packs of which less than half is needed
are written anew: what is needed is durable in another pack before the old one goes. Large messages are files of their
own and go last.

Invariants: whenever it is interrupted, each snapshot that is there is whole, and what is left over goes with the next
pruning. Nobody else has the folder open meanwhile. Nothing is removed where a snapshot cannot be read, or one that is
to be kept lacks something: one that would go might be the last that is whole.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from postroom.domain.backup import OWNER, Progress, open_blobs
from postroom.domain.copying import damaged
from postroom.store.backups.keeping import Keep, Made, choose
from postroom.store.backups.objects import (
    PACK_BYTES,
    BackupFolder,
    DamagedError,
    PackWriter,
    read_index,
    sync_folder,
)
from postroom.store.backups.rows import CONTENT, DATA
from postroom.store.backups.snapshots import SnapshotFile, list_snapshots, read_chunk, read_snapshot

_LEAST_NEEDED = 0.5
"""A pack of which a smaller part is needed is written anew."""


@dataclass
class Pruned:
    """What a pruning has done, or would do."""

    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    packs: int = 0
    """Packs that were removed or written anew."""
    blobs: int = 0
    """Large messages that were removed."""
    freed_bytes: int = 0
    problems: list[str] = field(default_factory=list)


class _Pack(NamedTuple):
    """A pack: the bytes of its objects, those that are needed in their order, and their bytes."""

    path: Path
    size_bytes: int
    needed: list[bytes]
    needed_bytes: int


@dataclass
class _Plan:
    idle: list[_Pack] = field(default_factory=list)
    """Nothing of them is needed."""
    rewritten: list[_Pack] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)


async def prune_backup(
    root: Path, keep: Keep, *, is_dry: bool = False, progress: Progress = lambda _, __, ___: None
) -> Pruned:
    """Prune a folder, or with ``is_dry`` say what would go.

    Raises: notABackup, backupTooNew, notFound, backupDamaged, conflict, noLocks, unavailable; OSError.
    """
    folder = BackupFolder.open(root)
    with closing(folder), ExitStack() as stack:
        if not is_dry:
            stack.enter_context(folder.locked())
            stack.enter_context(folder.alone())
        pruning = _Pruning(folder, progress)
        try:
            plan = await pruning.plan(keep)
        except DamagedError as error:
            raise damaged(error) from error
        if not is_dry:
            await asyncio.to_thread(pruning.remove_snapshots)
            await asyncio.to_thread(pruning.remove_packs, plan)
            await pruning.remove_blobs(plan)
        return pruning.done


class _Pruning:
    """One pruning."""

    def __init__(self, folder: BackupFolder, progress: Progress) -> None:
        self.done = Pruned()
        self._folder = folder
        self._progress = progress
        self._needed: set[bytes] = set()

    async def plan(self, keep: Keep) -> _Plan:
        """Find out what goes; nothing is changed. Raises: DamagedError."""
        root = self._folder.root
        snapshots = {name: read_snapshot(root, name) for name in list_snapshots(root)}
        made = [Made(name, one.made_at, one.account) for name, one in snapshots.items()]
        kept = choose(made, keep)
        self.done.kept = [name for name in snapshots if name in kept]
        self.done.removed = [name for name in snapshots if name not in kept]
        blobs, lost = await asyncio.to_thread(self._find_needed, [snapshots[name] for name in kept])
        there = {blob.sha256: blob.size_bytes async for blob in open_blobs(root).iter_all()}
        if lacking := [sha256 for sha256 in blobs if sha256 not in there and sha256.hex() not in lost]:
            raise DamagedError(f"large message {lacking[0].hex()} is missing that a kept snapshot needs")
        plan = _Plan(blobs=sorted(there.keys() - blobs))
        for pack in self._list_packs():
            if not pack.needed:
                plan.idle.append(pack)
            elif pack.needed_bytes < _LEAST_NEEDED * pack.size_bytes:
                plan.rewritten.append(pack)
        gone = [*plan.idle, *plan.rewritten]
        self.done.packs, self.done.blobs = len(gone), len(plan.blobs)
        self.done.freed_bytes = sum(pack.size_bytes - pack.needed_bytes for pack in gone)
        self.done.freed_bytes += sum(there[sha256] for sha256 in plan.blobs)
        return plan

    def _find_needed(self, snapshots: list[SnapshotFile]) -> tuple[set[bytes], set[str]]:
        """Find the objects that snapshots need; return the large messages, and those that were lost before.

        Raises: DamagedError.
        """
        objects, blobs, lost, read = self._needed, set[bytes](), set[str](), set[str]()
        for number, snapshot in enumerate(snapshots, start=1):
            lost.update(snapshot.lost)
            objects.update(_named_by(snapshot))
            contents = snapshot.tables[CONTENT]
            places = [contents.columns.index(name) for name in ("sha256", DATA)]
            for chunk in contents.chunks:
                if chunk.sha256 in read:
                    continue
                read.add(chunk.sha256)
                for row in read_chunk(self._folder, chunk):
                    sha256, data = (row[place] for place in places)
                    if data is None:
                        blobs.add(sha256)
                    else:
                        objects.add(data if isinstance(data, bytes) else sha256)
            self._progress("snapshots read", number, len(snapshots))
        for sha256 in objects:
            if self._folder.find(sha256) is None:
                raise DamagedError(f"object {sha256.hex()} is missing that a kept snapshot needs")
        return blobs, lost

    def _list_packs(self) -> Iterator[_Pack]:
        """Yield the packs with what is needed of them; those that cannot be read are left alone."""
        found: dict[int, list[tuple[int, bytes, int]]] = {}
        for sha256 in self._needed:
            place = self._folder.find(sha256)
            if place is not None:
                found.setdefault(place.pack, []).append((place.start, sha256, place.length))
        for number, path in enumerate(self._folder.packs):
            if number in self._folder.damaged:
                self.done.problems.append(f"{path} is damaged: it is left alone")
                continue
            objects = sorted(found.get(number, []))
            size_bytes = sum(entry.length for entry in read_index(path))
            yield _Pack(path, size_bytes, [one[1] for one in objects], sum(one[2] for one in objects))

    def remove_snapshots(self) -> None:
        """Remove the snapshots that are not kept. Raises: OSError."""
        directory = self._folder.root / "snapshots"
        for name in self.done.removed:
            (directory / f"{name}.json").unlink()
        sync_folder(directory)

    def remove_packs(self, plan: _Plan) -> None:
        """Remove what is not needed of the packs. Raises: OSError."""
        directory = self._folder.root / "packs"
        writer: PackWriter | None = None
        copied: list[Path] = []
        _remove([pack.path for pack in plan.idle if self._can_go(pack)])
        try:
            for number, pack in enumerate(plan.rewritten, start=1):
                writer = writer or PackWriter(directory)
                if self._can_go(pack) and self._copy(pack, writer):
                    copied.append(pack.path)
                if copied and (writer.size_bytes >= PACK_BYTES or number == len(plan.rewritten)):
                    finished, writer = writer, None
                    # What an interrupted pruning wrote may have the very name of one of them.
                    new = finished.finish()
                    _remove([path for path in copied if path != new])
                    copied.clear()
                self._progress("packs written anew", number, len(plan.rewritten))
        finally:
            if writer is not None:
                writer.drop()
        sync_folder(directory)

    def _can_go(self, pack: _Pack) -> bool:
        """Tell whether what is needed of a pack and lies in another one, too, is whole there."""
        own = set(pack.needed)
        for entry in read_index(pack.path):
            if entry.sha256 in self._needed and entry.sha256 not in own:
                try:
                    self._folder.get(entry.sha256)
                except DamagedError as error:
                    self.done.problems.append(f"{error}: {pack.path} is left alone")
                    return False
        return True

    def _copy(self, pack: _Pack, writer: PackWriter) -> bool:
        """Copy what is needed of a pack; False, and the pack must stay, if that is damaged. Raises: OSError."""
        for sha256 in pack.needed:
            try:
                _, frame = self._folder.get_frame(sha256)
            except DamagedError as error:
                self.done.problems.append(f"{error}: {pack.path} is left alone")
                return False
            writer.add(sha256, frame)
        return True

    async def remove_blobs(self, plan: _Plan) -> None:
        """Remove large messages that are not needed. Raises: unavailable."""
        blobs = open_blobs(self._folder.root)
        for number, sha256 in enumerate(plan.blobs, start=1):
            await blobs.delete(OWNER, sha256)
            self._progress("large messages removed", number, len(plan.blobs))


def _named_by(snapshot: SnapshotFile) -> Iterator[bytes]:
    """Yield the objects that a snapshot itself names."""
    for table in snapshot.tables.values():
        for chunk in table.chunks:
            yield bytes.fromhex(chunk.sha256)
    if snapshot.server_key:
        yield bytes.fromhex(snapshot.server_key)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink()
