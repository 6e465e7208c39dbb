"""Statements on one connection to SQLite.

A point read takes microseconds and is run inline. What may take longer (a look into the full-text index, a column
of very many numbers) is run in a thread, as one step that gives its whole result as one JSON array: the interpreter's
lock is free meanwhile, and no object is made for each row.

Invariants: a connection is never used by two threads at once, since its borrower waits for the thread, even if he is
cancelled; no statement in a thread takes longer than :data:`MAX_SECONDS`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import cache
from typing import Any, TypeVar

import apsw
import msgspec

from postroom.errors import unavailable
from postroom.search.query import Text
from postroom.search.terms import make_mark
from postroom.store.engine import _fts5
from postroom.store.engine._dialect import translate
from postroom.store.engine.base import Row, TextMatches, Word, count_columns, finish

T = TypeVar("T")

MAX_SECONDS = 20
"""What a search may take; no mailbox needs it, but a thousand short beginnings in a large one would."""

_INTERRUPT_AGAIN_SECONDS = 0.01

_decode_numbers = msgspec.json.Decoder(list[int]).decode
_decode_texts = msgspec.json.Decoder(list[str]).decode


class SQLiteConnection:
    """Statements on one connection, run inline; the long ones in a thread."""

    def __init__(self, connection: apsw.Connection, threads: Executor) -> None:
        self._connection = connection
        self._threads = threads

    async def fetch_all(self, sql: str, *args: Any) -> Sequence[Row]:
        return self._connection.execute(translate(sql), args).fetchall()

    async def fetch_row(self, sql: str, *args: Any) -> Row | None:
        rows = self._connection.execute(translate(sql), args).fetchall()
        return rows[0] if rows else None

    async def fetch_value(self, sql: str, *args: Any) -> Any:
        rows = self._connection.execute(translate(sql), args).fetchall()
        return rows[0][0] if rows else None

    async def fetch_columns(self, sql: str, *args: Any) -> list[list[Any]]:
        statement = _by_column(sql)

        def fetch() -> list[list[Any]]:
            row = self._connection.execute(statement, args).fetchall()[0]
            return [_decode(str(value)) for value in row]

        return await self._in_thread(fetch)

    async def execute(self, sql: str, *args: Any) -> None:
        self._connection.execute(translate(sql), args).fetchall()

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(translate(sql), rows).fetchall()

    async def fetch_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> Sequence[Row]:
        return self._connection.executemany(translate(sql), rows).fetchall()

    async def list_indexed(self, account_id: int) -> set[int]:
        low, high = account_id << _fts5.ACCOUNT_SHIFT, (account_id + 1) << _fts5.ACCOUNT_SHIFT
        rows = self._connection.execute(_fts5.LIST_INDEXED, (low, high)).fetchall()
        return {int(str(row[0])) - low for row in rows}

    async def search_text(self, account_id: int, text: Text) -> TextMatches:
        unwanted = _fts5.render_any(text.unwanted, account_id)
        if not text.wanted:
            return TextMatches(await self._search(account_id, unwanted), are_excluded=True)
        wanted = _fts5.render_all(text.wanted, account_id)
        expression = f"({wanted}) NOT ({unwanted})" if unwanted else wanted
        return TextMatches(await self._search(account_id, expression), are_excluded=False)

    async def _search(self, account_id: int, expression: str) -> list[int]:
        def search() -> list[int]:
            rows = self._connection.execute(_fts5.SEARCH, (expression, account_id)).fetchall()
            return _decode_numbers(str(rows[0][0]))

        return await self._in_thread(search)

    async def list_words(self, account_id: int, beginning: str, *, limit: int) -> list[Word]:
        mark = make_mark(account_id)
        low = mark + beginning

        def fetch() -> list[Word]:
            if not self._connection.table_exists("temp", "fulltext_words"):
                self._connection.execute(_fts5.MAKE_WORDS).fetchall()
            rows = self._connection.execute(_fts5.LIST_WORDS, (low, low + "\U0010ffff", limit)).fetchall()
            return [Word(str(term)[len(mark) :], int(str(count))) for term, count in rows]

        return await self._in_thread(fetch)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run what may take long in a thread; nobody else uses the connection meanwhile."""
        job = self._threads.submit(work)
        running = asyncio.wrap_future(job)
        limit = asyncio.get_running_loop().call_later(MAX_SECONDS, self._connection.interrupt)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not job.cancel():
                await finish(asyncio.ensure_future(self._stop(running)))
            raise
        except apsw.InterruptError as error:
            raise unavailable("the search took too long and was given up", private=repr(error)) from error
        except apsw.CorruptError as error:
            hint = "the operator can make it anew: postroom reindex --search --from-scratch"
            raise unavailable(f"the full-text index is damaged; {hint}", private=repr(error)) from error
        finally:
            limit.cancel()

    async def _stop(self, running: "asyncio.Future[Any]") -> None:
        """End what runs in a thread; an interrupt that comes before its statement has begun does nothing."""
        while not running.done():
            self._connection.interrupt()
            await asyncio.wait([running], timeout=_INTERRUPT_AGAIN_SECONDS)
        with contextlib.suppress(Exception):
            await running


def _decode(column: str) -> list[Any]:
    return _decode_texts(column) if column.startswith('["') else _decode_numbers(column)


@cache
def _by_column(sql: str) -> str:
    arrays = ", ".join(f"json_group_array(n{number})" for number in range(1, count_columns(sql) + 1))
    return f"SELECT {arrays} FROM ({translate(sql)})"  # noqa: S608 - a constant of a repository
