"""A deadline that is moved for every command and hardly ever met, by one timer of the event loop.

Algorithm: moving the deadline later leaves the timer alone. A timer that fires early, because the deadline has moved
meanwhile, is set again for the rest. So the usual case costs an addition, not a timer.
"""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls ``on_passed`` once the time set last is over, as long as somebody watches."""

    __slots__ = ("_at", "_loop", "_on_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_passed: Callable[[], None]) -> None:
        self._loop = loop
        self._on_passed = on_passed
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Move the deadline to ``seconds`` from now."""
        self._at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._at:
            self._arm()

    def watch(self) -> None:
        """Make sure that a deadline that passed while nobody cared is told now."""
        if self._timer is None:
            self._arm()

    def cancel(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.cancel()
        self._timer = self._loop.call_at(self._at, self._check)

    def _check(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._arm()
        else:
            self._on_passed()
