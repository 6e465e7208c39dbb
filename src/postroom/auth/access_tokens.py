"""App passwords and badge tokens: 192 random bits behind a prefix that tells what they are.

What is as random as that cannot be guessed, so a plain hash is stored and no failed try is counted. The prefix tells
them from chosen passwords and from a provider's tokens without a look-up.
"""

import hashlib
import re
import secrets

APP_PASSWORD_PREFIX, BADGE_PREFIX = "pap_", "pbt_"
_BYTES = 24
_SECRET = re.compile(r"(?:pap|pbt)_[A-Za-z0-9_-]{32}")


def new_secret(prefix: str) -> str:
    """Return a new secret."""
    return prefix + secrets.token_urlsafe(_BYTES)


def hash_secret(text: str, prefix: str) -> bytes | None:
    """Return what the store keeps of a secret, None if the text has not the form of one."""
    if not text.startswith(prefix) or _SECRET.fullmatch(text) is None:
        return None
    return hashlib.sha256(text.encode("ascii")).digest()
