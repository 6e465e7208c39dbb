"""Telling hooks what happened: finding those that are due, and giving each its turns.

A hook is due when its account's history is ahead of it; :mod:`postroom.domain.webhook_turns` says what is done then.
Due hooks are found in three ways: :meth:`WebhookRunner.wake` tells of an account that has changed, and every few
seconds those are looked for whose time of waiting is over, and those whose account has moved on unnoticed: in
another process, or before this one started.

Nobody waits for a slow receiver but those who are slow themselves: turns go through two lanes, each with its own
number of places, and whoever failed or was slow goes through the second. When a turn has taken some time it ends,
and the hook goes to the end of the queue.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Protocol

import structlog

from postroom.domain.webhook_turns import Render, Sender, Turns
from postroom.domain.webhooks import Webhooks
from postroom.errors import PostroomError
from postroom.model.ids import AccountId
from postroom.model.webhook import WebhookId
from postroom.store import Store
from postroom.store.sql.webhooks import WebhookState

LANE_PLACES = 50
MAX_TASKS = 2000
"""Hooks that wait or are worked on; further ones are found later."""
POLL_SECONDS = 3.0
SWEEP_PAGE = 500
SWEEP_PAGES = 20
"""Pages of hooks that are looked at in one go; the others have their turn next time."""
GRACE_SECONDS = 2.0
Wake = Callable[[], None]

_log = structlog.get_logger("postroom.webhooks")


class News(Protocol):
    """Tells of commits."""

    async def listen(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called from now on, whenever something of an account was committed."""

    def ignore(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called no more."""


class WebhookRunner:
    """Works on the hooks of a store, for one process."""

    def __init__(
        self,
        store: Store,
        webhooks: Webhooks,
        *,
        sender: Sender,
        render: Render,
        news: News | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Without ``news`` of commits, changes are noticed when they are looked for."""
        self._store = store
        self._news = news
        self._wakes: dict[AccountId, Wake] = {}
        self._turns = Turns(store, webhooks, sender=sender, render=render, now=now)
        self._now = now
        self._woken: set[AccountId] = set()
        self._something = asyncio.Event()
        self._hooked: set[AccountId] = set()
        """Accounts that hooks are told of, as far as is known."""
        self._seen: set[AccountId] = set()
        self._cursor = 0
        self._tasks: dict[WebhookId, asyncio.Task[None]] = {}
        self._again: set[WebhookId] = set()
        self._quick_lane = asyncio.Semaphore(LANE_PLACES)
        self._slow_lane = asyncio.Semaphore(LANE_PLACES)
        webhooks.on_change = self.notice

    def wake(self, account_id: AccountId) -> None:
        """Note that an account has changed. It costs next to nothing where the account has no hooks."""
        if account_id in self._hooked:
            self._woken.add(account_id)
            self._something.set()

    def notice(self, account_id: AccountId) -> None:
        """Note that a hook that is told of an account was made or changed."""
        self._hooked.add(account_id)
        self._seen.add(account_id)
        self.wake(account_id)

    async def run(self) -> None:
        """Work until cancelled; what is being sent then gets a moment to end."""
        try:
            while True:
                await self._try(self.look)
                await self._follow(time.monotonic() + POLL_SECONDS)
        finally:
            await self.close()

    async def _follow(self, end: float) -> None:
        """Work on the hooks of accounts that change, until a time of the monotonic clock."""
        while (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._something.wait()
            except TimeoutError:
                return
            await self._try(self._look_at_woken)

    async def _try(self, look: Callable[[], Awaitable[None]]) -> None:
        """Look for hooks; where the store cannot be reached, leave it at that."""
        try:
            await look()
        except PostroomError as error:
            _log.warning("webhooks wait", error=str(error), private=error.private)
        except Exception:  # noqa: BLE001 - a fault must not end the work for all hooks, for good
            _log.exception("webhooks wait")

    async def look(self) -> None:
        """Start work on all hooks that are due. Raises: unavailable."""
        await self._look_at_woken()
        async with self._store.directory() as directory:
            waited = await directory.webhook_work.list_due(self._milliseconds(), limit=SWEEP_PAGE)
        self._start(waited)
        for _ in range(SWEEP_PAGES):
            async with self._store.directory() as directory:
                states = await directory.webhook_work.list_after(self._cursor, limit=SWEEP_PAGE)
            self._seen.update(state.owner_id for state in states if state.is_enabled)
            self._start(states)
            if len(states) < SWEEP_PAGE:
                self._cursor = 0
                self._hooked, self._seen = self._seen, set()
                await self._listen_to_hooked()
                return
            self._cursor = states[-1].webhook_id
            await asyncio.sleep(0)

    async def _look_at_woken(self) -> None:
        self._something.clear()
        while self._woken:
            account_id = self._woken.pop()
            await self._listen(account_id)
            async with self._store.directory() as directory:
                states = await directory.webhook_work.list_of(account_id)
            self._again.update(state.webhook_id for state in states if state.webhook_id in self._tasks)
            self._start(states)

    async def _listen(self, account_id: AccountId) -> None:
        """Have this runner woken when the account changes."""
        if self._news is not None and account_id not in self._wakes:
            wake = partial(self.wake, account_id)
            await self._news.listen(account_id, wake)
            self._wakes[account_id] = wake

    async def _listen_to_hooked(self) -> None:
        for account_id in tuple(self._hooked):
            await self._listen(account_id)
        for account_id in self._wakes.keys() - self._hooked:
            if self._news is not None:
                self._news.ignore(account_id, self._wakes.pop(account_id))

    def _start(self, states: Iterable[WebhookState]) -> None:
        """Start work on those hooks that are due."""
        now = self._milliseconds()
        for state in states:
            if state.webhook_id in self._tasks or not state.is_due(now) or len(self._tasks) >= MAX_TASKS:
                continue
            if state.attempts:
                self._turns.mark_slow(state.webhook_id)
            self._tasks[state.webhook_id] = asyncio.create_task(self._work(state.webhook_id))

    async def _work(self, webhook_id: WebhookId) -> None:
        """Take turns for a hook while there is something to do."""
        try:
            has_more = True
            while has_more and not self._turns.is_closing:
                self._again.discard(webhook_id)
                async with self._slow_lane if self._turns.is_slow(webhook_id) else self._quick_lane:
                    has_more = await self._turns.take(webhook_id)
                has_more = has_more or webhook_id in self._again
        except PostroomError as error:
            _log.warning("a webhook waits", webhook=webhook_id, error=str(error), private=error.private)
        except Exception:  # noqa: BLE001 - a fault in one is no concern of the others; its lease keeps it waiting
            _log.exception("a webhook failed", webhook=webhook_id)
        finally:
            self._again.discard(webhook_id)
            del self._tasks[webhook_id]

    async def settle(self) -> None:
        """Wait until nothing is being worked on."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """End the work: what is being sent gets a moment to end."""
        self._turns.is_closing = True
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=GRACE_SECONDS)
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)
