"""Bounces: other servers report later that a mail of an account, which they had taken on, came back (RFC 3464).

A report counts if it comes as reports do, from the null reverse-path, names by its Message-ID a message that the
account has sent and that the queue still knows, and a recipient of it that another server had taken on. If it names
an envelope id, too, that must be the message's (RFC 3461 §4.4). Message-IDs made here cannot be guessed, so that
nobody can forge a report but those who have seen the mail. Each recipient fails once.

What was found is written down in the transaction that delivers the report. Deliveries with a reverse-path cost
nothing for it, others a look at their content type.
"""

from collections.abc import Sequence

import msgspec

from postroom.compose.reports import decode_xtext
from postroom.domain.outbox import find_message_key
from postroom.domain.sent_news import MAX_ANSWER_CHARACTERS, SETTLED, TOLD, find_copy
from postroom.domain.steps import Bounce, Reached, Record
from postroom.mime.delivery_reports import (
    MULTIPART_REPORT,
    DeliveryReport,
    FailedRecipient,
    read_delivery_report,
)
from postroom.mime.raw import Raw
from postroom.model.mail import Part
from postroom.model.outgoing import RELAYED, Outgoing, OutgoingRecipient
from postroom.store.sql.outgoing import Settled
from postroom.store.tx import Transaction

_MAX_REMOTE_CHARACTERS = 255
_MARK = MULTIPART_REPORT.encode()
_decode_part = msgspec.msgpack.Decoder(Part).decode


def find_report(content: Raw, structure: bytes) -> DeliveryReport | None:
    """Return what a message from the null reverse-path reports, None if it is no report of failures.

    Args:
        content: the message.
        structure: its part tree, packed.
    """
    if _MARK not in structure:
        return None
    return read_delivery_report(content, _decode_part(structure))


async def note_bounces(tx: Transaction, report: DeliveryReport) -> None:
    """Write down who failed by a report, where it concerns somebody.

    Args:
        tx: a transaction of the account that got the report, whose mailbox is locked.
        report: the report.
    """
    message = await tx.outgoing.work.find_by_message(tx.account_id, find_message_key(report.message_id))
    if message is None or message.kind not in TOLD:
        return
    if report.envid and message.envid and report.envid != decode_xtext(message.envid):
        return
    await tx.outgoing.lock(message.processing_id)
    failed = await _settle(tx, message, report)
    if failed:
        folder_id, copies = await find_copy(tx, message)
        # The delivery of the report has a step of its own.
        tx.step_for_each()
        await tx.advance(folders=False)
        step = Bounce(folder_id, copies, message.processing_id, failed)
        await tx.log(SETTLED, Record([step]), modseq=tx.modseq)


async def _settle(tx: Transaction, message: Outgoing, report: DeliveryReport) -> list[Reached]:
    recipients = await tx.outgoing.list_recipients(message.processing_id)
    failed: list[Reached] = []
    for failure in report.failures:
        recipient = _find_recipient(recipients, failure)
        if recipient is None:
            continue
        settled = Settled(
            recipient.number,
            state="failed",
            status=failure.status,
            answer=_printable(failure.answer, MAX_ANSWER_CHARACTERS),
            remote=_printable(failure.remote, _MAX_REMOTE_CHARACTERS),
        )
        if await tx.outgoing.work.bounce(message.processing_id, settled):
            failed.append(Reached(recipient.address, settled.status, settled.answer))
    return failed


def _find_recipient(
    recipients: Sequence[OutgoingRecipient], failure: FailedRecipient
) -> OutgoingRecipient | None:
    """Return the recipient that a report means, if another server has taken the message on for it."""
    by_address = {one.address.lower(): one for one in recipients if one.state == RELAYED}
    for address in failure.addresses:
        if (found := by_address.get(address.lower())) is not None:
            return found
    return None


def _printable(text: str, limit: int) -> str:
    return "".join(char for char in text if char.isprintable())[:limit]
