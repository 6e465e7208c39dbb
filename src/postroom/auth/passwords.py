"""Password hashes: argon2id (RFC 9106), computed in threads so that the event loop goes on.

Argon2 releases the interpreter lock while it works. A semaphore bounds how many hashes are computed at a time, and
so the memory they take; who comes later waits in the order of arrival.

A password is prepared as RFC 8265 §4.2 (OpaqueString) says before it is hashed or compared, so that it is the same
password whichever way a keyboard or a program composes its characters.

Invariant: checking the password of an account that does not exist takes the same work as that of one that does,
so that nothing is learned from the time an answer takes.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher as Argon2Hasher
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw

from postroom.config.auth import AuthConfig

T = TypeVar("T")

MAX_PASSWORD_BYTES = 4096
"""Longer passwords are never right, and are not hashed."""
_SALT_BYTES = 16


class PasswordHasher:
    """Makes and checks password hashes, in the PHC string format (``$argon2id$v=19$m=…``)."""

    def __init__(self, config: AuthConfig) -> None:
        self._argon2 = Argon2Hasher(
            time_cost=config.argon2_time_cost,
            memory_cost=config.argon2_memory_kib,
            parallelism=config.argon2_parallelism,
            type=Type.ID,
        )
        self._config = config
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

    async def derive(self, data: bytes, salt: bytes) -> bytes:
        """Return a hash of data in which there may be passwords, no easier to guess from than a password hash.

        The same data and salt give the same hash.
        """
        return await self._in_thread(self._derive, data, salt[:_SALT_BYTES].ljust(_SALT_BYTES, b"\0"))

    def close(self) -> None:
        """Let the threads end; hashes under way are finished."""
        self._threads.shutdown(wait=True)

    async def _in_thread(self, work: Callable[..., T], *args: str | bytes) -> T:
        async with self._turns:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _hash(self, password: str) -> str:
        return self._argon2.hash(_encode(password))

    def _derive(self, data: bytes, salt: bytes) -> bytes:
        return hash_secret_raw(
            data,
            salt,
            time_cost=self._config.argon2_time_cost,
            memory_cost=self._config.argon2_memory_kib,
            parallelism=self._config.argon2_parallelism,
            hash_len=32,
            type=Type.ID,
        )

    def _verify(self, password_hash: str, password: str) -> bool:
        encoded = _encode(password)
        try:
            self._argon2.verify(password_hash, encoded[:MAX_PASSWORD_BYTES])
        except (VerificationError, InvalidHashError):
            return False
        return len(encoded) <= MAX_PASSWORD_BYTES


def prepare(password: str) -> str:
    """Return a password as it is compared: every space is the plain one, and the text is in NFC."""
    if password.isascii():
        return password
    spaced = "".join(" " if unicodedata.category(one) == "Zs" else one for one in password)
    return unicodedata.normalize("NFC", spaced)


def measure(password: str) -> int:
    """Return how many bytes a password has, of which there are at most :data:`MAX_PASSWORD_BYTES`."""
    return len(_encode(password))


def _encode(password: str) -> bytes:
    """Return the bytes to hash; text that is no valid Unicode matches what it was hashed from, and nothing else."""
    return prepare(password).encode("utf-8", "surrogatepass")
