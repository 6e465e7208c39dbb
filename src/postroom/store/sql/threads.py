"""Keys by which mails find each other: who names a message, and who takes part under a subject.

Looking up never walks. Of the mails with a reference key one is enough, since all of them are one conversation. Of
those with a subject key the replies that name no message are chains: those within :data:`NEAR_SECONDS` of each other
are one conversation, so that the nearest before and the nearest after a mail stand for all. Only such a reply itself
joins mails that no other has joined: those of its time that neither of these two is near.
"""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from postroom.model.ids import AccountId, ItemId
from postroom.store.engine.base import Connection

NEAR_SECONDS = 30 * 24 * 3600
"""Mails with a subject key in common belong together if their dates are at most so far apart."""

_ADD_REFERENCE = """
INSERT INTO reference_key (account_id, key, item_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_REMOVE_REFERENCE = "DELETE FROM reference_key WHERE account_id = $1 AND key = $2 AND item_id = $3"
_ADD_SUBJECT = """
INSERT INTO subject_key (account_id, key, is_reply, date, item_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
_REMOVE_SUBJECT = """
DELETE FROM subject_key WHERE account_id = $1 AND key = $2 AND is_reply = $3 AND date = $4 AND item_id = $5
"""


def _places(rows: int, columns: int, *, first: int = 2) -> str:
    numbers = iter(range(first, first + rows * columns))
    return ", ".join(
        "(" + ", ".join(f"CAST(${next(numbers)} AS BIGINT)" for _ in range(columns)) + ")"
        for _ in range(rows)
    )


_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""How many keys statements look up: what is looked up in vain takes as long as what is found."""


def _find_statement(size: int, end: str) -> str:
    """Return a statement with a column for each key; one row for each key would take twice as long."""
    columns = ", ".join(
        f"(SELECT {end}(item_id) FROM reference_key WHERE account_id = $1 AND key = ${number})"
        for number in range(2, 2 + size)
    )
    return f"SELECT {columns}"


def _nearest_statement(size: int) -> str:
    """Return a statement with two columns for each pair of key and date: the nearest before, the nearest after."""
    columns = []
    for number in range(2, 2 + 2 * size, 2):
        key, date = f"${number}", f"CAST(${number + 1} AS BIGINT)"
        near = f"SELECT item_id FROM subject_key WHERE account_id = $1 AND key = {key} AND is_reply = 1"
        columns.append(
            f"({near} AND date <= {date} AND date >= {date} - {NEAR_SECONDS}"
            " ORDER BY date DESC, item_id DESC LIMIT 1)"
        )
        columns.append(
            f"({near} AND date >= {date} AND date <= {date} + {NEAR_SECONDS} ORDER BY date, item_id LIMIT 1)"
        )
    return f"SELECT {', '.join(columns)}"


def _replied_statement(size: int) -> str:
    """Return a statement with a column for each subject key: something where a reply has it, else nothing."""
    columns = ", ".join(
        f"(SELECT 1 FROM subject_key WHERE account_id = $1 AND key = ${number} AND is_reply = 1 LIMIT 1)"
        for number in range(2, 2 + size)
    )
    return f"SELECT {columns}"


_FIND_FIRST = {size: _find_statement(size, "min") for size in _SIZES}
_FIND_LAST = {size: _find_statement(size, "max") for size in _SIZES}
_FIND_REPLIED = {size: _replied_statement(size) for size in _SIZES}
_FIND_NEAREST = {size: _nearest_statement(size) for size in _SIZES}
_LIST_OTHERS = """
SELECT item_id FROM subject_key
WHERE account_id = $1 AND key = $2 AND is_reply = 0 AND date >= $3 AND date <= $4 ORDER BY date, item_id LIMIT $5
"""
_FIND_STORED = {
    size: f"""
WITH place (item_id, date) AS (VALUES {_places(size, 2, first=3)})
SELECT place.item_id FROM place
WHERE EXISTS (SELECT 1 FROM subject_key
              WHERE account_id = $1 AND key = $2 AND is_reply IN (0, 1) AND date = place.date
                AND item_id = place.item_id LIMIT 1)
"""
    for size in _SIZES
}

T = TypeVar("T")


class Keyed(NamedTuple):
    """A mail, and the keys that it has."""

    item_id: ItemId
    date: int
    references: tuple[int, ...]
    subjects: tuple[int, ...]
    is_reply: bool
    """It joins what is near under a subject key."""


class ThreadRepo:
    """The keys of one account's mails."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def add(self, mails: Sequence[Keyed]) -> None:
        """Store the keys of mails."""
        await self._change(_ADD_REFERENCE, _ADD_SUBJECT, mails)

    async def remove(self, mails: Sequence[Keyed]) -> None:
        """Remove the keys of mails; those that are not there are no matter."""
        await self._change(_REMOVE_REFERENCE, _REMOVE_SUBJECT, mails)

    async def _change(self, references: str, subjects: str, mails: Sequence[Keyed]) -> None:
        account_id = self._account_id
        await self._connection.execute_many(
            references, [(account_id, key, mail.item_id) for mail in mails for key in mail.references]
        )
        rows = [
            (account_id, key, int(mail.is_reply), mail.date, mail.item_id)
            for mail in mails
            for key in mail.subjects
        ]
        if rows:
            await self._connection.execute_many(subjects, rows)

    # Looking up

    async def find_first(self, keys: Sequence[int]) -> dict[int, ItemId]:
        """Return the first mail of those with each reference key, by number; of keys that a mail has."""
        return await self._find(_FIND_FIRST, keys)

    async def find_last(self, keys: Sequence[int]) -> dict[int, ItemId]:
        """Return the last mail of those with each reference key, by number; of keys that a mail has."""
        return await self._find(_FIND_LAST, keys)

    async def _find(self, statements: dict[int, str], keys: Sequence[int]) -> dict[int, ItemId]:
        """Return what is found for each key, of those for which something is."""
        found: dict[int, ItemId] = {}
        for size, some in _cut(keys, _SIZES):
            places = [*some, *[None] * (size - len(some))]
            row = await self._connection.fetch_row(statements[size], self._account_id, *places)
            found.update(
                (key, item_id) for key, item_id in zip(some, row or (), strict=False) if item_id is not None
            )
        return found

    async def find_nearest(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[ItemId]]:
        """Return for each pair of a subject key and a date the nearest reply before it and the nearest after it."""
        found: dict[tuple[int, int], list[ItemId]] = {}
        # Few subjects have ever been answered so: to see that there is nothing takes a third of looking for it.
        replied = await self._find(_FIND_REPLIED, list(dict.fromkeys(key for key, _ in places)))
        for size, some in _cut([place for place in places if place[0] in replied], _SIZES):
            values = [*chain.from_iterable(some), *[None] * (2 * (size - len(some)))]
            row = await self._connection.fetch_row(_FIND_NEAREST[size], self._account_id, *values) or ()
            for place, before, after in zip(some, row[::2], row[1::2], strict=False):
                if before is not None or after is not None:
                    found[place] = [item_id for item_id in (before, after) if item_id is not None]
        return found

    async def list_others(self, key: int, *, start: int, end: int, limit: int) -> list[ItemId]:
        """Return mails with a subject key that are no such replies, from the date ``start`` up to ``end``."""
        rows = await self._connection.fetch_all(_LIST_OTHERS, self._account_id, key, start, end, limit)
        return [row[0] for row in rows]

    async def find_stored(self, key: int, mails: Sequence[Keyed]) -> set[ItemId]:
        """Return those of the mails that have a subject key."""
        found: set[ItemId] = set()
        for size, some in _cut([(mail.item_id, mail.date) for mail in mails], _SIZES):
            values = [*chain.from_iterable(some), *[None] * (2 * (size - len(some)))]
            rows = await self._connection.fetch_all(_FIND_STORED[size], self._account_id, key, *values)
            found.update(row[0] for row in rows)
        return found


def _cut(values: Sequence[T], sizes: Sequence[int]) -> list[tuple[int, Sequence[T]]]:
    """Cut values into lists, each with the least of the sizes (ascending) that it fits into."""
    cuts: list[tuple[int, Sequence[T]]] = []
    for start in range(0, len(values), sizes[-1]):
        some = values[start : start + sizes[-1]]
        cuts.append((next(size for size in sizes if size >= len(some)), some))
    return cuts
