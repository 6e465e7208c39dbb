"""Successful password checks, remembered in memory, so that polling does not cost a password hash each time.

The key is a keyed hash of the Authorization header under a random key of this process: neither the password nor
anything it can be guessed from offline is kept. An entry holds for a bounded time, the number of entries is bounded
(the one used longest ago goes first), and each use compares the entry's ``auth_version`` with the account's present
one, which every process raises together with a change of password, state or security settings. Failed checks are
never remembered.
"""

import hashlib
import math
import secrets
from collections import OrderedDict
from typing import NamedTuple

from postroom.model.account import ALL, BASIC, FULL
from postroom.model.ids import AccountId

_DIGEST_BYTES = 16


class Remembered(NamedTuple):
    """A successful check: whose, under which version of the account, and until when it holds (Unix seconds)."""

    account_id: AccountId
    auth_version: int
    expires_at: float
    address: str
    full_name: str
    class_name: str
    stage: str = FULL
    """What a call with these credentials waits for."""
    must_change_at: float = math.inf
    """From when on the password must be changed (Unix seconds)."""
    scope: str = ALL
    """What the credentials may do."""
    login: str = BASIC
    ends_at: float = math.inf
    """When the credentials end by themselves (Unix seconds); whatever was begun with them ends then, too."""


class RememberedChecks:
    """The successful checks of this process."""

    def __init__(self, *, max_entries: int) -> None:
        self._key = secrets.token_bytes(32)
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, Remembered] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    def digest(self, authorization: bytes) -> bytes:
        """Return the key of an Authorization header."""
        return hashlib.blake2b(authorization, key=self._key, digest_size=_DIGEST_BYTES).digest()

    def find(self, digest: bytes, now: float) -> Remembered | None:
        """Return the entry of a key if it still holds."""
        entry = self._entries.get(digest)
        if entry is None or entry.expires_at <= now:
            self.misses += 1
            self._entries.pop(digest, None)
            return None
        self.hits += 1
        self._entries.move_to_end(digest)
        return entry

    def remember(self, digest: bytes, entry: Remembered) -> None:
        """Keep a successful check."""
        self._entries[digest] = entry
        self._entries.move_to_end(digest)
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """Drop an entry."""
        self._entries.pop(digest, None)
