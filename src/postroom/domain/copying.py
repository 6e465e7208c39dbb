"""Writing the rows of a snapshot into a database, so that an interruption loses nothing and nothing comes twice.

Rows are written some objects at a time, each time in one transaction with the note of how far it is, under a name in
``meta``. Large messages are in the blob store before the rows that name them.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from postroom.domain.backup import OWNER, Blob, Progress, copy_blob, is_whole, open_blobs
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store.backups.objects import BackupFolder, DamagedError, refuse
from postroom.store.backups.rows import CONTENT, DATA, insert_rows
from postroom.store.backups.snapshots import Chunk, SnapshotFile, TableRows, read_chunk
from postroom.store.blobs.base import BlobStore
from postroom.store.engine.base import Engine, WriteConnection
from postroom.store.sql.meta import MetaRepo

ROWS: Final = 1000
"""Rows after which a transaction ends."""

Rows = list[list[Any]]


class State(msgspec.Struct):
    """How far a copy is. ``source`` tells copies apart; the rest is what comes next, ``stage`` "" for rows."""

    source: str
    table: str = ""
    chunk: int = 0
    stage: str = ""
    account_id: int = 0
    after: bytes = b""
    """The key of the last row, packed, where rows come from a database."""


async def find_state(engine: Engine, name: str) -> State | None:
    """Return how far a copy is, None where there is none. Raises: unavailable."""
    async with engine.peek() as connection:
        text = await MetaRepo(connection).find(name)
    return None if text is None else msgspec.json.decode(text, type=State)


async def put_state(connection: WriteConnection, name: str, state: State) -> None:
    """Note how far a copy is."""
    await MetaRepo(connection).put(name, msgspec.json.encode(state).decode())


async def drop_state(connection: WriteConnection, name: str) -> None:
    """Forget a copy, which is complete."""
    await MetaRepo(connection).remove(name)


def damaged(error: DamagedError) -> PostroomError:
    """Return the error for a backup that is not as it was written."""
    return PostroomError(
        Kind.CONFLICT, "backupDamaged", f"{error}; postroom backup --verify looks at all of it"
    )


class RowCopy:
    """Copies rows out of a folder of backups."""

    def __init__(
        self,
        folder: BackupFolder,
        snapshot: SnapshotFile,
        engine: Engine,
        blobs: BlobStore,
        *,
        name: str,
        convert: Callable[[str, Sequence[str], Rows], Rows] = lambda _, __, rows: rows,
        only: int | None = None,
        progress: Progress = lambda _, __, ___: None,
    ) -> None:
        """``name`` is that of the state in ``meta``; ``convert`` changes rows; ``only`` an account's are read."""
        self._folder = folder
        self._snapshot = snapshot
        self._engine = engine
        self._blobs = blobs
        self._name = name
        self._convert = convert
        self._only = only
        self._progress = progress
        self._lost = set(snapshot.lost)

    async def run(self, tables: Sequence[str], state: State) -> State:
        """Copy tables, in their order, from where the state says; return the state at the end.

        Raises: backupDamaged, blobLost, unavailable.
        """
        total = sum(self._snapshot.tables[name].rows for name in tables)
        done = 0
        reached = state.table not in tables
        for name in tables:
            table = self._snapshot.tables[name]
            reached = reached or name == state.table
            if not reached:
                done += table.rows
                continue
            if name != state.table:
                state.table, state.chunk = name, 0
            done += sum(chunk.rows for chunk in table.chunks[: state.chunk])
            while state.chunk < len(table.chunks):
                done += await self._copy_some(name, table, state)
                self._progress("rows", done, total)
        return state

    async def _copy_some(self, name: str, table: TableRows, state: State) -> int:
        """Copy the next rows of a table; return how many the snapshot had of them."""
        taken, rows = 0, list[list[Any]]()
        while state.chunk < len(table.chunks) and len(rows) < ROWS:
            chunk = table.chunks[state.chunk]
            rows += self.read(table, chunk)
            taken += chunk.rows
            state.chunk += 1
        rows = await self.prepare(name, table.columns, rows)
        async with self._engine.write() as connection:
            await insert_rows(connection, name, table.columns, rows=rows)
            await put_state(connection, self._name, state)
        return taken

    def read(self, table: TableRows, chunk: Chunk) -> Rows:
        """Return the rows of an object that are wanted. Raises: backupDamaged."""
        if self._only is not None and not chunk.low <= self._only <= chunk.high:
            return []
        try:
            rows = read_chunk(self._folder, chunk)
        except DamagedError as error:
            raise damaged(error) from error
        if self._only is None:
            return rows
        owner = table.columns.index("account_id")
        return [row for row in rows if row[owner] == self._only]

    async def prepare(self, name: str, columns: Sequence[str], rows: Rows) -> Rows:
        """Return rows as they are to be written; the messages of contents are brought in.

        Raises: backupDamaged, blobLost, unavailable.
        """
        rows = self._convert(name, columns, rows)
        if name == CONTENT:
            places = [columns.index(column) for column in ("account_id", "sha256", "size_bytes", DATA)]
            for row in rows:
                account_id, sha256, size_bytes, data = (row[place] for place in places)
                if data is not None:
                    row[places[-1]] = self._get_message(sha256, data)
                elif sha256.hex() not in self._lost:
                    await self._take_blob(Blob(account_id, sha256, size_bytes))
        return rows

    def _get_message(self, sha256: bytes, data: object) -> bytes:
        try:
            # Of a message that was damaged in the store already, what was there is an object of its own.
            return self._folder.get(data) if isinstance(data, bytes) else self._folder.get_frame(sha256)[1]
        except DamagedError as error:
            raise damaged(error) from error

    async def _take_blob(self, blob: Blob) -> None:
        # What is there may be what made the restore necessary: it is read, and copied where it is damaged.
        if await is_whole(self._blobs, blob):
            return
        source = open_blobs(self._folder.root)
        await copy_blob(
            source, Blob(OWNER, blob.sha256, blob.size_bytes), self._blobs, owner=AccountId(blob.account_id)
        )


def check_columns(snapshot: SnapshotFile, tables: dict[str, tuple[str, ...]]) -> None:
    """Refuse a snapshot whose tables or columns are not those of a database. Raises: backupForeign."""
    for name, rows in snapshot.tables.items():
        if set(rows.columns) != set(tables.get(name, ())):
            message = (
                f"table {name} of the backup is not that of its schema {snapshot.schema} in this program"
            )
            raise refuse("backupForeign", f"{message}: restore it with the version that made it")
