"""PostgreSQL over asyncpg: ordinary transactions on pooled connections.

Round trips dominate, so the repositories fold what they can into one statement; asyncpg keeps statements prepared
because their text is constant. ``read`` is a REPEATABLE READ, READ ONLY transaction. Writers of one account take
turns by the row lock on its ``mailbox`` row, which every write takes first.

Source: https://www.postgresql.org/docs/current/transaction-iso.html, https://magicstack.github.io/asyncpg/.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import asyncpg

from postroom.errors import Kind, PostroomError, unavailable
from postroom.search.query import ANY_FIELD, Phrase, Text
from postroom.search.terms import IndexTerms, make_mark, mark_terms, render_tsvector, split_prepared
from postroom.store.engine import _catalogue, _tsquery
from postroom.store.engine.base import (
    Connection,
    Description,
    OnNews,
    Row,
    TextMatches,
    Word,
    WriteConnection,
    count_columns,
    finish,
    run_callbacks,
)
from postroom.store.engine.postgres_news import PostgresNews

MINIMUM_VERSION = 15
CONNECT_SECONDS = 10
COMMAND_SECONDS = 60
SEARCH_SECONDS = 20
"""What a look into the full-text index may take."""
_SAMPLE = 200
"""Contents that are looked through for words with some beginning."""
_SCHEMA_LOCK = 0x506F7374726F6F6D  # "Postroom"

_TEMPORARY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresIOError,
)

_DESCRIBE = """
SELECT current_setting('server_version'), current_setting('server_encoding'),
       extract(epoch FROM clock_timestamp())::float8, to_regclass('schema_migration') IS NOT NULL,
       pg_database_size(current_database())
"""
_INDEX = """
INSERT INTO fulltext (account_id, content_id, part, from_, to_, cc, bcc, subject, body, attachments, other)
VALUES ($1, $2, $3, $4::text::tsvector, $5::text::tsvector, $6::text::tsvector, $7::text::tsvector,
        $8::text::tsvector, $9::text::tsvector, $10::text::tsvector, $11::text::tsvector)
"""
_LIST_INDEXED = "SELECT DISTINCT content_id FROM fulltext WHERE account_id = $1"
_CLEAR = "DELETE FROM fulltext"
_UNINDEX = "DELETE FROM fulltext WHERE account_id = $1 AND content_id = $2"


def mapped(error: Exception) -> PostroomError:
    """Return ``unavailable`` for a failure of the connection or the server that may pass."""
    return unavailable("the database cannot be reached just now", private=repr(error))


class _PostgresConnection:
    """Statements on one pooled connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.callbacks: list[Callable[[], None]] = []

    async def fetch_all(self, sql: str, *args: object) -> Sequence[Row]:
        return [tuple(record) for record in await self._connection.fetch(sql, *args)]

    async def fetch_row(self, sql: str, *args: object) -> Row | None:
        record = await self._connection.fetchrow(sql, *args)
        return None if record is None else tuple(record)

    async def fetch_value(self, sql: str, *args: object) -> Any:
        return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> None:
        await self._connection.execute(sql, *args)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        await self._connection.executemany(sql, rows)

    async def fetch_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Sequence[Row]:
        return [tuple(record) for record in await self._connection.fetchmany(sql, rows)]

    async def fetch_columns(self, sql: str, *args: object) -> list[list[Any]]:
        record = await self._connection.fetchrow(_as_columns(sql), *args)
        return [column or [] for column in record]

    async def search_text(self, account_id: int, text: Text) -> TextMatches:
        async def look(sql: str, query: str) -> set[int]:
            return set(await self._connection.fetchval(sql, account_id, query, timeout=SEARCH_SECONDS) or ())

        await self._connection.execute(_tsquery.PREPARE)
        return await _tsquery.search(look, account_id, text)

    async def list_words(self, account_id: int, beginning: str, *, limit: int) -> list[Word]:
        query = _tsquery.render_phrase(Phrase(ANY_FIELD, (beginning,), True), make_mark(account_id))
        mark = make_mark(account_id)
        await self._connection.execute(_tsquery.PREPARE)
        rows = await self._connection.fetch(
            _tsquery.LIST_WORDS, account_id, query, mark + beginning, limit, _SAMPLE, timeout=SEARCH_SECONDS
        )
        words: list[Word] = []
        for row in rows:
            term = row[0].removeprefix(mark)
            found = await self.search_text(account_id, Text((Phrase(ANY_FIELD, (term,), False),)))
            words.append(Word(term, len(found.contents)))
        return sorted(words, key=lambda word: (-word.contents, word.term))

    async def list_indexed(self, account_id: int) -> set[int]:
        return {row[0] for row in await self._connection.fetch(_LIST_INDEXED, account_id)}

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        callbacks = len(self.callbacks)
        try:
            async with self._connection.transaction():
                yield
        except BaseException:
            del self.callbacks[callbacks:]
            raise

    async def index(self, account_id: int, content_id: int, terms: IndexTerms) -> None:
        mark = make_mark(account_id)
        fields = [split_prepared(mark_terms(field, mark)) for field in terms]
        await self._connection.executemany(
            _INDEX,
            [
                (account_id, content_id, part, *map(render_tsvector, piece))
                for part, piece in enumerate(_tsquery.cut_terms(fields))
            ],
        )

    async def unindex(self, account_id: int, content_id: int) -> None:
        await self._connection.execute(_UNINDEX, account_id, content_id)

    async def clear_index(self) -> None:
        await self._connection.execute(_CLEAR)

    def after_commit(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)


@cache
def _as_columns(sql: str) -> str:
    arrays = ", ".join(f"array_agg(n{number})" for number in range(1, count_columns(sql) + 1))
    return f"SELECT {arrays} FROM ({sql}) AS found"  # noqa: S608 - a constant of a repository


class PostgresEngine:
    """A database of a PostgreSQL server; see the module."""

    name = "postgres"
    answers_now = False
    list_columns_sql = _catalogue.POSTGRES
    lock_sql = "LOCK TABLE {} IN EXCLUSIVE MODE"

    def __init__(
        self,
        pool: Any,
        connect: Callable[[], Awaitable[Any]],
        *,
        on_commit: Callable[[int], None] | None = None,
    ) -> None:
        """``connect`` opens a connection beside those of the pool."""
        self._pool = pool
        self._on_commit = on_commit
        self._news = PostgresNews(pool, connect)

    @classmethod
    async def open(
        cls, url: str, *, connections: int = 10, on_commit: Callable[[int], None] | None = None
    ) -> "PostgresEngine":
        """Connect to ``postgresql://user:password@host/db``. Raises: badStoreURL, unavailable."""
        options: dict[str, Any] = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
            # Statements are short. Ranges that are read one after the other (UNION ALL with a LIMIT) stay in order.
            "server_settings": {
                "application_name": "postroom",
                "jit": "off",
                "max_parallel_workers_per_gather": "0",
            },
        }
        try:
            pool = await asyncpg.create_pool(url, min_size=1, max_size=connections, **options)
            async with pool.acquire() as connection:
                version = connection.get_server_version().major
        except _TEMPORARY as error:
            raise mapped(error) from error
        except ValueError:
            # What the driver says of it repeats a part of the URL, which may be of the password.
            raise PostroomError(
                Kind.INVALID, "badStoreURL", "the URL of the database is none that PostgreSQL knows"
            ) from None
        if version < MINIMUM_VERSION:
            await pool.close()
            raise unavailable(f"PostgreSQL {MINIMUM_VERSION} or later is needed, the server is {version}")
        return cls(pool, lambda: asyncpg.connect(url, **options), on_commit=on_commit)

    async def close(self) -> None:
        """Wait for the connections in use and close all."""
        await self._news.close()
        await self._pool.close()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteConnection]:
        """Enter a write transaction. Raises: unavailable."""
        try:
            async with self._pool.acquire() as connection:
                writer = _PostgresConnection(connection)
                transaction = connection.transaction()
                await transaction.start()
                try:
                    yield writer
                except BaseException:
                    await transaction.rollback()
                    raise
                # A COMMIT that is interrupted would leave it open whether it happened.
                await finish(asyncio.ensure_future(self._commit(transaction, writer)))
        except _TEMPORARY as error:
            raise mapped(error) from error

    async def _commit(self, transaction: Any, writer: _PostgresConnection) -> None:
        await transaction.commit()
        if self._on_commit is not None:
            self._on_commit(1)
        run_callbacks(writer.callbacks)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Enter a snapshot of what is committed. Raises: unavailable."""
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield _PostgresConnection(connection)
        except _TEMPORARY as error:
            raise mapped(error) from error

    @asynccontextmanager
    async def peek(self) -> AsyncIterator[Connection]:
        """Borrow a connection for a single statement on what is committed. Raises: unavailable."""
        try:
            async with self._pool.acquire() as connection:
                yield _PostgresConnection(connection)
        except _TEMPORARY as error:
            raise mapped(error) from error

    def tell(self, account_id: int) -> None:
        """Pass on a commit to who listens here, and soon to other processes."""
        self._news.tell(account_id)

    async def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on. Raises: unavailable."""
        try:
            await self._news.listen(on_news)
        except _TEMPORARY as error:
            raise mapped(error) from error

    async def lock_schema(self, connection: Connection) -> None:
        """Take the advisory lock of schema changes until the transaction ends."""
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)

    def adapt_schema(self, statement: str) -> str:
        """Return a statement without SQLite's choice of where a table's rows are kept."""
        return statement.removesuffix(" WITHOUT ROWID")

    async def find_damage(self) -> list[str]:
        """Return nothing: PostgreSQL checks its files itself (data checksums, amcheck)."""
        return []

    def read_state_now(self) -> bytes | None:
        """Not known without asking the server."""
        return None

    def fetch_now(self, sql: str, *args: object) -> Row | None:
        """Not possible over a network connection."""
        raise NotImplementedError("ask answers_now first")

    async def describe(self) -> Description:
        """Return what the server and the database are."""
        async with self.peek() as connection:
            row = await connection.fetch_row(_DESCRIBE)
        version, encoding, now, has_schema, size_bytes = row or ("", "", None, False, 0)
        return Description("PostgreSQL", str(version), str(encoding), now, bool(has_schema), int(size_bytes))

    async def tidy_index(self) -> bool:
        """Return that there is nothing to do: the server's own autovacuum sees to its indexes."""
        return False
