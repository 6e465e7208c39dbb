"""Notices of what happened to the security of an account: a mail into the Inbox.

Whatever enters an event into the log of an account has a notice filed behind it, in a transaction of its own, as
:mod:`postroom.domain.notices` tells. Nothing is told of what the operator did, nor of kinds that the class of the
account leaves out.

A notice tells of all that was not told yet. There are at most :data:`MOST_AN_HOUR` an hour; what happens beyond that
is told by one notice when the hour is over.
"""

from collections.abc import Mapping, Sequence

from postroom.compose.addresses import Address
from postroom.compose.security_notice import Happened, SecurityNotice, compose_security_notice
from postroom.config.classes import AccountClass, class_of
from postroom.content.digest import Digest
from postroom.domain.automatic import make_message_id
from postroom.domain.clock import Clock
from postroom.domain.notices import Prepare, file_notice
from postroom.domain.security_log import MOST_KEPT
from postroom.domain.settings import read_language
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.ids import AccountId
from postroom.model.security import SecurityEvent
from postroom.store import Store
from postroom.store.sql.security_events import NoticeState

MOST_AN_HOUR = 5
MOST_LISTED = 20
"""Events that one notice lists; of more it says how many."""
HOUR_MILLISECONDS = 3_600_000


class SecurityNotices:
    """Files the notices that are due."""

    def __init__(
        self, store: Store, classes: Mapping[str, AccountClass], *, prepare: Prepare, clock: Clock
    ) -> None:
        """``prepare`` makes a notice ready to be stored."""
        self._store = store
        self._classes = classes
        self._prepare = prepare
        self._clock = clock

    async def file_due(self, account_id: AccountId) -> bool:
        """File the notice of an account if one is due; return whether it was filed. Raises: unavailable."""
        now = self._clock.now_ms()
        async with self._store.directory() as tables:
            state = await tables.security_events.find_notice(account_id)
        if state is None or not state.due_at or state.due_at > now:
            return False
        state = _begin_hour(state, now)
        if state.told_in_hour >= MOST_AN_HOUR:
            async with self._store.directory_transaction() as tx:
                await tx.security_events.put_off(account_id, state.hour_began_at + HOUR_MILLISECONDS)
            return False
        async with self._store.directory() as tables:
            account = await tables.directory.find(account_id)
        if account is None:
            return False
        events = await self._list_untold(account, state)
        if not events:
            async with self._store.directory_transaction() as tx:
                await tx.security_events.set_told(account_id, state)
            return False
        digest = await self._prepare(await self._compose(account, events), [account_id])
        return await self._file(account_id, state._replace(told_in_hour=state.told_in_hour + 1), digest)

    async def _list_untold(self, account: Account, state: NoticeState) -> list[SecurityEvent]:
        account_class = class_of(self._classes, account.class_name)
        wanted = account_class.restrictions.security_policy.notices
        async with self._store.directory() as tables:
            events = await tables.security_events.list_untold(account.account_id, state, limit=MOST_KEPT)
        return [event for event in events if event.kind in wanted]

    async def _compose(self, account: Account, events: Sequence[SecurityEvent]) -> bytes:
        async with self._store.read(account.account_id) as mailbox:
            language = await read_language(mailbox)
        local_part, _, domain = account.address.rpartition("@")
        happened = [Happened(one.happened_at // 1000, one.kind, one.client) for one in events[:MOST_LISTED]]
        return compose_security_notice(
            SecurityNotice(
                to=Address(account.full_name, local_part, domain),
                language=language,
                happened=happened,
                more=len(events) - len(happened),
                message_id=make_message_id(domain),
                date=int(self._clock.now()),
            )
        )

    async def _file(self, account_id: AccountId, state: NoticeState, digest: Digest) -> bool:
        """File a notice, unless another process has filed it."""
        try:
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                last = await tx.tables.security_events.set_told(account_id, state)
                if last is None:
                    return False
                await file_notice(tx, digest, now=self._clock.now_ms())
                if last > state.last_event_id:
                    # More has happened while this was written.
                    await tx.tables.security_events.set_due(account_id, self._clock.now_ms())
                    tx.after_commit(lambda: tx.follow_up(account_id))
        except PostroomError as error:
            if error.kind is Kind.NOT_FOUND:  # The account has been removed meanwhile.
                return False
            raise
        return True


def _begin_hour(state: NoticeState, now: int) -> NoticeState:
    if now - state.hour_began_at < HOUR_MILLISECONDS:
        return state
    return state._replace(hour_began_at=now, told_in_hour=0)
