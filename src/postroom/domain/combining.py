"""Combining: what is asked for at the same time is done as one.

A transaction has a price of its own, whatever it does: it takes the account's row, counts folders and labels, and
commits. While one runs, the requests for the same account gather, and the next takes them all. Nobody waits for the
sake of a larger group: a request that comes alone begins at once.

Source: flat combining (Hendler, Incze, Shavit, Tzafrir, 2010), for one event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from postroom.model.ids import AccountId

MOST_TOGETHER = 64
"""Requests done as one, so that others do not wait long for the store."""

Request = TypeVar("Request")
Result = TypeVar("Result")
Work = Callable[[AccountId, Sequence[Request]], Awaitable[Sequence[Result | Exception]]]


class Combiner(Generic[Request, Result]):
    """Requests for accounts, each to be done with others of its account."""

    def __init__(self, work: "Work[Request, Result]", key: Callable[[Request], Hashable]) -> None:
        """Take what does the work.

        Args:
            work: does requests of an account; returns for each, in order, its result or what it is refused with.
            key: what a request is about; two of the same are never done together, but in the order they came.
        """
        self._work = work
        self._key = key
        self._waiting: dict[AccountId, list[tuple[Request, asyncio.Future[Result]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, account_id: AccountId, request: Request) -> Result:
        """Do a request, and return its result or raise what it is refused with."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(account_id)
        if waiting is None:
            self._waiting[account_id] = [(request, future)]
            # In a context of its own: what it does is not a part of this one request.
            task = asyncio.get_running_loop().create_task(self._run(account_id), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append((request, future))
        return await future

    async def _run(self, account_id: AccountId) -> None:
        """Work until nothing waits; as long as this runs, the account has an entry in ``_waiting``."""
        group: list[tuple[Request, asyncio.Future[Result]]] = []
        try:
            while group := self._take(account_id):
                await self._do_group(account_id, group)
        finally:
            # Where this was ended from outside, nobody is left waiting for what will not come.
            for _, future in group + self._waiting.pop(account_id):
                future.cancel()

    async def _do_group(
        self, account_id: AccountId, group: Sequence[tuple[Request, "asyncio.Future[Result]"]]
    ) -> None:
        results: Sequence[Result | Exception]
        try:
            results = await self._work(account_id, [request for request, _ in group])
        except Exception as error:  # noqa: BLE001 (whatever it is, all of the group must be told)
            results = [error] * len(group)
        for (_, future), result in zip(group, results, strict=True):
            _settle(future, result)

    def _take(self, account_id: AccountId) -> list[tuple[Request, asyncio.Future[Result]]]:
        """Return what is to be done next, without those who do not wait any more."""
        group: list[tuple[Request, asyncio.Future[Result]]] = []
        later: list[tuple[Request, asyncio.Future[Result]]] = []
        keys: set[Hashable] = set()
        for entry in self._waiting[account_id]:
            request, future = entry
            if future.done():
                continue
            key = self._key(request)
            if key in keys or len(group) == MOST_TOGETHER:
                later.append(entry)
            else:
                group.append(entry)
            keys.add(key)
        self._waiting[account_id] = later
        return group


def _settle(future: "asyncio.Future[Result]", result: Result | Exception) -> None:
    if future.done():  # its caller was cancelled meanwhile
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
