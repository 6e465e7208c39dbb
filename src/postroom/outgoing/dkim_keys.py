"""Keys of DKIM: files ``data_dir/dkim/DOMAIN/SELECTOR.pem`` (PKCS#8), readable by their owner alone.

A key that others could read or replace is not used, and mail from its domain waits until that is put right: it would
rather be late than be refused as forged. A key that comes, goes or changes is noticed within seconds.
"""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from postroom.errors import Kind, PostroomError
from postroom.outgoing.dkim import ED25519, RSA, DKIMKey, PrivateKey

MIN_RSA_BITS: Final = 1024
"""RFC 8301 §3.2: verifiers do not believe in less."""
_LOOK_SECONDS: Final = 5.0
_MAX_KEY_BYTES: Final = 65_536
_MAX_CACHED: Final = 10_000


class KeyUnusableError(Exception):
    """A key is there and must not or cannot be used; the message says why, without secrets."""


class DKIMKeys:
    """The keys in a data folder, for one selector."""

    def __init__(self, data_dir: Path, *, selector: str) -> None:
        self._directory = data_dir / "dkim"
        self._selector = selector
        self._found: dict[str, tuple[float, tuple[int, int, int] | None, DKIMKey | None]] = {}

    def get_path(self, domain: str) -> Path:
        """Return the file of a domain's key."""
        return self._directory / domain / f"{self._selector}.pem"

    def find(self, domain: str) -> DKIMKey | None:
        """Return the key of a domain (in the form of the store), None if it has none.

        Raises: KeyUnusableError.
        """
        looked_at, mark, key = self._found.get(domain, (-_LOOK_SECONDS, None, None))
        now = time.monotonic()
        if now < looked_at + _LOOK_SECONDS:
            return key
        if "/" in domain or domain.startswith(".") or len(domain) > 253:
            return None
        try:
            facts = self.get_path(domain).stat()
            present = (facts.st_mtime_ns, facts.st_ino, facts.st_mode)
            if present != mark:
                key = self._load(domain)
        except (FileNotFoundError, NotADirectoryError):
            present, key = None, None
        except OSError as error:
            raise KeyUnusableError(f"the DKIM key of {domain} cannot be read: {error.strerror}") from error
        if len(self._found) >= _MAX_CACHED:
            self._found.clear()
        self._found[domain] = (now, present, key)
        return key

    def check(self) -> None:
        """Look at all keys. Raises: badDKIMKey for the first that cannot be used."""
        for domain in self.iter_domains():
            try:
                self.find(domain)
            except KeyUnusableError as error:
                raise PostroomError(Kind.CONFLICT, "badDKIMKey", str(error)) from error

    def iter_domains(self) -> Iterator[str]:
        """Yield the domains that have a key."""
        if self._directory.is_dir():
            for path in sorted(self._directory.glob(f"*/{self._selector}.pem")):
                yield path.parent.name

    def generate(self, domain: str, *, algorithm: str = RSA, bits: int = 2048) -> DKIMKey:
        """Make a key for a domain that has none. Raises: alreadyExists."""
        path = self.get_path(domain)
        private: PrivateKey
        if algorithm == ED25519:
            private = ed25519.Ed25519PrivateKey.generate()
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        text = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write_private(path, text)
        return DKIMKey(domain, self._selector, private)

    def _load(self, domain: str) -> DKIMKey:
        """Return the key in a domain's file. Raises: KeyUnusableError, OSError."""
        path = self.get_path(domain)
        for place in (self._directory, path.parent):
            if stat.S_IMODE(place.stat().st_mode) & 0o022:
                raise KeyUnusableError(f"{place} can be written by others: chmod 700 {place}")
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise KeyUnusableError(f"{path} can be read by others: chmod 600 {path}")
            text = file.read(_MAX_KEY_BYTES)
        try:
            private = serialization.load_pem_private_key(text, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyUnusableError(f"{path} holds no private key without a password") from None
        if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= MIN_RSA_BITS:
            return DKIMKey(domain, self._selector, private)
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return DKIMKey(domain, self._selector, private)
        raise KeyUnusableError(f"{path} holds no RSA key of at least {MIN_RSA_BITS} bits, and no Ed25519 key")


def _write_private(path: Path, text: bytes) -> None:
    """Write a file for its owner alone, whole or not at all. Raises: alreadyExists."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(temporary)
    except FileExistsError:
        raise PostroomError(Kind.CONFLICT, "alreadyExists", f"{path} is there already") from None
    finally:
        temporary.unlink(missing_ok=True)
