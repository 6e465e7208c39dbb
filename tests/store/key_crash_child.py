"""The process that is killed while it rotates server keys, again and again; a task is a store's URL and a folder."""

import asyncio
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks, tell
from tests.store.sealed_world import PLACES

from postroom.domain.key_rotation import rotate
from postroom.store import open_store


async def work(url: str, folder: Path) -> None:
    store = await open_store(url, folder, connections=2)
    tell("begun")
    while True:
        await rotate(store, folder, places=PLACES, slice_size=4)
        tell("rotated")


def do(task: str) -> None:
    url, folder = task.split()
    asyncio.run(work(url, Path(folder)))


if __name__ == "__main__":
    fork_for_tasks(do)
