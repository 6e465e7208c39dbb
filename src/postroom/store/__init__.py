"""The store: mailboxes and directory in a database, large messages in a blob store.

:func:`open_store` is the way in. The domain enters transactions and snapshots; drivers and dialects stay in
``engine``, SQL in ``sql``.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

from postroom.config.blobs import BlobsConfig
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, SessionId
from postroom.store.blobs.base import BlobStore
from postroom.store.blobs.place import open_blobs
from postroom.store.chunk_edges import ChunkEdges
from postroom.store.closed import refuse_closed
from postroom.store.engine.base import Connection, Engine, OnNews, WriteConnection
from postroom.store.engine.sqlite import SQLiteEngine
from postroom.store.joined import Joined, find_joined
from postroom.store.messages import MessageStore
from postroom.store.migrations import migrate
from postroom.store.sql.badges import FIND_BADGE, Badge
from postroom.store.tx import Directory, DirectoryTransaction, Snapshot, Transaction

DATABASE_FILE = "postroom.sqlite"
DEFAULT_INLINE_LIMIT_BYTES = 65536
DEFAULT_BLOBS = BlobsConfig()
MAX_BADGES = 10_000
"""Badges remembered between two commits."""


class Store:
    """An open store."""

    def __init__(
        self, engine: Engine, blobs: BlobStore, *, uploads: BlobStore, inline_limit_bytes: int
    ) -> None:
        self.engine = engine
        self.blobs = blobs
        self.uploads = uploads
        """The files that sessions have uploaded, under random names; apart from messages, so that what nobody
        needs any more is found quickly."""
        self._badges: dict[AccountId, Badge] = {}
        self._badges_state: bytes | None = None
        self._edges = ChunkEdges()
        self.on_follow_up: Callable[[AccountId], None] = lambda _: None
        """Told of accounts for which something is to follow behind a transaction."""
        self.messages = MessageStore(blobs, inline_limit_bytes=inline_limit_bytes)

    def _follow_up(self, account_id: AccountId) -> None:
        self.on_follow_up(account_id)

    async def close(self) -> None:
        """Finish what is under way and close."""
        await self.engine.close()

    @asynccontextmanager
    async def read(self, account_id: AccountId) -> AsyncIterator[Snapshot]:
        """Enter a snapshot of a mailbox, over several statements. Raises: unavailable."""
        async with self._read() as connection:
            yield Snapshot(connection, account_id)

    @asynccontextmanager
    async def peek(self, account_id: AccountId) -> AsyncIterator[Snapshot]:
        """Borrow a connection for a single statement on a mailbox. Raises: unavailable."""
        async with self._peek() as connection:
            yield Snapshot(connection, account_id)

    def find_badge_now(self, account_id: AccountId) -> Badge | None:
        """Return what the unread counter needs at once, None if there is no such account or the engine can't.

        What was read is remembered for as long as nothing at all is committed, in any process.
        """
        if not self.engine.answers_now:
            return None
        state = self.engine.read_state_now()
        if state is None or state != self._badges_state:
            # The state is read before the rows, so that a commit in between is noticed next time.
            self._badges.clear()
            self._badges_state = state
        badge = self._badges.get(account_id)
        if badge is None:
            row = self.engine.fetch_now(FIND_BADGE, account_id, INBOX)
            if row is None:
                return None
            badge = Badge(*row)
            if len(self._badges) < MAX_BADGES:
                self._badges[account_id] = badge
        return badge

    async def find_badge(self, account_id: AccountId) -> Badge | None:
        """Return what the unread counter and every login check need; one look-up. Raises: unavailable."""
        async with self._peek() as connection:
            row = await connection.fetch_row(FIND_BADGE, account_id, INBOX)
        return None if row is None else Badge(*row)

    @asynccontextmanager
    async def transaction(
        self, account_id: AccountId, *, session_id: SessionId | None = None
    ) -> AsyncIterator[Transaction]:
        """Enter a transaction on a mailbox; leaving it normally means that it is durable. Raises: unavailable."""
        async with self._write() as connection:
            connection.after_commit(partial(self.engine.tell, account_id))
            yield Transaction(
                connection,
                account_id,
                session_id=session_id,
                tell=self.engine.tell,
                edges=self._edges,
                follow_up=self._follow_up,
            )
        if (joined := find_joined(self.engine)) is not None:
            joined.has_changed = True

    @asynccontextmanager
    async def transactions(self, account_ids: Sequence[AccountId]) -> AsyncIterator[list[Transaction]]:
        """Enter one transaction on several mailboxes, in the order of their numbers (so no two can block each other).

        Yields them in the order asked for. Raises: unavailable.
        """
        async with self._write() as connection:
            for number in account_ids:
                connection.after_commit(partial(self.engine.tell, number))
            yield [
                Transaction(
                    connection,
                    number,
                    session_id=None,
                    tell=self.engine.tell,
                    edges=self._edges,
                    follow_up=self._follow_up,
                )
                for number in account_ids
            ]

    @asynccontextmanager
    async def directory(self) -> AsyncIterator[Directory]:
        """Borrow a connection for single statements on the directory tables. Raises: unavailable."""
        async with self._peek() as connection:
            yield Directory(connection)

    @asynccontextmanager
    async def directory_transaction(self) -> AsyncIterator[DirectoryTransaction]:
        """Enter a transaction on the directory tables. Raises: unavailable."""
        async with self._write() as connection:
            yield DirectoryTransaction(
                connection, self.engine.tell, edges=self._edges, follow_up=self._follow_up
            )

    # Several transactions of a task as one

    def join(
        self,
        begin: Callable[[WriteConnection], Awaitable[None]],
        on_release: Callable[[WriteConnection, str], Awaitable[None]],
    ) -> AbstractAsyncContextManager[Joined]:
        """Make all that this task writes in a block one transaction (see :mod:`postroom.store.joined`).

        Args:
            begin: is called as the first in the transaction; what it raises ends the block.
            on_release: is called as the last where it is committed before its end, with the note given.

        Raises: unavailable.
        """
        return Joined(self.engine, begin, on_release).running()

    def is_joined(self) -> bool:
        """Tell whether what this task writes is part of :meth:`join`."""
        return find_joined(self.engine) is not None

    def keep(self) -> None:
        """Have what this task has written so far in :meth:`join` stay, though the task ends with an error."""
        if (joined := find_joined(self.engine)) is not None:
            joined.has_changed = True

    async def commit_now(self, note: str) -> None:
        """Commit what was written so far in :meth:`join`: to be called before this task waits for another's work.

        Outside of it there is nothing to do. Raises: unavailable.
        """
        joined = find_joined(self.engine)
        if joined is not None:
            await joined.release(note)

    def _write(self) -> AbstractAsyncContextManager[WriteConnection]:
        joined = find_joined(self.engine)
        return self.engine.write() if joined is None else joined.write()

    def _read(self) -> AbstractAsyncContextManager[Connection]:
        joined = find_joined(self.engine)
        if joined is None or joined.connection is None:
            return self.engine.read()
        return nullcontext(joined.connection)

    def _peek(self) -> AbstractAsyncContextManager[Connection]:
        joined = find_joined(self.engine)
        if joined is None or joined.connection is None:
            return self.engine.peek()
        return nullcontext(joined.connection)

    async def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on with the accounts of which something was committed, in whichever process.

        To be called once. Raises: unavailable.
        """
        await self.engine.listen(on_news)


async def open_engine(
    url: str, data_dir: Path, *, connections: int = 10, on_commit: Callable[[int], None] | None = None
) -> Engine:
    """Open the database that ``url`` names: ``sqlite:`` (a file in ``data_dir``) or ``postgresql://…``.

    Raises: badStoreURL, unavailable.
    """
    if url == "sqlite:":
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # noqa: ASYNC240
        _make_private(data_dir / DATABASE_FILE)
        return SQLiteEngine(data_dir / DATABASE_FILE, on_commit=on_commit)
    if url.startswith(("postgresql://", "postgres://")):
        # The driver is loaded only where it is used: it takes memory and start-up time.
        from postroom.store.engine.postgres import PostgresEngine  # noqa: PLC0415

        return await PostgresEngine.open(url, connections=connections, on_commit=on_commit)
    raise PostroomError(
        Kind.INVALID, "badStoreURL", "store.url must be sqlite: or postgresql://user:password@host/database"
    )


def _make_private(path: Path) -> None:
    """Make a file that is its owner's alone, if it is not there; SQLite gives those beside it the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


async def open_store_as_it_is(url: str, data_dir: Path, *, blobs: BlobsConfig = DEFAULT_BLOBS) -> Store:
    """Open the store to look at it: its schema stays what it is, and two connections are enough.

    Raises: badStoreURL, missingExtra, unavailable.
    """
    return make_store(await open_engine(url, data_dir, connections=2), data_dir, blobs=blobs)


async def open_store(
    url: str,
    data_dir: Path,
    *,
    connections: int = 10,
    inline_limit_bytes: int = DEFAULT_INLINE_LIMIT_BYTES,
    blobs: BlobsConfig = DEFAULT_BLOBS,
    on_commit: Callable[[int], None] | None = None,
) -> Store:
    """Open the store, bringing its schema up to date; blobs lie where ``blobs`` says, by default in ``data_dir``.

    Raises: badStoreURL, missingExtra, schemaTooNew, schemaChanged, storeUnfinished, storeMoved, unavailable.
    """
    places = open_blobs(blobs, data_dir)
    engine = await open_engine(url, data_dir, connections=connections, on_commit=on_commit)
    try:
        await migrate(engine)
        await refuse_closed(engine)
    except BaseException:
        await engine.close()
        raise
    return Store(engine, places[0], uploads=places[1], inline_limit_bytes=inline_limit_bytes)


def make_store(
    engine: Engine,
    data_dir: Path,
    *,
    inline_limit_bytes: int = DEFAULT_INLINE_LIMIT_BYTES,
    blobs: BlobsConfig = DEFAULT_BLOBS,
) -> Store:
    """Return the store over an open database whose schema is up to date. Raises: missingExtra."""
    places = open_blobs(blobs, data_dir)
    return Store(engine, places[0], uploads=places[1], inline_limit_bytes=inline_limit_bytes)
