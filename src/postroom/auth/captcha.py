"""Captchas: what is to be read in an image, told by the captcha's id to who has the server's key, and to nobody else.

An id holds a random number and when the captcha expires, under a keyed hash together with the name that it was made
for; the text is another keyed hash of the same. So a captcha that is never tried needs no place in any store, however
many are asked for, and every process that has the key can judge it. What was tried must be remembered by the caller.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from typing import NamedTuple

LIFETIME_SECONDS = 300
LENGTH = 6
_LETTERS = "ACDEFHJKLMNPRTUVWXY34679"
"""Those that nobody takes for another."""
_RANDOM_BYTES = 16
_SIGNATURE_BYTES = 16
_EXPIRY = struct.Struct(">Q")
_PACKED_BYTES = _RANDOM_BYTES + _EXPIRY.size


class Captcha(NamedTuple):
    """A captcha; ``expires_at`` in Unix milliseconds."""

    captcha_id: str
    text: str
    expires_at: int


class CaptchaKey:
    """Makes captchas, and knows its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, name: bytes, *, now_ms: int) -> Captcha:
        """Return a new captcha for a name (any bytes that stand for it)."""
        expires_at = now_ms + LIFETIME_SECONDS * 1000
        packed = secrets.token_bytes(_RANDOM_BYTES) + _EXPIRY.pack(expires_at)
        return Captcha(_spell(packed + self._sign(packed, name)), self._text(packed, name), expires_at)

    def find(self, captcha_id: str, name: bytes, *, now_ms: int) -> Captcha | None:
        """Return the captcha of an id, None if none was made for that name, or it is too old."""
        try:
            data = base64.b64decode(captcha_id + "=" * (-len(captcha_id) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        packed, signature = data[:_PACKED_BYTES], data[_PACKED_BYTES:]
        if len(packed) != _PACKED_BYTES or not hmac.compare_digest(signature, self._sign(packed, name)):
            return None
        # What is not spelled as it was sent would pass for another captcha.
        if _spell(data) != captcha_id:
            return None
        (expires_at,) = _EXPIRY.unpack(packed[_RANDOM_BYTES:])
        return Captcha(captcha_id, self._text(packed, name), expires_at) if now_ms < expires_at else None

    def _sign(self, packed: bytes, name: bytes) -> bytes:
        return self._hash(packed, name, b"captcha id")[:_SIGNATURE_BYTES]

    def _text(self, packed: bytes, name: bytes) -> str:
        number = int.from_bytes(self._hash(packed, name, b"captcha text"), "big")
        letters = []
        for _ in range(LENGTH):
            number, which = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[which])
        return "".join(letters)

    def _hash(self, packed: bytes, name: bytes, purpose: bytes) -> bytes:
        return hashlib.blake2b(packed + name, key=self._key, person=purpose.ljust(16, b"\0")).digest()


def is_right(captcha: Captcha, text: str) -> bool:
    """Tell whether that is what stands in the image; case and spaces do not matter."""
    given = "".join(text.split()).upper()
    return hmac.compare_digest(given.encode(), captcha.text.encode())


def _spell(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
