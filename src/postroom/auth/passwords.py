"""Password hashes: argon2id (RFC 9106), computed in threads so that the event loop goes on.

Argon2 releases the interpreter lock while it works. A semaphore bounds how many hashes are computed at a time, and
so the memory they take; who comes later waits in the order of arrival.

Invariant: checking the password of an account that does not exist takes the same work as that of one that does,
so that nothing is learned from the time an answer takes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher as Argon2Hasher
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError

from postroom.config.auth import AuthConfig

T = TypeVar("T")

MAX_PASSWORD_BYTES = 4096
"""Longer passwords are never right, and are not hashed."""


class PasswordHasher:
    """Makes and checks password hashes, in the PHC string format (``$argon2id$v=19$m=…``)."""

    def __init__(self, config: AuthConfig) -> None:
        self._argon2 = Argon2Hasher(
            time_cost=config.argon2_time_cost,
            memory_cost=config.argon2_memory_kib,
            parallelism=config.argon2_parallelism,
            type=Type.ID,
        )
        self._turns = asyncio.Semaphore(config.hash_threads)
        self._threads = ThreadPoolExecutor(config.hash_threads, thread_name_prefix="passwords")
        self._dummy_hash = ""

    async def hash(self, password: str) -> str:
        """Return a new hash of a password."""
        return await self._in_thread(self._hash, password)

    async def verify(self, password_hash: str, password: str) -> bool:
        """Return whether the hash is one of that password. A hash of an unknown form matches nothing."""
        return await self._in_thread(self._verify, password_hash, password)

    async def verify_unknown(self, password: str) -> bool:
        """Do the work of :meth:`verify` for an account that does not exist, and return False."""
        if not self._dummy_hash:
            self._dummy_hash = await self._in_thread(self._hash, "")
        await self._in_thread(self._verify, self._dummy_hash, password)
        return False

    def needs_rehash(self, password_hash: str) -> bool:
        """Return whether a hash was made with other parameters than the present ones."""
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Let the threads end; hashes under way are finished."""
        self._threads.shutdown(wait=True)

    async def _in_thread(self, work: Callable[..., T], *args: str) -> T:
        async with self._turns:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _hash(self, password: str) -> str:
        return self._argon2.hash(_encode(password))

    def _verify(self, password_hash: str, password: str) -> bool:
        encoded = _encode(password)
        try:
            self._argon2.verify(password_hash, encoded[:MAX_PASSWORD_BYTES])
        except (VerificationError, InvalidHashError):
            return False
        return len(encoded) <= MAX_PASSWORD_BYTES


def _encode(password: str) -> bytes:
    """Return the bytes to hash; text that is no valid Unicode matches what it was hashed from, and nothing else."""
    return password.encode("utf-8", "surrogatepass")
