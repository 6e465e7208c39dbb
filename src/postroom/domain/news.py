"""News: who waits for changes of which account, and is woken when one is committed.

The store tells of every commit: of this process's at once, of others' soon after (see the engines). A listener is a
function without arguments that must be quick; what has changed it finds out itself, by reading. So nothing grows for
one that is slow, and being woken once too often costs a look-up. Where nobody listens a commit costs one look-up in
a dictionary.

How many may wait is limited, by account and in all: each has a connection and some memory.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from postroom.errors import Kind, PostroomError, unavailable
from postroom.model.ids import AccountId
from postroom.store import Store

RETRY_SECONDS = 30
"""What one who is refused is told to wait."""

Wake = Callable[[], None]


class News:
    """The listeners of this process."""

    def __init__(self, store: Store, *, max_per_account: int = 100, max_in_all: int = 10_000) -> None:
        self._store = store
        self._max_per_account = max_per_account
        self._max_in_all = max_in_all
        self._listeners: dict[int, set[Wake]] = {}
        self._places: Counter[AccountId] = Counter()
        self._taken = 0
        self._starting: asyncio.Task[None] | None = None
        self.is_closed = False

    @contextmanager
    def place(self, account_id: AccountId) -> Iterator[None]:
        """Take one of the places of those who wait. Raises: tooManyRequests; unavailable while the server stops."""
        if self.is_closed:
            raise unavailable("the server is being stopped")
        if self._places[account_id] >= self._max_per_account or self._taken >= self._max_in_all:
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                "too many event streams and waiting calls",
                retry_after_seconds=RETRY_SECONDS,
            )
        self._places[account_id] += 1
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._places[account_id] -= 1
            if not self._places[account_id]:
                del self._places[account_id]

    async def listen(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called from now on, whenever something of an account was committed. Raises: unavailable."""
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.create_task(self._store.listen(self._tell))
        await asyncio.shield(self._starting)
        self._listeners.setdefault(account_id, set()).add(wake)

    def ignore(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called no more."""
        listeners = self._listeners.get(account_id)
        if listeners is not None:
            listeners.discard(wake)
            if not listeners:
                del self._listeners[account_id]

    def _tell(self, account_ids: Iterable[int] | None) -> None:
        told = list(self._listeners) if account_ids is None else account_ids
        for account_id in told:
            for wake in tuple(self._listeners.get(account_id, ())):
                wake()

    def job_changed(self, account_id: AccountId, _: str) -> None:
        """Tell that a job of an account has gone on; how far it is, is read with the rest."""
        self._tell((account_id,))

    def close(self) -> None:
        """Send everybody home; whoever comes later is refused."""
        self.is_closed = True
        self._tell(None)
