"""Record of an absence notice."""

from typing import NamedTuple


class Vacation(NamedTuple):
    """What an account answers while its owner is away; times in Unix milliseconds, 0 where none is set."""

    is_enabled: int
    age_days: int
    """A sender is answered once in so many days."""
    applies_always: int
    """1: the times do not matter."""
    applies_to_external: int
    applies_to_internal: int
    start_at: int
    end_at: int
    subject: str
    """"" to make one of the subject that is answered."""
    body: str

    def is_active(self, now: int) -> bool:
        """Tell whether mail that comes in at a time (Unix milliseconds) is to be answered."""
        return bool(self.is_enabled and (self.applies_always or self.start_at <= now < self.end_at))
