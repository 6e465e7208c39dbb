"""Codes of second steps: six digits from an app (RFC 6238) or sent to somebody, recovery codes, and long tokens.

None of them is stored: the store has keyed hashes (HMAC-SHA-256 under a key that it does not have in clear), as a
plain hash of six digits is as good as the digits. What a hash is for is hashed with it, so that none is good
elsewhere.

The codes of an app are those of RFC 6238 with SHA-1, 30 seconds and 6 digits: what every app understands. A clock may
be one step off in either direction. Which step a code was of is returned, so that it can be seen to that no code is
used twice (§5.2).
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
SECRET_BYTES: Final = 20
"""Of an app: as many as SHA-1 has (RFC 4226 §4, R6)."""
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
"""80 bits: no number of tries finds one."""
_TOKEN_BYTES: Final = 24
_CODE: Final = re.compile(r"[0-9]{6}")
_SPACES: Final = re.compile(r"[\s-]+")


class CodeHasher:
    """Hashes codes and tokens under a key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, purpose: str, *parts: object) -> bytes:
        """Return the hash of what a code is for, whose it is, and the code itself."""
        texts = [str(part).encode("utf-8", "surrogatepass") for part in (purpose, *parts)]
        return hmac.digest(
            self._key, b"".join(b"%d:%b" % (len(text), text) for text in texts), hashlib.sha256
        )


def new_secret() -> bytes:
    """Return a new secret for an app."""
    return secrets.token_bytes(SECRET_BYTES)


def render_secret(secret: bytes) -> str:
    """Return a secret as it is typed in (Base32, RFC 4648 §6)."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def make_otpauth_uri(secret: bytes, *, name: str, issuer: str) -> str:
    """Return the URI that apps read a secret from."""
    import pyotp  # noqa: PLC0415 (few processes need it, and not at once)

    return pyotp.TOTP(render_secret(secret)).provisioning_uri(name=name, issuer_name=issuer)


def make_app_code(secret: bytes, step: int) -> str:
    """Return the code of a time step."""
    import pyotp  # noqa: PLC0415

    return pyotp.TOTP(render_secret(secret)).generate_otp(step)


def find_step(secret: bytes, code: str, *, now: float) -> int | None:
    """Return the time step that a code is of, None if it is of none near this time (Unix seconds).

    All steps near are compared, so that the time it takes says nothing.
    """
    code, present = clean_code(code), int(now // STEP_SECONDS)
    found = None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if step >= 0 and hmac.compare_digest(make_app_code(secret, step), code):
            found = step
    return found


def clean_code(text: str) -> str:
    """Return six digits that somebody typed, without spaces; "" if they are none."""
    code = _SPACES.sub("", text[:64])
    return code if _CODE.fullmatch(code) else ""


def new_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**6):06d}"


def new_long_code() -> str:
    """Return eight random digits."""
    return f"{secrets.randbelow(10**8):08d}"


def new_token() -> str:
    """Return a new token of 192 random bits."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def new_recovery_codes() -> list[str]:
    """Return new recovery codes, in groups of four characters."""
    return [_group(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES))) for _ in range(RECOVERY_CODES)]


def clean_recovery_code(text: str) -> str:
    """Return a recovery code as it is hashed: whatever its groups and case."""
    return _SPACES.sub("", text[:128]).upper()


def _group(encoded: bytes) -> str:
    text = encoded.decode("ascii").lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
