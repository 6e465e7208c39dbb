"""Logins that failed: a line in the server's log for each, and an entry in the account's when there were many.

The line is for programs that ban addresses (docs/security.md has its form). It names the address of the account that
was tried, never what was typed: people type passwords where names belong.

The entry is written behind everything else, some time later and once a day at most, so that a try at an account that
there is takes no longer than one at an account that there is not.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from postroom.auth.throttle import Throttle
from postroom.config.auth import AuthConfig
from postroom.domain.security_log import note
from postroom.errors import PostroomError
from postroom.model.account import ACTIVE, Account
from postroom.model.ids import AccountId
from postroom.model.security import SecurityEventKind
from postroom.store import Store

DELAY_SECONDS = 1.0
SPACING_SECONDS = 86_400
MANY = 10
"""Failures that are many, where the configuration does not say."""
MAX_REMEMBERED = 10_000
REFUSALS_SECONDS = 1.0
"""Between two lines of tries that were refused unchecked."""

_log = structlog.get_logger("postroom.logins")


class LoginLog:
    """The failed logins of this process."""

    def __init__(self, store: Store, config: AuthConfig, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._many = config.attempts_per_name or MANY
        self._failures = Throttle(limit=self._many, window_seconds=config.attempts_window_seconds)
        self._now = now
        self._noted: OrderedDict[AccountId, float] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()
        self._refusals = 0
        self._refusals_told_at = float("-inf")

    def failed(self, account: Account | None, client: str) -> None:
        """Tell of a login that failed; ``account`` is the one that was tried, None for none."""
        _log.warning("login failed", client=client, account="" if account is None else account.address)
        if account is not None and account.state == ACTIVE:
            self._count(account.account_id, client)

    def refused(self, client: str) -> None:
        """Tell of a try that was refused without a check: there may be very many, so not of each."""
        self._refusals += 1
        now = self._now()
        if now - self._refusals_told_at >= REFUSALS_SECONDS:
            _log.warning("logins refused", client=client, count=self._refusals)
            self._refusals, self._refusals_told_at = 0, now

    def _count(self, account_id: AccountId, client: str) -> None:
        now, key = self._now(), str(account_id)
        self._failures.begin(key, now)
        if not self._failures.refused_seconds(key, now):
            return
        if self._noted.get(account_id, float("-inf")) > now - SPACING_SECONDS:
            return
        self._noted[account_id] = now
        self._noted.move_to_end(account_id)
        while len(self._noted) > MAX_REMEMBERED:
            self._noted.popitem(last=False)
        task = asyncio.create_task(self._note(account_id, client, now_ms=int(now * 1000)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _note(self, account_id: AccountId, client: str, *, now_ms: int) -> None:
        await asyncio.sleep(DELAY_SECONDS)
        kind = SecurityEventKind.MANY_FAILED_LOGINS
        try:
            async with self._store.directory_transaction() as tx:
                account = await tx.directory.find(account_id)
                if account is not None and account.state == ACTIVE:
                    await note(
                        tx, account_id, kind, client=client, details={"count": self._many}, now_ms=now_ms
                    )
        except PostroomError as error:
            _log.warning("failed logins could not be noted", error=str(error), private=error.private)

    async def wait(self) -> None:
        """Wait until all that happened is written."""
        await asyncio.gather(*self._writing)

    async def close(self) -> None:
        """Stop; what is not written is not."""
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)
