"""Upkeep of the full-text index in idle moments.

Each commit leaves a segment of the index; they are merged as they come, but not further than is cheap for deliveries.
When nothing was committed for a while the rest is merged, step by step, so that searches look into fewer segments and
the index takes less room. It stops when something is committed, for the next idle moment.
"""

import asyncio

import structlog

from postroom.errors import PostroomError
from postroom.store.engine.base import Engine

IDLE_SECONDS = 5.0
BREAK_SECONDS = 0.02
"""Between two steps others have their turn."""

_log = structlog.get_logger("postroom.upkeep")


async def keep_index_tidy(
    engine: Engine, *, idle_seconds: float = IDLE_SECONDS, break_seconds: float = BREAK_SECONDS
) -> None:
    """Merge what can be merged whenever nothing is committed for ``idle_seconds``, until cancelled.

    A database server sees to its indexes itself.
    """
    last = tidied = None
    while engine.answers_now:
        await asyncio.sleep(idle_seconds)
        present = engine.read_state_now()
        if present is not None and present == last and present != tidied:
            try:
                tidied = await _tidy(engine, present, break_seconds=break_seconds)
            except PostroomError as error:
                # What has failed is not tried again before something has changed.
                tidied = present
                _log.warning("the index could not be tidied", error=str(error), private=error.private)
        last = engine.read_state_now()


async def _tidy(engine: Engine, state: bytes | None, *, break_seconds: float) -> bytes | None:
    """Do steps until there is nothing to do, or somebody else commits; return the state when all is done."""
    while engine.read_state_now() == state:
        goes_on = await engine.tidy_index()
        state = engine.read_state_now()
        if not goes_on:
            return state
        await asyncio.sleep(break_seconds)
    return None
