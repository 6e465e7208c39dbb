"""Captchas, as cookie logins ask for them: known to all processes, good for one try, and soon too old.

What is to be read in an image follows from its id under a key of the store (:mod:`postroom.auth.captcha`), so that
nothing is stored for one that is only looked at. That it was tried is stored, whether it was right or not, until it
is too old. How many images an address may ask for is limited, and so is how many wait to be drawn.
"""

import hashlib
import time
from collections.abc import Callable
from typing import NamedTuple

from postroom.auth.captcha import LIFETIME_SECONDS, CaptchaKey, is_right
from postroom.auth.guessing import Guesses
from postroom.content.captcha import CaptchaDrawer
from postroom.domain.failed_logins import hash_name
from postroom.domain.server_secrets import ServerSecrets
from postroom.errors import Kind, PostroomError
from postroom.store import Store

META_NAME = "captcha_key"
IMAGES_PER_ADDRESS = 60
"""Within the lifetime of one; addresses that stand for many users are not limited."""
_CLEARED_AT_ONCE = 20


class Image(NamedTuple):
    """A captcha to look at."""

    captcha_id: str
    png: bytes


class Captchas:
    """The captchas of all names."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        guesses: Guesses,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``guesses`` tells which addresses stand for one user."""
        self._store = store
        self._key = CaptchaKey(key)
        self._images = guesses.count_requests(IMAGES_PER_ADDRESS, LIFETIME_SECONDS)
        self._drawer = CaptchaDrawer()
        self._now = now

    @classmethod
    async def open(
        cls,
        store: Store,
        server_secrets: ServerSecrets,
        guesses: Guesses,
        *,
        now: Callable[[], float] = time.time,
    ) -> "Captchas":
        """Return the captchas of a store, with the key all its processes share. Raises: unavailable."""
        return cls(store, await server_secrets.get_own(META_NAME), guesses, now=now)

    async def make(self, name: str, *, client: str) -> Image:
        """Return a new captcha for a name. Raises: tooManyRequests."""
        self._images.take(client)
        captcha = self._key.make(hash_name(name), now_ms=self._milliseconds())
        png = await self._drawer.draw(captcha.text)
        if png is None:
            raise PostroomError(
                Kind.LIMITED,
                "tooManyRequests",
                "too many captchas are asked for; try again soon",
                retry_after_seconds=1,
            )
        return Image(captcha.captcha_id, png)

    async def use(self, name: str, captcha_id: str, text: str) -> bool:
        """Use a captcha up; return whether it was one for that name, and the text was right. Raises: unavailable."""
        now = self._milliseconds()
        captcha = self._key.find(captcha_id, hash_name(name), now_ms=now)
        if captcha is None:
            return False
        used = hashlib.sha256(captcha_id.encode()).digest()
        async with self._store.directory_transaction() as tx:
            await tx.used_captchas.delete_expired(now, limit=_CLEARED_AT_ONCE)
            is_first = await tx.used_captchas.use(used, expires_at=captcha.expires_at)
        return is_first and is_right(captcha, text)

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)
