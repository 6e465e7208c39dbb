"""Rebuilding the full-text index from the messages, while the server runs.

For each account: entries of messages that are gone are removed, then each message is digested anew, its documents are
read if it has some, and what the index has of it is replaced; a slice of messages at a time, each slice a transaction
that holds the write lock shortly. Until its turn comes, each message is found as before, and what is delivered
meanwhile is indexed by its delivery. So nothing is lost where this is interrupted, and it can be run again.

Where the index itself is damaged, it is emptied first. Then messages are not found until their turn comes, and how
far that is, is kept in the store (:mod:`postroom.domain.indexes` tells it).

Messages that cannot be read are counted, and keep what the index has of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from postroom.content.extractor import Extractor
from postroom.content.work import ContentWork
from postroom.domain.indexes import SCRATCH
from postroom.domain.steps import Record
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.ids import AccountId, ContentId
from postroom.search.terms import IndexTerms
from postroom.store import Store
from postroom.store.tx import Transaction

SLICE = 25
"""Messages replaced in one transaction."""
SLICE_CHARS = 4 << 20
"""Their text together, beyond which a slice ends."""
UNINDEX_SLICE = 500
_ACCOUNTS = 100


class Progress(NamedTuple):
    """How far the index of one account is."""

    address: str
    done: int
    total: int


@dataclass
class Rebuilt:
    """What was done."""

    accounts: int = 0
    messages: int = 0
    documents: int = 0
    """Documents that were read."""
    removed: int = 0
    """Entries of messages that were gone."""
    problems: list[str] = field(default_factory=list)
    """Messages that could not be read, in words."""


class _Entry(NamedTuple):
    """What the index is to have of a message.

    ``is_read`` tells whether its documents are in it, False whether they are to be read later; None where there is
    nothing to say of that.
    """

    content_id: ContentId
    terms: IndexTerms
    is_read: bool | None


class SearchRebuild:
    """Rebuilds the full-text index."""

    def __init__(
        self,
        store: Store,
        work: ContentWork,
        extractor: Extractor | None,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        """Without an extractor no documents are read."""
        self._store = store
        self._work = work
        self._extractor = extractor
        self._on_progress = on_progress

    async def run(self, *, only: AccountId | None = None, is_from_scratch: bool = False) -> Rebuilt:
        """Rebuild the index of all accounts, or of one; return what was done.

        With ``is_from_scratch`` that of all accounts is emptied first. Raises: unavailable; OSError.
        """
        rebuilt = Rebuilt()
        if is_from_scratch:
            async with self._store.directory_transaction() as tx:
                await tx.clear_index()
                await tx.meta.put(SCRATCH, "0")
        async with self._store.directory() as directory:
            made = await directory.meta.find(SCRATCH)
        last = 0
        while accounts := await self._list_accounts(last):
            for account in accounts:
                if only is None or account.account_id == only:
                    await self._rebuild(account, rebuilt)
                if made and only is None and account.account_id > int(made):
                    await self._note(made := str(account.account_id))
            last = accounts[-1].account_id
        if made and only is None:
            await self._note("")
        return rebuilt

    async def _note(self, made: str) -> None:
        """Note up to which account an index that was emptied has been made again."""
        async with self._store.directory_transaction() as tx:
            await tx.meta.put(SCRATCH, made)

    async def _list_accounts(self, after: int) -> list[Account]:
        async with self._store.directory() as directory:
            return await directory.directory.list_after(after, limit=_ACCOUNTS)

    async def _rebuild(self, account: Account, rebuilt: Rebuilt) -> None:
        try:
            rebuilt.removed += await self._remove_extra(account.account_id)
            async with self._store.read(account.account_id) as mailbox:
                numbers = sorted(number for number, _ in await mailbox.contents.list_references())
            self._on_progress(Progress(account.address, 0, len(numbers)))
            entries: list[_Entry] = []
            for done, number in enumerate(numbers, start=1):
                entry = await self._try_digest(account, number, rebuilt)
                entries += [entry] if entry is not None else []
                if len(entries) >= SLICE or _chars(entries) >= SLICE_CHARS or done == len(numbers):
                    rebuilt.messages += await self._replace(account.account_id, entries)
                    entries = []
                    self._on_progress(Progress(account.address, done, len(numbers)))
                    # Whoever waits for the store has a turn between two slices.
                    await asyncio.sleep(0)
        except PostroomError as error:
            if error.kind is not Kind.NOT_FOUND:  # else the account has been removed meanwhile
                raise
        else:
            rebuilt.accounts += 1

    async def _remove_extra(self, account_id: AccountId) -> int:
        """Remove the entries of messages that are gone."""
        async with self._store.read(account_id) as mailbox:
            indexed = await mailbox.recounts.list_indexed()
            known = {int(number) for number, _ in await mailbox.contents.list_references()}
        extra = sorted(indexed - known)
        for start in range(0, len(extra), UNINDEX_SLICE):
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                # A number that was not known is never given out again, or the message is new and has just come.
                for number in extra[start : start + UNINDEX_SLICE]:
                    if await tx.contents.find_head(ContentId(number)) is None:
                        await tx.unindex(number)
        return len(extra)

    async def _try_digest(self, account: Account, number: ContentId, rebuilt: Rebuilt) -> _Entry | None:
        try:
            return await self._digest(account.account_id, number, rebuilt)
        except PostroomError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            rebuilt.problems.append(f"{account.address}: content {number}: {error.message}")
            return None

    async def _digest(self, account_id: AccountId, number: ContentId, rebuilt: Rebuilt) -> _Entry | None:
        async with self._store.peek(account_id) as mailbox:
            content = await mailbox.contents.find(number)
        if content is None:  # it has been removed meanwhile
            return None
        reader = await self._store.messages.open(account_id, content)
        try:
            digest = await self._work.digest(await reader.read(0, reader.size_bytes))
            if not digest.has_documents or self._extractor is None:
                return _Entry(number, digest.index_terms, None)
            result = await self._extractor.read(account_id, reader)
        finally:
            reader.close()
        if result is None:
            return _Entry(number, digest.index_terms, False)
        rebuilt.documents += result.read
        return _Entry(number, result.terms or digest.index_terms, not result.killed)

    async def _replace(self, account_id: AccountId, entries: Sequence[_Entry]) -> int:
        """Replace what the index has of some messages, as far as they are still there; return how many that were."""
        if not entries:
            return 0
        async with self._store.transaction(account_id) as tx:
            await tx.lock()
            there = [entry for entry in entries if await tx.contents.find_head(entry.content_id) is not None]
            for entry in there:
                await _write(tx, entry)
            if there:
                # Who remembers what a search has found is told that it may be something else now.
                state = await tx.advance(folders=False)
                await tx.log("index", Record(), modseq=state.modseq)
        return len(there)


def _chars(entries: Sequence[_Entry]) -> int:
    return sum(len(text) for entry in entries for text in entry.terms)


async def _write(tx: Transaction, entry: _Entry) -> None:
    await tx.unindex(entry.content_id)
    await tx.index(entry.content_id, entry.terms)
    if entry.is_read:
        await tx.extractions.remove(entry.content_id)
    elif entry.is_read is False:
        await tx.extractions.add(entry.content_id)
