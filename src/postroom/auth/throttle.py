"""Limits on guessing: failed tries counted for a key (an account name, a source address) over a window of time.

A try takes its place before the password is checked and gives it back when the check succeeds, so that many tries
at once cannot pass the limit together. Beyond the limit every try is refused unchecked, right or wrong; with
``spaced_seconds`` one try is let through in that time. Known and unknown names are counted alike.

The counts live in the memory of this process, for a bounded number of keys: those tried longest ago go first. Keys
are kept as keyed hashes, so that each takes the same little room, and nothing that was typed is kept.
"""

import hashlib
import math
import secrets
from collections import OrderedDict

MAX_KEYS = 50_000
_KEY_BYTES = 12


class Throttle:
    """Counts failed tries. Times are Unix seconds."""

    def __init__(self, *, limit: int, window_seconds: float, spaced_seconds: float = 0) -> None:
        """``limit`` 0 switches the throttle off."""
        self._limit = limit
        self._window_seconds = window_seconds
        self._spaced_seconds = spaced_seconds
        self._secret = secrets.token_bytes(16)
        self._tries: OrderedDict[bytes, list[float]] = OrderedDict()

    def _hash(self, key: str) -> bytes:
        data = key.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, key=self._secret, digest_size=_KEY_BYTES).digest()

    def refused_seconds(self, key: str, now: float) -> int:
        """Return after how many seconds a try may succeed, 0 if it may now."""
        tries = self._tries.get(self._hash(key))
        if not self._limit or tries is None:
            return 0
        while tries and tries[0] <= now - self._window_seconds:
            tries.pop(0)
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
        hashed = self._hash(key)
        tries = self._tries.setdefault(hashed, [])
        tries.append(now)
        del tries[: -self._limit]
        self._tries.move_to_end(hashed)
        while len(self._tries) > MAX_KEYS:
            self._tries.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failed tries of a key."""
        self._tries.pop(self._hash(key), None)

    def withdraw(self, key: str) -> None:
        """Take back the last try of a key: it was neither right nor wrong."""
        hashed = self._hash(key)
        tries = self._tries.get(hashed)
        if tries:
            tries.pop()
            if not tries:
                del self._tries[hashed]
