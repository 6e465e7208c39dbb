# ruff: noqa: S311
"""Random histories of a few mailboxes against a plain model: everything maintained equals what happened.

The seed is the test's parameter, so that a failure is repeated by running it again.
"""

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner, make_message, mark_mail, remove_mail

from postroom.config.classes import AccountClass
from postroom.domain import Domain
from postroom.domain.examination import examine
from postroom.domain.filing import Flags, file_mail, locate_mail, set_refw
from postroom.domain.rewriting import make_draft, replace_mail
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import DRAFTS, INBOX
from postroom.model.ids import AccountId, FolderId, MailRef, Modseq, Uid
from postroom.model.listing import MailListRequest, Sort, SortField
from postroom.store import Store
from postroom.store.sorting import SORT_COLUMNS
from postroom.store.sql import orders
from postroom.store.tx import Transaction

SENT = FolderId(INBOX + 2)
GONE = FolderId(999)
SUBJECTS = ("Lunch", "lunch", "Re: Lunch", "Report", "Äpfel", "", "日本")
SENDERS = ("berta@other.test", "Carl <carl@other.test>", '"A, B" <a.b@other.test>')


@dataclass(frozen=True)
class Letter:
    """A message of the pool."""

    raw: bytes
    sha256: bytes


@dataclass
class ModelMail:
    """A mail as it should be."""

    letter: Letter
    date: int
    is_unread: bool
    is_flagged: bool


@dataclass
class ModelFolder:
    """A folder as it should be."""

    mails: dict[int, ModelMail] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, mail: ModelMail) -> None:
        self.mails[self.next_uid] = mail
        self.next_uid += 1


@dataclass
class ModelMailbox:
    """A mailbox as it should be."""

    owner: Owner
    folders: dict[FolderId, ModelFolder]
    modseq: int = 1
    buried: set[tuple[int, int]] = field(default_factory=set)
    kinds: list[str] = field(default_factory=list)

    def step(self, kind: str) -> None:
        self.modseq += 1
        self.kinds.append(kind)

    def pick(self, chance: random.Random) -> tuple[FolderId, int] | None:
        places = [(folder_id, uid) for folder_id, folder in self.folders.items() for uid in folder.mails]
        return chance.choice(places) if places else None

    def mails(self) -> list[ModelMail]:
        return [mail for folder in self.folders.values() for mail in folder.mails.values()]


class RefusedError(Exception):
    """What a transaction of a history fails with."""


class History:
    """What happens to a few mailboxes, to the program's and to the model's alike."""

    def __init__(self, owners: list[Owner], more: list[FolderId], *, seed: int) -> None:
        self.chance = random.Random(seed)
        self.owners = owners
        self.store: Store = owners[0].store
        self.domain: Domain = owners[0].domain
        self.mailboxes = [
            ModelMailbox(
                owner,
                {folder: ModelFolder() for folder in (INBOX, SENT, DRAFTS, folder_id)},
                modseq=2,
            )
            for owner, folder_id in zip(owners, more, strict=True)
        ]
        self.letters = [self._make_letter(number) for number in range(14)]
        self.now = DATE
        self.domain.ingest._now = lambda: float(self.now)

    def _make_letter(self, number: int) -> Letter:
        raw = make_message(
            subject=self.chance.choice(SUBJECTS),
            from_=self.chance.choice(SENDERS),
            body=f"Letter {number}\r\n" * self.chance.choice((1, 3, 50)),
            headers=[("Importance", self.chance.choice(("high", "normal", "low")))],
        )
        return Letter(raw, hashlib.sha256(raw).digest())

    async def run(self, steps: int) -> None:
        actions = (
            (self.deliver, 8),
            (self.insert, 4),
            (self.flag, 8),
            (self.remove, 7),
            (self.replace, 6),
            (self.draft, 3),
            (self.refer, 2),
            (self.fail, 3),
            (self.fail_in_part, 2),
            (self.clear, 0.15),
        )
        for _ in range(steps):
            [action] = self.chance.choices(
                [action for action, _ in actions], [weight for _, weight in actions]
            )
            await action()
            self.now += self.chance.random() < 0.2
            await self.check_counters(self.chance.choice(self.mailboxes))
        for mailbox in self.mailboxes:
            await self.check_counters(mailbox)
            await self.check_everything(mailbox)

    # What happens

    async def deliver(self) -> None:
        letter = self.chance.choice(self.letters)
        recipients: list[Recipient] = []
        for _ in range(self.chance.choice((1, 1, 2, 4))):
            mailbox = self.chance.choice(self.mailboxes)
            folder_id = self.chance.choice((INBOX, INBOX, GONE, *mailbox.folders))
            recipients.append(Recipient("x", mailbox.owner.account_id, folder_id, ""))
        if self.chance.random() < 0.1:
            recipients.append(Recipient("x", AccountId(4_000_000), INBOX, ""))
        envelope = Envelope("berta@other.test", tuple(recipients), "unix", "x", False, False)
        outcomes = await self.domain.ingest.deliver(envelope, letter.raw)
        for recipient, outcome in zip(recipients, outcomes, strict=True):
            if recipient.account_id == 4_000_000:
                assert outcome is not None
                assert outcome.kind is Kind.NOT_FOUND
            else:
                assert outcome is None
        for account_id, folder_id in sorted({(one.account_id, one.folder_id) for one in recipients}):
            for mailbox in self.mailboxes:
                if mailbox.owner.account_id == account_id:
                    target = mailbox.folders.get(folder_id, mailbox.folders[INBOX])
                    target.add(ModelMail(letter, self.now, True, False))
                    mailbox.step("deliver")

    async def insert(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        letter, folder_id = self.chance.choice(self.letters), self.chance.choice(list(mailbox.folders))
        duplicates = self.chance.random() < 0.5
        flags = Flags(is_unread=self.chance.random() < 0.5, is_flagged=self.chance.random() < 0.3)
        date = DATE + self.chance.randrange(20)
        filed = await self.domain.ingest.file_message(
            mailbox.owner.account_id, folder_id, letter.raw, date=date, flags=flags, duplicates=duplicates
        )
        folder = mailbox.folders[folder_id]
        same = [uid for uid, mail in folder.mails.items() if mail.letter == letter]
        if same and not duplicates:
            assert filed.mail is None
            assert filed.uid in same
            return
        assert filed.mail is not None
        assert filed.uid == folder.next_uid
        folder.add(ModelMail(letter, date, flags.is_unread, flags.is_flagged))
        mailbox.step("import")

    async def flag(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is None:
            return
        folder_id, uid = place
        is_unread, is_flagged = (self.chance.choice((None, True, False)) for _ in range(2))
        caller = await mailbox.owner.caller()
        ref = MailRef(caller.account_id, folder_id, Uid(uid))
        shown = await self.domain.mail_changes.set_flags(
            caller, ref, is_unread=is_unread, is_flagged=is_flagged
        )
        mail = mailbox.folders[folder_id].mails[uid]
        before = (mail.is_unread, mail.is_flagged)
        mail.is_unread = mail.is_unread if is_unread is None else is_unread
        mail.is_flagged = mail.is_flagged if is_flagged is None else is_flagged
        assert (shown.is_unread, shown.is_flagged) == (mail.is_unread, mail.is_flagged)
        if before != (mail.is_unread, mail.is_flagged):
            mailbox.step("mails.update")
            assert shown.modseq == mailbox.modseq

    async def replace(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is None:
            return
        folder_id, uid = place
        letter, date = self.chance.choice(self.letters), DATE + self.chance.randrange(20)
        flags = Flags(is_unread=self.chance.random() < 0.5, is_flagged=self.chance.random() < 0.3)
        digest = await self.domain.ingest.prepare(letter.raw, [mailbox.owner.account_id])
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            item = await locate_mail(tx, folder_id, Uid(uid))
            mail = await replace_mail(tx, item, digest, date=date, flags=flags)
            await tx.log("replace", {}, modseq=mail.modseq)
        assert (mail.folder_id, mail.uid, mail.item_id) == (folder_id, uid, item.mail.item_id)
        mailbox.folders[folder_id].mails[uid] = ModelMail(letter, date, flags.is_unread, flags.is_flagged)
        mailbox.step("replace")
        assert mail.replaced_modseq == mail.modseq == mailbox.modseq

    async def draft(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is None:
            return
        folder_id, uid = place
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            item = await locate_mail(tx, folder_id, Uid(uid))
            mail = await make_draft(tx, item, date=self.now)
            await tx.log("draft", {}, modseq=mail.modseq)
        model = mailbox.folders[folder_id].mails[uid]
        model.date = self.now
        if folder_id != DRAFTS:
            del mailbox.folders[folder_id].mails[uid]
            mailbox.buried.add((folder_id, uid))
            mailbox.folders[DRAFTS].add(model)
        mailbox.step("draft")
        assert (mail.folder_id, mail.is_draft, mail.modseq) == (DRAFTS, 1, mailbox.modseq)

    async def refer(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is None:
            return
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            item = await locate_mail(tx, place[0], Uid(place[1]))
            change = await set_refw(tx, item, self.chance.randrange(4))
            if change is not None:
                await tx.log("refer", {}, modseq=tx.modseq)
        if change is not None:
            mailbox.step("refer")

    async def remove(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is not None:
            await self._remove(mailbox, [place])

    async def clear(self) -> None:
        mailbox = self.chance.choice(self.mailboxes)
        folder_id = self.chance.choice(list(mailbox.folders))
        await self._remove(mailbox, [(folder_id, uid) for uid in mailbox.folders[folder_id].mails])

    async def _remove(self, mailbox: ModelMailbox, places: list[tuple[FolderId, int]]) -> None:
        if not places:
            return
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            for folder_id, uid in places:
                mail = await remove_mail(tx, folder_id, Uid(uid))
            await tx.log("remove", {}, modseq=(await tx.advance()).modseq)
            assert mail.uid == places[-1][1]
        for folder_id, uid in places:
            del mailbox.folders[folder_id].mails[uid]
            mailbox.buried.add((folder_id, uid))
        mailbox.step("remove")

    async def fail(self) -> None:
        """A transaction does something of everything and never happens."""
        mailbox = self.chance.choice(self.mailboxes)
        with pytest.raises(RefusedError):
            await self._do_and_refuse(mailbox)

    async def _do_and_refuse(self, mailbox: ModelMailbox) -> None:
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            await self._meddle(tx, mailbox)
            raise RefusedError

    async def fail_in_part(self) -> None:
        """A savepoint does something of everything and never happens; what follows in its transaction does."""
        mailbox = self.chance.choice(self.mailboxes)
        place = mailbox.pick(self.chance)
        if place is None:
            return
        async with self.store.transaction(mailbox.owner.account_id) as tx:
            with pytest.raises(RefusedError):
                await self._meddle_and_refuse(tx, mailbox)
            mail = await remove_mail(tx, place[0], Uid(place[1]))
            with pytest.raises(PostroomError):
                await remove_mail(tx, place[0], mail.uid)
            with pytest.raises(RefusedError):
                await self._meddle_and_refuse(tx, mailbox, but=place)
            await tx.log("remove", {}, modseq=(await tx.advance()).modseq)
        del mailbox.folders[place[0]].mails[place[1]]
        mailbox.buried.add(place)
        mailbox.step("remove")

    async def _meddle_and_refuse(
        self, tx: Transaction, mailbox: ModelMailbox, *, but: tuple[FolderId, int] | None = None
    ) -> None:
        async with tx.savepoint():
            await self._meddle(tx, mailbox, but=but)
            raise RefusedError

    async def _meddle(
        self, tx: Transaction, mailbox: ModelMailbox, *, but: tuple[FolderId, int] | None = None
    ) -> None:
        letter = self.chance.choice(self.letters)
        filing = await self.domain.ingest.prepare(letter.raw, [mailbox.owner.account_id])
        async with tx.savepoint():
            await file_mail(tx, filing, INBOX, date=DATE, flags=Flags())
        place = mailbox.pick(self.chance)
        if place is not None and place != but:
            item = await locate_mail(tx, place[0], Uid(place[1]))
            await replace_mail(tx, item, filing, date=DATE, flags=Flags(is_unread=False))
            await mark_mail(tx, place[0], Uid(place[1]), is_unread=False, is_flagged=True)
            await remove_mail(tx, place[0], Uid(place[1]))

    # What must be

    async def check_counters(self, mailbox: ModelMailbox) -> None:
        async with self.store.read(mailbox.owner.account_id) as snapshot:
            state = await snapshot.mailbox.find()
            folders = {folder.folder_id: folder for folder in await snapshot.folders.list_all()}
        assert state is not None
        assert state.modseq == state.folders_modseq == mailbox.modseq
        assert state.total_items == len(mailbox.mails())
        assert state.size_bytes == sum(len(mail.letter.raw) for mail in mailbox.mails())
        for folder_id, model in mailbox.folders.items():
            folder, mails = folders[folder_id], model.mails.values()
            assert folder.total_items == len(mails)
            assert folder.unread_items == sum(mail.is_unread for mail in mails)
            assert folder.size_bytes == sum(len(mail.letter.raw) for mail in mails)
        badge = await self.store.find_badge(mailbox.owner.account_id)
        assert badge is not None
        assert badge.unread == folders[INBOX].unread_items

    async def check_everything(self, mailbox: ModelMailbox) -> None:
        account_id = mailbox.owner.account_id
        references = Counter(mail.letter.sha256 for mail in mailbox.mails())
        async with self.store.read(account_id) as snapshot:
            total, faults = await examine(snapshot, "x")
            contents = await snapshot.contents.list_after(0, limit=1000)
            indexed = await snapshot.recounts.list_indexed()
            operations = await snapshot.operations.list_after(Modseq(2), limit=100_000)
        assert faults == []
        assert total == len(mailbox.mails())
        assert {content.sha256: content.refs for content in contents} == references
        assert indexed == {content.content_id for content in contents}
        for content in contents:
            reader = await self.store.messages.open(account_id, content)
            assert hashlib.sha256(await reader.read(0, reader.size_bytes)).digest() == content.sha256
            reader.close()
        assert [operation.modseq for operation in operations] == list(range(3, mailbox.modseq + 1))
        assert [operation.kind for operation in operations] == mailbox.kinds
        assert await self._list_buried(account_id) == mailbox.buried
        for folder_id in mailbox.folders:
            await self.check_lists(mailbox, folder_id)

    async def _list_buried(self, account_id: AccountId) -> set[tuple[int, int]]:
        async with self.store.engine.peek() as connection:
            rows = await connection.fetch_all(
                "SELECT folder_id, uid FROM tombstone WHERE account_id = $1", account_id
            )
        return {(row[0], row[1]) for row in rows}

    async def check_lists(self, mailbox: ModelMailbox, folder_id: FolderId) -> None:
        caller = await mailbox.owner.caller()
        model = mailbox.folders[folder_id].mails
        ref = mailbox.owner.folder(folder_id)
        for sort in [Sort(one, descending) for one in SORT_COLUMNS for descending in (True, False)]:
            uids: list[int] = []
            for start in range(0, len(model) + 1, 7):
                request = MailListRequest(sort.field, sort.descending, start=start, limit=7)
                page = await self.domain.mails.list(caller, ref, request)
                uids += [mail.uid for mail in page.mails]
                for mail in page.mails:
                    expected = model[mail.uid]
                    assert (mail.date, mail.size) == (expected.date, len(expected.letter.raw))
                    assert (mail.is_unread, mail.is_flagged) == (expected.is_unread, expected.is_flagged)
            assert sorted(uids) == sorted(model)
            places = [self._place(model, uid, sort) for uid in uids]
            assert places == sorted(places, reverse=sort.descending)
        if model:
            uid = self.chance.choice(uids)
            active = MailRef(caller.account_id, folder_id, Uid(uid))
            request = MailListRequest(sort.field, sort.descending, limit=1, active=active)
            assert (await self.domain.mails.list(caller, ref, request)).active_row == uids.index(uid)

    @staticmethod
    def _place(model: dict[int, ModelMail], uid: int, sort: Sort) -> tuple[int, ...]:
        """Return the sort key as far as the model knows it: words sort by rules that are tested elsewhere."""
        mail = model[uid]
        values = {
            SortField.DATE: mail.date,
            SortField.SIZE: len(mail.letter.raw),
            SortField.IS_UNREAD: int(mail.is_unread),
            SortField.IS_FLAGGED: int(mail.is_flagged),
        }
        return (values[sort.field], mail.date, uid) if sort.field in values else ()


async def run_history(add_owner: AddOwner, *, seed: int, steps: int) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta", "carl")]
    more = [await owner.add_folder("More") for owner in owners]
    history = History(owners, more, seed=seed)
    await history.run(steps)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)


@pytest.mark.parametrize("seed", range(4))
async def test_a_history(add_owner: AddOwner, store: Store, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=800 if store.engine.name == "sqlite" else 200)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 112))
async def test_a_long_history(add_owner: AddOwner, seed: int) -> None:
    await run_history(add_owner, seed=seed, steps=5000)


async def test_quotas_leave_nothing_half_done(add_owner: AddOwner, domain: Domain) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta")]
    domain.ingest._classes = {"default": AccountClass(messages=3)}
    recipients = tuple(Recipient("x", owner.account_id, INBOX, "") for owner in owners)
    await owners[0].add_mail(make_message(subject="first"))
    outcomes = [
        await domain.ingest.deliver(
            Envelope("", recipients, "unix", "x", False, False), make_message(subject=f"Letter {number}")
        )
        for number in range(4)
    ]
    codes = [[outcome and outcome.code for outcome in pair] for pair in outcomes]
    full = "messageQuotaExceeded"
    assert codes == [[None, None], [None, None], [full, None], [full, full]]
    for owner in owners:
        async with owner.store.read(owner.account_id) as mailbox:
            total, faults = await examine(mailbox, "x")
            operations = await mailbox.operations.list_after(Modseq(1), limit=100)
            state = await mailbox.mailbox.find()
        assert (total, faults) == (3, [])
        assert state is not None
        assert [operation.modseq for operation in operations] == [2, 3, 4]
        assert state.modseq == 4
