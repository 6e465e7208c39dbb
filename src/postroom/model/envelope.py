"""The envelope of a message that is being delivered: what the transport knows, which no header need agree with.

RFC 5321 §2.3.1: the envelope is the reverse-path, the forward-paths and the service extensions in use. A
recipient is already resolved to the account and folder it goes to, so that delivery only has to store.
"""

from dataclasses import dataclass

from postroom.model.ids import AccountId, FolderId


@dataclass(frozen=True, slots=True)
class Recipient:
    """One accepted forward-path (RFC 5321 §3.3), resolved to where its mail goes."""

    address: str
    """As the client gave it, without the source route and with no more quoting than the local part needs."""
    account_id: AccountId
    folder_id: FolderId
    detail: str
    """What followed the ``+`` of the local part (RFC 5233); "" if nothing."""
    orcpt: str = ""
    """The original recipient (RFC 3461 §4.2); "" if not told."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent a message, to whom, and how it came in."""

    sender: str
    """The reverse-path without angle brackets; "" for the null path (RFC 5321 §4.5.5)."""
    recipients: tuple[Recipient, ...]
    """In the order of the RCPT commands; the same address may occur twice (RFC 2033 §4.2)."""
    client: str
    """Address literal of the client (``[192.0.2.1]``, ``[IPv6:2001:db8::1]``), or ``unix``."""
    helo: str
    """The name by which the client introduced itself (LHLO)."""
    smtputf8: bool
    """The client asked for SMTPUTF8 (RFC 6531 §3.4): addresses and headers may be UTF-8."""
    body_8bit: bool
    """The client declared BODY=8BITMIME (RFC 6152). Content is never changed, whatever was declared."""
