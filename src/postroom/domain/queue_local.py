"""Mail of the outgoing queue for mailboxes here: the envelope, the trace fields, and what refusals mean.

A recipient is found as for incoming mail. What keeps one from having the mail is permanent where the address is the
reason, and temporary where the state of the mailbox is: it may have room again tomorrow.
"""

from collections.abc import Sequence
from email.utils import formatdate
from typing import NamedTuple

from postroom.domain.ingest import Ingest
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.outgoing import DELIVERED, FAILED, WAITING, Outcome, Outgoing, OutgoingRecipient

_PERMANENT = {
    "unknownRecipient": "5.1.1",
    "notFound": "5.1.1",
    "recipientDisabled": "5.2.1",
    "payloadTooLarge": "5.3.4",
}
_TEMPORARY = {"messageQuotaExceeded": "4.2.2", "sizeQuotaExceeded": "4.2.2"}


class Resolved(NamedTuple):
    """Recipients here: those with a place, and what it came to for the others."""

    places: Sequence[tuple[OutgoingRecipient, Recipient]]
    refused: Sequence[tuple[OutgoingRecipient, Outcome]]


async def resolve_all(
    ingest: Ingest, recipients: Sequence[OutgoingRecipient], *, size_bytes: int
) -> Resolved:
    """Find the mailboxes of recipients. Raises: unavailable."""
    places: list[tuple[OutgoingRecipient, Recipient]] = []
    refused: list[tuple[OutgoingRecipient, Outcome]] = []
    for recipient in recipients:
        try:
            place = await ingest.resolve_recipient(recipient.address, size_bytes=size_bytes)
        except PostroomError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            refused.append((recipient, refusal(recipient, error)))
        else:
            places.append((recipient, place))
    return Resolved(places, refused)


def make_envelope(message: Outgoing, places: Sequence[Recipient]) -> Envelope:
    """Return the envelope of a message for mailboxes here."""
    return Envelope(
        sender=message.sender,
        recipients=tuple(places),
        client="queue",
        helo="",
        smtputf8=bool(message.needs_smtputf8),
        body_8bit=bool(message.is_8bit),
    )


def add_trace(content: bytes, message: Outgoing, *, hostname: str, now: float) -> bytes:
    """Return a message with the fields of final delivery on top (RFC 5321 §4.4)."""
    date = formatdate(int(now)).replace("-0000", "+0000")
    trace = (
        f"Return-Path: <{message.sender}>\r\n"
        f"Received: by {hostname} (Postroom) id {message.processing_id};\r\n\t{date}\r\n"
    )
    return trace.encode() + content


def delivered(recipient: OutgoingRecipient) -> Outcome:
    """Return the outcome for a recipient whose mail is in the mailbox."""
    return Outcome(recipient.number, DELIVERED, "2.0.0", "delivered", "")


def refusal(recipient: OutgoingRecipient, error: PostroomError) -> Outcome:
    """Return what an error means for a recipient."""
    if status := _PERMANENT.get(error.code):
        return Outcome(recipient.number, FAILED, status, error.message, "")
    status = _TEMPORARY.get(error.code, "4.3.0")
    return Outcome(recipient.number, WAITING, status, error.message, "")
