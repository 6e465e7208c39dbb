"""The rows of a table as a stream, in the order of its primary key, in the same form from either engine.

A row is a list of numbers, texts, bytes and None, in the order of :attr:`Table.columns`; packed, it is MessagePack,
the same bytes wherever it comes from. What is summed up of many rows (:class:`RowSum`) does not depend on their
order, since engines may sort texts differently.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import msgspec

from postroom.store.backups.catalogue import Table
from postroom.store.engine.base import Connection, Engine, Row, WriteConnection
from postroom.store.placeholders import placeholders

PAGE: Final = 500
DATA: Final = "data"
CONTENT: Final = "content"
"""The table with the messages, whose column :data:`DATA` has the small ones."""
_DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _DIGEST_BYTES)

_NO_DATA: Final = "CASE WHEN data IS NULL THEN NULL ELSE 1 END"

pack_row = msgspec.msgpack.Encoder().encode
_GET_DATA = "SELECT data FROM content WHERE account_id = $1 AND content_id = $2"


class RowSum:
    """How many rows there are, and the sum of their hashes: equal sums, equal rows, in whichever order."""

    def __init__(self) -> None:
        self.rows = 0
        self._total = 0

    def add(self, packed: bytes) -> None:
        """Add a packed row."""
        self.rows += 1
        digest = hashlib.blake2b(packed, digest_size=_DIGEST_BYTES).digest()
        self._total = (self._total + int.from_bytes(digest, "big")) % _MODULUS

    def text(self) -> str:
        """Return the sum as text."""
        return f"{self._total:0{2 * _DIGEST_BYTES}x}"


async def iter_pages(
    connection: Connection,
    table: Table,
    *,
    account_id: int | None = None,
    after: Sequence[object] | None = None,
    has_data: bool = True,
    page: int = PAGE,
) -> AsyncIterator[Sequence[Row]]:
    """Yield the rows of a table, a page at a time.

    Args:
        connection: a snapshot or a transaction.
        table: the table.
        account_id: only rows of that account.
        after: the key of the row to go on behind.
        has_data: False where of the messages in rows only 1 is wanted.
        page: rows of a page.

    Raises: unavailable.
    """
    key_places = [table.place(column) for column in table.key]
    is_bare = table.name == CONTENT and not has_data
    columns = ", ".join(_NO_DATA if is_bare and column == DATA else column for column in table.columns)
    while True:
        args: list[object] = [] if account_id is None else [account_id]
        wanted = [] if account_id is None else ["account_id = $1"]
        if after is not None:
            wanted.append(_behind(table.key, len(args)))
            args += after
        where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
        sql = f"SELECT {columns} FROM {table.name} {where} ORDER BY {', '.join(table.key)} LIMIT {page}"  # noqa: S608
        rows = await connection.fetch_all(sql, *args)
        if rows:
            yield rows
        if len(rows) < page:
            return
        after = [rows[-1][place] for place in key_places]


def _behind(key: Sequence[str], before: int) -> str:
    places = placeholders(len(key), first=before + 1)
    return f"({', '.join(key)}) > ({places})"


async def insert_rows(
    connection: WriteConnection, name: str, columns: Sequence[str], *, rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows into a table. Raises: unavailable."""
    places = placeholders(len(columns), first=1)
    sql = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names of the catalogue
    await connection.execute_many(sql, rows)


async def fetch_data(connection: Connection, account_id: int, content_id: int) -> bytes:
    """Return the message that lies in a row, as it lies there."""
    return bytes(await connection.fetch_value(_GET_DATA, account_id, content_id))


async def count_rows(connection: Connection, name: str, account_id: int | None = None) -> int:
    """Return how many rows a table has, or those of an account."""
    if account_id is None:
        return int(await connection.fetch_value(f"SELECT count(*) FROM {name}"))  # noqa: S608
    sql = f"SELECT count(*) FROM {name} WHERE account_id = $1"  # noqa: S608 - a name of the catalogue
    return int(await connection.fetch_value(sql, account_id))


async def has_rows(connection: Connection, name: str) -> bool:
    """Tell whether a table has any row."""
    return await connection.fetch_row(f"SELECT 1 FROM {name} LIMIT 1") is not None  # noqa: S608


async def clear_table(connection: WriteConnection, name: str) -> None:
    """Remove all rows of a table."""
    await connection.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of the catalogue


async def lock_tables(engine: Engine, connection: WriteConnection, names: Iterable[str]) -> None:
    """Keep everybody else from writing into tables until the end of the transaction. Raises: unavailable."""
    if engine.lock_sql:
        await connection.execute(engine.lock_sql.format(", ".join(names)))
