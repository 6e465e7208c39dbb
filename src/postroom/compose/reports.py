"""Delivery status notifications (RFC 3461 §6, 3462, 3464): what became of a message, for its sender.

A report tells of some recipients of one message, with the action that their state stands for. Failures give the
message back, or its header where the sender has asked for no more (RET=HDRS) or it is large; delays and successes the
header (RFC 3461 §6.2). What servers have answered is cut to lines of ASCII.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from postroom.compose.addresses import Address, parse_address
from postroom.compose.fields import render_date
from postroom.compose.multipart_report import Contents, Heading, join_report, one_line, render_typed_address
from postroom.compose.original import find_value, returned_part
from postroom.compose.threads import make_references, parse_message_ids
from postroom.model.outgoing import DELIVERED, FAILED, RELAYED, WAITING, OutgoingRecipient

MAX_RETURNED_BYTES: Final = 256 * 1024
"""A larger message is given back by its header only."""

_ACTIONS = {FAILED: "failed", WAITING: "delayed", DELIVERED: "delivered", RELAYED: "relayed"}
_STATUSES = {FAILED: "5.0.0", WAITING: "4.0.0", DELIVERED: "2.0.0", RELAYED: "2.0.0"}
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_REPLY_CODE = re.compile(r"[2-5]\d\d(?:[ -]|\Z)")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_MAX_EXPLANATION_CHARS = 500


class Report(NamedTuple):
    """What a report is made of; all times in Unix seconds, those that are 0 are left out."""

    hostname: str
    """This server, which reports."""
    message_id: str
    """The report's own, with angle brackets."""
    date: int
    sender: str
    """Who gets it: the reverse-path of the message."""
    recipients: Sequence[OutgoingRecipient]
    """Those it tells of, with their state, status, answer and remote server."""
    original: bytes
    arrived_at: int = 0
    last_attempt_at: int = 0
    retries_until: int = 0
    """When a delayed message will be given up."""
    envid: str = ""
    ret: str = ""


def failure_report(report: Report) -> bytes:
    """Return the report that a message could not be delivered to some recipients."""
    headers_only = report.ret == "HDRS" or len(report.original) > MAX_RETURNED_BYTES
    given_back = "its header" if headers_only else "the message"
    text = (
        "Your message could not be delivered to the recipients below. "
        f"It will not be tried again; {given_back} is attached."
    )
    return _join(report, "Undelivered Mail Returned to Sender", text, headers_only=headers_only)


def delay_report(report: Report) -> bytes:
    """Return the report that a message is late, and is still being tried."""
    until = f" until {render_date(report.retries_until)}" if report.retries_until else ""
    text = (
        "Your message has not yet been delivered to the recipients below. "
        f"It will be tried again{until}; you need not send it again."
    )
    return _join(report, "Delayed Mail (still being retried)", text, headers_only=True)


def success_report(report: Report) -> bytes:
    """Return the report that a message was delivered, or handed on to a server that sends no reports."""
    text = "Your message was delivered to the recipients below, or handed on where no more will be known."
    return _join(report, "Successful Mail Delivery Report", text, headers_only=True)


def _join(report: Report, subject: str, text: str, *, headers_only: bool) -> bytes:
    ids = parse_message_ids(find_value(report.original, "Message-ID"))[:1]
    message_id = "".join(ids)
    heading = Heading(
        from_=Address("Mail Delivery System", "MAILER-DAEMON", report.hostname),
        to=(parse_address(report.sender, parameter="sender"),),
        subject=subject,
        message_id=report.message_id,
        date=report.date,
        in_reply_to=message_id,
        references=make_references(message_id, find_value(report.original, "References")),
    )
    contents = Contents(
        report_type="delivery-status",
        text=_text(report, text),
        blocks=[_message_fields(report), *(_recipient_fields(report, one) for one in report.recipients)],
        returned=returned_part(report.original, headers_only=headers_only),
    )
    return join_report(heading, contents)


def _text(report: Report, text: str) -> str:
    blocks = [f"This is the mail system at {report.hostname}.", text]
    blocks.extend(f"<{recipient.address}>: {_explain(recipient)}" for recipient in report.recipients)
    return "\n\n".join(blocks) + "\n"


def _explain(recipient: OutgoingRecipient) -> str:
    action = _ACTIONS[recipient.state]
    answer = one_line(recipient.answer)[:_MAX_EXPLANATION_CHARS] or action
    return f"{one_line(recipient.remote)} said: {answer}" if recipient.remote else answer


def _message_fields(report: Report) -> list[tuple[str, str]]:
    """Return the fields that are about the message (RFC 3464 §2.2)."""
    fields = [("Original-Envelope-Id", decode_xtext(report.envid))] if report.envid else []
    fields.append(("Reporting-MTA", f"dns; {report.hostname}"))
    if report.arrived_at:
        fields.append(("Arrival-Date", render_date(report.arrived_at)))
    return fields


def _recipient_fields(report: Report, recipient: OutgoingRecipient) -> list[tuple[str, str]]:
    """Return the fields that are about one recipient (RFC 3464 §2.3)."""
    state = recipient.state
    fields = [("Original-Recipient", _read_orcpt(recipient.orcpt))] if ";" in recipient.orcpt else []
    status = recipient.status if _STATUS.fullmatch(recipient.status) else _STATUSES[state]
    fields += [
        ("Final-Recipient", render_typed_address(recipient.address)),
        ("Action", _ACTIONS[state]),
        ("Status", status),
    ]
    if recipient.remote:
        fields.append(("Remote-MTA", f"dns; {recipient.remote}"))
    if recipient.answer:
        kind = "smtp" if _REPLY_CODE.match(recipient.answer) else "x-postroom"
        fields.append(("Diagnostic-Code", f"{kind}; {recipient.answer}"))
    if report.last_attempt_at:
        fields.append(("Last-Attempt-Date", render_date(report.last_attempt_at)))
    if state == WAITING and report.retries_until:
        fields.append(("Will-Retry-Until", render_date(report.retries_until)))
    return fields


def _read_orcpt(orcpt: str) -> str:
    """Return an ORCPT parameter as a field has it (RFC 3461 §4.2): without xtext, which utf-8 addresses keep."""
    kind, _, address = orcpt.partition(";")
    decoded = decode_xtext(address)
    if kind.lower() == "utf-8":
        return f"utf-8; {address}" if address.isascii() else render_typed_address(decoded)
    return f"{kind}; {decoded}" if decoded.isascii() else render_typed_address(decoded)


def decode_xtext(text: str) -> str:
    """Return what xtext stands for (RFC 3461 §4)."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)
