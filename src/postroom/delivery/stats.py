"""Counters of the LMTP server, for the metrics page to read; monotonic except where said."""

from collections import Counter
from dataclasses import dataclass, field

DELIVERED = "delivered"


@dataclass(slots=True)
class LMTPStats:
    """What the server has seen since it started."""

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
    deliveries: Counter[str] = field(default_factory=Counter)
    """Outcomes per recipient after the data: ``delivered``, or an error code."""
    timeouts: int = 0
    """Connections closed because the client was too slow."""
    faults: int = 0
    """Sessions that ended by a fault of ours; the log has the details."""
