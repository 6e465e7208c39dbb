"""Counted chunks: finding any row of any sort order of a large folder without walking to it.

For each sort order a large folder is cut into chunks of at most about :data:`CAPACITY` mails. A chunk is a row with
its lowest key and the number of mails in it, changed with the mails in the same transaction. The chunk of a row
number is found by adding up counts (a hundred chunks at 100,000 mails), and what is left to skip inside it is
bounded. The row number of a mail is found the other way round.

A folder has two lists with chunks of their own, that of its mails (:data:`MAIL_ORDERS`) and that of its conversations
(:data:`CONVERSATION_ORDERS`). What is said here of mails holds for conversations alike: their rows are those of
``conversation_folder``, and their numbers take the place of uids.

Invariants (verified by ``postroom check``):
- a list has either no chunks (it never grew beyond CAPACITY, or shrank to half of it) or chunks for all orders;
- the first chunk of an order has the lowest possible key, so every key has a chunk;
- the counts of an order add up to the folder's ``total_items`` (``conversations``), each equal to the mails between
  the chunk's key and the next.

Where chunks begin is remembered from transaction to transaction (:mod:`postroom.store.chunk_edges`); their counts are
not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId
from postroom.model.listing import Sort, SortField
from postroom.store.chunk_edges import ChunkEdges, Cut, Edges, chunk_of, draw_edition
from postroom.store.engine.base import Connection
from postroom.store.order_keys import KEY_PLACES, LOWEST, parse_key, render_anchor, render_keys
from postroom.store.sorting import SORT_COLUMNS, Anchor, SortKeys, index_columns

CAPACITY = 1024
_LOOKS_IN_A_CHUNK = 32
"""Asking for counts takes as long as changing them, so that it is not done for each mail; then a chunk
is cut when it has a few mails too many."""
_KEYS_WORTH_A_LIST = 16
"""For so many mails at once it is sooner listed where all chunks begin than looked up for each of them."""
_MAILS, _CONVERSATIONS = "mail", "conversation_folder"
_IDS = {_MAILS: "uid", _CONVERSATIONS: "conversation_id"}
_FIELDS = {
    _MAILS: tuple(SORT_COLUMNS),
    _CONVERSATIONS: tuple(field for field in SORT_COLUMNS if field is not SortField.SIZE),
}
_EDITIONS = {_MAILS: "chunks_edition", _CONVERSATIONS: "conversation_chunks_edition"}
_FIRST_NUMBERS = {_MAILS: 0, _CONVERSATIONS: 16}
"""The number under which the first order of a list is stored; the others follow it."""
_AT = """account_id = $1 AND folder_id = $2 AND sort = $3"""
_LIST = f"SELECT low_key, items FROM order_chunk WHERE {_AT} ORDER BY low_key"
_LIST_DESCENDING = f"SELECT low_key, items FROM order_chunk WHERE {_AT} ORDER BY low_key DESC"


def _find_places_statement(table: str) -> str:
    places = ", ".join(
        f"({_FIRST_NUMBERS[table] + number}, CAST(${number + 3} AS BYTEA))"
        for number in range(len(_FIELDS[table]))
    )
    return f"""
WITH place (sort, low_key) AS (VALUES {places})
SELECT sort, (SELECT low.low_key FROM order_chunk AS low
              WHERE low.account_id = $1 AND low.folder_id = $2 AND low.sort = place.sort
                AND low.low_key <= place.low_key ORDER BY low.low_key DESC LIMIT 1)
FROM place
"""


_FIND_PLACES = {table: _find_places_statement(table) for table in _IDS}
_OF_FOLDER = "account_id = $1 AND folder_id = $2 AND sort >= $3 AND sort <= $4"
_LIST_EDGES = f"SELECT sort, low_key FROM order_chunk WHERE {_OF_FOLDER} ORDER BY sort, low_key"
_FIND_EDGE = f"SELECT low_key FROM order_chunk WHERE {_AT} AND low_key <= $4 ORDER BY low_key DESC LIMIT 1"
_ADD_TO_CHUNK = f"UPDATE order_chunk SET items = items + $5 WHERE {_AT} AND low_key = $4"
_LOOK_AT_CHUNK = f"SELECT sort, low_key, items FROM order_chunk WHERE {_AT} AND low_key = $4"
_CREATE = "INSERT INTO order_chunk (account_id, folder_id, sort, low_key, items) VALUES ($1, $2, $3, $4, $5)"
_SET_ITEMS = f"UPDATE order_chunk SET items = $5 WHERE {_AT} AND low_key = $4"
_DELETE = f"DELETE FROM order_chunk WHERE {_AT} AND low_key = $4"
_PREVIOUS = f"""
SELECT low_key, items FROM order_chunk WHERE {_AT} AND low_key < $4 ORDER BY low_key DESC LIMIT 1
"""
_ITEMS = f"SELECT items FROM order_chunk WHERE {_AT} AND low_key = $4"
_DROP = f"DELETE FROM order_chunk WHERE {_OF_FOLDER}"
_FIND_EDITION = {
    table: f"SELECT {column} FROM folder WHERE account_id = $1 AND folder_id = $2"
    for table, column in _EDITIONS.items()
}
_SET_EDITION = {
    table: f"UPDATE folder SET {column} = $3 WHERE account_id = $1 AND folder_id = $2"
    for table, column in _EDITIONS.items()
}
_FOLDERS = "SELECT DISTINCT folder_id FROM order_chunk WHERE account_id = $1 AND sort >= $2 AND sort <= $3"


def _columns(table: str, field: SortField) -> str:
    return ", ".join(index_columns(field, _IDS[table]))


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
    find_edition: str
    set_edition: str
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
        key_places=tuple(KEY_PLACES[field] for field in fields),
        find_places=_FIND_PLACES[table],
        find_edition=_FIND_EDITION[table],
        set_edition=_SET_EDITION[table],
        nth=_NTH[table],
        count_between=_COUNT_BETWEEN[table],
        count_from=_COUNT_FROM[table],
    )


MAIL_ORDERS = _make_orders(_MAILS)
CONVERSATION_ORDERS = _make_orders(_CONVERSATIONS)


_Sums = Counter[tuple[int, bytes]]
"""For a number of an order and the lowest key of a chunk, how many mails are to be added."""


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


def _is_small(chunk: Chunk) -> bool:
    """Tell whether a chunk is to be joined to the one before it."""
    return chunk.items < CAPACITY // 4 and chunk.low_key != LOWEST


class OrderRepo:
    """The chunks of one account's folders, for the lists of their mails or those of their conversations."""

    def __init__(
        self,
        connection: Connection,
        account_id: AccountId,
        orders: Orders = MAIL_ORDERS,
        *,
        edges: ChunkEdges | None = None,
    ) -> None:
        """``edges`` is what was remembered by others; it is needed for writing alone."""
        self._connection = connection
        self._account_id = account_id
        self._orders = orders
        self._edges = edges or ChunkEdges()

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
                return Position(edge and parse_key(sort.field, edge.low_key), row - before)
            before += chunk.items
            previous = chunk
        return Position(None, row)

    async def rank(self, folder_id: FolderId, sort: Sort, *, key: Anchor, total_items: int) -> int:
        """Return the row number, in the direction of ``sort``, of the mail with that key."""
        rendered = render_anchor(key)
        before, low = 0, Chunk(LOWEST, 0)
        for chunk in await self._list(folder_id, sort.field):
            if chunk.low_key > rendered:
                break
            before += low.items
            low = chunk
        within = await self._connection.fetch_value(
            self._orders.count_between[sort.field],
            self._account_id,
            folder_id,
            *parse_key(sort.field, low.low_key).values(sort.field),
            *key.values(sort.field),
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
        edition = await self._find_edition(folder_id)
        if not edition:
            if total_items > CAPACITY:
                await self.rebuild(folder_id, total_items=total_items)
            return
        chunks = await self._add_entries(folder_id, entries, step=1, edition=edition)
        full = [(field, chunk) for field, chunk in chunks if chunk.items > CAPACITY]
        if full:
            cut = self._begin(folder_id, edition)
            for field, chunk in full:
                await self._split(cut, field, chunk)
            await self._end(cut)

    async def removed(self, folder_id: FolderId, entries: Sequence[Entry], *, total_items: int) -> None:
        """Count mails that were removed; ``total_items`` is the folder's total without them."""
        if total_items + len(entries) <= CAPACITY // 2:
            return
        edition = await self._find_edition(folder_id)
        if not edition:
            return
        if total_items <= CAPACITY // 2:
            await self.drop(folder_id)
            return
        chunks = await self._add_entries(folder_id, entries, step=-1, edition=edition)
        small = [(field, chunk) for field, chunk in chunks if _is_small(chunk)]
        if small:
            cut = self._begin(folder_id, edition)
            for field, chunk in small:
                await self._merge(cut, field, chunk)
            await self._end(cut)

    async def moved(
        self, folder_id: FolderId, field: SortField, changes: Sequence[tuple[Anchor, Anchor]]
    ) -> None:
        """Count mails that have another key in one order than before, after their rows; pairs of old and new."""
        edition = await self._find_edition(folder_id)
        if not edition:
            return
        number = self._orders.numbers[field]
        edges = await self._find_edges(folder_id, edition, keys=2 * len(changes))
        sums: _Sums = Counter()
        for change in changes:
            for anchor, step in zip(change, (-1, 1), strict=True):
                key = render_anchor(anchor)
                if edges is not None:
                    low_key = chunk_of(edges[number - self._orders.span[0]], key)
                else:
                    low_key = await self._connection.fetch_value(
                        _FIND_EDGE, self._account_id, folder_id, number, key
                    )
                sums[number, low_key] += step
        chunks = await self._add_sums(folder_id, sums, mails=len(changes))
        # A merge never makes a chunk that is to be split, so that they may come in any order.
        if not any(_is_small(chunk) or chunk.items > CAPACITY for _, chunk in chunks):
            return
        cut = self._begin(folder_id, edition)
        for _, chunk in chunks:
            if _is_small(chunk):
                await self._merge(cut, field, chunk)
            else:
                await self._split(cut, field, chunk)
        await self._end(cut)

    async def drop(self, folder_id: FolderId) -> None:
        """Remove all chunks of a folder."""
        await self._connection.execute(_DROP, self._account_id, folder_id, *self._orders.span)
        await self._set_edition(folder_id, 0)

    def _key(self, folder_id: FolderId) -> tuple[int, int, int]:
        return self._account_id, folder_id, self._orders.span[0]

    async def _find_edition(self, folder_id: FolderId) -> int:
        """Return the edition of a folder's chunks; 0 where there are none, or the folder itself is gone."""
        edition = await self._connection.fetch_value(self._orders.find_edition, self._account_id, folder_id)
        return int(edition or 0)

    async def _set_edition(self, folder_id: FolderId, edition: int) -> None:
        await self._connection.execute(self._orders.set_edition, self._account_id, folder_id, edition)

    async def _find_edges(self, folder_id: FolderId, edition: int, *, keys: int) -> Edges | None:
        """Return where the chunks begin, None where so few ``keys`` are sooner found one by one."""
        key = self._key(folder_id)
        edges = self._edges.find(key, edition)
        if edges is None and (self._edges.is_asked_again(key) or keys >= _KEYS_WORTH_A_LIST):
            first, last = self._orders.span
            edges = [[LOWEST] for _ in self._orders.fields]
            for number, low_key in await self._connection.fetch_all(
                _LIST_EDGES, self._account_id, folder_id, first, last
            ):
                if low_key != LOWEST:
                    edges[number - first].append(low_key)
            self._edges.remember(key, edition, edges)
        return edges

    async def _add_entries(
        self, folder_id: FolderId, entries: Sequence[Entry], *, step: int, edition: int
    ) -> list[tuple[SortField, Chunk]]:
        """Count mails in all orders; return the chunks that changed."""
        edges = await self._find_edges(folder_id, edition, keys=len(entries))
        first = self._orders.span[0]
        sums: _Sums = Counter()
        for entry in entries:
            keys = render_keys(entry.keys, entry.uid, places=self._orders.key_places)
            if edges is not None:
                for index, key in enumerate(keys):
                    sums[first + index, chunk_of(edges[index], key)] += step
            else:
                for number, low_key in await self._connection.fetch_all(
                    self._orders.find_places, self._account_id, folder_id, *keys
                ):
                    sums[number, low_key] += step
        return await self._add_sums(folder_id, sums, mails=len(entries))

    async def _add_sums(
        self, folder_id: FolderId, sums: _Sums, *, mails: int
    ) -> list[tuple[SortField, Chunk]]:
        """Add to chunks; return those that changed, as they are then, if it is time to look at them."""
        changes = [(self._account_id, folder_id, *place, step) for place, step in sums.items() if step]
        await self._connection.execute_many(_ADD_TO_CHUNK, changes)
        if not self._edges.is_look_due(self._key(folder_id), mails, every=CAPACITY // _LOOKS_IN_A_CHUNK):
            return []
        rows = await self._connection.fetch_many(_LOOK_AT_CHUNK, [change[:4] for change in changes])
        first = self._orders.span[0]
        return [
            (self._orders.fields[number - first], Chunk(low_key, items)) for number, low_key, items in rows
        ]

    async def _create(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        await self._connection.execute(
            _CREATE, self._account_id, folder_id, self._orders.numbers[field], *chunk
        )

    async def _set_items(self, folder_id: FolderId, field: SortField, chunk: Chunk) -> None:
        await self._connection.execute(
            _SET_ITEMS, self._account_id, folder_id, self._orders.numbers[field], *chunk
        )

    # Cutting and joining

    def _begin(self, folder_id: FolderId, edition: int) -> Cut:
        """Begin to cut and join chunks; until the end nothing is remembered of them."""
        return Cut(folder_id, edition, self._edges.take(self._key(folder_id), edition))

    async def _end(self, cut: Cut) -> None:
        """Give what was cut or joined its edition."""
        if cut.has_changed:
            cut.edition = draw_edition()
            await self._set_edition(cut.folder_id, cut.edition)
        if cut.edges is not None:
            self._edges.remember(self._key(cut.folder_id), cut.edition, cut.edges)

    async def _split(self, cut: Cut, field: SortField, chunk: Chunk) -> None:
        while chunk.items > CAPACITY:
            chunk = await self._cut(cut, field, chunk, size=min(chunk.items // 2, CAPACITY))

    async def _cut(self, cut: Cut, field: SortField, chunk: Chunk, *, size: int) -> Chunk:
        """Leave ``size`` mails in a chunk and make a new one of the others; return the new one."""
        low = parse_key(field, chunk.low_key).values(field)
        row = await self._connection.fetch_row(
            self._orders.nth[field], self._account_id, cut.folder_id, *low, size
        )
        if row is None:  # The counts are off: postroom check finds and mends that.
            return chunk._replace(items=0)
        await self._set_items(cut.folder_id, field, chunk._replace(items=size))
        rest = Chunk(render_anchor(Anchor(*row)), chunk.items - size)
        await self._create(cut.folder_id, field, rest)
        cut.add(self._orders.fields.index(field), rest.low_key)
        return rest

    async def _merge(self, cut: Cut, field: SortField, chunk: Chunk) -> None:
        """Join a small chunk to the one before it, if the two are not too many."""
        at = (self._account_id, cut.folder_id, self._orders.numbers[field], chunk.low_key)
        row = await self._connection.fetch_row(_PREVIOUS, *at)
        # Where several chunks were small, this one may have taken in another meanwhile, so that it is asked anew.
        items = await self._connection.fetch_value(_ITEMS, *at)
        if row is None or items is None or row[1] + items > CAPACITY * 3 // 4:
            return
        await self._connection.execute(_DELETE, *at)
        previous = Chunk(*row)
        await self._set_items(cut.folder_id, field, previous._replace(items=previous.items + items))
        cut.remove(self._orders.fields.index(field), chunk.low_key)

    async def rebuild(self, folder_id: FolderId, *, total_items: int) -> None:
        """Make the chunks of a folder anew from its mails."""
        await self.drop(folder_id)
        if total_items <= CAPACITY:
            return
        cut = Cut(folder_id, 0, [[LOWEST] for _ in self._orders.fields], has_changed=True)
        for field in self._orders.fields:
            rest = Chunk(LOWEST, total_items)
            await self._create(folder_id, field, rest)
            while rest.items > CAPACITY:
                rest = await self._cut(cut, field, rest, size=CAPACITY * 3 // 4)
        await self._end(cut)

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
            if not chunks or chunks[0].low_key != LOWEST:
                faults.append(f"{field.value}: the first chunk is missing")
                continue
            for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
                counted = await self._count(folder_id, field, low=chunk, high=following)
                if counted != chunk.items:
                    faults.append(f"{field.value}: a chunk counts {chunk.items} mails, there are {counted}")
        return faults

    async def _count(self, folder_id: FolderId, field: SortField, *, low: Chunk, high: Chunk | None) -> int:
        account = (self._account_id, folder_id)
        start = parse_key(field, low.low_key).values(field)
        if high is None:
            return int(await self._connection.fetch_value(self._orders.count_from[field], *account, *start))
        end = parse_key(field, high.low_key).values(field)
        return int(
            await self._connection.fetch_value(self._orders.count_between[field], *account, *start, *end)
        )
