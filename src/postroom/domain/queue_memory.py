"""How many bytes of large messages are worked on at the same time, so that the queue does not take all memory.

A message is held whole while it is handed over, by each group of it, and more than once: as it is stored, signed, and
with its dots doubled. A hundred groups of a mail with large attachments would take gigabytes. So large messages have
a share of memory together; those that find no room are put off, one behind the other, so that each is put off a few
times however many there are. Small ones always have room: there are no more of them than places.
"""

MAX_BYTES = 256 << 20
"""Of large messages together; one always has room."""
LARGE_BYTES = 1 << 20
TURN_MS = 500
"""How long a large message keeps its room, as far as can be said beforehand."""
MAX_WAIT_MS = 60_000


class QueueMemory:
    """Knows how many bytes of large messages are held; for one process."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._booked_at = 0

    def take(self, size_bytes: int) -> bool:
        """Note that a message is held, if there is room; whoever was told so gives it back."""
        if size_bytes > LARGE_BYTES:
            if self._held_bytes and self._held_bytes + size_bytes > self._max_bytes:
                return False
            self._held_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Note that a message is held no more."""
        if size_bytes > LARGE_BYTES:
            self._held_bytes -= size_bytes

    def book(self, *, now: int) -> int:
        """Return when one more message that found no room may look again, in Unix milliseconds."""
        self._booked_at = min(max(self._booked_at, now) + TURN_MS, now + MAX_WAIT_MS)
        return self._booked_at
