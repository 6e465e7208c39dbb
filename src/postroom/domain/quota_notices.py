"""Notices that a mailbox is almost full: a mail into the Inbox when a delivery passes the threshold of its class.

The delivery that passes it notes so, in its own transaction (:func:`note_usage`); the notice is filed behind it, in
another one (:mod:`postroom.domain.notices`), and notes nothing itself.

Each crossing is told once. A mailbox that goes up and down around the threshold is told of it once a day at most.
"""

from collections.abc import Mapping, Sequence

from postroom.compose.addresses import Address
from postroom.compose.quota_notice import QuotaNotice, Usage, compose_quota_notice
from postroom.config.classes import AccountClass, class_of
from postroom.content.digest import Digest
from postroom.domain.automatic import make_message_id
from postroom.domain.clock import Clock
from postroom.domain.notices import Prepare, file_notice
from postroom.domain.quota import Quota
from postroom.domain.settings import read_language
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.sql.mailboxes import MailboxState
from postroom.store.tx import Transaction

SPACING_MILLISECONDS = 86_400_000
"""Between two notices."""


def is_almost_full(account_class: AccountClass, state: MailboxState) -> bool:
    """Tell whether a mailbox has reached the threshold of its class."""
    return Quota.of(account_class).is_passed(
        account_class.over_quota_threshold, total_items=state.total_items, size_bytes=state.size_bytes
    )


async def note_usage(
    tx: Transaction, account_class: AccountClass, state: MailboxState, *, added: Sequence[int], now: int
) -> None:
    """Note it if a mailbox has reached its threshold and has not been told.

    Args:
        tx: the transaction of a delivery.
        account_class: the class of the account, which has a quota.
        state: what the mailbox holds with the delivery.
        added: the sizes of the messages delivered.
        now: the present time in Unix milliseconds.
    """
    if not is_almost_full(account_class, state):
        return
    before = state._replace(
        total_items=state.total_items - len(added), size_bytes=state.size_bytes - sum(added)
    )
    # What was above before was told then, if it was told at all: however long ago, it is the same crossing.
    told_before = 0 if is_almost_full(account_class, before) else now - SPACING_MILLISECONDS
    if await tx.upkeep.note_quota_passed(now=now, told_before=told_before):
        tx.after_commit(lambda: tx.follow_up(tx.account_id))


class QuotaNotices:
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
        async with self._store.read(account_id) as mailbox:
            if not await mailbox.upkeep.is_notice_due():
                return False
            state = await mailbox.mailbox.find()
            language = await read_language(mailbox) if state is not None else ""
        async with self._store.directory() as directory:
            account = await directory.directory.find(account_id)
        if account is None or state is None:
            return False
        raw = self._compose(account, state, language)
        digest = await self._prepare(raw, [account_id])
        try:
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                return await self._file(tx, self._class_of(account), digest)
        except PostroomError as error:
            if error.kind is Kind.NOT_FOUND:  # The account has been removed meanwhile.
                return False
            raise

    def _class_of(self, account: Account) -> AccountClass:
        return class_of(self._classes, account.class_name)

    def _compose(self, account: Account, state: MailboxState, language: str) -> bytes:
        quota = Quota.of(self._class_of(account))
        local_part, _, domain = account.address.rpartition("@")
        notice = QuotaNotice(
            to=Address(account.full_name, local_part, domain),
            language=language,
            usage=Usage(state.total_items, quota.messages, state.size_bytes, quota.size_bytes),
            message_id=make_message_id(domain),
            date=int(self._clock.now()),
        )
        return compose_quota_notice(notice)

    async def _file(self, tx: Transaction, account_class: AccountClass, digest: Digest) -> bool:
        """File a notice, unless another process has filed it, or there is room again."""
        if not await tx.upkeep.is_notice_due():
            return False
        state = await tx.mailbox.find()
        if state is None or not is_almost_full(account_class, state):
            await tx.upkeep.forget_notice()
            return False
        now = self._clock.now_ms()
        await file_notice(tx, digest, now=now)
        await tx.upkeep.note_quota_told(now=now)
        return True
