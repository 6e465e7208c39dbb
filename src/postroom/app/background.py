"""Work that is done beside a block, for as long as the block lasts, and work that is done again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from postroom.errors import PostroomError

Step = Callable[[], Awaitable[object]]

_log = structlog.get_logger("postroom")


@asynccontextmanager
async def in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do work beside a block; at its end it is cancelled, and waited for."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def repeat(complaint: str, *steps: Step, pause_seconds: float, rests_first: bool = False) -> None:
    """Do all steps, pause, and begin anew, until cancelled.

    What fails is logged with the ``complaint``; it keeps no other step from being done, and is tried again.
    """
    if rests_first:
        await asyncio.sleep(pause_seconds)
    while True:
        for step in steps:
            try:
                await step()
            except PostroomError as error:
                _log.warning(complaint, error=str(error), private=error.private)
            except Exception:  # noqa: BLE001 - a fault must not end what keeps the server in order, for good
                _log.exception(complaint)
        await asyncio.sleep(pause_seconds)
