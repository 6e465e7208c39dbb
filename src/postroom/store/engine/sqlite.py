"""SQLite, called directly in the event loop, with group commit.

Reading: a small pool of read-only connections; a point read takes a few microseconds, so no thread is involved but
for searches.

Writing: there is one write connection and one turn. Who has the turn runs its statements in an open ``BEGIN
IMMEDIATE``, inside a SAVEPOINT where somebody has before. When it is done and others wait, the turn passes on at once
and what it did joins the group; when nobody waits, or half of the writers are in, a committer thread commits the
whole group with one fsync (WAL, ``synchronous=FULL``) while the loop goes on with other work, and only then do the
group's callers continue.

Invariants:
- nobody returns from ``write()`` before the COMMIT that holds what they did has succeeded;
- what fails is rolled back alone; if SQLite itself rolled everything back (disk full, I/O error), or the
  COMMIT fails, every caller of the group gets ``unavailable`` and nothing of the group is there;
- the turn is passed on whatever fails, and a group never waits for a writer that will not come;
- the loop never waits for a lock of another process: it is asked for again and again;
- the full-text rows of a group are written just before its COMMIT, in the committer thread: they cost the loop
  nothing, and FTS5 writes one segment a group instead of one for each savepoint.

Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_savepoint.html, https://www.sqlite.org/fts5.html.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw

from postroom.errors import unavailable
from postroom.search.terms import IndexTerms, make_mark, mark_terms
from postroom.store.engine import _catalogue
from postroom.store.engine._deferred import CLEAR, INDEX, MERGE, UNINDEX, Statement, join_rows
from postroom.store.engine._description import describe
from postroom.store.engine._dialect import translate
from postroom.store.engine._failures import TEMPORARY, closed, mapped
from postroom.store.engine._fts5 import ACCOUNT_SHIFT, SEGMENT_SIZES, is_scattered
from postroom.store.engine._sqlite_connection import SQLiteConnection
from postroom.store.engine.base import Connection, Description, OnNews, Row, run_callbacks
from postroom.store.engine.foreign_commits import ForeignCommits
from postroom.store.engine.wal_index import WalIndex

MINIMUM_VERSION = (3, 43, 0)
"""The first SQLite with ``contentless_delete`` in FTS5."""
MAX_GROUP = 128
"""Savepoints after which a group is committed even if more writers wait."""
BUSY_SECONDS = 10
"""How long a writer waits for the write lock while another process has it."""
_BUSY_POLL_SECONDS = 0.005
SEARCH_THREADS = 2

# A checkpoint every 16 MiB of log instead of 4 halves what is written twice; the log file itself stays bounded.
_WRITER_SETTINGS = """
PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY
"""
# 8 MiB cost a third of the rate of reading 20,000 different mails. The first reader does nearly everything, since
# statements run inline; more are there while searches run in threads.
_READER_SETTINGS = "PRAGMA cache_size = -16384"
_FURTHER_READER_SETTINGS = "PRAGMA cache_size = -5120"

_MERGED_PAGES = 100
"""Pages of the index that are written in one transaction: some 15 ms."""
_CHANGES_OF_A_MERGE = 2


class _SQLiteWriter(SQLiteConnection):
    """The write connection as one transaction sees it."""

    def __init__(self, connection: apsw.Connection, threads: Executor) -> None:
        super().__init__(connection, threads)
        self.deferred: list[Statement] = []
        self.callbacks: list[Callable[[], None]] = []
        self.durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        deferred, callbacks = len(self.deferred), len(self.callbacks)
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            del self.deferred[deferred:]
            del self.callbacks[callbacks:]
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO part; RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    async def index(self, account_id: int, content_id: int, terms: IndexTerms) -> None:
        mark = make_mark(account_id)
        marked = [mark_terms(field, mark) for field in terms]
        self.deferred.append((INDEX, (account_id << ACCOUNT_SHIFT | content_id, *marked)))

    async def unindex(self, account_id: int, content_id: int) -> None:
        self.deferred.append((UNINDEX, (account_id << ACCOUNT_SHIFT | content_id,)))

    async def clear_index(self) -> None:
        self.deferred.append((CLEAR, ()))

    def merge_index(self, *, all_segments: bool) -> None:
        # A negative number begins to merge all of them into one; positive ones go on with it.
        self.deferred.append((MERGE, (-_MERGED_PAGES if all_segments else _MERGED_PAGES,)))

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


class SQLiteEngine:
    """One database file; see the module."""

    name = "sqlite"
    answers_now = True
    list_columns_sql = _catalogue.SQLITE
    lock_sql = ""

    def __init__(self, path: Path, *, on_commit: Callable[[int], None] | None = None) -> None:
        """Open or create the database at ``path``; ``on_commit`` is told the size of each group.

        Raises: unavailable.
        """
        if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < MINIMUM_VERSION:
            raise unavailable(
                f"SQLite {MINIMUM_VERSION} or later is needed; install the locked version of apsw"
            )
        self._path = path
        self._on_commit = on_commit
        self._writer = self._open(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        # Any statement makes SQLite open the WAL-index, which is then there to be mapped.
        self._writer.execute("SELECT 1 FROM sqlite_schema").fetchall()
        self._wal_index: WalIndex | None = WalIndex.open(path)
        self._readers: list[apsw.Connection] = []
        """Those that nobody uses, the one with the large cache last."""
        self._first_reader: apsw.Connection | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._untold = 0
        self._closed = False
        self._group: list[_SQLiteWriter] = []
        self._recent_groups: deque[int] = deque(maxlen=2)
        self._committing = False
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._searchers = ThreadPoolExecutor(SEARCH_THREADS, thread_name_prefix="searcher")
        self._commits: set[asyncio.Task[None]] = set()
        self._foreign: ForeignCommits | None = None

    def _open(self, flags: int) -> apsw.Connection:
        try:
            connection = apsw.Connection(str(self._path), flags=flags, statementcachesize=256)
            connection.set_busy_timeout(BUSY_SECONDS * 1000)
            if flags & apsw.SQLITE_OPEN_CREATE:
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchall()
                if mode != [("wal",)]:
                    raise unavailable(f"the file system of {self._path} has no locks or no shared memory")
                connection.execute(_WRITER_SETTINGS).fetchall()
                # From here on it is the loop that waits for the write lock.
                connection.set_busy_timeout(0)
            else:
                settings = _FURTHER_READER_SETTINGS if self._first_reader else _READER_SETTINGS
                connection.execute(settings).fetchall()
                self._first_reader = self._first_reader or connection
        except apsw.NotADBError as error:
            raise unavailable(f"{self._path} is not a database") from error
        except TEMPORARY as error:
            raise mapped(error) from error
        return connection

    async def close(self) -> None:
        """Finish the group under way and close all connections; writers who come later get ``unavailable``."""
        self._closed = True
        if self._foreign is not None:
            await self._foreign.close()
        async with self._turn:
            if self._group:
                group = self._take_group()
                self._settle(group, await self._end_commit(group, self._begin_commit(group)))
        while self._commits:
            await asyncio.wait(self._commits)
        self._committer.shutdown()
        self._searchers.shutdown()
        while self._readers:
            self._readers.pop().close()
        self._writer.close()
        if self._wal_index is not None:
            self._wal_index.close()
            self._wal_index = None

    # Reading

    @asynccontextmanager
    async def peek(self) -> AsyncIterator[Connection]:
        """Borrow a connection for a single statement on what is committed. Raises: unavailable."""
        connection = self._take_reader()
        try:
            yield SQLiteConnection(connection, self._searchers)
        except TEMPORARY as error:
            raise mapped(error) from error
        finally:
            self._give_back(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Enter a snapshot of what is committed. Raises: unavailable."""
        connection = self._take_reader()
        try:
            connection.execute("BEGIN")
            yield SQLiteConnection(connection, self._searchers)
        except TEMPORARY as error:
            raise mapped(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    def _take_reader(self) -> apsw.Connection:
        """Return a read-only connection, to be given back."""
        if self._closed:
            raise closed()
        if self._readers:
            return self._readers.pop()
        return self._open(apsw.SQLITE_OPEN_READONLY)

    def _give_back(self, connection: apsw.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            # The last is taken first.
            self._readers.insert(len(self._readers) if connection is self._first_reader else 0, connection)

    def read_state_now(self) -> bytes | None:
        """Return what stands for all that is committed, None if that is just changing."""
        return None if self._wal_index is None else self._wal_index.read_state()

    def fetch_now(self, sql: str, *args: Any) -> Row | None:
        """Return the first row at once, without a coroutine: for the unread counter alone."""
        connection = self._take_reader()
        try:
            rows = connection.execute(translate(sql), args).fetchall()
        except TEMPORARY as error:
            raise mapped(error) from error
        finally:
            self._give_back(connection)
        return rows[0] if rows else None

    # Writing

    @asynccontextmanager
    async def write(self) -> AsyncIterator[_SQLiteWriter]:
        """Enter a write transaction. Raises: unavailable."""
        await self._take_turn()
        writer = _SQLiteWriter(self._writer, self._searchers)
        is_first = not self._group
        try:
            await self._begin()
            if not is_first:
                self._writer.execute("SAVEPOINT txn")
            yield writer
            if not is_first:
                self._writer.execute("RELEASE txn")
        except BaseException as error:
            try:
                self._abandon(error, is_first=is_first)
            finally:
                self._pass_turn()
            if isinstance(error, TEMPORARY):
                raise mapped(error) from error
            raise
        self._group.append(writer)
        self._pass_turn()
        await writer.durable

    async def _take_turn(self) -> None:
        self._waiting += 1
        try:
            await self._turn.acquire()
        except asyncio.CancelledError:
            # The turn may have been passed to this writer, and the group with it.
            self._spawn(self._commit_leftover())
            raise
        finally:
            self._waiting -= 1

    async def _begin(self) -> None:
        if self._closed:
            raise closed()
        if self._writer.in_transaction:
            return
        clock = asyncio.get_running_loop().time
        deadline = clock() + BUSY_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                if clock() > deadline:
                    raise
                await asyncio.sleep(_BUSY_POLL_SECONDS)
            else:
                if self._foreign is not None:
                    self._foreign.ask()
                return

    def _abandon(self, error: BaseException, *, is_first: bool) -> None:
        """Take back what the one that failed has done; if everything is lost, fail the group."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK" if is_first else "ROLLBACK TO txn; RELEASE txn")
                return
            cause = error
        except apsw.SQLError:
            # The savepoint itself could not be made: there is nothing to take back.
            return
        except apsw.Error as failure:
            cause = failure
            self._roll_back()
        self._settle(self._take_group(), cause)

    def _roll_back(self) -> None:
        """Take back the whole transaction, if SQLite has not done so."""
        with contextlib.suppress(apsw.Error):
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")

    def _pass_turn(self) -> None:
        """Let the next writer in, or commit when nobody waits; the turn is kept until the COMMIT is done."""
        if not self._in_transaction() or (self._waiting and len(self._group) < self._wanted_group()):
            self._turn.release()
            return
        group = self._take_group()
        # The thread is at work before the loop does anything else.
        self._spawn(self._commit_and_release(group, self._begin_commit(group)))

    def _wanted_group(self) -> int:
        """Return how many transactions to commit together while others wait: half of all that are under way.

        Then the other half can prepare what it will write while the thread commits. With all in one group, the
        loop would have nothing to do during a commit, and the thread nothing between two. Those of the last group
        count too: they have not been told yet, and will be back.
        """
        under_way = max(len(self._group) + self._waiting + self._untold, sum(self._recent_groups))
        return min((under_way + 1) // 2, MAX_GROUP)

    def _in_transaction(self) -> bool:
        with contextlib.suppress(apsw.ConnectionClosedError):
            return self._writer.in_transaction
        return False

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)

    async def _commit_leftover(self) -> None:
        await self._turn.acquire()
        self._pass_turn()

    async def _commit_and_release(self, group: list[_SQLiteWriter], commit: asyncio.Future[None]) -> None:
        try:
            error = await self._end_commit(group, commit)
        finally:
            self._turn.release()
        if error is None:
            self._untold = len(group)
            await self._let_writers_in()
            self._untold = 0
        self._settle(group, error)

    async def _let_writers_in(self) -> None:
        """Let those who wait write and begin their COMMIT before those who are done go on.

        What the latter do next (parse the next message) then runs beside that COMMIT instead of before it.
        """
        for _ in range(MAX_GROUP):
            if not self._waiting or self._committing:
                return
            await asyncio.sleep(0)

    def _begin_commit(self, group: list[_SQLiteWriter]) -> asyncio.Future[None]:
        """Let the committer thread make a group durable."""
        loop = asyncio.get_running_loop()
        self._recent_groups.append(len(group))
        self._committing = True
        deferred = [statement for writer in group for statement in writer.deferred]
        try:
            return loop.run_in_executor(self._committer, self._commit, deferred)
        except RuntimeError as error:  # there can be no more threads
            self._roll_back()
            failed = loop.create_future()
            failed.set_exception(error)
            return failed

    async def _end_commit(
        self, group: list[_SQLiteWriter], commit: asyncio.Future[None]
    ) -> BaseException | None:
        """Wait until a group is durable; return what went wrong."""
        try:
            await commit
        except Exception as error:  # noqa: BLE001 - whatever it is, the group must be told
            return error
        finally:
            self._committing = False
        if self._on_commit is not None and group:
            self._on_commit(len(group))
        for writer in group:
            run_callbacks(writer.callbacks)
        return None

    def _commit(self, deferred: list[Statement]) -> None:
        """Run in the committer thread."""
        try:
            for sql, args in join_rows(deferred):
                self._writer.execute(sql, args)
            self._writer.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _take_group(self) -> list[_SQLiteWriter]:
        group, self._group = self._group, []
        return group

    @staticmethod
    def _settle(group: list[_SQLiteWriter], error: BaseException | None) -> None:
        """Tell a group that it is durable, or that nothing of it is there and may be tried again."""
        for writer in group:
            if writer.durable.done():  # its caller was cancelled meanwhile
                continue
            if error is None:
                writer.durable.set_result(None)
            else:
                lost = mapped(error)
                lost.__cause__ = error
                writer.durable.set_exception(lost)

    # The rest of the interface

    def tell(self, account_id: int) -> None:
        """Pass on a commit to who listens; other processes notice it themselves."""
        if self._foreign is not None:
            self._foreign.on_news((account_id,))

    async def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on; of another process's commits it is not known whom they concern."""
        self._foreign = ForeignCommits(
            self._writer, on_news, read_state=self.read_state_now, is_busy=self._turn.locked
        )

    async def lock_schema(self, connection: Connection) -> None:
        """Nothing to do: ``BEGIN IMMEDIATE`` keeps other writers out already."""

    def adapt_schema(self, statement: str) -> str:
        """Return the statement as it is."""
        return statement

    async def tidy_index(self) -> bool:
        """Merge some segments of the full-text index; False where there are none to be merged.

        Source: https://www.sqlite.org/fts5.html#the_merge_command.
        """
        if await self._merge_index(all_segments=False):
            return True
        async with self.peek() as connection:
            sizes = [int(row[0]) for row in await connection.fetch_all(SEGMENT_SIZES)]
        return is_scattered(sizes) and await self._merge_index(all_segments=True)

    async def _merge_index(self, *, all_segments: bool) -> bool:
        before = self._writer.total_changes()
        async with self.write() as writer:
            writer.merge_index(all_segments=all_segments)
        return self._writer.total_changes() - before >= _CHANGES_OF_A_MERGE

    async def find_damage(self) -> list[str]:
        """Return what SQLite's own check of tables, indexes and the full-text index finds."""
        async with self.peek() as connection:
            rows = await connection.fetch_all("PRAGMA quick_check(100)")
        return [str(row[0]) for row in rows if row[0] != "ok"]

    async def describe(self) -> Description:
        """Return what the library and the file are."""
        async with self.peek() as connection:
            return await describe(connection, self._path)
