"""Bounds of the servers that take mail (RFC 5321 §4.5.3): sizes, counts and times.

The defaults meet the minima that RFC 5321 §4.5.3.1 demands (100 recipients, 512 byte commands, 64 KB messages)
and its time-outs (§4.5.3.2.7: five minutes for the next command).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server, one connection, one message may use."""

    max_message_bytes: int = 52_428_800
    """Largest message, as the client sends it, after the dots are undone (RFC 1870)."""
    max_recipients: int = 1000
    """Most accepted recipients of one message; one more is answered 452 4.5.3 (RFC 5321 §4.5.3.1.10)."""
    max_connections: int = 200
    """Most connections at once; one more is answered 421 and closed."""
    max_connections_per_client: int = 0
    """The same for one address; 0: no limit of its own."""
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


@dataclass(frozen=True, slots=True)
class LMTPLimits(Limits):
    """The bounds of the LMTP server."""


@dataclass(frozen=True, slots=True)
class SubmissionLimits(Limits):
    """The bounds of the submission server; its clients may be anybody until they have logged in."""

    max_connections_per_client: int = 20
    login_timeout_seconds: float = 60.0
    """From the connection to a successful login, in all."""
    max_login_line_bytes: int = 12_288
    """Longest line of an AUTH exchange with its CRLF (RFC 4954 §4)."""
    max_failed_logins: int = 3
    """Failed logins after which the connection is closed with 421."""
