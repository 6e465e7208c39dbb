"""Stores that must not be worked on: those into which rows are still being copied, and those that have moved away."""

from typing import Final

from postroom.errors import Kind, PostroomError
from postroom.store.engine.base import Engine

UNFINISHED: Final = "unfinished_copy"
"""The name in ``meta`` of how far a restore or a migration into this store is, as JSON."""
MOVED: Final = "moved_to"
"""The name in ``meta`` of where this store is being moved to, or has moved."""
_FIND = "SELECT name, value FROM meta WHERE name IN ('unfinished_copy', 'moved_to') ORDER BY name DESC"


async def refuse_closed(engine: Engine) -> None:
    """Refuse a store that must not be worked on. Raises: storeUnfinished, storeMoved, unavailable."""
    async with engine.peek() as connection:
        row = await connection.fetch_row(_FIND)
    if row is None:
        return
    if row[0] == UNFINISHED:
        message = (
            "a restore or a migration into this store was interrupted: repeat that command to go on with it, "
            "or start again with an empty store"
        )
        raise PostroomError(Kind.CONFLICT, "storeUnfinished", message)
    message = (
        f"this store {row[1]}: set store.url to that, "
        "or take it back with postroom migrate-store FROM TO --cancel"
    )
    raise PostroomError(Kind.CONFLICT, "storeMoved", message)
