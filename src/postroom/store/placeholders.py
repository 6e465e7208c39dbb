"""Placeholders of statements that look up many values at once.

Such a statement takes a fixed number of values, so that there are few statements and each is prepared once: what is
looked up is cut into batches of that number, and the last is filled up with a value that stands for nothing.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


def placeholders(count: int, *, first: int = 2) -> str:
    """Return that many placeholders, by default those behind the account's: ``$2, $3, …``."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def iter_batches(values: Sequence[_Value], size: int, *, filler: _Value) -> Iterator[list[_Value]]:
    """Yield the values in lists of ``size``, the last filled up with ``filler``; nothing where there are none."""
    for start in range(0, len(values), size):
        batch = list(values[start : start + size])
        yield batch + [filler] * (size - len(batch))
