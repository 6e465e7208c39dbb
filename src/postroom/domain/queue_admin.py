"""The outgoing queue as an operator sees it: what waits, why, and what is to be done with it.

All of it works while servers run: what is being sent just now is broken off when it is cancelled, and what is to be
tried at once is found by the next look at the queue.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from postroom.config.sending import SendingConfig
from postroom.domain.history import write_down
from postroom.domain.outbox import read_content
from postroom.domain.queue_settling import finish
from postroom.domain.references import restore_reference, unmark_referred
from postroom.domain.rewriting import make_draft
from postroom.domain.steps import Move, Moved, Step
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.folder import DRAFTS
from postroom.model.folder import SCHEDULED as SCHEDULED_FOLDER
from postroom.model.outgoing import (
    SCHEDULED,
    WAITING,
    Outgoing,
    OutgoingGroup,
    OutgoingRecipient,
    ProcessingId,
)
from postroom.store import Store
from postroom.store.tx import Transaction

PAGE = 200
SLICE = 500
_DAY_MS = 86_400_000


class QueuedMessage(NamedTuple):
    """A message in the queue with all that is known of it."""

    message: Outgoing
    recipients: Sequence[OutgoingRecipient]
    groups: Sequence[OutgoingGroup]

    @property
    def next_try_at(self) -> int:
        """When something of it is tried next, in Unix milliseconds; 0 for never."""
        return min((group.next_try_at for group in self.groups if not group.is_held), default=0)

    @property
    def is_held(self) -> bool:
        """Something of it waits for an operator."""
        return any(group.is_held for group in self.groups)

    @property
    def failure(self) -> str:
        """Why something of it waits, "" if it was not tried."""
        return next((group.failure for group in self.groups if group.failure), "")

    @property
    def waiting(self) -> list[OutgoingRecipient]:
        """The recipients that are not settled."""
        return [recipient for recipient in self.recipients if recipient.state == WAITING]


class QueueAdmin:
    """The use cases of operators."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def iter_waiting(self) -> AsyncIterator[QueuedMessage]:
        """Yield the messages that are not finished, the oldest first. Raises: unavailable."""
        last = 0
        while True:
            async with self._store.directory() as directory:
                page = await directory.outgoing.list_unfinished(last, limit=PAGE)
            for message in page:
                yield await self._look_at(message)
            if len(page) < PAGE:
                return
            last = page[-1].processing_id

    async def find(self, processing_id: ProcessingId) -> QueuedMessage:
        """Return a message, finished or not. Raises: notFound; unavailable."""
        async with self._store.directory() as directory:
            message = await directory.outgoing.find(processing_id)
        if message is None:
            raise not_found(f"message {processing_id}")
        return await self._look_at(message)

    async def _look_at(self, message: Outgoing) -> QueuedMessage:
        async with self._store.directory() as directory:
            recipients = await directory.outgoing.list_recipients(message.processing_id)
            groups = await directory.outgoing.list_groups(message.processing_id)
        return QueuedMessage(message, recipients, groups)

    async def retry(self, processing_id: ProcessingId, *, now: int) -> int:
        """Have a message tried at once; return how many of its groups will be that would have waited.

        Raises: notFound; conflict for one that is finished, held, or not to be sent yet; unavailable.
        """
        queued = await self.find(processing_id)
        if queued.message.finished_at:
            raise _conflict(f"message {processing_id} is finished")
        if queued.message.release_at > now:
            raise _conflict(f"message {processing_id} is not to be sent yet")
        if queued.is_held and not queued.next_try_at:
            raise _conflict(f"message {processing_id} is held since a restore: postroom queue release")
        async with self._store.directory_transaction() as tx:
            return await tx.outgoing.try_now(processing_id, now=now)

    async def retry_all(self, *, now: int) -> int:
        """Have all messages tried at once that may be; return how many groups would have waited.

        Raises: unavailable.
        """
        last = tried = 0
        while True:
            async with self._store.directory_transaction() as tx:
                page = await tx.outgoing.list_unfinished(last, limit=PAGE)
                for message in page:
                    tried += await tx.outgoing.try_now(message.processing_id, now=now)
            if len(page) < PAGE:
                return tried
            last = page[-1].processing_id

    async def release(self, processing_id: ProcessingId, *, now: int) -> int:
        """Have a message go on that is held; return how many of its groups of recipients were.

        Raises: notFound; conflict for one that is not held; unavailable.
        """
        message = (await self.find(processing_id)).message
        async with self._store.directory_transaction() as tx:
            released = await tx.held_messages.release(processing_id, at=max(message.release_at, now))
        if not released:
            raise _conflict(f"message {processing_id} is not held")
        return released

    async def release_all(self, *, now: int) -> int:
        """Have all messages go on that are held; return how many groups of recipients were. Raises: unavailable."""
        last = released = 0
        while True:
            async with self._store.directory_transaction() as tx:
                page = await tx.outgoing.list_unfinished(last, limit=PAGE)
                for message in page:
                    at = max(message.release_at, now)
                    released += await tx.held_messages.release(message.processing_id, at=at)
            if len(page) < PAGE:
                return released
            last = page[-1].processing_id

    async def cancel(self, processing_id: ProcessingId, *, now: int) -> int:
        """Send a message to nobody who has not got it; return how many recipients that are.

        A scheduled mail whose time has not come is a draft then. The sender is told nothing.

        Raises: notFound; conflict for one that is finished; unavailable.
        """
        account_id = (await self.find(processing_id)).message.account_id
        async with self._store.transaction(account_id) as tx:
            await tx.lock()
            message = await tx.outgoing.lock(processing_id)
            if message is None:
                raise not_found(f"message {processing_id}")
            if message.finished_at:
                raise _conflict(f"message {processing_id} is finished")
            recipients = await tx.outgoing.list_recipients(processing_id)
            await tx.outgoing.withdraw_rest(processing_id)
            if message.kind == SCHEDULED and not message.started_at:
                await self._unschedule(tx, message, now=now)
            await finish(tx, message, now=now)
        return sum(recipient.state == WAITING for recipient in recipients)

    async def _unschedule(self, tx: Transaction, message: Outgoing, *, now: int) -> None:
        """Make a draft of a scheduled mail, if it lies where such ones lie; it has answered nothing then."""
        steps: list[Step] = []
        item = (await tx.mails.locate_items([message.item_id])).get(message.item_id)
        if item is not None and item.mail.folder_id == SCHEDULED_FOLDER:
            # Where the flag was not set by it, the message itself says whether it answers.
            is_asked = message.refw_item_id and not message.refw
            raw = await read_content(self._store, tx, message) if is_asked else None
            draft = await make_draft(tx, item, date=now // 1000)
            steps.append(Move(SCHEDULED_FOLDER, DRAFTS, [Moved(draft.item_id, item.mail.uid, draft.uid)]))
            await restore_reference(tx, message, draft.item_id, raw=raw or b"")
        await unmark_referred(tx, message, steps)
        if steps:
            await write_down(tx, "mails.cancelSchedule", steps, folder_id=SCHEDULED_FOLDER)


def _conflict(text: str) -> PostroomError:
    return PostroomError(Kind.CONFLICT, "conflict", text)


async def purge_finished(store: Store, sending: SendingConfig, *, now: int) -> int:
    """Forget messages that were finished long ago; return how many. Raises: unavailable."""
    before = now - sending.keep_days * _DAY_MS
    removed, count = 0, SLICE
    while count == SLICE:
        async with store.directory_transaction() as tx:
            count = await tx.outgoing.purge(before=before, limit=SLICE)
        removed += count
        await asyncio.sleep(0)
    return removed
