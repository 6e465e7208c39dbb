"""Pages of a folder's list, in any sort order: the statements, and how one is asked.

A list is a table with an index for every sort order: (the value sorted by, date, number of the row), so that an order
is total and a page is a range of an index. A page starts some rows behind an anchor, which is a place in that index,
or behind the list's beginning.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId
from postroom.model.listing import Sort, SortField
from postroom.store.engine.base import Connection, Row
from postroom.store.placeholders import placeholders
from postroom.store.sorting import SORT_COLUMNS, Anchor, index_columns

Way = tuple[Sort, bool]
"""A sort order, and whether the page starts at an anchor: there is a statement for each."""


class PageSpan(NamedTuple):
    """The part of a list that is asked for: up to ``limit`` rows, from ``skip`` rows behind ``anchor``."""

    anchor: Anchor | None
    """None for the beginning of the list."""
    skip: int
    limit: int


def iter_ways(*, without: SortField | None = None) -> Iterator[Way]:
    """Yield all ways to ask for a page, ``without`` those in an order that the list does not have."""
    for field in SORT_COLUMNS:
        if field is not without:
            for descending in (False, True):
                yield from ((Sort(field, descending), anchored) for anchored in (False, True))


def page_statement(way: Way, *, table: str, number: str, shown: str) -> str:
    """Return the statement of a page.

    Args:
        way: the sort order, and whether there is an anchor.
        table: what is listed.
        number: the column that names a row in its folder, with which indexes end.
        shown: the columns to be returned.
    """
    sort, anchored = way
    columns = index_columns(sort.field, number)
    direction = " DESC" if sort.descending else ""
    order = ", ".join(name + direction for name in columns)
    condition = ""
    if anchored:
        places = placeholders(len(columns), first=5)
        condition = f" AND ({', '.join(columns)}) {'<' if sort.descending else '>='} ({places})"
    return f"""SELECT {shown} FROM {table} WHERE account_id = $1 AND folder_id = $2{condition}
ORDER BY {order} LIMIT $3 OFFSET $4"""  # noqa: S608 - names that repositories give


async def fetch_page(
    connection: Connection,
    statements: Mapping[Way, str],
    sort: Sort,
    *,
    folder: tuple[AccountId, FolderId],
    span: PageSpan,
) -> Sequence[Row]:
    """Return the rows of a page, given the list's statements."""
    anchor, skip, limit = span
    places = () if anchor is None else anchor.values(sort.field)
    return await connection.fetch_all(statements[sort, anchor is not None], *folder, limit, skip, *places)
