"""Settling: all that an attempt has come to, in one transaction.

That is: the mail in the mailboxes here, the states of the recipients, the group's next try or its end, the reports
into the sender's Inbox, and, when nobody waits any more, the end of the message with its reference on the content.
Mailboxes are locked in the order of their numbers, then the message, then its groups, as everywhere.

Reports and the text of failures are made before, so that nothing is computed inside. If a mailbox then refuses what
it was expected to take, all is taken back, and the caller begins again with what is known now.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from postroom.content.digest import Digest
from postroom.domain.ingest import Arrival, Ingest
from postroom.domain.notices import file_notice
from postroom.domain.queue_leases import Lease, LeaseLostError
from postroom.domain.queue_verdicts import Verdict
from postroom.domain.sent_news import tell_outcomes
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.model.outgoing import RELAYED, WAITING, Outcome, Outgoing, OutgoingRecipient
from postroom.store import Store
from postroom.store.sql.outgoing import Settled
from postroom.store.tx import Transaction


class OtherwiseError(Exception):
    """Something is otherwise than expected: ``refusals`` of mailboxes, as for the envelope's recipients in order."""

    def __init__(self, refusals: Sequence[PostroomError | None] = ()) -> None:
        super().__init__()
        self.refusals = refusals


class Settlement(NamedTuple):
    """What is to be settled."""

    message: Outgoing
    verdict: Verdict
    notices: Sequence[Digest]
    """Reports for the sender."""
    arrival: Arrival | None
    """The mail for mailboxes here, all of whose recipients are expected to get it."""
    noted: Collection[int] = ()
    """Recipients who were settled during the attempt, by :meth:`Settling.note_relayed`."""


class Settling:
    """Settles attempts."""

    def __init__(self, store: Store, ingest: Ingest) -> None:
        self._store = store
        self._ingest = ingest

    async def settle(self, lease: Lease, settlement: Settlement, *, now: int) -> None:
        """Settle an attempt, durably.

        Raises: LeaseLostError; OtherwiseError; notFound where the sender's account has been removed; unavailable.
        """
        sender = settlement.message.account_id
        places = settlement.arrival.account_ids if settlement.arrival else []
        account_ids = [sender, *places, *(sender for _ in settlement.notices)]
        async with self._store.transactions(account_ids) as transactions:
            await _lock_all(transactions, sender)
            recipients = await self._check(transactions[0], lease, settlement)
            await self._deliver(transactions[1 : 1 + len(places)], settlement)
            for tx, notice in zip(transactions[1 + len(places) :], settlement.notices, strict=True):
                await file_notice(tx, notice, now=now)
            await _write(transactions[0], lease, settlement, now=now)
            outcomes = settlement.verdict.outcomes
            await tell_outcomes(transactions[0], settlement.message, recipients, outcomes=outcomes)

    async def _check(
        self, tx: Transaction, lease: Lease, settlement: Settlement
    ) -> Sequence[OutgoingRecipient]:
        """Make sure that all is as it was, and stays so; return the recipients as they are."""
        message = await tx.outgoing.lock(settlement.message.processing_id)
        if message is None or not await tx.outgoing.work.is_held(lease.group):
            raise LeaseLostError
        if message.delay_told_at != settlement.message.delay_told_at and settlement.verdict.delays:
            raise OtherwiseError
        recipients = await tx.outgoing.list_recipients(message.processing_id)
        waiting = {recipient.number for recipient in recipients if recipient.state == WAITING}
        if not waiting.union(settlement.noted).issuperset(
            outcome.number for outcome in settlement.verdict.outcomes
        ):
            raise LeaseLostError
        return recipients

    async def _deliver(self, transactions: Sequence[Transaction], settlement: Settlement) -> None:
        if settlement.arrival is None:
            return
        refusals = await self._ingest.deliver_within(settlement.arrival, transactions)
        if any(refusals):
            raise OtherwiseError(refusals)

    async def note_relayed(self, message: Outgoing, outcomes: Sequence[Outcome]) -> None:
        """Note who has got a message, before the attempt is settled: so it is sent to them no more, come what may.

        Raises: notFound where the sender's account has been removed; unavailable.
        """
        relayed = [outcome for outcome in outcomes if outcome.state == RELAYED]
        if not relayed:
            return
        async with self._store.transaction(message.account_id) as tx:
            await tx.lock()
            await tx.outgoing.lock(message.processing_id)
            recipients = await tx.outgoing.list_recipients(message.processing_id)
            await tx.outgoing.work.settle(message.processing_id, map(_settled, relayed))
            await tell_outcomes(tx, message, recipients, outcomes=relayed)


async def _lock_all(transactions: Sequence[Transaction], sender: AccountId) -> None:
    by_account = {tx.account_id: tx for tx in transactions}
    for account_id in sorted(by_account):
        try:
            await by_account[account_id].lock()
        except PostroomError as error:
            # A recipient's account that is gone refuses the mail when it is filed.
            if error.kind is not Kind.NOT_FOUND or account_id == sender:
                raise


async def _write(tx: Transaction, lease: Lease, settlement: Settlement, *, now: int) -> None:
    """Write down what became of the recipients, of the group and of the message."""
    message, verdict, queue = settlement.message, settlement.verdict, tx.outgoing.work
    await queue.settle(message.processing_id, map(_settled, verdict.outcomes))
    if verdict.delays:
        await queue.note_delay_told(message.processing_id, now=now)
    if not verdict.is_settled:
        await queue.retry(lease.group, next_try_at=verdict.next_try_at, failure=verdict.failure)
        return
    await queue.end_group(lease.group)
    await finish(tx, message, now=now)


async def finish(tx: Transaction, message: Outgoing, *, now: int) -> None:
    """End a message in whose groups nobody waits, with its reference on its content.

    Args:
        tx: a transaction of the sender's account, whose mailbox and message are locked.
        message: the message.
        now: the present time in Unix milliseconds.
    """
    if not await tx.outgoing.work.finish(message.processing_id, now=now):
        return
    if await tx.contents.release(message.content_id) <= 0:
        await tx.unindex(message.content_id)


def _settled(outcome: Outcome) -> Settled:
    return Settled(outcome.number, outcome.state, outcome.status, outcome.answer, outcome.remote)
