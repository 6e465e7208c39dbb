"""The process that is killed: it goes on with the jobs of a store, and with what is left of removed folders.

Run as a program, it waits for lines on its input, each the name of a folder. For each it forks, so that the imports
are paid for once: the child works on the store there until it is killed or all is done, and writes ``done`` then;
the parent writes the child's process id, and ``dead`` when it has ended.
"""

import asyncio
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks, tell
from tests.fixtures.factories import CHEAP_AUTH

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain import jobs
from postroom.store import open_store
from postroom.store.sql import orders

CHUNK_CAPACITY = 16
SLICE = 5


async def work(folder: Path) -> None:
    """Go on with everything until there is nothing to do."""
    orders.CAPACITY = CHUNK_CAPACITY
    jobs.SLICE = SLICE
    jobs.IDLE_SECONDS = -1
    store = await open_store("sqlite:", folder)
    hasher = PasswordHasher(CHEAP_AUTH)
    domain = await make_domain(store, Config(data_dir=folder, auth=CHEAP_AUTH), hasher)
    tell("begun")
    await domain.doomed.resume()
    await domain.jobs.resume()
    await asyncio.gather(*domain.jobs._running.values())
    await domain.doomed.wait()
    await store.close()
    hasher.close()
    tell("done")


def do(task: str) -> None:
    asyncio.run(work(Path(task)))


if __name__ == "__main__":
    fork_for_tasks(do)
