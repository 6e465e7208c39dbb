"""Counters of the servers that take mail, for the metrics page to read; monotonic except where said."""

from collections import Counter
from dataclasses import dataclass, field

DELIVERED = "delivered"
ACCEPTED = "accepted"


@dataclass(slots=True)
class ListenerStats:
    """What a server has seen since it started."""

    connections: int = 0
    """Connections accepted, those refused for being too many included."""
    connections_refused: int = 0
    connections_open: int = 0
    """Connections open now (a gauge)."""
    messages: int = 0
    """Messages handed to the domain."""
    message_bytes: int = 0
    """Bytes of these messages, as handed over."""
    recipients_refused: Counter[str] = field(default_factory=Counter)
    """Refusals at RCPT, by error code."""
    timeouts: int = 0
    """Connections closed because the client was too slow."""
    faults: int = 0
    """Sessions that ended by a fault of ours; the log has the details."""


@dataclass(slots=True)
class LMTPStats(ListenerStats):
    """What the LMTP server has seen."""

    deliveries: Counter[str] = field(default_factory=Counter)
    """Outcomes per recipient after the data: ``delivered``, or an error code."""


@dataclass(slots=True)
class SubmissionStats(ListenerStats):
    """What the submission server has seen."""

    submissions: Counter[str] = field(default_factory=Counter)
    """Outcomes per message: ``accepted``, or an error code."""
    senders_refused: Counter[str] = field(default_factory=Counter)
    """Refusals at MAIL, by error code."""
    logins: Counter[str] = field(default_factory=Counter)
    """Outcomes of AUTH: ``accepted``, or an error code."""
    handshakes_failed: int = 0
    """TLS handshakes that came to nothing."""
