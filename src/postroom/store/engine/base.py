"""What the store asks of an engine, and nothing more.

A statement is a constant, written once with ``$1 …`` parameters and valid for both engines. Rows come back as
tuples. The engine maps its driver's failures: what may pass later becomes ``unavailable``.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from postroom.search.query import Text
from postroom.search.terms import IndexTerms

T = TypeVar("T")
Row = tuple[Any, ...]
OnNews = Callable[[Iterable[int] | None], None]
"""Takes the accounts of which something was committed; None where it may be any."""


class TextMatches(NamedTuple):
    """What the full-text index found for what was asked."""

    contents: list[int]
    """Ascending numbers of contents."""
    are_excluded: bool
    """Nothing was wanted, and these have what was not: all others match."""


class Word(NamedTuple):
    """A term of the index."""

    term: str
    contents: int
    """In how many contents it is."""


class Description(NamedTuple):
    """What a database is."""

    name: str
    """As people call it."""
    version: str
    """Of the server, or of the library."""
    encoding: str
    """Of its texts, such as UTF8."""
    now: float | None
    """Its time in Unix seconds; None where it has no clock of its own."""
    has_schema: bool
    """It was set up by this program, some time."""
    size_bytes: int
    """The disk space that it takes."""


class Connection(Protocol):
    """A connection inside a transaction or a snapshot, or outside of both."""

    async def fetch_all(self, sql: str, *args: object) -> Sequence[Row]:
        """Return all rows."""

    async def fetch_row(self, sql: str, *args: object) -> Row | None:
        """Return the first row, None if there is none."""

    async def fetch_value(self, sql: str, *args: object) -> Any:
        """Return the first column of the first row, None if there is no row."""

    async def execute(self, sql: str, *args: object) -> None:
        """Run a statement for its effect."""

    async def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of arguments."""

    async def fetch_many(self, sql: str, rows: Iterable[Sequence[object]]) -> Sequence[Row]:
        """Run a statement once for each row of arguments, and return all rows that these give."""

    async def fetch_columns(self, sql: str, *args: object) -> list[list[Any]]:
        """Return the columns of very many rows, in their order, without an object for each row.

        The statement names its columns n1, n2 and so on, each behind an ``AS``.
        """

    async def search_text(self, account_id: int, text: Text) -> TextMatches:
        """Return the contents that the full-text index has for what is asked; at least one phrase must be.

        Raises: unavailable where it takes too long.
        """

    async def list_words(self, account_id: int, beginning: str, *, limit: int) -> list[Word]:
        """Return the terms of an account that begin like that (a term, or its beginning), the most frequent first."""

    async def list_indexed(self, account_id: int) -> set[int]:
        """Return the contents of an account that are in the full-text index."""


class WriteConnection(Connection, Protocol):
    """A connection inside a write transaction."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Enter a nested transaction: what fails inside is taken back alone."""

    async def index(self, account_id: int, content_id: int, terms: IndexTerms) -> None:
        """Put a content into the full-text index, in this transaction."""

    async def unindex(self, account_id: int, content_id: int) -> None:
        """Take a content out of the full-text index, in this transaction."""

    async def clear_index(self) -> None:
        """Take everything of all accounts out of the full-text index, however damaged it is, in this transaction."""

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once the transaction is durable, even if its caller was cancelled meanwhile.

        It is not run if the transaction, or the savepoint in which this is called, fails.
        """


class Engine(Protocol):
    """A database engine.

    ``write`` is one transaction; leaving it normally means that it is durable, leaving it by an exception that
    it never happened (with two exceptions, where nobody can tell: a caller who is cancelled while the transaction
    is being made durable, and a connection that is lost at that instant). Writers take turns in the order they
    come. ``read`` is a snapshot over several statements; ``peek`` is for a single statement.
    """

    name: str
    answers_now: bool
    """Reading a row takes microseconds and needs no waiting: ``fetch_now`` may be called."""
    list_columns_sql: str
    """Gives table, column and place in the primary key (0 for none) of all columns; a table's in their order."""
    lock_sql: str
    """Keeps others from writing into the tables put in place of ``{}``; "" where who may write is alone anyway."""

    async def close(self) -> None:
        """Finish what is under way and close all connections."""

    def write(self) -> AbstractAsyncContextManager[WriteConnection]:
        """Enter a write transaction. Raises: unavailable."""

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Enter a snapshot of what is committed. Raises: unavailable."""

    def peek(self) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection for a single statement on what is committed. Raises: unavailable."""

    def tell(self, account_id: int) -> None:
        """Pass on, to this process and all others, that something of an account was committed."""

    async def listen(self, on_news: OnNews) -> None:
        """Call ``on_news`` from now on, whichever process commits; to be called once. Raises: unavailable."""

    async def lock_schema(self, connection: Connection) -> None:
        """Make other processes that want to change the schema wait for the end of this transaction."""

    def adapt_schema(self, statement: str) -> str:
        """Return a statement of a migration without what only the other engine understands."""

    async def find_damage(self) -> list[str]:
        """Return what the engine itself finds wrong with its files, a line each; reads everything."""

    async def tidy_index(self) -> bool:
        """Do a little of what makes the full-text index smaller and faster; False where there is nothing to do."""

    def read_state_now(self) -> bytes | None:
        """Return what changes with every commit of any process, None if it is just changing (see ``answers_now``)."""

    def fetch_now(self, sql: str, *args: object) -> Row | None:
        """Return the first row at once where the engine can (see ``answers_now``), without a coroutine."""

    async def describe(self) -> Description:
        """Return what the database is. Raises: unavailable."""


_COLUMN = re.compile(r" AS n[0-9]+\b")


def count_columns(sql: str) -> int:
    """Return how many columns a statement for ``fetch_columns`` has."""
    return len(_COLUMN.findall(sql))


async def finish(work: "asyncio.Future[T]") -> T:
    """Wait for what must not be interrupted; a cancellation is raised once it is over."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return work.result()
    if not work.cancelled():
        work.exception()  # The caller has gone: nobody is left to be told.
    raise cancelled


def run_callbacks(callbacks: Iterable[Callable[[], None]]) -> None:
    """Run what waits for a commit; what fails is reported to the event loop, since the commit stands anyway."""
    for callback in callbacks:
        try:
            callback()
        except Exception as error:  # noqa: BLE001 - one callback's fault is no concern of the others
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a function that waited for a commit failed", "exception": error}
            )
