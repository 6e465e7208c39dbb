"""Where work on content is done: in a helper process, in the loop, or in a thread where it takes long."""

import asyncio
from collections.abc import Sequence

from postroom.compose.message import Fields
from postroom.compose.parts import AttachedFile
from postroom.content.compose import Composed, ComposeTask, compose
from postroom.content.digest import Digest, digest_message
from postroom.content.pool import HelperPool
from postroom.content.show import Shown, ShowTask, show
from postroom.content.tasks import MAX_SOURCE_BYTES, DigestTask
from postroom.mime.raw import Raw

_SHOWN_HERE_BYTES = 4 * 1024
"""Showing more than this is worth the way to a helper."""
_SHOWN_IN_LOOP_BYTES = 32 * 1024
"""Showing more than this is worth a thread where no helper has time. It takes 20 ms at worst, and 1 ms as a rule."""


class ContentWork:
    """Does the work on content, with the helpers of a pool if it has one."""

    def __init__(self, pool: HelperPool | None = None) -> None:
        self._pool = pool

    async def digest(self, raw: Raw, *, with_traits: bool = False) -> Digest:
        """Return a raw message ready to be filed; ``with_traits`` where filters are to look at it."""
        if len(raw) > MAX_SOURCE_BYTES:
            return await asyncio.to_thread(digest_message, raw, with_traits=with_traits)
        if self._pool is not None:
            found: Digest | None = await self._pool.run(DigestTask(raw[:], with_traits))
            if found is not None:
                return found
        return digest_message(raw, with_traits=with_traits)

    async def compose(self, fields: Fields, files: Sequence[AttachedFile] = ()) -> Composed:
        """Return a composed message ready to be filed.

        Raises: badParameter for what cannot stand in a header.
        """
        task = ComposeTask(fields, tuple(files))
        if task.size > MAX_SOURCE_BYTES:
            return await asyncio.to_thread(compose, task)
        if self._pool is not None:
            found: Composed | None = await self._pool.run(task)
            if found is not None:
                return found
        return compose(task)

    async def show(self, task: ShowTask) -> Shown:
        """Return a text part fit to be shown."""
        size = len(task.source)
        if size <= _SHOWN_HERE_BYTES:
            return show(task)
        if self._pool is not None and size <= MAX_SOURCE_BYTES:
            found: Shown | None = await self._pool.run(task)
            if found is not None:
                return found
        if size <= _SHOWN_IN_LOOP_BYTES:
            return show(task)
        return await asyncio.to_thread(show, task)
