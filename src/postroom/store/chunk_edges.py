"""Where the counted chunks of large folders begin, remembered so that finding a mail's chunks asks no database.

A mail that comes or goes is counted in one chunk of each order, 17 in all; looking each of them up costs more than
all the rest of what is written about a mail. But where chunks begin hardly ever changes: a chunk is cut once in some
500 mails.

Algorithm: a list's chunks have an *edition*, a number in the folder's row that is drawn anew, at random, in each
transaction that cuts, joins or makes chunks; 0 stands for no chunks. What is remembered is what an edition says.
A transaction reads the edition (the folder's row is at hand) and trusts what is remembered of that very edition.

Invariants: no two different sets of beginnings ever have the same edition, whoever made them and whether or not the
transaction was committed. So nothing needs to be told to other processes, nor taken back when a transaction fails.
"""

import random
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from postroom.model.ids import FolderId

MAX_EDGES = 100_000
"""Beginnings remembered in all, of some 100 bytes each; a folder of 100,000 mails has 3,000."""
MAX_LISTS = 10_000

Key = tuple[int, int, int]
"""An account, a folder, and the number of the list's first order."""
Edges = list[list[bytes]]
"""For each order of a list, the lowest keys of its chunks, ascending."""


@dataclass
class _Known:
    edition: int
    edges: Edges
    size: int
    unseen: int = 0
    """Mails counted since somebody looked at how many there are."""


class ChunkEdges:
    """What is remembered of the lists used last."""

    def __init__(self) -> None:
        self._lists: OrderedDict[Key, _Known] = OrderedDict()
        self._count = 0

    def find(self, key: Key, edition: int) -> Edges | None:
        """Return the beginnings of a list's chunks, None if they are not known."""
        known = self._lists.get(key)
        if known is None or known.edition != edition:
            return None
        self._lists.move_to_end(key)
        return known.edges

    def is_asked_again(self, key: Key) -> bool:
        """Tell whether a list was asked for before, so that remembering it is worth reading it."""
        if key in self._lists:
            return True
        self._keep(key, _Known(0, [], 0))
        return False

    def remember(self, key: Key, edition: int, edges: Edges) -> None:
        """Keep what an edition says; the caller hands the lists over."""
        self.forget(key)
        self._keep(key, _Known(edition, edges, sum(map(len, edges))))

    def take(self, key: Key, edition: int) -> Edges | None:
        """Return the beginnings of a list's chunks, if they are known, and forget them: they are to be changed."""
        edges = self.find(key, edition)
        self.forget(key)
        return edges

    def forget(self, key: Key) -> None:
        """Remember nothing of a list."""
        known = self._lists.pop(key, None)
        if known is not None:
            self._count -= known.size

    def is_look_due(self, key: Key, mails: int, *, every: int) -> bool:
        """Tell whether to look at the counts of a list's chunks, now that so many ``mails`` are counted in them.

        That is so for each ``every`` mails, and where nothing is remembered of the list.
        """
        known = self._lists.get(key)
        if known is None:
            return True
        known.unseen += mails
        if known.unseen < every:
            return False
        known.unseen = 0
        return True

    def _keep(self, key: Key, known: _Known) -> None:
        self._lists[key] = known
        self._count += known.size
        while len(self._lists) > 1 and (self._count > MAX_EDGES or len(self._lists) > MAX_LISTS):
            _, oldest = self._lists.popitem(last=False)
            self._count -= oldest.size


def draw_edition() -> int:
    """Return an edition that no list has had."""
    return random.getrandbits(62) | 1


@dataclass
class Cut:
    """Chunks of a folder that are being cut and joined; ``edges`` is where they begin, if that is known."""

    folder_id: FolderId
    edition: int
    edges: Edges | None
    has_changed: bool = False

    def add(self, index: int, low_key: bytes) -> None:
        """Note a new chunk of an order."""
        self.has_changed = True
        if self.edges is not None:
            insort(self.edges[index], low_key)

    def remove(self, index: int, low_key: bytes) -> None:
        """Note that a chunk of an order is gone."""
        self.has_changed = True
        if self.edges is not None:
            self.edges[index].remove(low_key)


def chunk_of(edges: Sequence[bytes], key: bytes) -> bytes:
    """Return the lowest key of the chunk that a key is in; the first chunk begins before every key."""
    return edges[bisect_right(edges, key) - 1]
