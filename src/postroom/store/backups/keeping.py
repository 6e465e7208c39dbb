"""Which snapshots are kept: of each of the last days, weeks and months that have any, the newest one.

Snapshots of everything and those of each account alone are counted apart, so that one never drives out another. The
newest of each is always kept. Days are those of UTC, weeks begin on Mondays.
"""

import datetime
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Keep(NamedTuple):
    """How many days, weeks and months are to have a snapshot."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0


class Made(NamedTuple):
    """A snapshot: its name, when it was made, in Unix milliseconds, and of which account, "" for everything."""

    name: str
    made_at: int
    account: str


def choose(snapshots: Iterable[Made], keep: Keep) -> set[str]:
    """Return the names of the snapshots that are kept."""
    of_each: dict[str, list[Made]] = {}
    for one in sorted(snapshots, key=lambda one: (one.made_at, one.name), reverse=True):
        of_each.setdefault(one.account, []).append(one)
    spans: list[tuple[Callable[[datetime.date], object], int]] = [
        (lambda day: day, keep.daily),
        (lambda day: day.isocalendar()[:2], keep.weekly),
        (lambda day: (day.year, day.month), keep.monthly),
    ]
    kept: set[str] = set()
    for newest_first in of_each.values():
        kept.add(newest_first[0].name)
        for span_of, number in spans:
            newest_of: dict[object, str] = {}
            for one in newest_first:
                day = datetime.datetime.fromtimestamp(one.made_at / 1000, datetime.UTC).date()
                newest_of.setdefault(span_of(day), one.name)
            kept.update(list(newest_of.values())[:number])
    return kept
