"""Making conversations anew from the messages, while the server runs.

For each account: what each message is joined by is read from it again, and stored where that is something else; then
all that is kept of conversations is compared with what the mails say, and set right where it is wrong. What is right
is left alone, so that this changes nothing where nothing is wrong, and may be interrupted and run again. It is
compared on a snapshot; only a repair holds the account's writers off, while it reads all of its mails.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from postroom.content.work import ContentWork
from postroom.domain.search_rebuild import Progress
from postroom.domain.steps import Record
from postroom.domain.thread_check import find_faults, repair_conversations
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.ids import AccountId, ContentId
from postroom.store import Store

SLICE = 100
"""Messages after which others have a turn, and progress is told."""
_ACCOUNTS = 100


@dataclass
class Rethreaded:
    """What was done."""

    accounts: int = 0
    messages: int = 0
    corrected: int = 0
    """Faults that were set right."""
    problems: list[str] = field(default_factory=list)
    """Messages that could not be read, in words."""


class ThreadRebuild:
    """Makes conversations anew."""

    def __init__(
        self, store: Store, work: ContentWork, *, on_progress: Callable[[Progress], None] = lambda _: None
    ) -> None:
        self._store = store
        self._work = work
        self._on_progress = on_progress

    async def run(self, *, only: AccountId | None = None) -> Rethreaded:
        """Do it for all accounts, or for one; return what was done. Raises: unavailable; OSError."""
        rethreaded = Rethreaded()
        last = 0
        while accounts := await self._list_accounts(last):
            for account in accounts:
                if only is None or account.account_id == only:
                    await self._rebuild(account, rethreaded)
            last = accounts[-1].account_id
        return rethreaded

    async def _list_accounts(self, after: int) -> list[Account]:
        async with self._store.directory() as directory:
            return await directory.directory.list_after(after, limit=_ACCOUNTS)

    async def _rebuild(self, account: Account, rethreaded: Rethreaded) -> None:
        try:
            await self._read_messages(account, rethreaded)
            rethreaded.corrected += await self._correct(account.account_id)
        except PostroomError as error:
            if error.kind is not Kind.NOT_FOUND:  # else the account has been removed meanwhile
                raise
        else:
            rethreaded.accounts += 1

    async def _read_messages(self, account: Account, rethreaded: Rethreaded) -> None:
        async with self._store.read(account.account_id) as mailbox:
            stored = await mailbox.thread_recounts.list_threadings()
        for done, (number, threading) in enumerate(sorted(stored.items()), start=1):
            try:
                found = await self._read(account.account_id, number)
            except PostroomError as error:
                if error.kind is Kind.UNAVAILABLE:
                    raise
                rethreaded.problems.append(f"{account.address}: content {number}: {error.message}")
                continue
            rethreaded.messages += found is not None
            if found not in {None, threading}:
                async with self._store.transaction(account.account_id) as tx:
                    await tx.thread_recounts.set_threading(number, found or b"")
            if done % SLICE == 0 or done == len(stored):
                self._on_progress(Progress(account.address, done, len(stored)))
                await asyncio.sleep(0)

    async def _read(self, account_id: AccountId, number: ContentId) -> bytes | None:
        """Return what a message is joined by, None if it is gone."""
        async with self._store.peek(account_id) as mailbox:
            content = await mailbox.contents.find(number)
        if content is None:
            return None
        reader = await self._store.messages.open(account_id, content)
        try:
            return (await self._work.digest(await reader.read(0, reader.size_bytes))).threading
        finally:
            reader.close()

    async def _correct(self, account_id: AccountId) -> int:
        """Set right what is wrong; return how many faults there were."""
        async with self._store.directory() as tables, self._store.read(account_id) as mailbox:
            faults = await find_faults(mailbox, tables)
        if not faults:
            return 0
        async with self._store.transaction(account_id) as tx:
            state = await tx.advance()
            await repair_conversations(tx)
            await tx.log("rethread", Record(), modseq=state.modseq)
        return len(faults)
