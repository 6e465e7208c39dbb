"""What a process remembers is bounded, and never becomes older."""

from typing import NamedTuple

import pytest

from postroom.domain.memory import Memory
from postroom.store import Store
from postroom.store.engine.base import WriteConnection


class Thing(NamedTuple):
    """Something that was true at a position."""

    modseq: int
    weight: int = 100


@pytest.fixture
def memory(store: Store) -> Memory[str, Thing]:
    """Return a memory for three things of a usual weight."""
    return Memory(store, most=300)


async def no_rows(_: WriteConnection, __: str = "") -> None:
    """Write nothing of its own into what is joined."""


def known(memory: Memory[str, Thing], keys: str) -> str:
    return "".join(key for key in keys if memory.find(key) is not None)


async def test_what_was_not_asked_for_the_longest_goes_first(memory: Memory[str, Thing]) -> None:
    for key in "abc":
        memory.keep(key, Thing(1))
    assert memory.find("a") == Thing(1)
    memory.keep("d", Thing(1))
    assert known(memory, "abcd") == "acd"
    assert (len(memory), memory.weight) == (3, 300)


async def test_something_heavy_is_kept_alone(memory: Memory[str, Thing]) -> None:
    memory.keep("a", Thing(1))
    memory.keep("b", Thing(1, weight=1000))
    assert known(memory, "ab") == "b"
    memory.keep("c", Thing(1))
    assert known(memory, "abc") == "c"
    assert memory.weight == 100


async def test_something_older_takes_no_place_of_something_newer(memory: Memory[str, Thing]) -> None:
    memory.keep("a", Thing(5))
    memory.keep("a", Thing(4, weight=1))
    assert memory.find("a") == Thing(5)
    memory.keep("a", Thing(6, weight=7))
    assert memory.find("a") == Thing(6, weight=7)
    assert memory.weight == 7


async def test_what_is_forgotten_weighs_nothing(memory: Memory[str, Thing]) -> None:
    memory.keep("a", Thing(1))
    memory.forget("a")
    memory.forget("a")
    assert memory.find("a") is None
    assert (len(memory), memory.weight) == (0, 0)


async def test_what_may_never_come_true_is_not_remembered(memory: Memory[str, Thing], store: Store) -> None:
    async with store.join(no_rows, no_rows):
        memory.keep("a", Thing(1))
    assert memory.find("a") is None
