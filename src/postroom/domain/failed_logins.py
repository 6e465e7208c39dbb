"""Failed logins by name, in the store: after some within a time, cookie logins for that name need a captcha.

All processes count together, and known and unknown names are counted alike. A cookie login takes its place before its
password is checked, and gives it back where the check succeeds or nobody knows how it ended, so that many at once
cannot pass the limit together. Of a name the newest failures are kept, as many as the limit is, and those that are
too old are cleared by and by: what is kept is bounded by how many passwords can be checked within the time.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from postroom.config.auth import AuthConfig
from postroom.domain.turns import Turns
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

_CLEARED_AT_ONCE = 20


class Try(NamedTuple):
    """A login that counts as failed until it is said to be something else."""

    name_hash: bytes
    failed_at: int
    """Unix milliseconds."""
    try_id: int


def hash_name(name: str) -> bytes:
    """Return what stands for a name: people type all kinds of things into its place."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


class FailedLogins:
    """The failed logins of all names. A name is given in the one form of all its spellings."""

    def __init__(self, store: Store, config: AuthConfig, *, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._limit = config.captcha_after
        self._window = config.attempts_window_seconds * 1000
        self._now = now
        self._turns = Turns()

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)

    async def are_many(self, name: str) -> bool:
        """Tell whether a captcha is required for a name. Raises: unavailable."""
        async with self._store.directory() as tables:
            since = self._milliseconds() - self._window
            count = await tables.failed_logins.count(hash_name(name), since=since)
        return count >= self._limit

    async def begin(self, name: str) -> Try | None:
        """Count a login as failed for now; None, and nothing counted, if it needs a captcha. Raises: unavailable."""
        if await self.are_many(name):
            return None
        name_hash, now = hash_name(name), self._milliseconds()
        async with self._turns.of(name_hash), self._store.directory_transaction() as tx:
            since = now - self._window
            if await tx.failed_logins.count(name_hash, since=since) >= self._limit:
                return None
            return await self._add(tx, name_hash, now)

    async def note(self, name: str) -> Try:
        """Count a login as failed, whatever the limit. Raises: unavailable."""
        async with self._store.directory_transaction() as tx:
            return await self._add(tx, hash_name(name), self._milliseconds())

    async def _add(self, tx: DirectoryTransaction, name_hash: bytes, now: int) -> Try:
        begun = Try(name_hash, now, secrets.randbits(62))
        await tx.failed_logins.delete_old(now - self._window, limit=_CLEARED_AT_ONCE)
        await tx.failed_logins.add(name_hash, now, try_id=begun.try_id, keep=self._limit)
        return begun

    async def undone(self, begun: Try) -> None:
        """Forget a login of which nobody knows whether it would have failed. Raises: unavailable."""
        async with self._store.directory_transaction() as tx:
            await tx.failed_logins.delete(begun.name_hash, begun.failed_at, try_id=begun.try_id)
