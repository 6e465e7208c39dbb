"""Turns: what is costly is done once at a time for each account or name, so that nobody keeps all others waiting."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary


class Turns:
    """The turns of all, in this process. Those who wait have theirs in the order they came."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def of(self, whose: Hashable) -> asyncio.Lock:
        """Return what is held for the time of a turn; it is there while somebody has it."""
        return self._locks.setdefault(whose, asyncio.Lock())
