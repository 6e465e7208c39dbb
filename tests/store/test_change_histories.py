# ruff: noqa: S311
"""Random histories of everything that changes a mailbox, by several sessions, against a plain model.

Clients watch it meanwhile, by deltas and by a stream of events, and end up with what is there.

The model knows mails by their numbers, folders by theirs, and for each operation where mails and folders were before
and after: undo is then putting back what is still where the operation has left it. After each step a part of what
clients see is compared, and everything at the end. The seed is the test's parameter, so that a failure is repeated.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.fixtures.copies import Copy, FolderCopy, as_shown, list_folder
from tests.fixtures.factories import DATE, Owner, make_message
from tests.fixtures.readers import Reader, actual, check_state

from postroom.domain import chains, event_feed, event_streams
from postroom.domain import jobs as jobs_module
from postroom.domain.actions import Action, CopyTo, Delete, MoveTo, SetFlags, SetLabel
from postroom.domain.batches import Range, Selection
from postroom.domain.event_feed import KINDS
from postroom.domain.event_feed import Selection as Selected
from postroom.domain.examination import examine
from postroom.domain.filing import Flags
from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.folder import INBOX, ROOT
from postroom.model.ids import FolderId, FolderRef, LabelRef, MailRef, Uid
from postroom.model.listing import MailListRequest, Sort, SortField
from postroom.store.sorting import SORT_COLUMNS
from postroom.store.sql import orders
from postroom.store.sql.labels import Label

SENT, TRASH, SPAM = FolderId(4), FolderId(5), FolderId(6)
SUBJECTS = ("Lunch", "lunch", "Re: Lunch", "Report", "Äpfel", "", "日本")
NAMES = ("One", "two", "Drei", "四")
STACKED = 16

Change = tuple[str, Any, Any, Any]
"""What was done, the mail or the number of the folder, before, after."""


@dataclass
class MMail:
    """A mail as it should be."""

    subject: str
    size: int
    date: int
    folder: int
    is_unread: bool
    is_flagged: bool
    labels: frozenset[int] = frozenset()
    source: "MMail | None" = None


@dataclass
class MFolder:
    """A folder as it should be."""

    number: int
    parent: int
    name: str


@dataclass
class MOperation:
    """What an operation did, such that it can be taken back: (what, mail or folder, before, after)."""

    number: int
    session: int
    changes: list[Change]
    is_undone: bool = False


@dataclass
class Model:
    """The mailbox as it should be."""

    mails: list[MMail] = field(default_factory=list)
    folders: dict[int, MFolder] = field(default_factory=dict)
    operations: list[MOperation] = field(default_factory=list)
    stacks: dict[int, deque[MOperation]] = field(default_factory=dict)

    def within(self, folder: int, ancestor: int) -> bool:
        while folder != ancestor:
            if folder not in self.folders:
                return False
            folder = self.folders[folder].parent
        return True

    def child(self, parent: int, name: str) -> int | None:
        for folder in self.folders.values():
            if folder.parent == parent and folder.name.casefold() == name.casefold():
                return folder.number
        return None

    def free_name(self, parent: int, name: str) -> str:
        number, wanted = 1, name
        while self.child(parent, wanted) is not None:
            number += 1
            wanted = f"{name} {number}"
        return wanted


class History:
    """What happens, to the program's mailbox and to the model's alike."""

    def __init__(self, owner: Owner, callers: list[Caller], labels: list[int], *, seed: int) -> None:
        self.owner = owner
        self.domain = owner.domain
        self.callers = callers
        self.labels = labels
        self.chance = random.Random(seed)
        self.model = Model(stacks={number: deque(maxlen=STACKED) for number in range(len(callers))})
        self.ids: dict[int, MMail] = {}
        """Model mails by the number of the program's mails."""
        self.clock = DATE

    async def begin(self) -> None:
        for folder in (await self.domain.folders.list(self.callers[0])).folders:
            if folder.folder_type == "mails":
                self.model.folders[folder.folder_id] = MFolder(
                    folder.folder_id, folder.parent_id, folder.name
                )

    async def step(self) -> None:
        """Do one thing."""
        act = self.chance.choices(
            (
                self.deliver, self.change_one, self.change_at_once, self.change_many, self.add_folder,
                self.place_folder, self.delete_folder, self.undo_last, self.undo_any,
            ),
            (8, 5, 5, 5, 2, 2, 1, 4, 2),
        )[0]  # fmt: skip
        await act()

    # What the program has

    async def where(self) -> dict[int, MailRef]:
        """Return the program's mails by number."""
        async with self.owner.store.engine.peek() as connection:
            rows = await connection.fetch_all(
                "SELECT item_id, folder_id, uid FROM mail WHERE account_id = $1 AND folder_id IN "
                "(SELECT folder_id FROM folder WHERE account_id = $1)",
                self.owner.account_id,
            )
        return {row[0]: MailRef(self.owner.account_id, FolderId(row[1]), Uid(row[2])) for row in rows}

    async def learn(self) -> None:
        """Learn the numbers of mails that were just made: copies, in the order of their sources."""
        there = await self.where()
        new = sorted(there.keys() - self.ids.keys())
        known = {id(mail) for mail in self.ids.values()}
        made = [mail for mail in self.model.mails if id(mail) not in known]
        assert len(new) == len(made)
        self.ids.update(zip(new, made, strict=True))

    def session(self) -> int:
        return self.chance.randrange(len(self.callers))

    # Deliveries

    async def deliver(self) -> None:
        subject = self.chance.choice(SUBJECTS)
        raw = make_message(subject=subject, body="x" * self.chance.randrange(2000))
        flags = Flags(is_unread=self.chance.random() < 0.6, is_flagged=self.chance.random() < 0.2)
        self.clock += self.chance.randrange(3)
        folder = self.chance.choice(list(self.model.folders))
        await self.owner.add_mail(raw, folder_id=FolderId(folder), date=self.clock, flags=flags)
        self.model.mails.append(
            MMail(subject, len(raw), self.clock, folder, flags.is_unread, flags.is_flagged)
        )
        await self.learn()

    # Mails

    def _pick_action(self) -> tuple[str, Action]:
        folder = self.chance.choice(list(self.model.folders))
        label = self.chance.choice(self.labels)
        actions: list[tuple[str, Action]] = [
            ("mails.move", MoveTo(folder)),
            ("mails.move", MoveTo(folder)),
            ("mails.copy", CopyTo(folder if self.chance.random() < 0.7 else 0)),
            ("mails.delete", Delete(self.chance.random() < 0.3)),
            (
                "mails.update",
                SetFlags(self.chance.choice([None, True, False]), self.chance.random() < 0.5),
            ),
            ("mails.label", SetLabel(label, self.chance.random() < 0.7)),
        ]
        return self.chance.choice(actions)

    async def change_one(self) -> None:
        there = await self.where()
        if not there:
            return
        number = self.chance.choice(sorted(there))
        kind, action = self._pick_action()
        session = self.session()
        await self._call_one(self.callers[session], there[number], action)
        self._apply(session, kind, action, [self.ids[number]])
        await self.learn()

    async def change_at_once(self) -> None:
        """Several sessions do the same to different mails at the same time: each has done it alone."""
        there = await self.where()
        if not there:
            return
        numbers = self.chance.sample(sorted(there), self.chance.randint(1, min(9, len(there))))
        kind, action = self._pick_action()
        sessions = [self.session() for _ in numbers]
        pairs = list(zip(sessions, numbers, strict=True))
        await asyncio.gather(
            *[self._call_one(self.callers[session], there[number], action) for session, number in pairs]
        )
        # Those of one folder are done one after the other.
        folders = list(dict.fromkeys(there[number].folder for number in numbers))
        for session, number in sorted(pairs, key=lambda pair: folders.index(there[pair[1]].folder)):
            self._apply(session, kind, action, [self.ids[number]])
        await self.learn()

    async def _call_one(self, caller: Caller, ref: MailRef, action: Action) -> None:
        changes, owner = self.domain.mail_changes, self.owner.account_id
        match action:
            case MoveTo(folder_id=folder):
                await changes.move(caller, ref, FolderRef(owner, FolderId(folder)))
            case CopyTo(folder_id=folder):
                await changes.copy(caller, ref, FolderRef(owner, FolderId(folder)) if folder else None)
            case Delete(permanent=permanent):
                await changes.delete(caller, ref, permanent=permanent)
            case SetFlags(is_unread=is_unread, is_flagged=is_flagged):
                await changes.set_flags(caller, ref, is_unread=is_unread, is_flagged=is_flagged)
            case SetLabel(label_id=label, is_on=is_on):
                await changes.set_label(caller, ref, LabelRef(owner, label), is_on=is_on)  # type: ignore[arg-type]

    async def change_many(self) -> None:
        there = await self.where()
        if not there:
            return
        kind, action = self._pick_action()
        session = self.session()
        if self.chance.random() < 0.5:
            numbers = self.chance.sample(sorted(there), self.chance.randint(1, min(9, len(there))))
            selection = Selection(ids=[there[number] for number in numbers])
        else:
            numbers, selection = self._pick_range(there)
        state = await self.domain.batches.start(self.callers[session], kind, action, selection=selection)
        assert state.failed == []
        assert state.is_done
        self._apply(session, kind, action, [self.ids[number] for number in numbers])
        await self.learn()

    def _pick_range(self, there: dict[int, MailRef]) -> tuple[list[int], Selection]:
        start = self.chance.choice(sorted(there))
        limit = self.chance.randint(1, 9)
        descending = self.chance.random() < 0.5
        folder = [number for number in there if there[number].folder == there[start].folder]
        folder.sort(key=lambda number: (self.ids[number].date, there[number].uid), reverse=descending)
        place = folder.index(start)
        selection = Selection(ranges=[Range(there[start], limit)], sort=Sort(SortField.DATE, descending))
        return folder[place : place + limit], selection

    def _apply(self, session: int, kind: str, action: Action, mails: list[MMail]) -> None:
        changes: list[Change] = []
        by_folder: dict[int, list[MMail]] = {}
        for position in range(0, len(mails), jobs_module.SLICE):
            by_folder.clear()
            for mail in mails[position : position + jobs_module.SLICE]:
                by_folder.setdefault(mail.folder, []).append(mail)
            for group in by_folder.values():
                for mail in group:
                    changes += self._apply_to(action, mail)
        self._note(session, kind, changes)

    def _apply_to(self, action: Action, mail: MMail) -> list[Change]:
        before = replace(mail)
        match action:
            case MoveTo(folder_id=folder):
                mail.folder = folder
            case CopyTo(folder_id=folder):
                copy = replace(mail, folder=folder or mail.folder, source=mail)
                self.model.mails.append(copy)
                return [("copy", copy, None, copy.folder)]
            case Delete(permanent=permanent):
                if permanent or self.model.within(mail.folder, TRASH):
                    self._drop(mail)
                    return [("gone", mail, None, None)]
                mail.folder = TRASH
            case SetFlags(is_unread=is_unread, is_flagged=is_flagged):
                mail.is_unread = mail.is_unread if is_unread is None else is_unread
                mail.is_flagged = mail.is_flagged if is_flagged is None else is_flagged
            case SetLabel(label_id=label, is_on=is_on):
                mail.labels = mail.labels | {label} if is_on else mail.labels - {label}
        if mail.folder != before.folder:
            return [("move", mail, before.folder, mail.folder)]
        if mail.labels != before.labels:
            return [("label", mail, before.labels, mail.labels)]
        states = (before.is_unread, before.is_flagged), (mail.is_unread, mail.is_flagged)
        return [("mark", mail, *states)] if states[0] != states[1] else []

    def _drop(self, mail: MMail) -> None:
        self.model.mails = [each for each in self.model.mails if each is not mail]
        self.ids = {number: each for number, each in self.ids.items() if each is not mail}

    def _note(self, session: int, kind: str, changes: list[Change]) -> None:
        if not changes:
            return
        operation = MOperation(len(self.model.operations), session, changes)
        self.model.operations.append(operation)
        if kind not in {"mails.update", "mails.label", "undo"} and any(
            what in {"move", "copy", "made", "placed"} for what, *_ in changes
        ):
            self.model.stacks[session].append(operation)

    # Folders

    async def add_folder(self) -> None:
        session, name = self.session(), self.chance.choice(NAMES)
        parent = self.chance.choice([ROOT, *self._ordinary()])
        ref = None if parent == ROOT else FolderRef(self.owner.account_id, FolderId(parent))
        taken = self.model.child(parent, name) is not None
        made = await self._try(
            self.domain.folder_changes.create(self.callers[session], name, parent=ref, folder_type=None)
        )
        assert (made is None) == taken
        if made is not None:
            self.model.folders[made.folder_id] = MFolder(made.folder_id, parent, name)
            self._note(session, "folders.create", [("made", made.folder_id, None, (parent, name))])

    def _ordinary(self) -> list[int]:
        return [number for number in self.model.folders if number > INBOX + 10]

    async def place_folder(self) -> None:
        if not self._ordinary():
            return
        session, number = self.session(), self.chance.choice(self._ordinary())
        folder = self.model.folders[number]
        before = (folder.parent, folder.name)
        ref, caller = FolderRef(self.owner.account_id, FolderId(number)), self.callers[session]
        if self.chance.random() < 0.5:
            name = self.chance.choice(NAMES)
            fits = self.model.child(folder.parent, name) in {None, number}
            done = await self._try(self.domain.folder_changes.rename(caller, ref, name))
            after = (folder.parent, name)
            kind = "folders.rename"
        else:
            parent = self.chance.choice([ROOT, *self._ordinary()])
            taken = self.model.child(parent, folder.name) not in {None, number}
            fits = not self.model.within(parent, number) and not taken
            target = FolderRef(self.owner.account_id, FolderId(parent))
            done = await self._try(self.domain.folder_changes.move(caller, ref, target))
            after = (parent, folder.name)
            kind = "folders.move"
        assert (done is not None) == fits
        if fits and after != before:
            folder.parent, folder.name = after
            self._note(session, kind, [("placed", number, before, after)])

    async def delete_folder(self) -> None:
        if not self._ordinary():
            return
        session, number = self.session(), self.chance.choice(self._ordinary())
        folder = self.model.folders[number]
        before = (folder.parent, folder.name)
        await self.domain.folder_changes.delete(
            self.callers[session], FolderRef(self.owner.account_id, FolderId(number))
        )
        if self.model.within(number, TRASH):
            self._remove_tree(number)
            self._note(session, "folders.delete", [("gone", number, None, None)])
            return
        after = (TRASH, self.model.free_name(TRASH, folder.name))
        folder.parent, folder.name = after
        self._note(session, "folders.delete", [("placed", number, before, after)])

    def _remove_tree(self, number: int) -> None:
        gone = {each for each in self.model.folders if self.model.within(each, number)}
        for mail in [mail for mail in self.model.mails if mail.folder in gone]:
            self._drop(mail)
        for each in gone:
            del self.model.folders[each]

    async def _try(self, work: Any) -> Any:
        try:
            return await work
        except PostroomError as error:
            assert error.code in {"folderExists", "badParameter"}  # noqa: PT017
            return None

    # Undo

    async def undo_last(self) -> None:
        session = self.session()
        stack = self.model.stacks[session]
        while stack and stack[-1].is_undone:
            stack.pop()
        if not stack:
            with pytest.raises(PostroomError):
                await self.domain.operations.undo_last(self.callers[session])
            return
        operation = stack.pop()
        undoing = await self.domain.operations.undo_last(self.callers[session])
        await self._take_back(session, operation, undoing.failed)

    async def undo_any(self) -> None:
        session = self.session()
        total, shown = await self.domain.operations.list_shown(
            self.callers[session], kind="", folder_id=None, start=0, limit=100_000
        )
        assert total == len(shown) == len(self.model.operations)
        if not shown:
            return
        place = self.chance.randrange(total)
        operation = self.model.operations[total - 1 - place]
        reversible = not operation.is_undone and any(what != "gone" for what, *_ in operation.changes)
        assert shown[place].is_undone == operation.is_undone
        assert shown[place].is_reversible == reversible
        assert shown[place].is_mine == (operation.session == session)
        if reversible:
            undoing = await self.domain.operations.undo(self.callers[session], shown[place].operation_id)
            await self._take_back(session, operation, undoing.failed)

    async def _take_back(self, session: int, operation: MOperation, failed: list[Any]) -> None:
        operation.is_undone = True
        changes: list[Change] = []
        could_not = 0
        for change in reversed(operation.changes):
            done = self._undo_change(change)
            could_not += done is None
            changes += done or []
        assert len(failed) == could_not
        if changes:
            self.model.operations.append(MOperation(len(self.model.operations), session, changes))
        await self.learn()

    def _undo_change(self, change: Change) -> list[Change] | None:
        """Take one change back and return the changes of that; None if it cannot be."""
        what, thing, before, after = change
        if isinstance(thing, MMail) and not any(mail is thing for mail in self.model.mails):
            return None
        undo = {
            "move": self._unmove,
            "copy": self._uncopy,
            "uncopy": self._copy_again,
            "label": self._unlabel,
            "mark": self._unmark,
            "placed": self._unplace,
            "made": lambda number, _, __: self._unmake(number),
            "unmade": lambda _, place, __: self._make_again(place),
            "gone": lambda *_: None,
        }[what]
        return undo(thing, before, after)  # type: ignore[no-any-return, operator]

    def _unmove(self, mail: MMail, before: Any, after: Any) -> list[Change] | None:
        if mail.folder != after or before not in self.model.folders:
            return None
        mail.folder = before
        return [("move", mail, after, before)]

    def _uncopy(self, mail: MMail, _: Any, after: Any) -> list[Change] | None:
        if mail.folder != after:
            return None
        self._drop(mail)
        return [("uncopy", mail.source, None, after)]

    def _copy_again(self, source: MMail, _: Any, after: Any) -> list[Change] | None:
        if after not in self.model.folders:
            return None
        copy = replace(source, folder=after, source=source)
        self.model.mails.append(copy)
        return [("copy", copy, None, after)]

    def _unlabel(self, mail: MMail, before: Any, after: Any) -> list[Change] | None:
        [label] = before ^ after
        if (label in mail.labels) != (label in after):
            return None
        old = mail.labels
        mail.labels = old ^ {label}
        return [("label", mail, old, mail.labels)]

    def _unmark(self, mail: MMail, before: Any, after: Any) -> list[Change] | None:
        state = (mail.is_unread, mail.is_flagged)
        changed = [old != new for old, new in zip(before, after, strict=True)]
        if any(was and now != new for was, now, new in zip(changed, state, after, strict=True)):
            return None
        mail.is_unread, mail.is_flagged = (
            old if was else now for was, old, now in zip(changed, before, state, strict=True)
        )
        return [("mark", mail, state, (mail.is_unread, mail.is_flagged))]

    def _unplace(self, number: int, before: Any, after: Any) -> list[Change] | None:
        folder = self.model.folders.get(number)
        if folder is None or (folder.parent, folder.name) != after:
            return None
        parent, name = before
        if parent != ROOT and parent not in self.model.folders:
            return None
        if self.model.child(parent, name) not in {None, number} or self.model.within(parent, number):
            return None
        folder.parent, folder.name = before
        return [("placed", number, after, before)]

    def _unmake(self, number: int) -> list[Change] | None:
        folder = self.model.folders.get(number)
        if folder is None:
            return None
        before = (folder.parent, folder.name)
        is_used = any(mail.folder == number for mail in self.model.mails)
        if is_used or any(each.parent == number for each in self.model.folders.values()):
            if self.model.within(number, TRASH):
                return []
            after = (TRASH, self.model.free_name(TRASH, folder.name))
            folder.parent, folder.name = after
            return [("placed", number, before, after)]
        del self.model.folders[number]
        return [("unmade", number, before, None)]

    def _make_again(self, place: Any) -> list[Change] | None:
        parent, name = place
        if (parent != ROOT and parent not in self.model.folders) or self.model.child(parent, name):
            return None
        return [("made", None, None, place)]

    # What must be

    async def check_folders(self) -> None:
        listed = (await self.domain.folders.list(self.callers[0])).folders
        there = {folder.folder_id: folder for folder in listed if folder.folder_type == "mails"}
        self._learn_folders(there)
        assert {number: (folder.parent_id, folder.name) for number, folder in there.items()} == {
            number: (folder.parent, folder.name) for number, folder in self.model.folders.items()
        }
        for number, folder in there.items():
            mails = [mail for mail in self.model.mails if mail.folder == number]
            assert folder.total_items == len(mails)
            assert folder.unread_items == sum(mail.is_unread for mail in mails)
            assert folder.size_bytes == sum(mail.size for mail in mails)
        counts = {
            count.label_id: (count.unread_items, count.total_items)
            for count in await self.domain.counters.labels(self.callers[0])
        }
        for label in self.labels:
            mails = [mail for mail in self.model.mails if label in mail.labels]
            assert counts[label] == (sum(mail.is_unread for mail in mails), len(mails))  # type: ignore[index]

    def _learn_folders(self, there: Any) -> None:
        """Learn the number of a folder that was made again."""
        for operation in self.model.operations:
            for place, (what, known, _, after) in enumerate(operation.changes):
                if what == "made" and known is None:
                    [number] = there.keys() - self.model.folders.keys()
                    self.model.folders[number] = MFolder(number, *after)
                    operation.changes[place] = (what, number, None, after)

    async def check_list(self, folder: int) -> None:
        sort = Sort(self.chance.choice(list(SORT_COLUMNS)), self.chance.random() < 0.5)
        request = MailListRequest(field=sort.field, descending=sort.descending, limit=1000)
        ref = FolderRef(self.owner.account_id, FolderId(folder))
        page = await self.domain.mails.list(self.callers[0], ref, request)
        model = [mail for mail in self.model.mails if mail.folder == folder]
        shown = [self.ids[mail.item_id] for mail in page.mails]
        assert sorted(map(id, shown)) == sorted(map(id, model))
        for stored, mail in zip(page.mails, shown, strict=True):
            assert (stored.date, stored.size) == (mail.date, mail.size)
            assert (stored.is_unread, stored.is_flagged) == (mail.is_unread, mail.is_flagged)
            assert set(stored.label_ids()) == mail.labels
        if sort.field in {SortField.DATE, SortField.SIZE}:
            keys = [mail.date if sort.field is SortField.DATE else mail.size for mail in shown]
            assert keys == sorted(keys, reverse=sort.descending)


class Watchers:
    """Clients that know of the mailbox by deltas and by events."""

    def __init__(self, owner: Owner, caller: Caller, chance: random.Random) -> None:
        self.owner = owner
        self.caller = caller
        self.chance = chance
        self.copies = [Copy(owner, caller, folder) for folder in (INBOX, SENT, TRASH) * 2]
        self.trees = [FolderCopy(owner, caller), FolderCopy(owner, caller)]
        self.readers: list[Reader] = []

    async def begin(self) -> None:
        for _ in range(2):
            selection = Selected(KINDS, all_folders=True)
            self.readers.append(Reader(await self.owner.domain.event_streams.open(self.caller, selection)))

    async def look(self) -> None:
        """One of the clients may look, and not always to the end."""
        match self.chance.randrange(12):
            case 0 | 1:
                await self.chance.choice(self.copies).ask(self.chance.choice((1, 2, 5, 1000)))
            case 2:
                await self.chance.choice(self.trees).sync()
            case 3 | 4:
                await self.chance.choice(self.readers).read(all_of_it=self.chance.random() < 0.5)

    async def finish(self) -> None:
        """All look to the end, and have what is there."""
        for copy in self.copies:
            await copy.finish(self.chance.choice((1, 3, 1000)))
            assert copy.mails == await list_folder(self.owner, copy.folder_id)
        listed = (await self.owner.domain.folders.list(self.caller)).folders
        for tree in self.trees:
            await tree.sync()
            assert tree.folders == {folder.folder_id: as_shown(folder) for folder in listed}
        state = await actual(self.owner)
        for reader in self.readers:
            await reader.stream._feed.refresh()
            await reader.read()
            check_state(reader.known, state)
            reader.stream.close()


async def live(owner: Owner, *, seed: int, steps: int) -> None:
    """Live one history and compare."""
    callers = []
    for _ in range(2):
        token = await owner.domain.logins.login(owner.authorization, client="127.0.0.1")
        callers.append(await owner.caller(token))
    labels: list[int] = []
    async with owner.store.transaction(owner.account_id) as tx:
        state = await tx.advance()
        for name in ("Red", "Blue"):
            label = Label(await tx.mailbox.take_label_id(), name)
            await tx.labels.create(label, name_key=name, modseq=state.modseq)
            labels.append(label.label_id)
    history = History(owner, callers, labels, seed=seed)
    await history.begin()
    watchers = Watchers(owner, callers[0], history.chance)
    await watchers.begin()
    for number in range(steps):
        await history.step()
        await watchers.look()
        await history.check_folders()
        if number % 5 == 0:
            await history.check_list(history.chance.choice(list(history.model.folders)))
    for folder in history.model.folders:
        await history.check_list(folder)
    await owner.domain.doomed.wait()
    await watchers.finish()
    async with owner.store.read(owner.account_id) as mailbox:
        total, faults = await examine(mailbox, "anna")
    assert (total, faults) == (len(history.model.mails), [])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    monkeypatch.setattr(jobs_module, "SLICE", 3)
    monkeypatch.setattr(chains, "MAX_EXAMINED", 12)
    monkeypatch.setattr(event_feed, "SPACING_SECONDS", 0.0)
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.0)


@pytest.mark.parametrize("seed", range(4))
async def test_a_history(owner: Owner, seed: int) -> None:
    await live(owner, seed=seed, steps=150)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 140))
async def test_a_long_history(owner: Owner, seed: int) -> None:
    await live(owner, seed=seed, steps=2000)
