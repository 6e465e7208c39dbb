"""Numbers come out of packing as they went in, and take little room."""

import random
from array import array

from hypothesis import given
from hypothesis import strategies as st

from postroom.store.packing import make_numbers, pack_numbers, unpack_numbers

NUMBERS = st.lists(st.integers(min_value=-(2**63), max_value=2**63 - 1))


@given(NUMBERS)
def test_round_trip(numbers: list[int]) -> None:
    assert list(unpack_numbers(pack_numbers(numbers))) == numbers


def test_nothing_takes_nothing() -> None:
    assert pack_numbers([]) == b""
    assert list(unpack_numbers(b"")) == []


def test_an_array_is_taken_as_it_is() -> None:
    numbers = array("q", [3, 1, 2])
    assert make_numbers(numbers) is numbers
    assert list(make_numbers(iter([3, 1, 2]))) == [3, 1, 2]


def test_neighbours_take_little_room() -> None:
    chosen = sorted(random.Random(1).sample(range(1_000_000), 10_000), reverse=True)  # noqa: S311
    assert len(pack_numbers(chosen)) < 25_000
    assert len(pack_numbers(range(100_000, 0, -1))) < 2_000
