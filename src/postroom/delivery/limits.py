"""Bounds of the LMTP server (RFC 5321 §4.5.3): sizes, counts and times.

The defaults meet the minima that RFC 5321 §4.5.3.1 demands (100 recipients, 512 byte commands, 64 KB messages)
and its time-outs (§4.5.3.2.7: five minutes for the next command).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LMTPLimits:
    """What one server, one connection, one message may use."""

    max_message_bytes: int = 52_428_800
    """Largest message, as the client sends it, after the dots are undone (RFC 1870)."""
    max_recipients: int = 1000
    """Most accepted recipients of one message; one more is answered 452 4.5.3 (RFC 5321 §4.5.3.1.10)."""
    max_connections: int = 200
    """Most connections at once; one more is answered 421 and closed."""
    max_errors: int = 20
    """Wrong commands since the last delivered message after which the connection is closed with 421."""
    max_command_bytes: int = 4096
    """Longest command line with its CRLF."""
    command_timeout_seconds: float = 300.0
    """For the next complete command, however slowly its bytes come."""
    data_timeout_seconds: float = 600.0
    """In each period of this length, message data must grow by ``min_data_bytes_per_second`` times
    it, or end."""
    min_data_bytes_per_second: float = 1000.0
    """Slowest acceptable sender of message data, averaged over ``data_timeout_seconds``."""
    linger_seconds: float = 2.0
    """After the last reply, how long to wait for the client to close, so that it can read that reply."""
    spool_above_bytes: int = 1_048_576
    """Message data beyond this is kept in a temporary file instead of memory."""
    input_buffer_bytes: int = 65_536
    """Unprocessed input of one connection above which reading from it pauses."""

    @property
    def data_progress_bytes(self) -> int:
        """Return how much message data must come in each period of ``data_timeout_seconds``."""
        return max(1, int(self.min_data_bytes_per_second * self.data_timeout_seconds))
