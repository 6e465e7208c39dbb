"""What a process remembers of mailboxes: things made of what was there at a position of the account's history.

Whoever remembers something can tell by its position whether it is still true, and makes it anew where it is missing.

Invariants: something older never takes the place of something newer; what a joined transaction sees of its own
changes is remembered by nobody, for it may never come true; the weight of all is bounded, and what was not asked for
the longest goes first. One that is heavier than all may be is kept alone.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from postroom.store import Store


class Positioned(Protocol):
    """Something that was true at a position."""

    @property
    def modseq(self) -> int:
        """The position."""

    @property
    def weight(self) -> int:
        """What it takes in memory; always the same."""


_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value", bound=Positioned)


class Memory(Generic[_Key, _Value]):
    """What is remembered of one kind, by keys."""

    def __init__(self, store: Store, *, most: int) -> None:
        """``most`` is the weight that all may have together."""
        self._store = store
        self._most = most
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._entries)

    def find(self, key: _Key) -> _Value | None:
        """Return what is remembered, whether it still holds or not."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def keep(self, key: _Key, value: _Value) -> None:
        """Remember something, in the place of what was known of the key."""
        known = self._entries.get(key)
        if self._store.is_joined() or (known is not None and known.modseq > value.modseq):
            return
        self.forget(key)
        self._entries[key] = value
        self.weight += value.weight
        while self.weight > self._most and len(self) > 1:
            self.forget(next(iter(self._entries)))

    def forget(self, key: _Key) -> None:
        """Remember nothing of a key."""
        value = self._entries.pop(key, None)
        if value is not None:
            self.weight -= value.weight
