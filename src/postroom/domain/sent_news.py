"""What has become of sent mail, written into the sender's operation log, so that webhooks tell of it.

An entry names the recipients that a turn of the queue has settled: those that have the mail, or whose server has
taken it on, and those that it could not be delivered to. Nothing in the mailbox changes by it, but history goes one
step on, because the log has one entry a step. Messages that the server has written by itself are not told of.
"""

from collections.abc import Sequence

from postroom.domain.steps import Bounce, Dispatch, Listed, Reached, Record, Step
from postroom.model.outgoing import (
    DELIVERED,
    FAILED,
    RELAYED,
    SCHEDULED,
    SENT,
    SUBMITTED,
    WAITING,
    Outcome,
    Outgoing,
    OutgoingRecipient,
)
from postroom.store.tx import Transaction

SETTLED = "mails.settle"
"""The kind of operation by which recipients of a sent mail are settled."""
MAX_ANSWER_CHARACTERS = 300
TOLD = frozenset({SENT, SCHEDULED, SUBMITTED})
"""Kinds of messages that people have written."""


async def tell_outcomes(
    tx: Transaction,
    message: Outgoing,
    recipients: Sequence[OutgoingRecipient],
    *,
    outcomes: Sequence[Outcome],
) -> None:
    """Write down what became of recipients, those left out that were settled before.

    Args:
        tx: a transaction of the sender's account, whose mailbox is locked.
        message: the message.
        recipients: its recipients, as they were before.
        outcomes: what became of some of them.
    """
    if message.kind not in TOLD:
        return
    waiting = {recipient.number: recipient for recipient in recipients if recipient.state == WAITING}
    reached = _list(waiting, outcomes, (DELIVERED, RELAYED))
    failed = _list(waiting, outcomes, (FAILED,))
    if not reached and not failed:
        return
    folder_id, copies = await find_copy(tx, message)
    steps: list[Step] = []
    if reached:
        steps.append(Dispatch(folder_id, copies, message.processing_id, reached))
    if failed:
        steps.append(Bounce(folder_id, copies, message.processing_id, failed))
    await tx.advance(folders=False)
    await tx.log(SETTLED, Record(steps), modseq=tx.modseq)


def _list(
    waiting: dict[int, OutgoingRecipient], outcomes: Sequence[Outcome], states: Sequence[str]
) -> list[Reached]:
    return [
        Reached(waiting[one.number].address, one.status, one.answer[:MAX_ANSWER_CHARACTERS])
        for one in outcomes
        if one.state in states and one.number in waiting
    ]


async def find_copy(tx: Transaction, message: Outgoing) -> tuple[int, list[Listed]]:
    """Return the folder of the copy that the sender has kept, and the copy; 0 and nothing where there is none."""
    if not message.item_id:
        return 0, []
    item = (await tx.mails.locate_items([message.item_id])).get(message.item_id)
    if item is None:
        return 0, []
    return item.mail.folder_id, [Listed(item.mail.item_id, item.mail.uid)]
