"""Restoring a whole store from a backup, into an empty one of either engine.

Algorithm: the schema is made as it was at the time of the backup; all rows are written as they were, with their
history, so that sessions and undo go on; then the schema is brought up to date, the full-text index is filled from
the messages, and all counters leap, so that no number is given out twice that somebody was told after the backup
(:mod:`postroom.domain.lost_history`). Until the end the store says that it is unfinished, and nobody else opens it
(:mod:`postroom.store.closed`). Each step notes how far it is, so that the same call goes on after an interruption.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from postroom.auth.key_file import KeyFile
from postroom.config.blobs import BlobsConfig
from postroom.domain.backup import Progress
from postroom.domain.blob_hold import META_NAME as HOLD
from postroom.domain.copying import (
    RowCopy,
    State,
    check_columns,
    damaged,
    drop_state,
    find_state,
    put_state,
)
from postroom.domain.index_filling import fill_all
from postroom.domain.lost_history import begin_anew
from postroom.domain.server_secrets import META_NAME as KEYS_IN_USE
from postroom.store import DEFAULT_BLOBS, Store, make_store, open_engine
from postroom.store.backups.catalogue import read_catalogue
from postroom.store.backups.objects import BackupFolder, DamagedError, refuse, write_file
from postroom.store.backups.rows import clear_table, has_rows, insert_rows
from postroom.store.backups.snapshots import (
    SnapshotFile,
    find_snapshot,
    iter_rows,
    list_snapshots,
    read_snapshot,
)
from postroom.store.closed import MOVED, UNFINISHED
from postroom.store.engine.base import Engine
from postroom.store.engine.users import is_in_use
from postroom.store.migrations import find_schema, list_migrations, migrate

_META: Final = "meta"
_PASSING: Final = (UNFINISHED, MOVED, HOLD, "move_number")
"""What ``meta`` says of the store the backup was made of, and not of this one."""


@dataclass(frozen=True)
class Place:
    """Where a store is to be."""

    url: str
    data_dir: Path
    inline_limit_bytes: int
    connections: int = 10
    database: Path = Path()
    """The file of ``sqlite:``."""
    blobs: BlobsConfig = DEFAULT_BLOBS

    def make_store(self, engine: Engine) -> Store:
        """Return the store there, over its open database. Raises: missingExtra."""
        return make_store(engine, self.data_dir, inline_limit_bytes=self.inline_limit_bytes, blobs=self.blobs)


@dataclass
class Restored:
    """What a restore has done."""

    name: str
    rows: int = 0
    messages: int = 0
    held: int = 0
    """Messages of the outgoing queue that may have been sent since the backup."""
    was_resumed: bool = False
    needs_key: bool = False
    """There is no file with the server keys, neither here nor in the backup."""


def open_snapshot(root: Path, wanted: str, *, account: str = "") -> tuple[BackupFolder, str, SnapshotFile]:
    """Open a snapshot of a backup, for "" the newest one of everything, or of ``account`` alone if that is newer.

    Raises: notFound, notABackup, backupTooNew, backupDamaged, schemaTooNew.
    """
    folder = BackupFolder.open(root)
    names = list_snapshots(root)
    name = find_snapshot(root, names, wanted)
    try:
        snapshot = read_snapshot(root, name)
        for older in reversed(names) if not wanted else ():
            found = read_snapshot(root, older)
            if found.account in {"", account}:
                name, snapshot = older, found
                break
    except DamagedError as error:
        raise damaged(error) from error
    newest = max(migration.version for migration in list_migrations("sqlite"))
    if snapshot.schema > newest:
        raise refuse(
            "schemaTooNew",
            f"the backup was made by a newer Postroom ({snapshot.program}, schema {snapshot.schema}; this program "
            f"knows up to {newest}): restore it with that version",
        )
    return folder, name, snapshot


async def restore_store(
    root: Path, place: Place, *, wanted: str = "", progress: Progress = lambda _, __, ___: None
) -> Restored:
    """Restore a snapshot, for "" the newest one of everything, into an empty store.

    Raises: notFound, notABackup, backupTooNew, backupDamaged, schemaTooNew, storeNotEmpty, storeInUse, badKeyFile,
    serverKeyMissing, blobLost, unavailable; OSError.
    """
    folder, name, snapshot = open_snapshot(root, wanted)
    with closing(folder):
        if snapshot.account:
            raise refuse(
                "backupOfAccount",
                f"the backup {name} has one account alone: restore it with --account {snapshot.account}, or choose "
                "another one with --snapshot",
            )
        await refuse_used(place, "the store that is to be restored into")
        engine = await open_engine(place.url, place.data_dir, connections=place.connections)
        try:
            return await _Restore(folder, snapshot, engine, place).run(name, progress)
        finally:
            await engine.close()


async def refuse_used(place: Place, what: str) -> None:
    """Refuse a store that another process has open. Raises: storeInUse, unavailable."""
    if await is_in_use(place.url, place.database):
        raise refuse("storeInUse", f"{what} is in use: stop the server first")


class _Restore:
    """One restore."""

    def __init__(self, folder: BackupFolder, snapshot: SnapshotFile, engine: Engine, place: Place) -> None:
        self._folder = folder
        self._snapshot = snapshot
        self._engine = engine
        self._place = place

    async def run(self, name: str, progress: Progress) -> Restored:
        migrations = list_migrations(self._engine.name)
        known = [one for one in migrations if one.version <= self._snapshot.schema]
        await migrate(self._engine, known)
        state = await find_begun(self._engine, name)
        done = Restored(name, was_resumed=state is not None)
        state = state or State(name)
        if not state.stage:
            await self._refuse_newer()
            done.needs_key = not self._restore_key()
            state = await self._copy_rows(state, progress)
            done.rows = sum(table.rows for table in self._snapshot.tables.values())
        await migrate(self._engine, migrations)
        store = self._place.make_store(self._engine)
        done.messages = await fill_all(store, progress)
        done.held = await begin_anew(self._engine)
        async with self._engine.write() as connection:
            await drop_state(connection, UNFINISHED)
        return done

    async def _refuse_newer(self) -> None:
        """Refuse an empty store of a later schema: its migrations would not be done to the rows of the backup.

        Raises: storeNotEmpty, unavailable.
        """
        applied = (await find_schema(self._engine)).applied
        if applied > self._snapshot.schema:
            raise refuse(
                "storeNotEmpty",
                f"the store that is to be written was made by a newer Postroom (schema {applied}) than the backup "
                f"(schema {self._snapshot.schema}): name a database with nothing in it, or move that of SQLite away",
            )

    def _restore_key(self) -> bool:
        """Put the file of the server keys in its place; False if there is none and one is needed.

        Raises: serverKeyMissing, badKeyFile.
        """
        file = KeyFile(self._place.data_dir)
        keys = file.find()
        if keys is None and self._snapshot.server_key:
            try:
                raw = self._folder.get(bytes.fromhex(self._snapshot.server_key))
            except DamagedError as error:
                raise damaged(error) from error
            self._place.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(file.path, raw)
            keys = file.find()
        try:
            needed = find_needed_keys(self._folder, self._snapshot)
        except DamagedError as error:
            raise damaged(error) from error
        if keys is None:
            return not needed
        lacking = sorted(needed - {key.key_id for key in keys})
        if lacking:
            raise refuse(
                "serverKeyMissing",
                f"{file.path} is of another store: it does not have the server key {', '.join(lacking)}; move it away"
                f"{', that of the backup takes its place' if self._snapshot.server_key else ''}",
            )
        return True

    async def _copy_rows(self, state: State, progress: Progress) -> State:
        async with self._engine.peek() as connection:
            catalogue = await read_catalogue(self._engine, connection)
        check_columns(self._snapshot, {name: table.columns for name, table in catalogue.items()})
        store = self._place.make_store(self._engine)
        copy = RowCopy(
            self._folder, self._snapshot, self._engine, store.blobs, name=UNFINISHED, progress=progress
        )
        if not state.table:
            # A migration may have put rows into new tables.
            async with self._engine.write() as connection:
                for name in catalogue.keys() - {_META}:
                    await clear_table(connection, name)
                await put_state(connection, UNFINISHED, state)
        state = await copy.run([name for name in sorted(self._snapshot.tables) if name != _META], state)
        await self._copy_meta(copy, state)
        return state

    async def _copy_meta(self, copy: RowCopy, state: State) -> None:
        """Write ``meta``, which holds the state itself, in one transaction with the end of the rows."""
        table = self._snapshot.tables[_META]
        name = table.columns.index("name")
        rows = [row for chunk in table.chunks for row in copy.read(table, chunk)]
        async with self._engine.write() as connection:
            await clear_table(connection, _META)
            await insert_rows(
                connection, _META, table.columns, rows=[row for row in rows if row[name] not in _PASSING]
            )
            state.stage = "index"
            await put_state(connection, UNFINISHED, state)


async def find_begun(engine: Engine, source: str) -> State | None:
    """Return how far the copy of ``source`` into a database is, None where the database is empty.

    Raises: storeNotEmpty, storeUnfinished, unavailable.
    """
    state = await find_state(engine, UNFINISHED)
    if state is None:
        async with engine.read() as connection:
            for name in sorted((await read_catalogue(engine, connection)).keys() - {_META}):
                if await has_rows(connection, name):
                    message = f"the store that is to be written holds something already (in table {name})"
                    raise refuse("storeNotEmpty", f"{message}: name an empty one")
    elif state.source != source:
        message = f"something else was being copied into this store ({state.source})"
        raise refuse("storeUnfinished", f"{message}: go on with that, or start with an empty store")
    return state


def find_needed_keys(folder: BackupFolder, snapshot: SnapshotFile) -> set[str]:
    """Return the ids of the server keys that the secrets of a snapshot need. Raises: DamagedError."""
    table = snapshot.tables[_META]
    name, value = table.columns.index("name"), table.columns.index("value")
    texts = [str(row[value]) for row in iter_rows(folder, table) if row[name] == KEYS_IN_USE]
    return {key_id for text in texts for key_id in text.split()}
