"""The header fields that a server puts on top of a message it takes: Received, and Return-Path (RFC 5321 §4.4).

Pure. At final delivery they are the only thing ever added; a Return-Path that the client sent stays where it is.
"""

from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple


class Trace(NamedTuple):
    """What the trace fields tell."""

    sender: str
    helo: str
    client: str
    """Address literal, or ``unix``."""
    hostname: str
    message_id: str
    """The server's own name for this message (not the Message-ID header)."""
    smtputf8: bool
    received_at: float
    """Unix seconds."""


def render_trace(trace: Trace) -> bytes:
    """Return both fields of a final delivery, each line ended by CRLF."""
    protocol = "UTF8LMTP" if trace.smtputf8 else "LMTP"
    return f"Return-Path: <{trace.sender}>\r\n".encode() + render_received(trace, protocol)


def render_submission_trace(trace: Trace) -> bytes:
    """Return the field of a submission over TLS by an authenticated client (RFC 3848)."""
    return render_received(trace, "UTF8SMTPSA" if trace.smtputf8 else "ESMTPSA")


def render_received(trace: Trace, protocol: str) -> bytes:
    """Return Received; UTF-8 only if the transaction is SMTPUTF8 (RFC 6531 §3.7.3).

    ``protocol`` is as registered by RFC 3848 and RFC 6531 §4.3. The recipients are not named, so that they do not
    learn of each other.
    """
    return (
        f"Received: from {trace.helo} ({trace.client})\r\n"
        f"\tby {trace.hostname} with {protocol} id {trace.message_id};\r\n"
        f"\t{render_date(int(trace.received_at))}\r\n"
    ).encode()


@lru_cache(maxsize=4)
def render_date(unix_seconds: int) -> str:
    """Return a date as RFC 5322 §3.3 has it, in UTC."""
    # The library writes "-0000", which says that the sender's zone is not known (RFC 5322 §3.3).
    return formatdate(unix_seconds).replace("-0000", "+0000")
