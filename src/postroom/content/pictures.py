"""Making pictures anew in a process that may be killed, as the event loop sees it.

A process is started for each picture, gets the file on its standard input, and answers on its standard output. It
lives for some seconds at the most, and only a few do at the same time: pictures are seldom set, so that this costs
nobody anything. Whatever a file does to its decoder, it does to that process alone. Who would have to wait long is
told so at once.
"""

import asyncio
import subprocess
import sys
from enum import Enum

import structlog

from postroom.content.extractor import make_environment
from postroom.content.picture import MEDIA_TYPES, NO_IMAGE, TOO_LARGE
from postroom.model.profile import Picture

COMPUTED_SECONDS = 5
WAITED_SECONDS = 20
MEMORY_BYTES = 768 << 20
MOST_AT_ONCE = 2
MOST_WAITING = 16
"""Files held in memory, each with somebody who waits."""
MAX_ANSWER_BYTES = 4 << 20

_log = structlog.get_logger("postroom.pictures")


class Failure(Enum):
    """Why there is no picture."""

    NO_IMAGE = "no image"
    """The file is no image, or a broken one; or it took more than it may."""
    TOO_LARGE = "too large"
    """It has too many pixels."""
    BUSY = "busy"
    """Too many wait already."""
    UNAVAILABLE = "unavailable"
    """No process can be started."""


class PictureMaker:
    """Makes pictures anew."""

    def __init__(
        self, *, computed_seconds: float = COMPUTED_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._arguments = [str(memory_bytes), str(computed_seconds)]
        self._free = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def make(self, data: bytes) -> Picture | Failure:
        """Return the picture that a file holds, made anew."""
        if self._waiting >= MOST_WAITING:
            return Failure.BUSY
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(self._run, data)
        finally:
            self._waiting -= 1

    def _run(self, data: bytes) -> Picture | Failure:
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "postroom.content.picture_process", *self._arguments],
                input=data,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=make_environment(),
                timeout=WAITED_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Failure.NO_IMAGE
        except OSError as error:
            _log.warning("a process for a picture cannot be started", error=str(error))
            return Failure.UNAVAILABLE
        return _read_answer(done.returncode, done.stdout)


def _read_answer(code: int, answer: bytes) -> Picture | Failure:
    kind, data = answer[:1], answer[1:]
    if code == 0 and kind in MEDIA_TYPES and 0 < len(data) <= MAX_ANSWER_BYTES:
        return Picture(MEDIA_TYPES[kind], data)
    if code == 0 and kind == TOO_LARGE:
        return Failure.TOO_LARGE
    if code or kind != NO_IMAGE:
        _log.warning("a picture ended the process that read it", code=code)
    return Failure.NO_IMAGE
