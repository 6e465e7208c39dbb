"""Limits on guessing: failed tries counted for a key (an account name, a source address) over a window of time.

A try takes its place before the password is checked and gives it back when the check succeeds, so that many tries
at once cannot pass the limit together. Beyond the limit every try is refused unchecked, right or wrong; with
``spaced_seconds`` one try is let through in that time. Known and unknown names are counted alike.

The counts live in memory, for a bounded number of keys: those tried longest ago go first.
"""

import math
from collections import OrderedDict, deque

MAX_KEYS = 50_000


class Throttle:
    """Counts failed tries. Times are Unix seconds."""

    def __init__(self, *, limit: int, window_seconds: float, spaced_seconds: float = 0) -> None:
        """``limit`` 0 switches the throttle off."""
        self._limit = limit
        self._window_seconds = window_seconds
        self._spaced_seconds = spaced_seconds
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def refused_seconds(self, key: str, now: float) -> int:
        """Return after how many seconds a try may succeed, 0 if it may now."""
        tries = self._tries.get(key)
        if not self._limit or tries is None:
            return 0
        while tries and tries[0] <= now - self._window_seconds:
            tries.popleft()
        if len(tries) < self._limit:
            return 0
        until = tries[0] + self._window_seconds
        if self._spaced_seconds:
            until = min(until, tries[-1] + self._spaced_seconds)
        return max(math.ceil(until - now), 0)

    def begin(self, key: str, now: float) -> None:
        """Count a try as failed, until :meth:`succeeded` says otherwise."""
        if not self._limit:
            return
        tries = self._tries.setdefault(key, deque(maxlen=max(self._limit, 1)))
        tries.append(now)
        self._tries.move_to_end(key)
        while len(self._tries) > MAX_KEYS:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failed tries of a key."""
        self._tries.pop(key, None)

    def withdraw(self, key: str) -> None:
        """Take back the last try of a key: it was neither right nor wrong."""
        tries = self._tries.get(key)
        if tries:
            tries.pop()
