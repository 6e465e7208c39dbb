"""How much a mailbox may hold: the limits of its account's class, checked in one place for whatever adds to it."""

from typing import NamedTuple

from postroom.config.classes import AccountClass
from postroom.errors import Kind, PostroomError
from postroom.store.sql.mailboxes import MailboxState
from postroom.store.tx import Snapshot

_KIB = 1024


class Quota(NamedTuple):
    """The most messages and bytes; 0 is no limit."""

    messages: int = 0
    size_bytes: int = 0

    @classmethod
    def of(cls, account_class: AccountClass) -> "Quota":
        """Return the quota of a class."""
        return cls(account_class.messages, account_class.quota_kb * _KIB)

    async def check(
        self, mailbox: Snapshot, *, more_messages: int = 0, more_bytes: int = 0
    ) -> MailboxState | None:
        """Refuse a mailbox that is over its limits, with what is to come; return what it holds if it has limits.

        Raises: messageQuotaExceeded; sizeQuotaExceeded.
        """
        if not self.messages and not self.size_bytes:
            return None
        state = await mailbox.mailbox.find()
        if state is None:
            return None
        if self.messages and state.total_items + more_messages > self.messages:
            raise PostroomError(
                Kind.DENIED, "messageQuotaExceeded", "the mailbox holds as many messages as it may"
            )
        if self.size_bytes and state.size_bytes + more_bytes > self.size_bytes:
            raise PostroomError(Kind.DENIED, "sizeQuotaExceeded", "the mailbox is as large as it may be")
        return state

    def is_passed(self, threshold: int, *, total_items: int, size_bytes: int) -> bool:
        """Tell whether a mailbox with so much in it holds ``threshold`` percent of what it may."""
        return bool(
            (self.messages and total_items * 100 >= self.messages * threshold)
            or (self.size_bytes and size_bytes * 100 >= self.size_bytes * threshold)
        )
