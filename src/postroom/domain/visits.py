"""Visits: each mailbox is looked after about once a day, so that no pass goes over all accounts.

When a mailbox is due is kept with it, in an index; the times are spread over the day. Whoever takes a due visit puts
off the next one in the same transaction, so that several processes share them. A visit that fails is made up for by
the next; what it has noted (folders to be cleared) is done by whoever finds it.

A visit forgets old history, removes what was long enough in Trash and Spam, and notes where history stands
(``history_mark``): so a later visit knows what had come into a folder by now. Marks are kept for as long as the class
of the account asks for, at least for :data:`MARKED_DAYS`, so that the automatic purge works at once where a class is
given one.
"""

from collections.abc import Mapping
from typing import NamedTuple

import structlog

from postroom.config.classes import AccountClass, class_of
from postroom.config.retention import RetentionConfig
from postroom.domain.autopurge import purge_old
from postroom.domain.clock import Clock
from postroom.domain.doomed import Doomed
from postroom.domain.maintenance import DAY_MILLISECONDS, purge_history, purge_security
from postroom.domain.quota import Quota
from postroom.domain.quota_notices import is_almost_full
from postroom.errors import PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store

AT_ONCE = 50
"""Visits taken by one transaction."""
MARKED_DAYS = 32
_SPREAD = 40_503
"""Any odd number: it scatters the accounts over the day."""

_log = structlog.get_logger("postroom.visits")


class Visited(NamedTuple):
    """What visits have done."""

    accounts: int = 0
    operations: int = 0
    """Entries of operation logs that were removed."""
    removals: int = 0
    """Removals that were forgotten."""


class Visits:
    """Looks after the mailboxes that are due."""

    def __init__(
        self,
        store: Store,
        classes: Mapping[str, AccountClass],
        retention: RetentionConfig,
        *,
        doomed: Doomed,
        clock: Clock,
    ) -> None:
        self._store = store
        self._classes = classes
        self._retention = retention
        self._doomed = doomed
        self._clock = clock

    async def visit_due(self) -> Visited:
        """Look after all mailboxes that are due. Raises: unavailable."""
        total = Visited()
        while taken := await self._take():
            for account_id in taken:
                try:
                    done = await self.visit(account_id)
                except PostroomError as error:
                    _log.warning(
                        "a mailbox could not be looked after",
                        account_id=account_id,
                        error=str(error),
                        private=error.private,
                    )
                else:
                    total = Visited(*(was + more for was, more in zip(total, done, strict=True)))
        return total

    async def _take(self) -> list[AccountId]:
        now = self._clock.now_ms()
        async with self._store.directory() as directory:
            due = await directory.visits.list_due(now, limit=AT_ONCE)
        if not due:
            return []
        async with self._store.directory_transaction() as tx:
            return await tx.visits.put_off(due, [next_visit(each.account_id, now) for each in due])

    async def visit(self, account_id: AccountId) -> Visited:
        """Look after one mailbox. Raises: notFound where the account is being removed; unavailable."""
        async with self._store.directory() as directory:
            account = await directory.directory.find(account_id)
        if account is None:
            return Visited()
        account_class = class_of(self._classes, account.class_name)
        now = self._clock.now_ms()
        if await self._needs_upkeep(account_id, account_class):
            await self._keep_up(account_id, account_class, now=now)
        await purge_security(self._store, account_id, self._retention, now_ms=now)
        purged = await purge_history(self._store, account_id, self._retention, now_ms=now)
        return Visited(1, *purged)

    async def _needs_upkeep(self, account_id: AccountId, account_class: AccountClass) -> bool:
        """Tell whether anything may be there to be written: in most accounts nothing happens on most days."""
        if account_class.autopurge.trash or account_class.autopurge.spam or any(Quota.of(account_class)):
            return True
        async with self._store.read(account_id) as mailbox:
            state = await mailbox.mailbox.find()
            return state is not None and state.modseq != await mailbox.upkeep.find_newest_mark()

    async def _keep_up(self, account_id: AccountId, account_class: AccountClass, *, now: int) -> None:
        policy, found = account_class.autopurge, False
        async with self._store.transaction(account_id) as tx:
            await tx.lock()
            modseq = await tx.upkeep.find_mark(now - policy.interval * DAY_MILLISECONDS)
            if modseq is not None and (policy.trash or policy.spam):
                found = await purge_old(tx, policy, modseq=modseq)
            state = await tx.mailbox.find()
            if state is not None and not is_almost_full(account_class, state):
                await tx.upkeep.forget_notice()
            if state is not None and state.modseq != await tx.upkeep.find_newest_mark():
                await tx.upkeep.mark(state.modseq, marked_at=now)
            days = max(policy.interval if policy.trash or policy.spam else 0, MARKED_DAYS)
            await tx.upkeep.forget_marks(now - days * DAY_MILLISECONDS)
        if found:
            self._doomed.begin(account_id)


def next_visit(account_id: AccountId, now: int) -> int:
    """Return when a mailbox is due next: at its own time of the day, in half a day at the earliest."""
    earliest = now + DAY_MILLISECONDS // 2
    own = account_id * _SPREAD * 1000
    return earliest + (own - earliest) % DAY_MILLISECONDS
