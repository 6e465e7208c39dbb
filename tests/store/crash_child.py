"""The process that is killed: it delivers, flags and removes mail as fast as it can, and says what is durable.

Run as a program, it waits for lines on its input. For each it forks: the child works on the store in the folder
named by the line until it is killed, and writes the number of each acknowledged delivery; the parent writes the
child's process id, and ``dead`` with what ended it. So the imports are paid for once.
"""

import asyncio
import os
import random
from pathlib import Path

from tests.fixtures.crashes import fork_for_tasks
from tests.fixtures.factories import mark_mail, remove_mail

from postroom.config.classes import AccountClass
from postroom.domain.ingest import Ingest
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, Uid
from postroom.store import Store, open_store
from postroom.store.sql import orders

ACCOUNTS = (AccountId(1), AccountId(2))
SENT = FolderId(INBOX + 2)
WRITERS = 5
CHUNK_CAPACITY = 16


def make_letter(number: int, *, is_junk: bool, filler: bytes) -> bytes:
    """Return a message whose subject says which it is."""
    kind = "Junk" if is_junk else "Letter"
    head = f"From: berta@other.test\r\nTo: anna@example.test\r\nSubject: {kind} {number}\r\n\r\n"
    return head.encode() + filler


class Writer:
    """Works until it is killed."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._ingest = Ingest(store, {"default": AccountClass()})
        self._chance = random.Random(seed)  # noqa: S311
        self._next = seed * 1_000_000

    async def run(self) -> None:
        await asyncio.gather(*(self._deliver() for _ in range(WRITERS)), self._change(), self._remove())

    async def _deliver(self) -> None:
        while True:
            self._next += 1
            number, is_junk = self._next, self._chance.random() < 0.3
            large = self._chance.random() < 0.05
            filler = self._chance.randbytes(100_000 if large else 500).hex().encode()
            raw = make_letter(number, is_junk=is_junk, filler=filler)
            recipients = tuple(
                Recipient("x", account_id, SENT if is_junk else INBOX, "") for account_id in ACCOUNTS
            )
            outcomes = await self._ingest.deliver(Envelope("", recipients, "unix", "x", False, False), raw)
            if not is_junk and list(outcomes) == [None, None]:
                os.write(1, f"{number}\n".encode())

    async def _change(self) -> None:
        while True:
            await self._try_one(INBOX, remove=False)

    async def _remove(self) -> None:
        while True:
            await self._try_one(SENT, remove=True)

    async def _try_one(self, folder_id: FolderId, *, remove: bool) -> None:
        account_id = self._chance.choice(ACCOUNTS)
        async with self._store.peek(account_id) as mailbox:
            folder = await mailbox.folders.find(folder_id)
        assert folder is not None
        uid = Uid(self._chance.randrange(1, 2 * folder.total_items + 2))
        try:
            async with self._store.transaction(account_id) as tx:
                if remove:
                    await remove_mail(tx, folder_id, uid)
                else:
                    flags = [self._chance.random() < 0.5 for _ in range(2)]
                    await mark_mail(tx, folder_id, uid, is_unread=flags[0], is_flagged=flags[1])
        except PostroomError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            await asyncio.sleep(0.001)


async def work(folder: Path, seed: int) -> None:
    orders.CAPACITY = CHUNK_CAPACITY
    store = await open_store("sqlite:", folder)
    await Writer(store, seed).run()


def do(task: str) -> None:
    folder, seed = task.split("\t")
    asyncio.run(work(Path(folder), int(seed)))


if __name__ == "__main__":
    fork_for_tasks(do)
