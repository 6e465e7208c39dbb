"""The process that is killed: it does what follows behind the transactions of a store.

Run as a program, it waits for lines on its input, each the name of a folder. For each it forks: the child works on
the store there until it is killed or all is done, and writes ``done`` then.
"""

import asyncio
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks, tell
from tests.fixtures.factories import CHEAP_AUTH

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass
from postroom.config.root import Config
from postroom.domain import clearing
from postroom.store import open_store
from postroom.store.sql import orders

CHUNK_CAPACITY = 16
SLICE = 3
CLASSES = {"default": AccountClass(messages=1000, over_quota_threshold=1)}


async def work(folder: Path) -> None:
    """Go on with everything until there is nothing to do."""
    orders.CAPACITY = CHUNK_CAPACITY
    clearing.SLICE = SLICE
    store = await open_store("sqlite:", folder)
    hasher = PasswordHasher(CHEAP_AUTH)
    config = Config(data_dir=folder, auth=CHEAP_AUTH, classes=CLASSES)
    domain = await make_domain(store, config, hasher)
    tell("begun")
    await domain.doomed.resume()
    await domain.doomed.wait()
    await store.close()
    hasher.close()
    tell("done")


def do(task: str) -> None:
    asyncio.run(work(Path(task)))


if __name__ == "__main__":
    fork_for_tasks(do)
