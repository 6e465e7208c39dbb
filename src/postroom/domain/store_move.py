"""Moving a store from one database into another, of the same engine or not; blobs and keys stay in the data folder.

Algorithm:
1. The source says that it is being moved, under a random number, so that nobody else opens it until the end or until
   the move is cancelled; and all its tables are locked against writes while rows are copied.
2. All rows are copied as they are, a page in each transaction with the note of how far it is. The same call goes on
   after an interruption, as long as the source has the number that the note names: nothing can have changed then.
3. The rows of both are counted and summed up, for each table and account, and compared.
4. The full-text index is filled from the messages, and everything is checked as ``postroom check`` does.
5. The source says that it has moved; the target is opened for all.

Both must not be in use by anybody else; the target must be empty, or have what a move that was given up has left.
"""

import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from postroom.domain.backup import Progress
from postroom.domain.blob_hold import META_NAME as HOLD
from postroom.domain.check import check_store
from postroom.domain.copying import State, drop_state, find_state, put_state
from postroom.domain.examination import Fault
from postroom.domain.index_filling import fill_all
from postroom.domain.lost_history import begin_anew
from postroom.domain.restoring import Place, find_begun, refuse_used
from postroom.errors import Kind, PostroomError, bad_parameter
from postroom.store import open_engine
from postroom.store.backups.catalogue import Table, read_catalogue
from postroom.store.backups.objects import refuse
from postroom.store.backups.rows import (
    CONTENT,
    PAGE,
    RowSum,
    clear_table,
    count_rows,
    insert_rows,
    iter_pages,
    lock_tables,
    pack_row,
)
from postroom.store.closed import MOVED, UNFINISHED
from postroom.store.engine.base import Connection, Engine, WriteConnection
from postroom.store.migrations import migrate
from postroom.store.sql.meta import MetaRepo

_META: Final = "meta"
_NUMBER: Final = "move_number"
_PASSING: Final = (MOVED, UNFINISHED, HOLD, _NUMBER)
_PREFIX: Final = "move "
_HAS_MOVED: Final = "has moved"
_CONTENT_PAGE: Final = 100
"""Rows of a page with messages in them."""

Sums = dict[tuple[str, int], tuple[int, str]]
"""How many rows there are of a table and an account, and their sum."""


@dataclass
class Moved:
    """What a move has done."""

    rows: int = 0
    accounts: int = 0
    messages: int = 0
    was_resumed: bool = False
    findings: list[Fault] = field(default_factory=list)
    """What ``postroom check`` says of the target."""


class Cancelled(NamedTuple):
    """What taking a move back has done: whether the store was closed, and the messages of its queue that are held."""

    was_closed: bool
    held: int


async def move_store(source: Place, target: Place, *, progress: Progress = lambda _, __, ___: None) -> Moved:
    """Move a store; return what was done.

    Raises: badParameter, badStoreURL, notFound, storeInUse, storeNotEmpty, storeUnfinished, storeMoved, moveDiffers,
    schemaTooNew, schemaChanged, unavailable.
    """
    if source.url == target.url:
        raise bad_parameter("to", "the store is to be moved into another database: FROM and TO are the same")
    await refuse_used(source, "the store that is to be moved")
    await refuse_used(target, "the store that is to be written")
    _refuse_missing(source)
    old = await open_engine(source.url, source.data_dir, connections=source.connections)
    try:
        new = await open_engine(target.url, target.data_dir, connections=target.connections)
        try:
            return await _Move(old, new, target, progress).run()
        finally:
            await new.close()
    finally:
        await old.close()


async def cancel_move(source: Place) -> Cancelled:
    """Open a store again that is being moved, or has moved. Raises: notFound, storeInUse, unavailable."""
    await refuse_used(source, "the store")
    _refuse_missing(source)
    engine = await open_engine(source.url, source.data_dir, connections=source.connections)
    try:
        await migrate(engine)
        async with engine.peek() as connection:
            state = await MetaRepo(connection).find(MOVED)
        held = 0
        if state is not None and state.startswith(_HAS_MOVED):
            # What came into the new database is lost with this, and was told under numbers of its own.
            held = await begin_anew(engine)
        async with engine.write() as writer:
            for name in (MOVED, _NUMBER):
                await MetaRepo(writer).remove(name)
        return Cancelled(state is not None, held)
    finally:
        await engine.close()


def _refuse_missing(source: Place) -> None:
    if source.url == "sqlite:" and not source.database.exists():
        raise refuse("notFound", f"there is no store in {source.database}")


class _Move:
    """One move."""

    def __init__(self, old: Engine, new: Engine, target: Place, progress: Progress) -> None:
        self._old = old
        self._new = new
        self._target = target
        self._progress = progress
        self._done = Moved()

    async def run(self) -> Moved:
        await migrate(self._old)
        await migrate(self._new)
        async with self._old.peek() as connection:
            if await MetaRepo(connection).find(UNFINISHED) is not None:
                message = "the store that is to be moved is not complete itself: finish what was copied into it first"
                raise refuse("storeUnfinished", message)
            tables = await read_catalogue(self._old, connection)
        state = await self._begin(tables)
        if not state.stage:
            async with self._old.write() as source:
                await lock_tables(self._old, source, tables)
                await self._copy(source, tables, state)
                await self._compare(source, tables)
                await self._copy_meta(source, tables[_META], state)
        store = self._target.make_store(self._new)
        self._done.messages = await fill_all(store, self._progress)
        report = await check_store(store, progress=lambda what: self._progress(f"checking {what}", 1, 1))
        self._done.findings, self._done.accounts = report.findings, report.accounts
        async with self._old.write() as source:
            await MetaRepo(source).put(MOVED, f"{_HAS_MOVED} into another database ({self._new.name})")
        async with self._new.write() as connection:
            await drop_state(connection, UNFINISHED)
        return self._done

    async def _begin(self, tables: dict[str, Table]) -> State:
        """Return how far the move is; the source is closed from then on.

        Raises: storeNotEmpty, storeUnfinished, storeMoved, unavailable.
        """
        async with self._old.peek() as connection:
            number = await MetaRepo(connection).find(_NUMBER)
        state = await find_state(self._new, UNFINISHED)
        if number and state is not None and state.source == _PREFIX + number:
            self._done.was_resumed = True
            return state
        if state is not None and state.source.startswith(_PREFIX):
            # Of a move that was cancelled: its source may have changed since.
            await self._clear(tables)
        await find_begun(self._new, "")
        await self._refuse_moved()
        number = secrets.token_hex(8)
        state = State(_PREFIX + number)
        async with self._new.write() as connection:
            await put_state(connection, UNFINISHED, state)
        async with self._old.write() as connection:
            await MetaRepo(connection).put(_NUMBER, number)
            await MetaRepo(connection).put(MOVED, f"is being moved into another database ({self._new.name})")
        return state

    async def _refuse_moved(self) -> None:
        """Refuse a store that has moved: it goes on elsewhere, and a second copy of it would be mistaken for that."""
        async with self._old.peek() as connection:
            said = await MetaRepo(connection).find(MOVED)
        if said is not None and said.startswith(_HAS_MOVED):
            message = f"the store that is to be moved {said}: name that as FROM, or take the move back with --cancel"
            raise refuse("storeMoved", message)

    async def _clear(self, tables: dict[str, Table]) -> None:
        async with self._new.write() as connection:
            await connection.clear_index()
            for name in tables:
                await clear_table(connection, name)

    async def _copy(self, source: Connection, tables: dict[str, Table], state: State) -> None:
        names = [name for name in sorted(tables) if name != _META]
        total = sum([await count_rows(source, name) for name in names])
        for name in names:
            if name < state.table:
                self._done.rows += await count_rows(source, name)
                continue
            table = tables[name]
            after = (
                msgspec.msgpack.decode(state.after, type=list)
                if name == state.table and state.after
                else None
            )
            if after is not None:
                async with self._new.peek() as connection:
                    self._done.rows += await count_rows(connection, name)
            key = [table.place(column) for column in table.key]
            page = _CONTENT_PAGE if name == CONTENT else PAGE
            async for rows in iter_pages(source, table, after=after, page=page):
                state.table, state.after = name, pack_row([rows[-1][place] for place in key])
                async with self._new.write() as connection:
                    await insert_rows(connection, name, table.columns, rows=rows)
                    await put_state(connection, UNFINISHED, state)
                self._done.rows += len(rows)
                self._progress("rows", self._done.rows, total)

    async def _compare(self, source: Connection, tables: dict[str, Table]) -> None:
        """Compare the rows of both. Raises: moveDiffers."""
        compared = [table for name, table in tables.items() if name != _META]
        for number, table in enumerate(compared, start=1):
            async with self._new.read() as target:
                there, here = await _sum_up(source, table), await _sum_up(target, table)
            if there != here:
                name, account_id = sorted(set(there.items()) ^ set(here.items()))[0][0]
                raise PostroomError(
                    Kind.INTERNAL,
                    "moveDiffers",
                    f"the rows of table {name} of account {account_id} are not the same in both databases: "
                    "cancel the move with --cancel, and begin again",
                )
            self._progress("tables compared", number, len(compared))

    async def _copy_meta(self, source: Connection, table: Table, state: State) -> None:
        name = table.place("name")
        state.stage = "index"
        async with self._new.write() as connection:
            await clear_table(connection, _META)
            async for rows in iter_pages(source, table):
                await insert_rows(
                    connection, _META, table.columns, rows=[row for row in rows if row[name] not in _PASSING]
                )
            await put_state(connection, UNFINISHED, state)


async def _sum_up(connection: Connection | WriteConnection, table: Table) -> Sums:
    """Count and sum up the rows of a table, for each account."""
    owner = table.place("account_id")
    sums: defaultdict[int, RowSum] = defaultdict(RowSum)
    page = _CONTENT_PAGE if table.name == CONTENT else PAGE
    async for rows in iter_pages(connection, table, page=page):
        for row in rows:
            sums[row[owner] if owner >= 0 else 0].add(pack_row(row))
    return {(table.name, account_id): (one.rows, one.text()) for account_id, one in sums.items()}
