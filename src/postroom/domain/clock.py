"""The clock: the present time, and waiting for a later one, for everything that waits.

Undo windows, scheduled mail, retries, absence notices and sessions take their time from one clock that is handed
down from the composition root, so that tests move it on instead of sleeping.
"""

import asyncio
import contextlib
import time


class Clock:
    """The system's clock."""

    def now(self) -> float:
        """Return the present time in Unix seconds."""
        return time.time()

    def now_ms(self) -> int:
        """Return the present time in Unix milliseconds."""
        return int(self.now() * 1000)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when ``event`` is set, or when this many seconds have passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await event.wait()
