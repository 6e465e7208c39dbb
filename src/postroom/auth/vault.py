"""The vault: small secrets (keys, phone numbers, secrets of second steps), encrypted for the store.

Each is sealed by AES-256-GCM under a server key, which the store never has. A sealed secret is a line of text,
``pv1.KEY.DATA``: the version of this form, the id of the key, and nonce and ciphertext in base64url. Its
:class:`Place` (what it is for, whose it is, and which of these) is authenticated with it, so that a sealed secret
opens there alone: copied to another row, or to another account's, it is of no use.

There may be several server keys; any of them opens what it has sealed. The id of a key follows from the key, so that
equal ids mean equal keys, and says nothing else of it. What encrypts is derived from the key, not the key itself.

Sources: NIST SP 800-38D (96 random bits of nonce are good for 2^32 secrets under one key; there are a few for each
account), RFC 5116.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
MAX_SECRET_BYTES: Final = 65_536
_VERSION: Final = "pv1"
_NONCE_BYTES: Final = 12
_ID_BYTES: Final = 8
_SEALED: Final = re.compile(r"pv1\.([0-9a-f]{16})\.([A-Za-z0-9_-]+)")
_PURPOSE: Final = re.compile(r"[a-z0-9_-]{1,64}")


class Place(NamedTuple):
    """Where a secret belongs. Owner 0 is the server itself; ``item`` tells several of one owner apart."""

    purpose: str
    """Lower-case letters, digits, - and _."""
    owner: int = 0
    item: int = 0


class UnknownKeyError(Exception):
    """A secret was sealed under a key that is not here; ``key_id`` is the key's."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no server key {key_id}")
        self.key_id = key_id


class BadSealError(Exception):
    """Text is no sealed secret, was changed, or belongs elsewhere."""


class ServerKey:
    """A server key. Its text and its representation do not show the secret."""

    __slots__ = ("_cipher", "key_id", "made_on", "secret")

    def __init__(self, secret: bytes, made_on: str) -> None:
        """``made_on`` is a date, for people. Raises ValueError for a secret of the wrong size."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a server key has {KEY_BYTES} bytes")
        self.secret = secret
        self.made_on = made_on
        self.key_id = _derive(secret, b"id")[:_ID_BYTES].hex()
        self._cipher = AESGCM(_derive(secret, b"encryption"))

    @classmethod
    def generate(cls, made_on: str) -> "ServerKey":
        """Return a new key."""
        return cls(secrets.token_bytes(KEY_BYTES), made_on)

    def __repr__(self) -> str:
        return f"<server key {self.key_id} of {self.made_on}>"

    def encrypt(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return nonce and ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def decrypt(self, data: bytes, bound_to: bytes) -> bytes:
        """Return what was encrypted. Raises: BadSealError."""
        try:
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError):
            raise BadSealError("a sealed secret was changed, or belongs elsewhere") from None


class Vault:
    """Seals and opens secrets with the keys that it is given, the newest first."""

    __slots__ = ("_by_id", "keys")

    def __init__(self, keys: Sequence[ServerKey]) -> None:
        """Raises ValueError if there is no key."""
        if not keys:
            raise ValueError("a vault needs a key")
        self.keys = tuple(keys)
        self._by_id = {key.key_id: key for key in keys}

    def lacks(self, key_ids: Iterable[str]) -> list[str]:
        """Return those of the ids whose keys are not here."""
        return [key_id for key_id in key_ids if key_id not in self._by_id]

    def seal(self, plain: bytes, place: Place, *, key_id: str | None = None) -> str:
        """Return a secret, encrypted under the newest key, or the one named.

        Raises ValueError for a secret that is too long; UnknownKeyError.
        """
        if len(plain) > MAX_SECRET_BYTES:
            raise ValueError(f"a secret has at most {MAX_SECRET_BYTES} bytes")
        key = self.keys[0] if key_id is None else self._find(key_id)
        data = key.encrypt(plain, _bind(key.key_id, place))
        return f"{_VERSION}.{key.key_id}.{base64.urlsafe_b64encode(data).decode('ascii').rstrip('=')}"

    def open(self, sealed: str, place: Place) -> bytes:
        """Return a secret. Raises: BadSealError; UnknownKeyError."""
        key = self._find(key_id_of(sealed))
        text = sealed[sealed.rindex(".") + 1 :]
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            raise BadSealError("a sealed secret was changed") from None
        return key.decrypt(data, _bind(key.key_id, place))

    def _find(self, key_id: str) -> ServerKey:
        key = self._by_id.get(key_id)
        if key is None:
            raise UnknownKeyError(key_id)
        return key


def key_id_of(sealed: str) -> str:
    """Return the id of the key that a secret is sealed under. Raises: BadSealError."""
    found = _SEALED.fullmatch(sealed)
    if found is None:
        raise BadSealError("this is no sealed secret")
    return found[1]


def _bind(key_id: str, place: Place) -> bytes:
    """Return what is authenticated with a secret; no two places have the same."""
    if not _PURPOSE.fullmatch(place.purpose):
        raise ValueError("a purpose is made of lower-case letters, digits, - and _")
    return f"{_VERSION} {key_id} {place.purpose} {place.owner:d} {place.item:d}".encode("ascii")


def _derive(secret: bytes, use: bytes) -> bytes:
    return hmac.digest(secret, b"postroom server key: " + use, hashlib.sha256)
