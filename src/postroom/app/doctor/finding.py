"""What a check has found."""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    SKIPPED = "skipped"
    """It could not, or need not, be looked at; the text says why."""
    WARNING = "warning"
    """The server runs, and something does not go as it should, or soon will not."""
    PROBLEM = "problem"
    """The server does not start, or loses or refuses mail."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    level: Level
    what: str
    remedy: str = ""
    """What to do about it; "" where nothing is to be done."""

    @property
    def is_trouble(self) -> bool:
        """Something is to be done."""
        return self.level in {Level.WARNING, Level.PROBLEM}


def ok(check: str, what: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(check, Level.OK, what)


def skipped(check: str, what: str) -> Finding:
    """Return the finding that something was not looked at."""
    return Finding(check, Level.SKIPPED, what)


def warning(check: str, what: str, remedy: str) -> Finding:
    """Return the finding of something that should be put right."""
    return Finding(check, Level.WARNING, what, remedy)


def problem(check: str, what: str, remedy: str) -> Finding:
    """Return the finding of something that must be put right."""
    return Finding(check, Level.PROBLEM, what, remedy)
