"""The process that dies while it prunes; a task is the number of a step that it does not live to see, and a folder.

A step is whatever changes a name in the folder, or makes one durable.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fixtures.crashes import fork_for_tasks, tell

from postroom.domain import pruning
from postroom.domain.pruning import prune_backup
from postroom.store.backups.keeping import Keep

KEEP = Keep(daily=2, weekly=1)
STEPS = ("unlink", "rename", "fsync")


def do(task: str) -> None:
    number, root = task.split()
    left = [int(number)]

    def dying(step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return step(*args, **named)

        return run

    for name in STEPS:
        setattr(os, name, dying(getattr(os, name)))
    vars(pruning)["PACK_BYTES"] = 4000
    asyncio.run(prune_backup(Path(root), KEEP))
    tell("done")


if __name__ == "__main__":
    fork_for_tasks(do)
