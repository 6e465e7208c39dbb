"""Drawing captchas, in a thread: one at a time, and only a few wait.

An image takes some 5 ms. What draws it is loaded with the first one: about 15 MB that most servers never need.
"""

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from captcha.image import ImageCaptcha

WIDTH, HEIGHT = 240, 80
MOST_WAITING = 32


class CaptchaDrawer:
    """Draws captchas."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def draw(self, text: str) -> bytes | None:
        """Return a PNG image of a text, None if too many are waited for already."""
        if self._waiting >= MOST_WAITING:
            return None
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(_draw, text)
        finally:
            self._waiting -= 1


@lru_cache(maxsize=1)
def _load() -> "ImageCaptcha":
    from captcha.image import ImageCaptcha  # noqa: PLC0415 (loaded when it is needed)

    return ImageCaptcha(width=WIDTH, height=HEIGHT)


def _draw(text: str) -> bytes:
    return _load().generate(text).getvalue()
