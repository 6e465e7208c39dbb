"""Read receipts: message disposition notifications (RFC 8098)."""

from typing import NamedTuple

from postroom.compose.addresses import Address
from postroom.compose.fields import clean_value
from postroom.compose.message import MAX_SUBJECT_CHARS
from postroom.compose.multipart_report import Contents, Heading, join_report, render_typed_address
from postroom.compose.original import find_value, returned_part
from postroom.compose.threads import make_references, parse_message_ids

_PREFIX = "Read: "


class Receipt(NamedTuple):
    """What a receipt is made of."""

    reader: Address
    to: tuple[Address, ...]
    """Whom Disposition-Notification-To names."""
    subject: str
    """The decoded subject of what was read."""
    original: bytes
    """The message that was read, or its header."""
    message_id: str
    """The receipt's own, with angle brackets."""
    date: int
    """Unix seconds."""
    hostname: str
    is_automatic: bool = False
    """Nobody was asked whether to send it."""


def compose_receipt(receipt: Receipt) -> bytes:
    """Return the receipt that a message was shown. Raises: badParameter for what cannot stand in a header."""
    ids = parse_message_ids(find_value(receipt.original, "Message-ID"))[:1]
    answered = "".join(ids)
    subject = clean_value(receipt.subject, parameter="subject")
    heading = Heading(
        from_=receipt.reader,
        to=receipt.to,
        subject=(_PREFIX + subject)[:MAX_SUBJECT_CHARS].strip(),
        message_id=receipt.message_id,
        date=receipt.date,
        in_reply_to=answered,
        references=make_references(answered, find_value(receipt.original, "References")),
    )
    contents = Contents(
        report_type="disposition-notification",
        text=_text(receipt, subject),
        blocks=[_fields(receipt, answered)],
        returned=returned_part(receipt.original, headers_only=True),
    )
    return join_report(heading, contents)


def _text(receipt: Receipt, subject: str) -> str:
    about = f' "{subject}"' if subject else ""
    sent = find_value(receipt.original, "Date")
    when = f" of {sent}" if sent else ""
    return (
        f"Your message{about}{when} to {receipt.reader.addr_spec} has been displayed.\n"
        "\n"
        "This is no guarantee that it was read or understood.\n"
    )


def _fields(receipt: Receipt, answered: str) -> list[tuple[str, str]]:
    """Return the fields for programs (RFC 8098 §3.1)."""
    fields = [("Reporting-UA", f"{receipt.hostname}; Postroom")]
    original_recipient = find_value(receipt.original, "Original-Recipient")
    if ";" in original_recipient:
        fields.append(("Original-Recipient", original_recipient))
    fields.append(("Final-Recipient", render_typed_address(receipt.reader.addr_spec)))
    if answered:
        fields.append(("Original-Message-ID", answered))
    mode = (
        "automatic-action/MDN-sent-automatically"
        if receipt.is_automatic
        else "manual-action/MDN-sent-manually"
    )
    fields.append(("Disposition", f"{mode}; displayed"))
    return fields
