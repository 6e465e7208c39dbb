"""What searches read of whole folders, remembered: the mails of a folder as columns, and those with some property.

A search that finds much looks at every mail of a folder, and somebody who searches does so more than once. To read a
hundred thousand mails of an index takes longer than all else together, so what was read stays in memory, as bare
numbers. Whether it is still true is told by the folder's own position in the history (``content_modseq``), which each
search knows without asking. Where it is not, the columns are brought up to it: the mails that changed are read by the
folder's order of change, those that left by the tombstones. What has a property is read anew.

Invariants: what is returned is what the snapshot shows; nothing that was remembered is changed, it is replaced.
"""

import asyncio
import operator
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import NamedTuple, TypeVar

from postroom.domain.memory import Memory
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId
from postroom.search.query import END, Bounds
from postroom.store import Store
from postroom.store.packing import make_numbers
from postroom.store.tx import Snapshot

MOST_REMEMBERED = 2_000_000
"""Numbers remembered in memory, of eight bytes each; about."""
MOST_CHANGES = 200
"""Changes of a folder that are followed one by one; where there are more, it is read anew."""
LARGE = 20_000
"""Numbers from which on sets are worked on in a thread, so that others have their turn."""
_TURNED = b"\1\0".ljust(256, b"\0")
_ALL_DATES = Bounds(-END, END)

Numbers = array  # of 64 bits each
T = TypeVar("T")


class Columns(NamedTuple):
    """Mails of a folder in the order of their dates, those of the same second by their numbers."""

    dates: "Numbers[int]"
    item_ids: "Numbers[int]"
    uids: "Numbers[int]"
    contents: "Numbers[int]"

    def find_rows(self, dates: Bounds) -> slice:
        """Return the rows within some dates."""
        return slice(bisect_left(self.dates, dates.low), bisect_left(self.dates, dates.end))


@dataclass
class Facet:
    """The mails of a folder that have some property."""

    uids: "Numbers[int]"
    mails: int
    """All that the folder has."""
    mask: bytes = b""
    """Which rows of the folder's columns they are, once that was asked."""

    def find_mask(self, columns: Columns) -> bytes:
        """Return 1 for each of the mails that has the property, 0 for the others."""
        if len(self.mask) == len(columns.uids):
            return self.mask
        mask = among(columns.uids, self.uids)
        if len(mask) == self.mails:
            # All mails at one position of the history are always the same rows.
            self.mask = mask
        return mask


class _Known(NamedTuple):
    """What was read at a position of the folder's history."""

    modseq: int
    weight: int
    columns: Columns | None = None
    facet: Facet | None = None


_Key = tuple[AccountId, FolderId, str, int]


class RememberedColumns:
    """The columns of the folders that were searched last."""

    def __init__(self, store: Store) -> None:
        self._known = Memory[_Key, _Known](store, most=MOST_REMEMBERED)

    async def find(self, mailbox: Snapshot, folder: Folder, dates: Bounds, *, forgotten: int) -> Columns:
        """Return the mails of a folder within some dates at least.

        Args:
            mailbox: the snapshot.
            folder: the folder as it is there.
            dates: which mails are asked for.
            forgotten: up to where the tombstones of the account were removed.
        """
        key = (folder.account_id, folder.folder_id, "", 0)
        known = self._known.find(key)
        if known is None and dates != _ALL_DATES:
            return await _read(mailbox, folder.folder_id, dates)
        columns = None
        if known is not None and known.modseq >= forgotten:
            columns = await _advance(mailbox, folder, known)
        if columns is None:
            columns = await _read(mailbox, folder.folder_id, _ALL_DATES)
        self._known.keep(key, _Known(folder.content_modseq, 4 * len(columns.uids) + 100, columns=columns))
        return columns

    async def find_with(self, mailbox: Snapshot, folder: Folder, name: str, *, value: int) -> Facet:
        """Return the mails of a folder with a value of a property (see ``mail_filters``)."""
        key = (folder.account_id, folder.folder_id, name, value)
        known = self._known.find(key)
        facet = known.facet if known is not None and known.modseq == folder.content_modseq else None
        if facet is None:
            uids = await mailbox.mail_filters.list_with(folder.folder_id, name, value)
            facet = Facet(make_numbers(uids), folder.total_items)
        self._known.keep(
            key, _Known(folder.content_modseq, len(facet.uids) + facet.mails // 8 + 100, facet=facet)
        )
        return facet


async def _read(mailbox: Snapshot, folder_id: FolderId, dates: Bounds) -> Columns:
    columns = await mailbox.mail_filters.list_folder(folder_id, dates)
    return await work(len(columns[0]), lambda: _settle_ties(Columns(*map(make_numbers, columns))))


async def _advance(mailbox: Snapshot, folder: Folder, known: _Known) -> Columns | None:
    """Return the columns of the present position; None where that is too much, or lies before what is known."""
    columns = known.columns
    if columns is None or known.modseq == folder.content_modseq:
        return columns
    if known.modseq > folder.content_modseq:
        return None
    here, after = folder.folder_id, known.modseq
    changed = await mailbox.mail_filters.list_changed(here, after=after, limit=MOST_CHANGES)
    left = await mailbox.found_mails.list_left(here, after=after, limit=MOST_CHANGES)
    if MOST_CHANGES in {len(changed), len(left)}:
        return None
    return await work(len(columns.uids), lambda: _merge(columns, changed, left))


def _merge(before: Columns, changed: Collection[Sequence[int]], left: Iterable[int]) -> Columns:
    """Return columns without the mails that left or changed, and with what these are now."""
    stale = {uid for _, _, uid, _ in changed}.union(left)
    mask = turn(among(before.uids, stale))
    columns = Columns(*(keep(column, mask)[:] for column in before))
    for row in changed:
        date, item_id, _, _ = row
        start, end = bisect_left(columns.dates, date), bisect_right(columns.dates, date)
        place = bisect_left(columns.item_ids, item_id, start, end)
        for column, value in zip(columns, row, strict=True):
            column.insert(place, value)
    return columns


def _settle_ties(columns: Columns) -> Columns:
    """Return mails that are in the order of their dates, with those of the same second by their numbers."""
    dates = columns.dates
    start = end = 0
    for row in compress(range(1, len(dates)), map(operator.eq, dates, islice(dates, 1, None))):
        if row != end:
            _order_by_number(columns, start, end)
            start = row - 1
        end = row + 1
    _order_by_number(columns, start, end)
    return columns


def _order_by_number(columns: Columns, start: int, end: int) -> None:
    rows = sorted(range(start, end), key=columns.item_ids.__getitem__)
    for column in columns:
        column[start:end] = array("q", [column[row] for row in rows])


# Sets of mails


def among(column: Iterable[int], numbers: Collection[int]) -> bytes:
    """Return for each number of a column 1 or 0: whether it is among some."""
    return bytes(map(frozenset(numbers).__contains__, column))


def turn(mask: bytes) -> bytes:
    """Return 1 for 0 and 0 for 1."""
    return mask.translate(_TURNED)


def both(one: bytes, other: bytes) -> bytes:
    """Return 1 where both have it."""
    return (int.from_bytes(one) & int.from_bytes(other)).to_bytes(len(one))


def keep(column: "Numbers[int]", mask: bytes) -> "Numbers[int]":
    """Return the numbers for which a mask has 1."""
    return column if 0 not in mask else array("q", compress(column, mask))


async def work(numbers: int, function: Callable[[], T]) -> T:
    """Return what ``function`` returns; on very many numbers it is done in a thread."""
    return function() if numbers < LARGE else await asyncio.to_thread(function)
