"""The unread counter and its relatives, from maintained counters alone.

Who has the figures already may wait until they differ: the call is held, and looks again when something of the
account is committed, and now and then by itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from postroom.domain.logins import Logins
from postroom.domain.news import News
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import INBOX
from postroom.store import Store
from postroom.store.sql.folders import FolderCount
from postroom.store.sql.labels import LabelCount

__all__ = ["Counters", "FolderCount", "LabelCount"]

LOOK_SECONDS = 25.0
"""How often who waits looks by himself: a process that dies may leave a commit untold."""


class Counters:
    """The counters of a caller's mailbox."""

    def __init__(self, store: Store, logins: Logins, news: News) -> None:
        self._store = store
        self._logins = logins
        self._news = news

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

    async def iter_news(
        self, caller: Caller, *, seconds: float, gone: "asyncio.Future[None]"
    ) -> AsyncGenerator[None, None]:
        """Yield whenever the caller's counters may have changed, at once too, until the time is over.

        It also ends when ``gone`` is done: the client has left; and when the server stops.
        Raises: tooManyRequests; unavailable.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        woken = asyncio.Event()
        wake = woken.set
        gone.add_done_callback(lambda _: wake())
        with self._news.place(caller.account_id), contextlib.ExitStack() as stack:
            stack.callback(self._news.ignore, caller.account_id, wake)
            await self._news.listen(caller.account_id, wake)
            while not gone.done() and not self._news.is_closed:
                woken.clear()
                yield
                left = deadline - clock()
                if left <= 0:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_SECONDS)):
                        await woken.wait()
