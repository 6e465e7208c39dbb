"""The full-text statements of a group of transactions on SQLite, which wait for its commit."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

Statement = tuple[str, tuple[Any, ...]]
"""A statement in SQLite's words, and its arguments."""

INDEX = "INSERT INTO fulltext (rowid, from_, to_, cc, bcc, subject, body, attachments, other) VALUES "
"""Its rows are written behind it by :func:`join_rows`."""
CLEAR = "INSERT INTO fulltext (fulltext) VALUES ('delete-all')"
MERGE = "INSERT INTO fulltext (fulltext, rank) VALUES ('merge', ?)"
"""Merges segments of the index, about so many pages of them."""
UNINDEX = "DELETE FROM fulltext WHERE rowid = ?"

_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_MAX_JOINED_ROWS = 128


def join_rows(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Yield ``statements`` in their order, with rows to be indexed that follow one another written by one of them.

    Before each statement the committer thread has to wait for the interpreter's lock, which the loop is using.
    """
    for sql, run in groupby(statements, key=itemgetter(0)):
        rows = [args for _, args in run]
        if sql != INDEX:
            yield from ((sql, args) for args in rows)
            continue
        for start in range(0, len(rows), _MAX_JOINED_ROWS):
            joined = rows[start : start + _MAX_JOINED_ROWS]
            yield sql + ", ".join([_ROW] * len(joined)), tuple(chain.from_iterable(joined))
