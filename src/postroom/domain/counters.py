"""The unread counter and its relatives, from maintained counters alone."""

from postroom.domain.logins import Logins
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import INBOX
from postroom.store import Store
from postroom.store.sql.folders import FolderCount
from postroom.store.sql.labels import LabelCount

__all__ = ["Counters", "FolderCount", "LabelCount"]


class Counters:
    """The counters of a caller's mailbox."""

    def __init__(self, store: Store, logins: Logins) -> None:
        self._store = store
        self._logins = logins

    def find_fast(self, authorization: bytes | None, session_token: bytes | None) -> int | None:
        """Return the unread count of the Inbox at once, None where only the ordinary way can tell."""
        if authorization is None:
            return None
        badge = self._logins.find_now(authorization, session_token)
        return None if badge is None else badge.unread

    async def unread(self, caller: Caller) -> int:
        """Return the number of unread mails in the caller's Inbox. Raises: notFound; unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            unread = await mailbox.folders.find_unread(INBOX)
        if unread is None:
            raise not_found("the mailbox")
        return unread

    async def folders(self, caller: Caller) -> list[FolderCount]:
        """Return the counters of the caller's own folders of type mails, by number. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            counts = await mailbox.folders.list_counts()
        return sorted(count for count in counts if count.folder_type == "mails")

    async def labels(self, caller: Caller) -> list[LabelCount]:
        """Return the counters of the caller's labels, by number. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await mailbox.labels.list_counts()
