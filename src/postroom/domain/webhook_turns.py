"""A turn for a hook: its account's operations are sent one after the other, until all are, or one fails.

The hook is claimed by a lease, so that of several processes one works on it. Its position moves on, durably, when an
operation has been delivered whole. So a crash repeats at most the messages of one operation, with the same ids; it
never leaves one out. The lease of a process that died runs out.

An attempt that fails is repeated later and later, for three days; then the hook is switched off and says why. So is
one whose receiver says that it is gone (410). Each write names the lease and what is known of the hook: if its owner
has changed it meanwhile, the turn ends and the next one begins with what is there.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import structlog

from postroom.domain.access import asker_of, see_folder
from postroom.domain.shared_hooks import list_shared_messages, may_read
from postroom.domain.webhook_messages import CountersOf, Message, list_messages
from postroom.domain.webhooks import Webhooks
from postroom.model.account import ACTIVE, Account
from postroom.model.ids import AccountId, FolderId, Modseq
from postroom.model.webhook import Webhook, WebhookId
from postroom.store import Store
from postroom.store.sql.folders import FolderCount
from postroom.store.sql.operations import Operation

WAITS_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200)
"""From one failed attempt to the next; the last of these from then on."""
GIVE_UP_SECONDS = 3 * 86_400
LEASE_SECONDS = 60
REST_SECONDS = 300
"""How long the hooks of a disabled account rest before it is looked at again."""
TURN_SECONDS = 5.0
"""After this time a turn ends, so that others have theirs."""
SLOW_SECONDS = 1.0
"""A receiver that takes longer for a message is slow."""
MAX_SLOW = 10_000
OPERATIONS_PAGE = 50

_log = structlog.get_logger("postroom.webhooks")


class Outcome(NamedTuple):
    """What became of a message."""

    problem: str = ""
    """Why it was not delivered; "" if it was."""
    is_gone: bool = False
    """The receiver wants no more, ever."""


class Channel(Protocol):
    """A way to a receiver, kept open for several messages."""

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a message and wait for what becomes of it, but not for long. Whatever happens is an outcome."""


class Sender(Protocol):
    """Opens ways to receivers."""

    def open(self, url: str) -> AbstractAsyncContextManager[Channel]:
        """Open a way to a receiver for the time of a block."""


class Told(NamedTuple):
    """A message with all that its text is made of; ``counters`` for one that is about a :class:`CountersOf`."""

    message_id: str
    message: Message
    counters: FolderCount | None
    account: Account
    """Whose hook it is."""
    owner_id: AccountId
    """Whose history is told."""
    operation: Operation


Render = Callable[[Told], bytes]
"""Makes the body of a message."""


class Turns:
    """Takes turns for hooks."""

    def __init__(
        self,
        store: Store,
        webhooks: Webhooks,
        *,
        sender: Sender,
        render: Render,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._sender = sender
        self._render = render
        self._now = now
        self.is_closing = False
        self._slow: dict[WebhookId, None] = {}

    def is_slow(self, webhook_id: WebhookId) -> bool:
        """Tell whether a hook's last message failed or took long."""
        return webhook_id in self._slow

    def mark_slow(self, webhook_id: WebhookId) -> None:
        """Note that a hook's last message failed or took long."""
        self._slow[webhook_id] = None
        if len(self._slow) > MAX_SLOW:
            del self._slow[next(iter(self._slow))]

    async def take(self, webhook_id: WebhookId) -> bool:
        """Take a turn for a hook, if it is due; tell whether there may be more to do. Raises: unavailable."""
        now = self._milliseconds()
        async with self._store.directory_transaction() as tx:
            hook = await tx.webhook_work.claim(webhook_id, now=now, until=now + LEASE_SECONDS * 1000)
        if hook is None:
            return False
        turn = _Turn(hook)
        try:
            has_more = await self._take(turn)
        except asyncio.CancelledError:
            await self._release(turn)
            raise
        # After any other failure the lease is left to run out: nothing is tried again at once.
        await self._release(turn)
        return has_more

    async def _take(self, turn: "_Turn") -> bool:
        async with self._store.directory() as directory:
            account = await directory.directory.find(turn.hook.account_id)
        if account is None or account.state != ACTIVE:
            async with self._store.directory_transaction() as tx:
                until = self._milliseconds() + REST_SECONDS * 1000
                await tx.webhook_work.hold(turn.hook, until=until)
            return False
        async with self._sender.open(turn.hook.url) as channel:
            return await self._send_all(turn, channel, account)

    async def _switch_off(self, hook: Webhook, reason: str) -> None:
        async with self._store.directory_transaction() as tx:
            since = hook.failing_since or self._milliseconds()
            await tx.webhook_work.fail(hook, f"switched off: {reason}", since=since, next_attempt_at=0)

    async def _release(self, turn: "_Turn") -> None:
        if turn.hook.leased_until:
            async with self._store.directory_transaction() as tx:
                await tx.webhook_work.release(turn.hook)

    async def _send_all(self, turn: "_Turn", channel: Channel, account: Account) -> bool:
        """Send what there is; tell whether there may be more."""
        while True:
            async with self._store.read(turn.hook.owner_id) as mailbox:
                state = await mailbox.mailbox.find()
                operations = await mailbox.operations.list_after(turn.hook.position, limit=OPERATIONS_PAGE)
            if state is None:
                return False
            await self._note_loss(turn, operations[0].modseq if operations else state.modseq + 1)
            for operation in operations:
                told = Told("", _NOTHING, None, account, turn.hook.owner_id, operation)
                if not await self._send(turn, channel, told):
                    return turn.is_changed
                if turn.is_over() or self.is_closing:
                    return True
            # What concerns the hook not at all was passed over, and so were steps that nobody wrote down.
            if len(operations) < OPERATIONS_PAGE:
                reached = max(state.modseq, turn.hook.position)
                await self._advance(turn, reached, told_at=self._milliseconds(), is_last=True)
                return turn.is_changed
            last = operations[-1]
            if not await self._advance(turn, last.modseq, told_at=last.done_at):
                return True

    async def _send(self, turn: "_Turn", channel: Channel, told: Told) -> bool:
        """Send the messages of an operation and move the hook on; False if the turn is over."""
        hook, operation = turn.hook, told.operation
        messages = await self._list_messages(told, hook)
        if messages is None:
            await self._switch_off(hook, "its folder can no longer be read")
            return False
        count = 0
        for message in messages:
            counters = None
            if isinstance(message.about, CountersOf):
                counters = await self._count(hook, told.account, FolderId(message.about.folder_id))
                if counters is None:
                    continue  # The folder is gone.
            message_id = f"whm_{hook.webhook_id}_{operation.modseq}_{message.number}"
            told = told._replace(message_id=message_id, message=message, counters=counters)
            if not await self._keep(turn) or not await self._deliver(turn, channel, told):
                return False
            count += 1
        if not count:
            return True
        return await self._advance(turn, operation.modseq, told_at=operation.done_at, is_delivered=True)

    async def _deliver(self, turn: "_Turn", channel: Channel, told: Told) -> bool:
        """Send one message; note it if that fails."""
        timestamp = int(self._now())
        body = self._render(told)
        signature = self._webhooks.sign(turn.hook, told.message_id, timestamp=timestamp, body=body)
        headers = {
            "Webhook-Id": told.message_id,
            "Webhook-Timestamp": str(timestamp),
            "Webhook-Signature": signature,
        }
        started = time.monotonic()
        outcome = await channel.send(body, headers)
        if outcome.problem or time.monotonic() - started > SLOW_SECONDS:
            self.mark_slow(turn.hook.webhook_id)
        else:
            self._slow.pop(turn.hook.webhook_id, None)
        if outcome.problem:
            await self._fail(turn.hook, outcome)
        return not outcome.problem

    async def _fail(self, hook: Webhook, outcome: Outcome) -> None:
        now = self._milliseconds()
        since = hook.failing_since or now
        next_attempt_at = now + WAITS_SECONDS[min(hook.attempts, len(WAITS_SECONDS) - 1)] * 1000
        failure = outcome.problem
        if outcome.is_gone or now - since >= GIVE_UP_SECONDS * 1000:
            next_attempt_at = 0
            reason = "the receiver is gone" if outcome.is_gone else "nothing was delivered for three days"
            failure = f"switched off: {reason} ({failure})"
            _log.info("webhook switched off", webhook=hook.webhook_id, account=hook.account_id, reason=reason)
        async with self._store.directory_transaction() as tx:
            await tx.webhook_work.fail(hook, failure, since=since, next_attempt_at=next_attempt_at)

    async def _advance(
        self,
        turn: "_Turn",
        position: Modseq,
        *,
        told_at: int,
        is_delivered: bool = False,
        is_last: bool = False,
    ) -> bool:
        """Move the hook on, durably; False if the turn is over. ``is_last`` ends the lease as well."""
        hook = turn.hook
        if position <= hook.position and not is_last:
            return True
        now = self._milliseconds()
        # A lease never ends earlier than one before it, whatever the clock does.
        until = 0 if is_last else max(now + LEASE_SECONDS * 1000, hook.leased_until)
        async with self._store.directory_transaction() as tx:
            work = tx.webhook_work
            moved = await work.advance(hook, position=position, told_at=told_at, until=until)
            # What was to be tried again may be asked for no more: then nothing is left that could fail.
            is_well = is_delivered or (is_last and moved is not None and moved.next_attempt_at > 0)
            if moved is not None and is_well:
                delivered_at = now if is_delivered else moved.last_delivery_at
                await work.clear(moved, delivered_at=delivered_at)
                moved = moved._replace(
                    failing_since=0, attempts=0, next_attempt_at=0, last_delivery_at=delivered_at
                )
        if moved is None:
            turn.is_changed = True
            return False
        return turn.goes_on_with(moved)

    async def _keep(self, turn: "_Turn") -> bool:
        """Renew the lease if it will run out soon; False if the turn is over."""
        now = self._milliseconds()
        if turn.hook.leased_until - now > LEASE_SECONDS * 500:
            return True
        position = turn.hook.position
        async with self._store.directory_transaction() as tx:
            renewed = await tx.webhook_work.renew(turn.hook, until=now + LEASE_SECONDS * 1000)
        if renewed is None:
            turn.is_changed = True
            return False
        if not turn.goes_on_with(renewed):
            return False
        turn.is_changed = renewed.position != position
        return not turn.is_changed

    async def _note_loss(self, turn: "_Turn", first: int) -> None:
        """Tell the owner if operations that were not told yet may have been forgotten."""
        hook = turn.hook
        horizon = self._webhooks.horizon()
        if first <= hook.position + 1 or hook.told_at >= horizon:
            return
        note = f"not everything that happened before {horizon // 1000} was told: it is no longer known"
        async with self._store.directory_transaction() as tx:
            await tx.webhook_work.note(hook, note)

    async def _list_messages(self, told: Told, hook: Webhook) -> list[Message] | None:
        """Return the messages of an operation; None if the hook's account may not be told of it any more."""
        if hook.owner_id == hook.account_id:
            kinds = frozenset(hook.kinds.split())
            return list_messages(told.operation.data, kinds=kinds, folder_id=hook.folder_id)
        asker = asker_of(told.account)
        async with self._store.read(hook.owner_id) as mailbox:
            if not await may_read(mailbox, hook, asker):
                return None
            return await list_shared_messages(mailbox, hook, told.operation, asker=asker)

    async def _count(self, hook: Webhook, account: Account, folder_id: FolderId) -> FolderCount | None:
        async with self._store.peek(hook.owner_id) as mailbox:
            folder = await mailbox.folders.find(folder_id)
            if folder is not None and hook.owner_id != hook.account_id:
                folder = await see_folder(mailbox, asker_of(account), folder)
        if folder is None:
            return None
        return FolderCount(
            folder_id, folder.role, folder.unread_items, folder.total_items, folder.folder_type
        )

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)


_NOTHING = Message(0, "", CountersOf(0))


class _Turn:
    """The hook of a turn as it is now."""

    def __init__(self, hook: Webhook) -> None:
        self.hook = hook
        self.is_changed = False
        """Somebody has changed the hook, so that it must be looked at anew."""
        self._ends_at = time.monotonic() + TURN_SECONDS

    def is_over(self) -> bool:
        """Tell whether others should have their turn."""
        return self.is_changed or time.monotonic() > self._ends_at

    def goes_on_with(self, hook: Webhook) -> bool:
        """Take the present state of the hook; False if the turn cannot go on with it."""
        is_elsewhere = (hook.url, hook.owner_id) != (self.hook.url, self.hook.owner_id)
        self.is_changed = is_elsewhere or not hook.is_enabled
        self.hook = hook
        return not self.is_changed
