# ruff: noqa: S311
"""Random histories of a mailbox with search folders, seen by two processes and by clients that keep copies.

What a search folder shows is compared with what is stored, in every order; its token changes when, and only when,
that does; both processes tell the same, also when they have forgotten everything; and clients that ask for deltas,
page by page, have exactly what is listed. The seed is the test's parameter.
"""

import ast
import random
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner, make_filing

from postroom.config.classes import AccountClass
from postroom.domain import search_views
from postroom.domain.clock import Clock
from postroom.domain.conversation_views import ConversationView
from postroom.domain.conversations import ConversationListRequest, Conversations
from postroom.domain.deltas import Deltas
from postroom.domain.filing import Flags, file_mail
from postroom.domain.found_conversations import FoundConversations
from postroom.domain.rewriting import replace_mail
from postroom.domain.search_folders import SearchFolders
from postroom.errors import Kind, PostroomError
from postroom.mime.summary import sort_key
from postroom.model.account import Caller
from postroom.model.conversation import ConversationId, ConversationRef
from postroom.model.folder import DRAFTS, INBOX, ROOT, SENT
from postroom.model.ids import FolderId, FolderRef, ItemId, LabelId, LabelRef, MailRef
from postroom.model.listing import MailListRequest, SortField
from postroom.model.mail import Mail
from postroom.model.search_folder import SearchFolder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.sorting import Anchor, SortKeys
from postroom.store.sql.labels import Label
from postroom.store.sql.orders import CONVERSATION_ORDERS

TRASH, SPAM = FolderId(INBOX + 3), FolderId(INBOX + 4)
FOLDERS = (INBOX, SENT, TRASH, SPAM, DRAFTS)
LABEL = LabelId(1)


class Shown(NamedTuple):
    """A mail as a search folder shows it."""

    mail: Mail
    original: MailRef


class Process(NamedTuple):
    """What a server process remembers of search folders."""

    search_folders: SearchFolders
    deltas: Deltas
    conversations: Conversations


@dataclass
class Copy:
    """A client's copy of a search folder, kept by deltas alone."""

    folder: SearchFolder
    token: str | None = None
    shown: dict[ItemId, Shown] = field(default_factory=dict)
    resets: int = 0

    async def finish(self, process: Process, caller: Caller, *, limit: int, most: int = 1000) -> bool:
        """Ask for pages until there are no more; False if that is not reached."""
        for _ in range(most):
            ref = FolderRef(self.folder.account_id, self.folder.search_id)
            delta = await process.deltas.mails(caller, ref, text=self.token, limit=limit)
            if delta.is_reset:
                self.resets += 1
                self.shown.clear()
            told = [mail.item_id for mail in (*delta.new, *delta.replaced, *delta.updated)]
            assert len({*told, *delta.removed}) == len(told) + len(delta.removed) <= limit
            for mail in (*delta.new, *delta.replaced):
                self.shown[mail.item_id] = Shown(mail, delta.originals[mail.item_id])
            for mail in delta.updated:
                known = self.shown[mail.item_id]
                assert delta.originals[mail.item_id] == known.original
                assert known.mail.date == mail.date
                self.shown[mail.item_id] = Shown(mail, known.original)
            for uid in delta.removed:
                self.shown.pop(ItemId(uid), None)
            self.token = delta.token
            if not delta.has_more:
                return True
        return False


class History:
    """What happens to a mailbox, and the search folders that show it."""

    def __init__(self, owner: Owner, caller: Caller, *, seed: int) -> None:
        self.chance = random.Random(seed)
        self.owner, self.caller = owner, caller
        self.store: Store = owner.store
        self.number = 0
        self.made: list[FolderId] = []
        self.processes = [make_process(owner) for _ in range(2)]
        self.copies: list[Copy] = []
        self.known: dict[FolderId, tuple[object, str]] = {}
        self.known_conversations: dict[FolderId, tuple[object, str]] = {}

    async def run(self, steps: int) -> None:
        async with self.store.transaction(self.owner.account_id) as tx:
            state = await tx.advance()
            await tx.labels.create(Label(LABEL, "Label"), name_key="label", modseq=state.modseq)
        actions = (
            (self.deliver, 3),
            (self.change, 12),
            (self.change_folders, 4),
            (self.search, 2),
            (self.look, 8),
            (self.ask, 8),
            (self.restart, 1),
        )
        for _ in range(steps):
            # Mails of folders that were moved into Trash leave their conversations behind that.
            await self.owner.domain.doomed.wait()
            [action] = self.chance.choices([one for one, _ in actions], [weight for _, weight in actions])
            await action()
        await self.owner.domain.doomed.wait()
        for copy in self.copies:
            assert await copy.finish(self.process, self.caller, limit=3)
            await self.compare(copy)
        assert not any(copy.resets for copy in self.copies)

    @property
    def process(self) -> Process:
        return self.chance.choice(self.processes)

    # What happens

    async def deliver(self) -> None:
        async with self.store.transaction(self.owner.account_id) as tx:
            for _ in range(self.chance.choice((1, 1, 3, 6))):
                self.number += 1
                target = self.chance.choice(FOLDERS)
                digest = make_filing(
                    self.number,
                    importance=self.chance.randrange(3),
                    subject=f"{self.chance.choice(('', '', 'Re: '))}Letter {self.number % 5}",
                    has_attachments=self.chance.random() < 0.5,
                )
                date = DATE + self.chance.randrange(30)
                await file_mail(tx, digest, target, date=date, flags=Flags(is_draft=target == DRAFTS))

    async def change(self) -> None:
        mail = await self.pick()
        if mail is None:
            return
        changes, caller = self.owner.domain.mail_changes, self.caller
        ref = MailRef(self.owner.account_id, mail.folder_id, mail.uid)
        target = FolderRef(ref.owner, self.chance.choice((*FOLDERS, *self.made)))
        try:
            match self.chance.choice(
                ("flag", "flag", "move", "move", "trash", "remove", "label", "copy", "save")
            ):
                case "flag":
                    flagged = self.chance.random() < 0.5
                    await changes.set_flags(caller, ref, is_unread=None, is_flagged=flagged)
                case "move":
                    await changes.move(caller, ref, target)
                case "trash":
                    await changes.delete(caller, ref, permanent=False)
                case "remove":
                    await changes.delete(caller, ref, permanent=True)
                case "label":
                    label = LabelRef(ref.owner, LABEL)
                    await changes.set_label(caller, ref, label, is_on=self.chance.random() < 0.7)
                case "copy":
                    await changes.copy(caller, ref, target)
                case "save":
                    await self.save(ref)
        except PostroomError as error:
            assert error.kind is Kind.NOT_FOUND  # noqa: PT017

    async def save(self, ref: MailRef) -> None:
        """Give a mail another message, and another date."""
        async with self.store.transaction(self.owner.account_id) as tx:
            item = await tx.mails.locate(ref.folder, ref.uid)
            assert item is not None
            self.number += 1
            date = DATE + self.chance.randrange(30)
            await replace_mail(tx, item, make_filing(self.number), date=date, flags=Flags())

    async def change_folders(self) -> None:
        changes, name = self.owner.domain.folder_changes, f"Folder {self.chance.randrange(12)}"
        ref = FolderRef(self.owner.account_id, self.chance.choice(self.made or [INBOX]))
        parent = FolderRef(ref.owner, self.chance.choice((*self.made, INBOX, TRASH, ROOT)))
        try:
            match self.chance.choice(("make", "make", "rename", "move", "move", "delete")):
                case "make":
                    made = await changes.create(self.caller, name, parent=parent, folder_type=None)
                    self.made.append(made.folder_id)
                case "rename":
                    await changes.rename(self.caller, ref, name)
                case "move":
                    await changes.move(self.caller, ref, parent)
                case "delete":
                    await changes.delete(self.caller, ref)
        except PostroomError as error:
            allowed = {Kind.NOT_FOUND, Kind.CONFLICT, Kind.INVALID, Kind.DENIED}
            assert error.kind in allowed  # noqa: PT017

    async def pick(self) -> Mail | None:
        async with self.store.read(self.owner.account_id) as mailbox:
            folders = [*FOLDERS, *self.made]
            self.chance.shuffle(folders)
            for folder_id in folders:
                there = await mailbox.folders.find(folder_id)
                items = await mailbox.mails.list_some(folder_id, limit=1000)
                if there is not None and items:
                    return self.chance.choice(items).mail
        return None

    async def search(self) -> None:
        """Find some mails, of folders that are no Trash, or of all."""
        shows_discarded = self.chance.random() < 0.3
        async with self.store.read(self.owner.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            assert state is not None
            found = [
                item.mail
                for one in await mailbox.folders.list_all()
                if one.is_threaded or (shows_discarded and one.folder_type == "mails")
                for item in await mailbox.mails.list_some(one.folder_id, limit=1000)
                if self.chance.random() < 0.6
            ]
        found.sort(key=lambda mail: (-mail.date, -mail.item_id))
        folder = await self.process.search_folders.create(
            self.caller,
            [mail.item_id for mail in found],
            fingerprint=b"",
            modseq=state.modseq,
            shows_discarded=shows_discarded,
        )
        self.copies = [*self.copies, Copy(folder), Copy(folder)][-10:]

    async def restart(self) -> None:
        """Have a process know nothing any more."""
        self.processes[self.chance.randrange(len(self.processes))] = make_process(self.owner)

    # What is seen

    async def look(self) -> None:
        if self.copies:
            await self.check(self.chance.choice(self.copies).folder)

    async def ask(self) -> None:
        if self.copies:
            copy = self.chance.choice(self.copies)
            limit, most = self.chance.choice((1, 2, 5, 1000)), self.chance.choice((1, 2, 1000))
            if await copy.finish(self.process, self.caller, limit=limit, most=most):
                await self.compare(copy)

    async def compare(self, copy: Copy) -> None:
        expected, token = await self.check(copy.folder)
        assert {item: visible(shown) for item, shown in copy.shown.items()} == {
            item: visible(shown) for item, (shown, _, _) in expected.items()
        }
        assert copy.token == token

    async def check(self, folder: SearchFolder) -> tuple[dict[ItemId, tuple[Shown, SortKeys, bytes]], str]:
        """Compare what a search folder shows with what is stored; return that, and the list's token."""
        process, ref = self.process, FolderRef(folder.account_id, folder.search_id)
        expected, names = await self.expect(folder)
        by, descending = self.chance.choice(list(SortField)), self.chance.random() < 0.5

        def place(item: ItemId) -> tuple[object, ...]:
            _, keys, name = expected[item]
            return (name, keys.date, item) if by is SortField.FOLDER_NAME else key_of(by, keys, item)

        order = sorted(expected, key=place, reverse=descending)
        start, limit = self.chance.choice((0, 0, 3)), self.chance.choice((1, 4, 1000))
        page = await process.search_folders.list_page(
            self.caller, ref, MailListRequest(by, descending, start, limit)
        )
        assert [mail.item_id for mail in page.mails] == order[start : start + limit]
        for mail in page.mails:
            shown, _, _ = expected[mail.item_id]
            assert Shown(mail, page.originals[mail.item_id]) == shown
        assert page.folder.total_items == len(expected)
        token = self.owner.domain.tokens.folder_token(page.folder)
        assert token == self.owner.domain.tokens.folder_token(
            await self.process.search_folders.folder_state(self.caller, ref)
        )
        state = sorted((shown.mail, shown.original) for shown, _, _ in expected.values()), names
        before = self.known.get(folder.search_id)
        if before is not None:
            assert (state == before[0]) == (token == before[1])
        self.known[folder.search_id] = state, token
        await self.check_conversations(folder, {item: keys for item, (_, keys, _) in expected.items()})
        return expected, token

    async def check_conversations(self, folder: SearchFolder, found: dict[ItemId, SortKeys]) -> None:
        """Compare the conversations of a search folder with those that the mails found are of."""
        by = self.chance.choice(sorted(CONVERSATION_ORDERS.fields, key=lambda one: one.value))
        descending = self.chance.random() < 0.5
        places = await self.expect_conversations(found, by)
        order = sorted(places, key=places.__getitem__, reverse=descending)
        start, limit = self.chance.choice((0, 0, 3)), self.chance.choice((1, 4, 1000))
        active = self.chance.choice((*order, ConversationId(1 << 40)))
        request = ConversationListRequest(
            by, descending, start, limit, ConversationRef(folder.account_id, active)
        )
        ref = FolderRef(folder.account_id, folder.search_id)
        conversations, tokens = self.process.conversations, self.owner.domain.tokens
        viewer = await conversations.find_viewer(self.caller, folder.search_id)
        page = await conversations.list(self.caller, ref, request, viewer=viewer, render=_render)
        assert [_read(item)[0] for item in page.items] == order[start : start + limit]
        assert page.folder.conversations == len(order)
        assert page.active_row == (order.index(active) if active in order else -1)
        whole = request._replace(start=0, limit=1000)
        shown = (await conversations.list(self.caller, ref, whole, viewer=viewer, render=_render)).items
        for _, last, mails in map(_read, shown):
            # Those that were found are named by the search folder, and the last of them is what is shown.
            named = [item for item, folder_id in mails if folder_id == folder.search_id]
            assert set(named) == {item for item, _ in mails if item in found}
            assert last == max(named, key=lambda item: (found[item].date, item))
        token = tokens.conversations_token(page.folder)
        other = await self.process.conversations.folder_state(self.caller, ref)
        assert token == tokens.conversations_token(other)
        before = self.known_conversations.get(folder.search_id)
        state = sorted(shown)
        # What came into a conversation and left it again may have changed nothing between two looks.
        assert before is None or state == before[0] or token != before[1]
        self.known_conversations[folder.search_id] = state, token

    async def expect_conversations(
        self, found: dict[ItemId, SortKeys], by: SortField
    ) -> dict[ConversationId, Anchor]:
        """Return the conversations of mails, and the place of each in an order."""
        async with self.store.read(self.owner.account_id) as mailbox:
            numbered = await mailbox.conversations.find_numbers(list(found))
            numbers = [one.conversation_id for one in numbered if one.conversation_id]
            states = await mailbox.conversations.find(list(dict.fromkeys(numbers)))
            firsts = await mailbox.mails.locate_items([one.first_item_id for one in states.values()])
        places: dict[ConversationId, Anchor] = {}
        for number, state in states.items():
            items = [one.item_id for one in numbered if one.conversation_id == number]
            last = found[max(items, key=lambda item: (found[item].date, item))]
            keys = last._replace(
                is_unread=int(state.unread_items > 0),
                is_flagged=int(state.flagged_items > 0),
                has_attachments=int(state.attachment_items > 0),
                importance=2 if state.high_items else 1 if state.normal_items else 0,
                subject=firsts[state.first_item_id].keys.subject,
            )
            places[number] = key_of(by, keys, number)
        return places

    async def expect(
        self, folder: SearchFolder
    ) -> tuple[dict[ItemId, tuple[Shown, SortKeys, bytes]], object]:
        """Return what is stored of the mails that were found, and how their folders are called."""
        async with self.store.read(self.owner.account_id) as mailbox:
            view = await self.processes[0].search_folders._load(mailbox, folder)
            located = await mailbox.mails.locate_items([ItemId(item) for item in view.items])
            folders = {one.folder_id: one for one in await mailbox.folders.list_all()}
        expected = {}
        names = set()
        for item_id, (mail, keys) in located.items():
            where = folders[mail.folder_id]
            if not (where.is_threaded or folder.shows_discarded):
                continue
            original = MailRef(folder.account_id, mail.folder_id, mail.uid)
            seen = mail._replace(folder_id=folder.search_id, uid=item_id)  # type: ignore[arg-type]
            expected[item_id] = (Shown(seen, original), keys, sort_key(where.name))
            names.add((where.folder_id, where.name, where.modseq))
        return expected, names


def _render(view: ConversationView) -> bytes:
    """Show a conversation: its number, its last mail, all mails with the folder that each is named by, and marks."""
    mails = [(mail.item_id, mail.folder_id) for mail in view.mails]
    marks = [
        (mail.is_unread, mail.is_flagged, mail.labels, mail.date, mail.uid, mail.modseq)
        for mail in view.mails
    ]
    return repr((view.conversation_id, view.mails[view.last].item_id, mails, marks)).encode()


def _read(item: bytes) -> tuple[ConversationId, ItemId, list[tuple[ItemId, FolderId]]]:
    number, last, mails, _ = ast.literal_eval(item.decode())
    return number, last, mails


def visible(shown: Shown) -> object:
    """Return what clients see of a mail."""
    mail = shown.mail
    return mail._replace(modseq=mail.modseq * 0, entered_modseq=mail.modseq * 0), shown.original  # type: ignore[arg-type]


def make_process(owner: Owner) -> Process:
    domain, store = owner.domain, owner.store
    sessions = domain.logins.sessions
    search_folders = SearchFolders(store, sessions, domain.settings, clock=Clock())
    return Process(
        search_folders,
        Deltas(store, sessions, domain.tokens, search_folders=search_folders),
        Conversations(
            store,
            sessions,
            domain.settings,
            classes={"default": AccountClass()},
            search_folders=search_folders,
            found=FoundConversations(store, search_folders),
        ),
    )


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_views, "MOST_CHANGES", 4)


async def run_history(add_owner: AddOwner, *, seed: int, steps: int) -> None:
    owner = await add_owner("anna")
    await History(owner, await owner.caller(), seed=seed).run(steps)


@pytest.mark.parametrize("seed", range(4))
async def test_search_folders_show_what_is_there(add_owner: AddOwner, store: Store, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=300 if store.engine.name == "sqlite" else 100)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 108))
async def test_search_folders_show_what_is_there_for_long(add_owner: AddOwner, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=5000)
