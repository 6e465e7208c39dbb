"""The deadline, by a clock that the test moves."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from postroom.delivery.deadline import Deadline


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still until it is told to go on."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass and run what is due then."""
        self.now += seconds
        for _ in range(3):
            self.call_soon(self.stop)
            self.run_forever()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def recording(told: list[float], loop: Loop) -> Callable[[], None]:
    return lambda: told.append(loop.now)


def test_tells_once_when_it_has_passed(loop: Loop) -> None:
    told: list[float] = []
    deadline = Deadline(loop, recording(told, loop))
    deadline.set(10)
    loop.advance(9.9)
    assert told == []
    loop.advance(0.1)
    loop.advance(100)
    assert told == [1010.0]


def test_later_and_earlier(loop: Loop) -> None:
    told: list[float] = []
    deadline = Deadline(loop, recording(told, loop))
    deadline.set(10)
    loop.advance(5)
    deadline.set(10)
    loop.advance(6)
    assert told == []
    deadline.set(1)
    loop.advance(1)
    assert told == [1012.0]


def test_watching_after_it_has_passed(loop: Loop) -> None:
    told: list[float] = []
    deadline = Deadline(loop, recording(told, loop))
    deadline.set(1)
    loop.advance(1)
    deadline.watch()
    loop.advance(0)
    assert told == [1001.0, 1001.0]


def test_cancelled(loop: Loop) -> None:
    told: list[float] = []
    deadline = Deadline(loop, recording(told, loop))
    deadline.set(1)
    deadline.cancel()
    loop.advance(5)
    assert told == []
