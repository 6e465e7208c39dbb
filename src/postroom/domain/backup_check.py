"""Verifying backups: every file has its hash, every snapshot is complete, and a restore of it would work.

Of each snapshot: the objects with its rows are there, whole, and hold as many rows as they should, with the right
sum; each message that a row names is there and has its hash, in a pack or as a large one; tables and columns are
those of its schema; the server keys that its secrets need are with it. What two snapshots have in common is read
once.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postroom.auth.key_file import KeyFile
from postroom.domain.backup import OWNER, Progress, open_blobs
from postroom.domain.copying import check_columns
from postroom.domain.restoring import find_needed_keys
from postroom.errors import PostroomError
from postroom.store import open_engine
from postroom.store.backups.catalogue import read_catalogue
from postroom.store.backups.objects import BackupFolder, DamagedError, write_file
from postroom.store.backups.rows import CONTENT, DATA, RowSum, pack_row
from postroom.store.backups.snapshots import (
    SnapshotFile,
    TableRows,
    list_snapshots,
    read_chunk,
    read_snapshot,
)
from postroom.store.messages import CHUNK_BYTES
from postroom.store.migrations import list_migrations, migrate


@dataclass
class Verified:
    """What a verification has looked at and found."""

    snapshots: list[tuple[str, SnapshotFile]] = field(default_factory=list)
    objects: int = 0
    blobs: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no fault of the backup, and good to know."""


async def verify_backup(root: Path, *, progress: Progress = lambda _, __, ___: None) -> Verified:
    """Verify all snapshots of a folder; return what was found.

    Raises: notABackup, backupTooNew, notFound; unavailable; OSError.
    """
    folder = BackupFolder.open(root)
    with closing(folder):
        return await _Verification(folder, progress).run()


class _Verification:
    """One verification."""

    def __init__(self, folder: BackupFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._found = Verified()
        self._sound: set[bytes] = set()
        self._blobs: dict[bytes, int] = {}
        """Large messages that are there and sound, with their size."""

    async def run(self) -> Verified:
        self._check_packs()
        await self._check_blobs()
        names = list_snapshots(self._folder.root)
        if not names:
            self._found.problems.append(f"{self._folder.root} has no snapshot: no backup was finished")
        for number, name in enumerate(names, start=1):
            self._progress("snapshots", number, len(names))
            await self._check_snapshot(name)
        return self._found

    def _check_packs(self) -> None:
        done, total = 0, self._folder.count_bytes()
        for problem, size_bytes in self._folder.find_damaged_packs():
            if problem:
                self._found.problems.append(problem)
            done += size_bytes
            self._progress("bytes of packs", done, total)
        self._found.bytes += done

    async def _check_blobs(self) -> None:
        blobs = open_blobs(self._folder.root)
        async for blob in blobs.iter_all():
            try:
                reader = await blobs.open(OWNER, blob.sha256)
                try:
                    digest = hashlib.sha256()
                    for start in range(0, reader.size_bytes, CHUNK_BYTES):
                        digest.update(await reader.read(start, start + CHUNK_BYTES))
                    is_sound = digest.digest() == blob.sha256
                    size_bytes = reader.size_bytes
                finally:
                    reader.close()
            except PostroomError as error:
                self._found.problems.append(
                    f"large message {blob.sha256.hex()}: {error.private or error.message}"
                )
                continue
            if is_sound:
                self._blobs[blob.sha256] = size_bytes
            else:
                self._found.problems.append(f"large message {blob.sha256.hex()} does not have its hash")
            self._found.blobs += 1
            self._found.bytes += blob.size_bytes

    async def _check_snapshot(self, name: str) -> None:
        try:
            snapshot = read_snapshot(self._folder.root, name)
        except DamagedError as error:
            self._found.problems.append(str(error))
            return
        self._found.snapshots.append((name, snapshot))
        if snapshot.lost:
            self._found.notes.append(
                f"{name}: {len(snapshot.lost)} large messages were lost before the backup was made"
            )
        for problem in [
            *(line for table in snapshot.tables for line in self._check_table(table, snapshot)),
            *self._check_keys(name, snapshot),
            *await _check_schema(snapshot),
        ]:
            self._found.problems.append(f"{name}: {problem}")

    def _check_table(self, name: str, snapshot: SnapshotFile) -> Iterator[str]:
        table = snapshot.tables[name]
        total, is_whole = RowSum(), True
        check = self._message_check(table, snapshot) if name == CONTENT else None
        for chunk in table.chunks:
            try:
                rows = read_chunk(self._folder, chunk)
            except DamagedError as error:
                is_whole = False
                yield f"table {name}: {error}"
                continue
            self._found.objects += 1
            for row in rows:
                total.add(pack_row(row))
                if check is not None and (problem := check(row)):
                    yield problem
        if is_whole and (total.rows, total.text()) != (table.rows, table.sum):
            yield f"table {name}: {total.rows} rows that are not the {table.rows} there were"

    def _message_check(self, table: TableRows, snapshot: SnapshotFile) -> Callable[[list[Any]], str]:
        """Return what says whether the message of a row is there and sound: "" for yes."""
        names = ("account_id", "content_id", "sha256", "size_bytes", DATA)
        places = [table.columns.index(name) for name in names]
        lost = set(snapshot.lost)

        def check(row: list[Any]) -> str:
            account_id, content_id, sha256, size_bytes, data = (row[place] for place in places)
            what = f"message {content_id} of account {account_id}"
            if isinstance(data, bytes):
                return self._check_message(what, data, None)
            if data is not None:
                return self._check_message(what, sha256, size_bytes)
            if self._blobs.get(sha256) == size_bytes or sha256.hex() in lost:
                return ""
            return f"{what}: its file is missing or damaged"

        return check

    def _check_message(self, what: str, sha256: bytes, size_bytes: int | None) -> str:
        if sha256 in self._sound:
            return ""
        try:
            raw = self._folder.get(sha256)
        except DamagedError as error:
            return f"{what}: {error}"
        self._found.objects += 1
        if size_bytes is not None and len(raw) != size_bytes:
            return f"{what}: it has {len(raw)} bytes, there must be {size_bytes}"
        self._sound.add(sha256)
        return ""

    def _check_keys(self, name: str, snapshot: SnapshotFile) -> Iterator[str]:
        """Say which server keys are missing that the snapshot's secrets need."""
        if snapshot.account:
            return
        try:
            needed = find_needed_keys(self._folder, snapshot)
            raw = self._folder.get(bytes.fromhex(snapshot.server_key)) if snapshot.server_key else b""
        except DamagedError as error:
            yield str(error)
            return
        if not raw:
            if needed:
                self._found.notes.append(f"{name}: the server keys are not in it: keep server.key as well")
            return
        with tempfile.TemporaryDirectory() as folder:
            file = KeyFile(Path(folder))
            write_file(file.path, raw)
            try:
                known = {key.key_id for key in file.find() or ()}
            except PostroomError as error:
                yield f"the server keys: {error.message}"
                return
        if needed - known:
            yield f"the server keys lack {', '.join(sorted(needed - known))}"


async def _check_schema(snapshot: SnapshotFile) -> list[str]:
    """Make an empty store of the snapshot's schema, and compare."""
    migrations = [one for one in list_migrations("sqlite") if one.version <= snapshot.schema]
    if snapshot.schema > list_migrations("sqlite")[-1].version:
        return [f"it was made by a newer Postroom ({snapshot.program}), which is needed to restore it"]
    with tempfile.TemporaryDirectory() as folder:
        engine = await open_engine("sqlite:", Path(folder))
        try:
            await migrate(engine, migrations)
            async with engine.peek() as connection:
                catalogue = await read_catalogue(engine, connection)
        finally:
            await engine.close()
    try:
        check_columns(snapshot, {name: table.columns for name, table in catalogue.items()})
    except PostroomError as error:
        return [error.message]
    return []
