# ruff: noqa: S311
"""Random histories of a mailbox, watched by clients that know of it by deltas alone, on both engines.

Clients ask at random moments, for pages of random sizes, and stop in the middle of chains; removals are forgotten now
and then. Whoever finishes a chain has exactly what is there. The seed is the test's parameter, so that a failure is
repeated by running it again.
"""

import random
import time
from collections.abc import Sequence

import pytest
from tests.fixtures.copies import Copy, FolderCopy, as_shown, list_folder
from tests.fixtures.factories import DATE, AddOwner, Owner, make_filing

from postroom.config.retention import RetentionConfig
from postroom.domain import chains
from postroom.domain.filing import (
    Flags,
    copy_mails,
    file_mail,
    move_mails,
    remove_mails,
    set_flags,
    set_label,
)
from postroom.domain.maintenance import purge_history
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.folder import INBOX, ROOT
from postroom.model.ids import FolderId, FolderRef, LabelId
from postroom.store import Store
from postroom.store.sql import orders
from postroom.store.sql.labels import Label
from postroom.store.sql.mails import Located
from postroom.store.tx import Transaction

SENT, TRASH = FolderId(INBOX + 2), FolderId(INBOX + 3)
FOLDERS = (INBOX, SENT, TRASH)
LABELS = (LabelId(1), LabelId(2))
YEAR_SECONDS = 366 * 86_400


class History:
    """What happens to a mailbox, and the clients that watch it."""

    def __init__(self, owner: Owner, caller: Caller, *, seed: int) -> None:
        self.chance = random.Random(seed)
        self.owner = owner
        self.caller = caller
        self.store: Store = owner.store
        self.number = 0
        self.copies = [Copy(owner, caller, folder_id) for folder_id in FOLDERS * 3]
        self.trees = [FolderCopy(owner, caller) for _ in range(3)]
        self.made: list[FolderId] = []

    async def run(self, steps: int) -> None:
        async with self.store.transaction(self.owner.account_id) as tx:
            state = await tx.advance()
            for label_id in LABELS:
                label = Label(label_id, f"Label {label_id}")
                await tx.labels.create(label, name_key=label.name, modseq=state.modseq)
        actions = (
            (self.change, 10),
            (self.change_folders, 3),
            (self.ask, 8),
            (self.sync, 2),
            (self.forget, 0.1),
        )
        for _ in range(steps):
            [action] = self.chance.choices([one for one, _ in actions], [weight for _, weight in actions])
            await action()
        for copy in self.copies:
            await self.finish(copy)
        for tree in self.trees:
            await self.finish_tree(tree)

    # What happens

    async def change(self) -> None:
        """One transaction does one thing, or some."""
        before = {folder_id: await self.look(folder_id) for folder_id in FOLDERS}
        async with self.store.transaction(self.owner.account_id) as tx:
            await tx.lock()
            count = self.chance.choice((1, 1, 1, 2, 4))
            for _ in range(count):
                await self.change_once(tx)
        for folder_id in FOLDERS:
            token, mails = await self.look(folder_id)
            has_changed = mails != before[folder_id][1]
            # Of a transaction that does several things, one may take back another.
            assert (token != before[folder_id][0]) == has_changed or (count > 1 and not has_changed)

    async def look(self, folder_id: FolderId) -> tuple[str, object]:
        """Return the token of a folder and its mails."""
        ref = FolderRef(self.owner.account_id, folder_id)
        folder = await self.owner.domain.mails.folder_state(self.caller, ref)
        return self.owner.domain.tokens.folder_token(folder), await list_folder(self.owner, folder_id)

    async def change_once(self, tx: Transaction) -> None:
        source, target = self.chance.choice(FOLDERS), self.chance.choice(FOLDERS)
        items = await self.pick(tx, source)
        kind = self.chance.choice(("file", "file", "move", "move", "copy", "flag", "flag", "label", "remove"))
        if kind == "file":
            for _ in range(self.chance.choice((1, 1, 5))):
                self.number += 1
                await file_mail(tx, make_filing(self.number % 20), target, date=DATE, flags=Flags())
        elif not items:
            return
        elif kind == "move" and target != source:
            await move_mails(tx, items, target)
        elif kind == "copy":
            await copy_mails(tx, items[:3], target)
        elif kind == "flag":
            unread, flagged = (self.chance.choice((None, True, False)) for _ in range(2))
            await set_flags(tx, items, is_unread=unread, is_flagged=flagged)
        elif kind == "label":
            await set_label(tx, items, self.chance.choice(LABELS), is_on=self.chance.random() < 0.6)
        elif kind == "remove":
            await remove_mails(tx, items)

    async def pick(self, tx: Transaction, folder_id: FolderId) -> Sequence[Located]:
        items = await tx.mails.list_some(folder_id, limit=1000)
        return self.chance.sample(items, min(len(items), self.chance.choice((1, 1, 2, 8))))

    async def change_folders(self) -> None:
        """Make, rename, move or delete a folder; what is not allowed is left."""
        changes, name = self.owner.domain.folder_changes, f"Folder {self.chance.randrange(12)}"
        ref = self.ref(self.chance.choice(self.made)) if self.made else None
        parent = self.ref(self.chance.choice((*self.made, *FOLDERS, ROOT)))
        try:
            match self.chance.choice(("make", "make", "rename", "move", "move", "delete", "delete")):
                case "make":
                    folder = await changes.create(self.caller, name, parent=parent, folder_type=None)
                    self.made.append(folder.folder_id)
                case "rename" if ref is not None:
                    await changes.rename(self.caller, ref, name)
                case "move" if ref is not None:
                    await changes.move(self.caller, ref, parent)
                case "delete" if ref is not None:
                    await changes.delete(self.caller, ref)
        except PostroomError as error:
            assert error.kind in {Kind.NOT_FOUND, Kind.CONFLICT, Kind.INVALID}  # noqa: PT017
        if len(self.made) > 12:
            self.made.pop(0)

    def ref(self, folder_id: FolderId) -> FolderRef:
        return FolderRef(self.owner.account_id, folder_id)

    async def forget(self) -> None:
        await purge_history(
            self.owner.store,
            self.owner.account_id,
            RetentionConfig(),
            now_ms=int((time.time() + YEAR_SECONDS) * 1000),
        )

    # What clients do

    async def ask(self) -> None:
        copy = self.chance.choice(self.copies)
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            delta = await copy.ask(self.chance.choice((1, 2, 3, 7, 1000)))
            if not delta.has_more:
                await self.compare(copy)

    async def finish(self, copy: Copy) -> None:
        await copy.finish(self.chance.choice((1, 3, 1000)))
        await self.compare(copy)

    async def compare(self, copy: Copy) -> None:
        token, mails = await self.look(copy.folder_id)
        assert copy.mails == mails
        assert copy.token == token
        delta = await copy.ask()
        assert (delta.new, delta.replaced, delta.updated, delta.removed) == ((), (), (), ())
        assert (delta.token, delta.total_items, delta.is_reset) == (token, len(copy.mails), False)

    async def sync(self) -> None:
        await self.finish_tree(self.chance.choice(self.trees))

    async def finish_tree(self, tree: FolderCopy) -> None:
        await tree.sync()
        listed = await self.owner.domain.folders.list(self.caller)
        assert tree.folders == {folder.folder_id: as_shown(folder) for folder in listed.folders}


async def run_history(add_owner: AddOwner, *, seed: int, steps: int) -> None:
    owner = await add_owner("anna")
    await History(owner, await owner.caller(), seed=seed).run(steps)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    monkeypatch.setattr(chains, "MAX_EXAMINED", 12)


@pytest.mark.parametrize("seed", range(4))
async def test_clients_have_what_is_there(add_owner: AddOwner, store: Store, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=400 if store.engine.name == "sqlite" else 150)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 112))
async def test_clients_have_what_is_there_for_long(add_owner: AddOwner, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=5000)
