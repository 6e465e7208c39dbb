"""Turns: what is costly is done once at a time for each account, so that nobody keeps all others waiting."""

import asyncio
from weakref import WeakValueDictionary

from postroom.model.ids import AccountId


class Turns:
    """The turns of all accounts, in this process. Those who wait have theirs in the order they came."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[AccountId, asyncio.Lock] = WeakValueDictionary()

    def of(self, account_id: AccountId) -> asyncio.Lock:
        """Return what is held for the time of a turn of an account; it is there while somebody has it."""
        return self._locks.setdefault(account_id, asyncio.Lock())
