"""Statements that look up many get as many values as they have placeholders."""

import pytest

from postroom.store.placeholders import iter_batches, placeholders


def test_placeholders_begin_behind_the_account() -> None:
    assert placeholders(3) == "$2, $3, $4"
    assert placeholders(2, first=5) == "$5, $6"


@pytest.mark.parametrize(
    ("values", "batches"),
    [
        ([], []),
        ([7], [[7, 0, 0]]),
        ([7, 8, 9], [[7, 8, 9]]),
        ([7, 8, 9, 10], [[7, 8, 9], [10, 0, 0]]),
    ],
)
def test_the_last_batch_is_filled_up(values: list[int], batches: list[list[int]]) -> None:
    assert list(iter_batches(values, 3, filler=0)) == batches
