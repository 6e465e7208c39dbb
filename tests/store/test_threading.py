"""Conversations follow from the mails alone: whatever the order of their coming, whatever was done before."""

import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from tests.fixtures.factories import DATE, Owner, make_message
from tests.fixtures.stores import data_dir_of
from tests.store.thread_world import DAY, assert_threaded, file, letter, list_conversations

from postroom.content.digest import Digest
from postroom.content.work import ContentWork
from postroom.domain import rethreading, threads
from postroom.domain.actions import Action, CopyTo, MoveTo, SetFlags
from postroom.domain.batches import Selection
from postroom.domain.filing import remove_mails
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.rewriting import make_draft
from postroom.domain.thread_reasons import find_why
from postroom.domain.thread_rebuild import ThreadRebuild
from postroom.errors import PostroomError
from postroom.model.conversation import ConversationId, ConversationRef
from postroom.model.folder import INBOX, ROOT, SENT
from postroom.model.ids import AccountId, FolderId, ItemId, MailRef
from postroom.model.thread import Threading
from postroom.store.sql import orders
from postroom.store.sql.mails import Located

TRASH, SPAM = FolderId(5), FolderId(6)

THREADS: dict[str, tuple[list[tuple[str, dict[str, object]]], list[int]]] = {
    "a chain of references": (
        [("a", {}), ("b", {"answers": ["a"]}), ("c", {"answers": ["a", "b"]}), ("d", {"in_reply_to": "c"})],
        [1, 1, 1, 1],
    ),
    "an absent mail that both name": ([("a", {"answers": ["x"]}), ("b", {"answers": ["x"]})], [1, 1]),
    "two conversations and the mail that connects them": (
        [("a", {}), ("b", {}), ("c", {"answers": ["a", "b"]}), ("d", {"answers": ["b"]})],
        [1, 1, 1, 1],
    ),
    "another subject": (
        [
            ("a", {}),
            ("b", {"answers": ["a"], "subject": "Dinner"}),
            ("c", {"answers": ["b"], "subject": "Re: Dinner"}),
        ],
        [1, 2, 2],
    ),
    "marks of replies and lists": (
        [
            ("a", {"subject": "[eaters]  LUNCH"}),
            ("b", {"answers": ["a"], "subject": "Re: [eaters] AW: Lunch (fwd)"}),
        ],
        [1, 1],
    ),
    "a reply without references": (
        [("a", {}), ("b", {"subject": "Re: lunch"}), ("c", {"subject": "Lunch", "from_": "carl@other.test"})],
        [1, 1, 2],
    ),
    "mails of one subject, none a reply": ([("a", {}), ("b", {}), ("c", {})], [1, 2, 3]),
    "one reply joins all that are near": (
        [
            ("a", {}),
            ("b", {"date": 10 * DAY}),
            ("c", {"subject": "Re: Lunch", "date": 20 * DAY}),
            ("d", {"date": 51 * DAY}),
        ],
        [1, 1, 1, 2],
    ),
    "replies reach from one to the next": (
        [
            ("a", {}),
            ("b", {"subject": "Re: Lunch", "date": 30 * DAY}),
            ("c", {"subject": "Re: Lunch", "date": 60 * DAY}),
            ("d", {"date": 90 * DAY}),
        ],
        [1, 1, 1, 1],
    ),
    "a day too late": ([("a", {}), ("b", {"subject": "Re: Lunch", "date": 30 * DAY + 1})], [1, 2]),
    "a reply with references joins nothing by its subject": (
        [
            ("a", {}),
            ("b", {"subject": "Re: Lunch", "answers": ["z"]}),
            ("c", {"subject": "Re: Lunch", "from_": "x@y.test"}),
        ],
        [1, 2, 3],
    ),
    "the account itself is nobody in common": (
        [("a", {"from_": "b@b.test"}), ("b", {"subject": "Re: Lunch", "from_": "c@c.test"})],
        [1, 2],
    ),
    "no subject": ([("a", {"subject": ""}), ("b", {"subject": "Re:"})], [1, 2]),
    "itself and a loop": ([("a", {"answers": ["a", "b"]}), ("b", {"answers": ["a", "b"]})], [1, 1]),
}


def make(name: str, mark: str, options: dict[str, object], owner: Owner) -> tuple[Digest, int]:
    """Return a message and its date; the names in it are made other ones by ``mark``."""
    given = dict(options)
    date = given.pop("date", 0)
    assert isinstance(date, int)
    for field in ("answers",):
        if field in given:
            given[field] = [one + mark for one in given[field]]  # type: ignore[attr-defined]
    if "in_reply_to" in given:
        given["in_reply_to"] = f"{given['in_reply_to']}{mark}"
    subject = str(given.pop("subject", "Lunch"))
    if subject.removesuffix("(fwd)").strip(" :Re"):
        subject = f"{subject.removesuffix(' (fwd)')} {mark}{' (fwd)' if '(fwd)' in subject else ''}"
    given.setdefault("to", owner.account.address)
    return letter(name + mark, subject=subject, **given), DATE + date  # type: ignore[arg-type]


def partition(numbers: Sequence[int]) -> list[int]:
    """Return for each the place of the first that is the same."""
    return [numbers.index(number) for number in numbers]


@pytest.mark.parametrize("thread", THREADS)
async def test_every_order_of_coming_gives_the_same(owner: Owner, thread: str) -> None:
    letters, expected = THREADS[thread]
    for mark, order in enumerate(itertools.permutations(range(len(letters)))):
        items: dict[int, ItemId] = {}
        for index in order:
            name, options = letters[index]
            digest, date = make(name, f"-{mark}", options, owner)
            items[index] = (await file(owner, digest, date=date)).item_id
        numbers = await list_conversations(owner)
        found = [numbers[items[index]] for index in range(len(letters))]
        assert partition(found) == partition(expected), order
        for number in set(found):
            # It has the number of one of its mails: of that which came first, or of the older one that was joined.
            assert int(number) in items.values()
    await assert_threaded(owner)


# Histories


class History:
    """Random changes of a mailbox whose mails answer each other; what belongs together is computed from scratch."""

    def __init__(self, owner: Owner, *, seed: int) -> None:
        self.owner = owner
        self.chance = random.Random(seed)  # noqa: S311
        self.folders: list[FolderId] = [INBOX, SENT, TRASH, SPAM]
        self.made: list[FolderId] = []
        self.names: list[str] = []

    async def begin(self) -> None:
        for name in ("one", "two"):
            self.made.append(await self.owner.add_folder(name))
        self.made.append(await self.owner.add_folder("below", parent_id=self.made[0]))
        self.folders += self.made

    async def step(self) -> None:
        """Do one thing."""
        act = self.chance.choices(
            (
                self.deliver,
                self.move,
                self.copy,
                self.remove,
                self.mark,
                self.rewrite,
                self.move_folder,
                self.undo,
            ),
            (10, 5, 2, 3, 2, 2, 2, 3),
        )[0]
        await act()

    async def deliver(self) -> None:
        name = f"m{len(self.names)}" if self.chance.random() < 0.9 else ""
        answers = (
            [self.chance.choice(self.names) for _ in range(self.chance.choice((0, 0, 1, 1, 2)))]
            if self.names
            else []
        )
        subject = self.chance.choice(
            ("Lunch", "Re: Lunch", "Re: lunch", "AW: [x] Lunch", "Report", "Re: Report", "")
        )
        others = [f"{self.chance.choice('abc')}@other.test" for _ in range(2)]
        digest = letter(
            name,
            subject=subject,
            answers=answers,
            from_=others[0],
            to=f"{self.owner.account.address}, {others[1]}",
        )
        if name:
            self.names.append(name)
        date = DATE + self.chance.randrange(150) * DAY
        await file(self.owner, digest, folder_id=self.chance.choice(self.folders), date=date)

    async def pick(self, most: int) -> list[Located]:
        """Return some mails of one folder."""
        async with self.owner.store.read(self.owner.account_id) as mailbox:
            items = await mailbox.mails.list_some(self.chance.choice(self.folders), limit=1000)
        return self.chance.sample(items, min(len(items), self.chance.randint(1, most)))

    async def act(self, action: Action, items: list[Located]) -> None:
        refs = [MailRef(self.owner.account_id, item.mail.folder_id, item.mail.uid) for item in items]
        caller = await self.owner.caller()
        if refs:
            kind = {MoveTo: "mails.move", CopyTo: "mails.copy"}.get(type(action), "mails.update")
            await self.owner.domain.batches.start(caller, kind, action, selection=Selection(refs))

    async def move(self) -> None:
        await self.act(MoveTo(self.chance.choice(self.folders)), await self.pick(6))

    async def copy(self) -> None:
        await self.act(CopyTo(self.chance.choice(self.folders)), await self.pick(3))

    async def remove(self) -> None:
        items = await self.pick(5)
        if items:
            async with self.owner.store.transaction(self.owner.account_id) as tx:
                await tx.lock()
                await remove_mails(tx, items)

    async def mark(self) -> None:
        flags = SetFlags(self.chance.choice((True, False, None)), self.chance.choice((True, False, None)))
        await self.act(flags, await self.pick(8))

    async def rewrite(self) -> None:
        items = await self.pick(1)
        if items:
            async with self.owner.store.transaction(self.owner.account_id) as tx:
                await tx.lock()
                await make_draft(tx, items[0], date=DATE + self.chance.randrange(150) * DAY)

    async def move_folder(self) -> None:
        caller = await self.owner.caller()
        folder_id, parent_id = (
            self.chance.choice(self.made),
            self.chance.choice((ROOT, TRASH, self.made[0], self.made[1])),
        )
        with contextlib.suppress(PostroomError):
            await self.owner.domain.folder_changes.move(
                caller, self.owner.folder(folder_id), self.owner.folder(parent_id)
            )
        if self.chance.random() < 0.7:
            await self.owner.domain.doomed.wait()

    async def undo(self) -> None:
        caller = await self.owner.caller()
        _, shown = await self.owner.domain.operations.list_shown(
            caller, kind="", folder_id=None, start=0, limit=5
        )
        for operation in shown:
            if operation.is_reversible:
                with contextlib.suppress(PostroomError):
                    await self.owner.domain.operations.undo(caller, operation.operation_id)
                return


@pytest.mark.parametrize("seed", range(6))
async def test_a_history(owner: Owner, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    monkeypatch.setattr(rethreading, "SLICE", 3)
    if seed % 2:
        # A conversation is only read as a whole where it is not seen to hold together.
        monkeypatch.setattr(threads, "SMALL", 1)
    history = History(owner, seed=seed)
    await history.begin()
    for number in range(150):
        await history.step()
        if number % 10 == 9:
            await assert_threaded(owner)
    await owner.domain.doomed.wait()
    await assert_threaded(owner)
    async with owner.store.read(owner.account_id) as mailbox:
        assert await mailbox.traces.list_rethreaded() == []
        threaded = {folder.folder_id for folder in await mailbox.folders.list_all() if folder.is_threaded}
        mails = await mailbox.thread_recounts.list_mails()
    assert all(bool(mail.conversation_id) == (mail.folder_id in threaded) for mail in mails)
    sizes = Counter(mail.conversation_id for mail in mails if mail.conversation_id)
    assert len(sizes) > 3
    assert max(sizes.values()) > 3


# Why, and from the messages again


async def test_why_a_mail_is_in_its_conversation(owner: Owner) -> None:
    mails = [
        await file(owner, digest, date=DATE + number)
        for number, digest in enumerate(
            (
                letter("a", subject="[x] Lunch"),
                letter("b", subject="Re: Lunch", answers=["a"]),
                letter("c", subject="AW: lunch"),
                letter("d", subject="Re: Lunch", answers=["b", "gone"], from_="carl@other.test"),
                letter("e", subject="Re: Lunch", in_reply_to="gone", from_="dora@other.test"),
            )
        )
    ]
    caller = await owner.caller()
    reasons = await find_why(owner.store, caller, ConversationRef(owner.account_id, mails[0].conversation_id))
    assert [(reason.mail.item_id, reason.rule, reason.matched) for reason in reasons] == [
        (mails[0].item_id, "first", ""),
        (mails[1].item_id, "reference", "<a@other.test>"),
        (mails[2].item_id, "subject", "lunch"),
        (mails[3].item_id, "reference", "<b@other.test>"),
        (mails[4].item_id, "reference", "<gone@other.test>"),
    ]
    with pytest.raises(PostroomError, match="notFound"):
        await find_why(owner.store, caller, ConversationRef(owner.account_id, ConversationId(77)))
    other = AccountId(owner.account_id + 1)
    with pytest.raises(PostroomError, match="notFound"):
        await find_why(owner.store, caller, ConversationRef(other, mails[0].conversation_id))


async def test_why_a_damaged_mail_is_in_its_conversation(owner: Owner) -> None:
    """By the mail that it answers, of which nobody can tell the name any more."""
    for number in range(2):
        noise = random.Random(number).randbytes(100_000).hex()  # noqa: S311
        headers = [("References", "<gone@other.test>")]
        await owner.add_mail(make_message(subject="Lunch", body=noise, headers=headers))
    blobs = [path for path in (data_dir_of(owner.store) / "blobs").rglob("*") if path.is_file()]
    for path in blobs:
        path.write_bytes(bytes(100) + path.read_bytes()[100:])
    assert len(blobs) == 2
    async with owner.store.read(owner.account_id) as mailbox:
        mail, *_ = await mailbox.thread_recounts.list_mails()
    ref = ConversationRef(owner.account_id, mail.conversation_id)
    reasons = await find_why(owner.store, await owner.caller(), ref)
    assert [(reason.rule, reason.matched) for reason in reasons] == [("first", ""), ("reference", "")]


async def test_conversations_are_made_again_from_the_messages(owner: Owner) -> None:
    history = History(owner, seed=11)
    await history.begin()
    for _ in range(80):
        await history.step()
    await owner.domain.doomed.wait()
    before = await list_conversations(owner)
    rebuild = ThreadRebuild(owner.store, ContentWork())
    rethreaded = await rebuild.run()
    assert (rethreaded.accounts, rethreaded.corrected, rethreaded.problems) == (1, 0, [])
    assert await list_conversations(owner) == before
    async with owner.store.engine.write() as connection:
        for statement in (
            "UPDATE content SET threading = $1",
            "DELETE FROM reference_key WHERE account_id = $1",
            "DELETE FROM subject_key WHERE account_id = $1",
            "DELETE FROM conversation WHERE account_id = $1",
            "DELETE FROM conversation_folder WHERE account_id = $1",
            "UPDATE folder SET conversations = 0 WHERE account_id = $1",
        ):
            nothing = msgspec.msgpack.encode(Threading())
            await connection.execute(statement, nothing if "content" in statement else owner.account_id)
    assert (await rebuild.run(only=owner.account_id)).corrected
    # Only the numbers tell what was one conversation before.
    assert await list_conversations(owner) == before
    await assert_threaded(owner)


async def test_an_account_goes_with_its_conversations(owner: Owner) -> None:
    await file(owner, letter("a"))
    async with owner.store.directory_transaction() as tx:
        await tx.directory.delete(owner.account_id)
    await remove_mailbox(owner.store, owner.account_id, progress=lambda _: None)
    async with owner.store.read(owner.account_id) as mailbox:
        recounts = mailbox.thread_recounts
        assert not await recounts.list_references()
        assert not await recounts.list_subjects()
        assert not await recounts.list_conversations()
        assert not await recounts.list_presences()
