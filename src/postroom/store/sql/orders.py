"""Counted chunks: finding any row of any sort order of a large folder without walking to it.

For each sort order a large folder is cut into chunks of at most :data:`CAPACITY` mails. A chunk is a row with its
lowest key and the number of mails in it, changed with the mails in the same transaction. The chunk of a row number
is found by adding up counts (a hundred chunks at 100,000 mails), and what is left to skip inside it is bounded.
The row number of a mail is found the other way round.

A folder has two lists with chunks of their own, that of its mails (:data:`MAIL_ORDERS`) and that of its conversations
(:data:`CONVERSATION_ORDERS`). What is said here of mails holds for conversations alike: their rows are those of
``conversation_folder``, and their numbers take the place of uids.

Invariants (verified by ``postroom check``):
- a list has either no chunks (it never grew beyond CAPACITY, or shrank to half of it) or chunks for all orders;
- the first chunk of an order has the lowest possible key, so every key has a chunk;
- the counts of an order add up to the folder's ``total_items`` (``conversations``), each equal to the mails between
  the chunk's key and the next.

A key is (value, date, uid), written as bytes that compare as the three do one after the other: numbers as 8 bytes,
big-endian, and a text followed by a zero byte, which no sort text contains.
"""

import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId
from postroom.model.listing import Sort, SortField
from postroom.store.engine.base import Connection
from postroom.store.sorting import SORT_COLUMNS, Anchor, SortKeys

CAPACITY = 1024
_ITEMS_LISTED_AS_ONE_FOUND = 2048
"""Mails of a folder for which listing all of its chunks takes about as long as finding those of one mail."""
_LOWEST = b""
_TAIL = struct.Struct(">QQ")

_MAILS, _CONVERSATIONS = "mail", "conversation_folder"
_IDS = {_MAILS: "uid", _CONVERSATIONS: "conversation_id"}
_FIELDS = {
    _MAILS: tuple(SORT_COLUMNS),
    _CONVERSATIONS: tuple(field for field in SORT_COLUMNS if field is not SortField.SIZE),
}
_FIRST_NUMBERS = {_MAILS: 0, _CONVERSATIONS: 16}
"""The number under which the first order of a list is stored; the others follow it."""
_KEY_PLACES = {
    SortField.DATE: 0,
    SortField.SUBJECT: 6,
    SortField.FROM: 7,
    SortField.TO: 8,
    SortField.SIZE: 1,
    SortField.IS_UNREAD: 2,
    SortField.IS_FLAGGED: 3,
    SortField.IMPORTANCE: 4,
    SortField.HAS_ATTACHMENTS: 5,
}
"""Where the value of each order stands in SortKeys; in the order of SortField."""
_TEXT_FIELDS = frozenset({SortField.SUBJECT, SortField.FROM, SortField.TO})

_AT = """account_id = $1 AND folder_id = $2 AND sort = $3"""
_LIST = f"SELECT low_key, items FROM order_chunk WHERE {_AT} ORDER BY low_key"
_LIST_DESCENDING = f"SELECT low_key, items FROM order_chunk WHERE {_AT} ORDER BY low_key DESC"
_ADD = f"""
UPDATE order_chunk SET items = items + $5 WHERE {_AT} AND low_key = (
    SELECT low_key FROM order_chunk WHERE {_AT} AND low_key <= $4 ORDER BY low_key DESC LIMIT 1)
RETURNING low_key, items
"""


def _find_places_statement(table: str) -> str:
    places = ", ".join(
        f"({_FIRST_NUMBERS[table] + number}, CAST(${number + 3} AS BYTEA))"
        for number in range(len(_FIELDS[table]))
    )
    return f"""
WITH place (sort, low_key) AS (VALUES {places}),
chunk AS MATERIALIZED (
    SELECT sort, (SELECT low.low_key FROM order_chunk AS low
                  WHERE low.account_id = $1 AND low.folder_id = $2 AND low.sort = place.sort
                    AND low.low_key <= place.low_key ORDER BY low.low_key DESC LIMIT 1) AS low_key
    FROM place)
SELECT found.sort, found.low_key, found.items FROM chunk
JOIN order_chunk AS found ON found.account_id = $1 AND found.folder_id = $2 AND found.sort = chunk.sort
                         AND found.low_key = chunk.low_key
"""


_FIND_PLACES = {table: _find_places_statement(table) for table in _IDS}
_OF_FOLDER = "account_id = $1 AND folder_id = $2 AND sort >= $3 AND sort <= $4"
_LIST_ALL = f"SELECT sort, low_key, items FROM order_chunk WHERE {_OF_FOLDER} ORDER BY sort, low_key"
_ADD_TO_CHUNK = f"UPDATE order_chunk SET items = items + $5 WHERE {_AT} AND low_key = $4"
_CREATE = "INSERT INTO order_chunk (account_id, folder_id, sort, low_key, items) VALUES ($1, $2, $3, $4, $5)"
_SET_ITEMS = f"UPDATE order_chunk SET items = $5 WHERE {_AT} AND low_key = $4"
_DELETE = f"DELETE FROM order_chunk WHERE {_AT} AND low_key = $4"
_PREVIOUS = f"""
SELECT low_key, items FROM order_chunk WHERE {_AT} AND low_key < $4 ORDER BY low_key DESC LIMIT 1
"""
_ITEMS = f"SELECT items FROM order_chunk WHERE {_AT} AND low_key = $4"
_DROP = f"DELETE FROM order_chunk WHERE {_OF_FOLDER}"
_FOLDERS = "SELECT DISTINCT folder_id FROM order_chunk WHERE account_id = $1 AND sort >= $2 AND sort <= $3"


def _columns(table: str, field: SortField) -> str:
    """Return the columns of an order's index, behind account and folder."""
    tail = f"date, {_IDS[table]}"
    return tail if field is SortField.DATE else f"{SORT_COLUMNS[field]}, {tail}"


def _nth_statement(table: str, field: SortField) -> str:
    columns = _columns(table, field)
    key = f"date, {columns}" if field is SortField.DATE else columns
    low, skip = ("$3, $4", "$5") if field is SortField.DATE else ("$3, $4, $5", "$6")
    return f"""SELECT {key} FROM {table} WHERE account_id = $1 AND folder_id = $2 AND ({columns}) >= ({low})
ORDER BY {columns} LIMIT 1 OFFSET {skip}"""


def _count_statement(table: str, field: SortField, *, bounded: bool) -> str:
    columns = _columns(table, field)
    low, high = ("$3, $4", "$5, $6") if field is SortField.DATE else ("$3, $4, $5", "$6, $7, $8")
    end = f" AND ({columns}) < ({high})" if bounded else ""
    return f"""SELECT count(*) FROM {table}
WHERE account_id = $1 AND folder_id = $2 AND ({columns}) >= ({low}){end}"""


_NTH = {table: {field: _nth_statement(table, field) for field in fields} for table, fields in _FIELDS.items()}
_COUNT_BETWEEN = {
    table: {field: _count_statement(table, field, bounded=True) for field in fields}
    for table, fields in _FIELDS.items()
}
_COUNT_FROM = {
    table: {field: _count_statement(table, field, bounded=False) for field in fields}
    for table, fields in _FIELDS.items()
}


@dataclass(frozen=True)
class Orders:
    """The orders of a list: their fields, the number under which each is stored, and the statements over its rows."""

    fields: tuple[SortField, ...]
    numbers: Mapping[SortField, int]
    key_places: tuple[int, ...]
    """Where the value of each stands in SortKeys."""
    find_places: str
    nth: Mapping[SortField, str]
    count_between: Mapping[SortField, str]
    count_from: Mapping[SortField, str]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last number."""
        return self.numbers[self.fields[0]], self.numbers[self.fields[-1]]


def _make_orders(table: str) -> Orders:
    fields = _FIELDS[table]
    return Orders(
        fields=fields,
        numbers={field: _FIRST_NUMBERS[table] + number for number, field in enumerate(fields)},
        key_places=tuple(_KEY_PLACES[field] for field in fields),
        find_places=_FIND_PLACES[table],
        nth=_NTH[table],
        count_between=_COUNT_BETWEEN[table],
        count_from=_COUNT_FROM[table],
    )


MAIL_ORDERS = _make_orders(_MAILS)
CONVERSATION_ORDERS = _make_orders(_CONVERSATIONS)


_Sums = dict[tuple[int, bytes], tuple[int, int]]
"""For a number of an order and the lowest key of a chunk: the mails in it, and how many are to be added."""


class Position(NamedTuple):
    """Where a page starts: ``skip`` rows behind ``anchor`` (None: the very start of the order)."""

    anchor: Anchor | None
    skip: int


class Entry(NamedTuple):
    """A mail's keys and uid, or a conversation's keys and number."""

    keys: SortKeys
    uid: int


class Chunk(NamedTuple):
    """A chunk: its lowest key, and how many mails are in it."""

    low_key: bytes
    items: int


def key_of(field: SortField, keys: SortKeys, uid: int) -> Anchor:
    """Return the place of a mail (or, by its number, of a conversation) in an order."""
    return Anchor(keys[_KEY_PLACES[field]], keys.date, uid)


def _render_key(value: int | bytes, tail: bytes) -> bytes:
    return value + b"\x00" + tail if isinstance(value, bytes) else value.to_bytes(8, "big") + tail


def _render_anchor(anchor: Anchor) -> bytes:
    return _render_key(anchor.value, _TAIL.pack(anchor.date, anchor.uid))


def _parse_key(field: SortField, key: bytes) -> Anchor:
    """Return the place that a chunk begins at; the lowest key begins before every mail."""
    is_text = field in _TEXT_FIELDS
    if key == _LOWEST:
        return Anchor(b"" if is_text else 0, 0, 0)
    date, uid = _TAIL.unpack(key[-_TAIL.size :])
    value = key[: -_TAIL.size]
    return Anchor(value[:-1] if is_text else int.from_bytes(value, "big"), date, uid)


def _sum_listed(number: int, chunks: Sequence[Chunk], counts: Iterable[tuple[bytes, int]]) -> _Sums:
    """Add up what is to be counted in each chunk of an order, of which all are given."""
    if not chunks:
        return {}
    lows = [chunk.low_key for chunk in chunks]
    sums: Counter[int] = Counter()
    for key, count in counts:
        sums[bisect_right(lows, key) - 1] += count
    return {(number, lows[index]): (chunks[index].items, count) for index, count in sums.items()}


def _places(field: SortField, anchor: Anchor) -> tuple[object, ...]:
    return anchor[1:] if field is SortField.DATE else anchor


class OrderRepo:
    """The chunks of one account's folders, for the lists of their mails or those of their conversations."""

    def __init__(self, connection: Connection, account_id: AccountId, orders: Orders = MAIL_ORDERS) -> None:
        self._connection = connection
        self._account_id = account_id
        self._orders = orders

    # Reading

    async def find_position(self, folder_id: FolderId, sort: Sort, row: int) -> Position:
        """Return where row number ``row`` (from 0, in the direction of ``sort``) is found."""
        if row <= CAPACITY:
            return Position(None, row)
        before = 0
        previous: Chunk | None = None
        for chunk in await self._list(folder_id, sort.field, descending=sort.descending):
            if before + chunk.items > row:
                # Downwards, a page begins below the lowest key of the chunk before.
                edge = previous if sort.descending else chunk
                return Position(edge and _parse_key(sort.field, edge.low_key), row - before)
            before += chunk.items
            previous = chunk
        return Position(None, row)

    async def rank(self, folder_id: FolderId, sort: Sort, *, key: Anchor, total_items: int) -> int:
        """Return the row number, in the direction of ``sort``, of the mail with that key."""
        rendered = _render_anchor(key)
        before, low = 0, Chunk(_LOWEST, 0)
        for chunk in await self._list(folder_id, sort.field):
            if chunk.low_key > rendered:
                break
            before += low.items
            low = chunk
        within = await self._connection.fetch_value(
            self._orders.count_between[sort.field],
            self._account_id,
            folder_id,
            *_places(sort.field, _parse_key(sort.field, low.low_key)),
            *_places(sort.field, key),
        )
        ascending = before + int(within)
        return total_items - 1 - ascending if sort.descending else ascending

    async def _list(self, folder_id: FolderId, field: SortField, *, descending: bool = False) -> list[Chunk]:
        rows = await self._connection.fetch_all(
            _LIST_DESCENDING if descending else _LIST,
            self._account_id,
            folder_id,
            self._orders.numbers[field],
        )
        return list(map(Chunk._make, rows))

    # Writing

    async def added(self, folder_id: FolderId, entries: Sequence[Entry], *, total_items: int) -> None:
        """Count mails that were added, after their rows; ``total_items`` is the folder's total with them."""
        if total_items <= CAPACITY // 2:
            return
        chunks = await self._add_entries(folder_id, entries, step=1, total_items=total_items)
        if not chunks and total_items > CAPACITY:
            await self.rebuild(folder_id, total_items=total_items)
        for field, chunk in chunks:
            await self._split_if_full(folder_id, field, chunk)

    async def removed(self, folder_id: FolderId, entries: Sequence[Entry], *, total_items: int) -> None:
        """Count mails that were removed; ``total_items`` is the folder's total without them."""
        before = total_items + len(entries)
        if before <= CAPACITY // 2:
            return
        if total_items <= CAPACITY // 2:
            await self.drop(folder_id)
            return
        for field, chunk in await self._add_entries(folder_id, entries, step=-1, total_items=total_items):
            await self._merge_if_small(folder_id, field, chunk)

    async def moved(
        self, folder_id: FolderId, field: SortField, changes: Sequence[tuple[Anchor, Anchor]]
    ) -> None:
        """Count mails that have another key in one order than before, after their rows; pairs of old and new."""
        counts = [
            (_render_anchor(key), count) for pair in changes for key, count in zip(pair, (-1, 1), strict=True)
        ]
        # A merge joins two chunks, so that what is to be split is looked for when all are merged.
        if len(changes) == 1:
            changed = [
                (field, chunk)
                for key, count in counts
                if (chunk := await self._add(folder_id, field, key, items=count))
            ]
        else:
            sums = _sum_listed(self._orders.numbers[field], await self._list(folder_id, field), counts)
            changed = await self._add_sums(folder_id, sums)
        for _, chunk in changed:
            await self._merge_if_small(folder_id, field, chunk)
        if any(chunk.items > CAPACITY for _, chunk in changed):
            for chunk in await self._list(folder_id, field):
                await self._split_if_full(folder_id, field, chunk)

    async def drop(self, folder_id: FolderId) -> None:
        """Remove all chunks of a folder."""
        await self._connection.execute(_DROP, self._account_id, folder_id, *self._orders.span)

    async def _add_entries(
        self, folder_id: FolderId, entries: Sequence[Entry], *, step: int, total_items: int
    ) -> list[tuple[SortField, Chunk]]:
        """Count mails in all orders; return the chunks that changed."""
        keys: list[list[bytes]] = [[] for _ in self._orders.fields]
        for entry in entries:
            tail = _TAIL.pack(entry.keys.date, entry.uid)
            for index, place in enumerate(self._orders.key_places):
                keys[index].append(_render_key(entry.keys[place], tail))
        if len(entries) <= 1 + total_items // _ITEMS_LISTED_AS_ONE_FOUND:
            sums = await self._sum_found(folder_id, keys, step=step)
        else:
            first, last = self._orders.span
            chunks: list[list[Chunk]] = [[] for _ in self._orders.fields]
            for number, low_key, items in await self._connection.fetch_all(
                _LIST_ALL, self._account_id, folder_id, first, last
            ):
                chunks[number - first].append(Chunk(low_key, items))
            sums = {}
            for index, listed in enumerate(chunks):
                sums |= _sum_listed(first + index, listed, [(key, step) for key in keys[index]])
        return await self._add_sums(folder_id, sums)

    async def _sum_found(self, folder_id: FolderId, keys: Sequence[Sequence[bytes]], *, step: int) -> _Sums:
        """Find the chunks of some keys of each order by their keys, and add up what is to be counted in each.

        Finding the chunks and then changing their rows by their keys takes half as long as one statement for both.
        """
        sums: _Sums = {}
        for places in zip(*keys, strict=True):
            rows = await self._connection.fetch_all(
                self._orders.find_places, self._account_id, folder_id, *places
            )
            for number, low_key, items in rows:
                place = (number, low_key)
                sums[place] = (items, sums[place][1] + step if place in sums else step)
        return sums

    async def _add_sums(self, folder_id: FolderId, sums: _Sums) -> list[tuple[SortField, Chunk]]:
        """Add to chunks; return those that changed, as they are then."""
        changes = [
            (number, low_key, items, step) for (number, low_key), (items, step) in sums.items() if step
        ]
        await self._connection.execute_many(
            _ADD_TO_CHUNK,
            [(self._account_id, folder_id, number, low_key, step) for number, low_key, _, step in changes],
        )
        first = self._orders.span[0]
        return [
            (self._orders.fields[number - first], Chunk(low_key, items + step))
            for number, low_key, items, step in changes
        ]

    async def _add(self, folder_id: FolderId, field: SortField, key: bytes, *, items: int) -> Chunk | None:
        row = await self._connection.fetch_row(
            _ADD, self._account_id, folder_id, self._orders.numbers[field], key, items
        )
        return None if row is None else Chunk(*row)

    async def _create(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        await self._connection.execute(
            _CREATE, self._account_id, folder_id, self._orders.numbers[field], *chunk
        )

    async def _set_items(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        await self._connection.execute(
            _SET_ITEMS, self._account_id, folder_id, self._orders.numbers[field], *chunk
        )

    async def _split_if_full(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        while chunk.items > CAPACITY:
            chunk = await self._cut(folder_id, field, chunk, size=min(chunk.items // 2, CAPACITY))

    async def _merge_if_small(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        if chunk.items >= CAPACITY // 4 or chunk.low_key == _LOWEST:
            return
        number = self._orders.numbers[field]
        row = await self._connection.fetch_row(_PREVIOUS, self._account_id, folder_id, number, chunk.low_key)
        # Where several chunks were small, this one may have taken in another meanwhile, so that it is asked anew.
        items = await self._connection.fetch_value(_ITEMS, self._account_id, folder_id, number, chunk.low_key)
        if row is None or items is None or row[1] + items > CAPACITY * 3 // 4:
            return
        await self._connection.execute(_DELETE, self._account_id, folder_id, number, chunk.low_key)
        previous = Chunk(*row)
        await self._set_items(folder_id, field, previous._replace(items=previous.items + items))

    # Checking

    async def list_folders(self) -> list[FolderId]:
        """Return the folders that have chunks."""
        return [
            FolderId(row[0])
            for row in await self._connection.fetch_all(_FOLDERS, self._account_id, *self._orders.span)
        ]

    async def find_faults(self, folder_id: FolderId) -> list[str]:
        """Return a line for each order whose chunks do not equal its mails; reads the indexes."""
        faults: list[str] = []
        for field in self._orders.fields:
            chunks = await self._list(folder_id, field)
            if not chunks or chunks[0].low_key != _LOWEST:
                faults.append(f"{field.value}: the first chunk is missing")
                continue
            for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
                counted = await self._count(folder_id, field, low=chunk, high=following)
                if counted != chunk.items:
                    faults.append(f"{field.value}: a chunk counts {chunk.items} mails, there are {counted}")
        return faults

    async def _count(self, folder_id: FolderId, field: SortField, *, low: Chunk, high: Chunk | None) -> int:
        account = (self._account_id, folder_id)
        start = _places(field, _parse_key(field, low.low_key))
        if high is None:
            return int(await self._connection.fetch_value(self._orders.count_from[field], *account, *start))
        end = _places(field, _parse_key(field, high.low_key))
        return int(
            await self._connection.fetch_value(self._orders.count_between[field], *account, *start, *end)
        )

    async def rebuild(self, folder_id: FolderId, *, total_items: int) -> None:
        """Make the chunks of a folder anew from its mails; for repairs alone."""
        await self._connection.execute(_DROP, self._account_id, folder_id, *self._orders.span)
        if total_items <= CAPACITY:
            return
        for field in self._orders.fields:
            rest = Chunk(_LOWEST, total_items)
            await self._create(folder_id, field, rest)
            while rest.items > CAPACITY:
                rest = await self._cut(folder_id, field, rest, size=CAPACITY * 3 // 4)

    async def _cut(self, folder_id: FolderId, field: SortField, chunk: Chunk, *, size: int) -> Chunk:
        """Leave ``size`` mails in a chunk and make a new one of the others; return the new one."""
        low = _places(field, _parse_key(field, chunk.low_key))
        row = await self._connection.fetch_row(
            self._orders.nth[field], self._account_id, folder_id, *low, size
        )
        if row is None:  # The counts are off: postroom check finds and mends that.
            return chunk._replace(items=0)
        await self._set_items(folder_id, field, chunk._replace(items=size))
        rest = Chunk(_render_anchor(Anchor(*row)), chunk.items - size)
        await self._create(folder_id, field, rest)
        return rest
