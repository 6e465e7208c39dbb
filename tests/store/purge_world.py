"""Histories of mails and folders that go to Trash and Spam, for tests of the automatic purge."""

import contextlib
import random
from collections.abc import Awaitable
from dataclasses import dataclass, field

from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import Owner, make_filing

from postroom.config.classes import AccountClass, Autopurge
from postroom.config.retention import RetentionConfig
from postroom.domain.actions import MoveTo
from postroom.domain.batches import Selection
from postroom.domain.examination import examine
from postroom.domain.visits import Visits
from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import FolderId, FolderRef, MailRef, SessionId, Uid

SENT, TRASH, SPAM = FolderId(4), FolderId(5), FolderId(6)
DAY = 86_400
INTERVAL = 7
"""Days after which mails go."""
LATE = 2.5
"""Days by which they may be late: there is a visit a day, within half a day of the last one's time."""

Act = tuple[str, int, int]
"""What is done, and two numbers that choose what to."""
ACTS = ("deliver", "move", "delete", "batch", "undo", "make", "place", "trash", "days", "days")


def make_acts(seed: int, count: int) -> list[Act]:
    """Return a history."""
    chance = random.Random(seed)  # noqa: S311
    return [(chance.choice(ACTS), chance.randrange(1000), chance.randrange(1000)) for _ in range(count)]


def make_visits(owner: Owner, clock: TestClock, account_class: AccountClass) -> Visits:
    """Return who looks after the mailbox."""
    return Visits(
        owner.store, {"default": account_class}, RetentionConfig(), doomed=owner.domain.doomed, clock=clock
    )


@dataclass
class PurgeWorld:
    """A mailbox, and since when its mails and folders are where they are."""

    owner: Owner
    caller: Caller
    policy: Autopurge = field(default_factory=lambda: Autopurge(spam=True, trash=True, interval=INTERVAL))
    clock: TestClock = field(default_factory=TestClock)
    entered: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Of mails: the folder and when they came into it."""
    placed: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Of folders: the parent and when they were put there."""
    count: int = 0

    async def run(self, acts: list[Act]) -> None:
        """Do a history, and check after each day."""
        await self.learn()
        for what, first, second in acts:
            await getattr(self, what)(first, second)
            await self.learn()
        await self.days(1, 0)

    # What is there

    async def where(self) -> dict[int, MailRef]:
        """Return the mails that are seen, by number."""
        async with self.owner.store.engine.peek() as connection:
            rows = await connection.fetch_all(
                "SELECT item_id, folder_id, uid FROM mail WHERE account_id = $1 AND folder_id IN "
                "(SELECT folder_id FROM folder WHERE account_id = $1)",
                self.owner.account_id,
            )
        return {row[0]: MailRef(self.owner.account_id, FolderId(row[1]), Uid(row[2])) for row in rows}

    async def folders(self) -> list[Folder]:
        """Return the folders of mails."""
        listing = await self.owner.domain.folders.list(self.caller)
        return [folder for folder in listing.folders if folder.folder_type == "mails"]

    async def learn(self) -> None:
        """Note what is elsewhere than before, and since when."""
        now = self.clock.now()
        for item_id, ref in (await self.where()).items():
            if self.entered.get(item_id, (0, 0.0))[0] != ref.folder:
                self.entered[item_id] = (ref.folder, now)
        for folder in await self.folders():
            if self.placed.get(folder.folder_id, (0, 0.0))[0] != folder.parent_id:
                self.placed[folder.folder_id] = (folder.parent_id, now)

    def since(self, item_id: int) -> float | None:
        """Return since when a mail has been in Trash or Spam, None if it is in neither."""
        folder, since = self.entered[item_id]
        while folder not in {TRASH, SPAM}:
            if folder == ROOT or folder not in self.placed:
                return None
            folder, placed = self.placed[folder]
            since = max(since, placed)
        return since

    # What happens

    async def deliver(self, first: int, second: int) -> None:
        folders = await self.folders()
        target = folders[first % len(folders)].folder_id
        self.count += 1 + second % 4
        filings = [make_filing(self.count * 10 + number) for number in range(1 + second % 4)]
        await self.owner.add_mails(filings, folder_id=target)

    async def _pick(self, number: int) -> MailRef | None:
        there = await self.where()
        return there[sorted(there)[number % len(there)]] if there else None

    async def move(self, first: int, second: int) -> None:
        ref, folders = await self._pick(first), await self.folders()
        if ref is not None:
            target = folders[second % len(folders)].folder_id
            await self.owner.domain.mail_changes.move(self.caller, ref, self.owner.folder(target))

    async def delete(self, first: int, _: int) -> None:
        ref = await self._pick(first)
        if ref is not None:
            await self.owner.domain.mail_changes.delete(self.caller, ref, permanent=False)

    async def batch(self, first: int, second: int) -> None:
        """Move all mails of a folder to Trash or Spam."""
        folders = await self.folders()
        source = folders[first % len(folders)].folder_id
        target = (TRASH, SPAM)[second % 2]
        ids = [ref for ref in (await self.where()).values() if ref.folder == source]
        if ids and source != target:
            action = MoveTo(target)
            batches = self.owner.domain.batches
            await batches.start(self.caller, "mails.move", action, selection=Selection(ids=ids))

    async def undo(self, _: int, __: int) -> None:
        await self._try(self.owner.domain.operations.undo_last(self.caller))

    async def make(self, first: int, second: int) -> None:
        folders = await self.folders()
        parent = folders[first % len(folders)]
        name = f"Folder {second}"
        ref = self.owner.folder(parent.folder_id)
        changes = self.owner.domain.folder_changes
        await self._try(changes.create(self.caller, name, parent=ref, folder_type=None))

    async def place(self, first: int, second: int) -> None:
        folders = await self.folders()
        own = [folder for folder in folders if not folder.is_special]
        if own:
            ref = self.owner.folder(own[first % len(own)].folder_id)
            target = [ROOT, *(folder.folder_id for folder in folders)][second % (len(folders) + 1)]
            parent = FolderRef(self.owner.account_id, target)
            await self._try(self.owner.domain.folder_changes.move(self.caller, ref, parent))

    async def trash(self, first: int, _: int) -> None:
        own = [folder for folder in await self.folders() if not folder.is_special]
        if own:
            ref = self.owner.folder(own[first % len(own)].folder_id)
            await self._try(self.owner.domain.folder_changes.delete(self.caller, ref))

    async def _try(self, doing: Awaitable[object]) -> None:
        with contextlib.suppress(PostroomError):
            await doing
        await self.owner.domain.doomed.wait()

    async def days(self, first: int, _: int) -> None:
        """Let days pass, with somebody who looks whether a visit is due every hour."""
        await self.owner.domain.doomed.wait()
        account_class = AccountClass(autopurge=self.policy)
        visits = make_visits(self.owner, self.clock, account_class)
        for _hour in range(24 * (1 + first % 4)):
            self.clock.advance(DAY / 24)
            before = await self.where()
            if (await visits.visit_due()).accounts:
                await self.owner.domain.doomed.wait()
                self.check_gone(before.keys() - (await self.where()).keys())
        await self.check()

    # What has to be

    def check_gone(self, gone: set[int]) -> None:
        """Nothing goes that has not been there for long enough."""
        for item_id in gone:
            since = self.since(item_id)
            assert since is not None
            assert self.clock.now() - since >= self.policy.interval * DAY

    async def check(self) -> None:
        """Nothing stays much longer, and all that is counted is right."""
        for item_id in await self.where():
            since = self.since(item_id)
            if since is not None:
                assert self.clock.now() - since < (self.policy.interval + LATE) * DAY
        async with self.owner.store.read(self.owner.account_id) as mailbox:
            _, faults = await examine(mailbox, "")
        assert faults == []


def open_world(owner: Owner) -> PurgeWorld:
    """Return the world of an account, whose owner has a session."""
    caller = Caller(owner.account_id, owner.account.address, "", "default", SessionId(1), False, 1, 1)
    return PurgeWorld(owner, caller)
