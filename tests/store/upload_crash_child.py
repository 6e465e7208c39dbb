"""The process that is killed: it uploads and removes files, and says so when it is told that it is done.

Run as a program, it waits for lines on its input: a folder and a session token. For each it forks, so that the
imports are paid for once. The child works until it is killed: it writes ``+ number letter`` when a file is there, and
``- number`` before one is removed; the parent writes the child's process id, and ``dead`` when it has ended.
"""

import asyncio
from itertools import count
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks, tell
from tests.fixtures.factories import CHEAP_AUTH, PASSWORD, basic

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain.uploads import FileHead
from postroom.store import open_store

ADDRESS = "anna@example.test"
SIZE = 1_200_000
"""More than a frame, so that some of it is on disk before the end."""


async def work(folder: Path, token: str) -> None:
    """Upload two files and remove one, again and again."""
    store = await open_store("sqlite:", folder)
    domain = await make_domain(store, Config(data_dir=folder, auth=CHEAP_AUTH), PasswordHasher(CHEAP_AUTH))
    caller = await domain.logins.authenticate(basic(ADDRESS, PASSWORD), token, client="127.0.0.1")
    uploads = domain.temporary_attachments
    tell("begun")
    for number in count():
        letter = chr(ord("a") + number % 26)
        staging = uploads.begin(caller)
        for _ in range(2):
            staging.begin()
            await staging.write(letter.encode() * SIZE)
            await staging.end(FileHead(f"{letter}.txt", "text/plain"))
        first, second = await uploads.keep(caller, staging)
        await staging.close()
        for row in (first, second):
            tell(f"+ {row.attachment_id} {letter}")
        tell(f"- {first.attachment_id}")
        await uploads.delete(caller, first.attachment_id)


def do(task: str) -> None:
    folder, token = task.split()
    asyncio.run(work(Path(folder), token))


if __name__ == "__main__":
    fork_for_tasks(do)
