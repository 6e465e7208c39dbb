"""Random histories of a mailbox, and the streams that tell of them: nothing is lost, nothing told twice.

A reader keeps what it was told: the newest state of each thing. Whenever it has read everything, that is the state of
the mailbox; and if it had broken off after any of its events, and gone on from there, it would be told the rest.
"""

import random
from typing import Any

import pytest
from tests.fixtures.factories import AddOwner, Owner, mark_mail, remove_mail
from tests.fixtures.readers import Reader, Thing, actual, check_state, position_of, thing_of

from postroom.domain import event_feed, event_streams
from postroom.domain.event_feed import COUNTERS, KINDS, LABELS, MAILS, Event, Figures, Selection
from postroom.domain.filing import locate_mail, move_mails
from postroom.errors import PostroomError
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, LabelId, Uid
from postroom.store import Store
from postroom.store.sql.labels import Label

STEPS = 60
ALL = Selection(KINDS, all_folders=True)
SELECTIONS = [
    ALL,
    Selection(),
    Selection(frozenset({COUNTERS}), all_folders=True),
    Selection(frozenset({MAILS, LABELS})),
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell in small pieces, and wait for no one."""
    monkeypatch.setattr(event_feed, "MAX_BATCH", 3)
    monkeypatch.setattr(event_feed, "SPACING_SECONDS", 0.0)
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.0)


class History:
    """Changes an account at random."""

    def __init__(self, owner: Owner, chance: random.Random) -> None:
        self.owner = owner
        self.chance = chance
        self.folders = [INBOX, FolderId(4), FolderId(5)]
        self.made: list[FolderId] = []

    async def step(self) -> None:
        ways = [
            self.deliver,
            self.deliver,
            self.mark,
            self.mark,
            self.remove,
            self.move,
            self.label,
            self.folder,
        ]
        try:
            await self.chance.choice(ways)()
        except PostroomError as error:
            assert error.code == "notFound"  # noqa: PT017

    def any_folder(self) -> FolderId:
        return self.chance.choice(self.folders + self.made)

    def any_uid(self) -> Uid:
        return Uid(self.chance.randrange(1, 8))

    async def deliver(self) -> None:
        await self.owner.add_many(
            self.chance.randrange(1, 3), folder_id=self.any_folder(), seed=self.chance.randrange(99)
        )

    async def mark(self) -> None:
        async with self.owner.store.transaction(self.owner.account_id) as tx:
            flags = [self.chance.choice((True, False, None)) for _ in range(2)]
            await mark_mail(tx, self.any_folder(), self.any_uid(), is_unread=flags[0], is_flagged=flags[1])

    async def remove(self) -> None:
        async with self.owner.store.transaction(self.owner.account_id) as tx:
            await remove_mail(tx, self.any_folder(), self.any_uid())

    async def move(self) -> None:
        source, target = self.any_folder(), self.any_folder()
        if source != target:
            async with self.owner.store.transaction(self.owner.account_id) as tx:
                await move_mails(tx, [await locate_mail(tx, source, self.any_uid())], target)

    async def label(self) -> None:
        async with self.owner.store.transaction(self.owner.account_id) as tx:
            state = await tx.advance()
            number = await tx.mailbox.take_label_id()
            name = f"label {number}"
            await tx.labels.create(Label(LabelId(number), name), name_key=name, modseq=state.modseq)
            await tx.mailbox.labels_changed(state.modseq)

    async def folder(self) -> None:
        caller = await self.owner.caller()
        changes = self.owner.domain.folder_changes
        if self.made and self.chance.random() < 0.5:
            async with self.owner.store.transaction(self.owner.account_id) as tx:
                folder = self.made.pop()
                await tx.advance()
                await tx.folders.delete(folder)
            return
        name = f"Folder {self.chance.randrange(10**9)}"
        made = await changes.create(caller, name, parent=None, folder_type=None)
        self.made.append(made.folder_id)


def check_resumed(resumed: list[Event], rest: list[Event], known: dict[Thing, Any]) -> None:
    """Check what a reader who broke off is told: the newest of the rest, and at most figures that it knows."""
    newest = {thing_of(event): event.data for event in rest}
    told = {thing_of(event): event.data for event in resumed}
    assert len(told) == len(resumed), "a thing was told twice"
    folders = {number for kind, number in told if kind == MAILS}
    for thing, data in newest.items():
        if thing in told:
            assert told[thing] == data
        else:
            # Told before and changed back; or a folder that is gone.
            assert known.get(thing) == data or thing[1] not in folders, thing
    for thing, data in told.items():
        assert thing in newest or (thing[0] == COUNTERS and known[thing] == data), thing


@pytest.mark.parametrize("seed", range(3))
async def test_streams_tell_everything_once(add_owner: AddOwner, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    owner = await add_owner("anna")
    history = History(owner, chance)
    caller = await owner.caller()
    streams = owner.domain.event_streams
    for _ in range(10):
        await history.step()
    readers = [Reader(await streams.open(caller, selection)) for selection in SELECTIONS]
    for reader, selection in zip(readers, SELECTIONS, strict=True):
        begun = await reader.read()
        if COUNTERS in selection.kinds:
            folders = [event.data.folder_id for event in begun if isinstance(event.data, Figures)]
            assert folders == (
                sorted(history.folders + history.made + others()) if selection.all_folders else [INBOX]
            )
        else:
            assert begun == []
    for _ in range(STEPS):
        await history.step()
        for reader in readers:
            if chance.random() < 0.3:
                await reader.read()
    state = await actual(owner)
    for reader, selection in zip(readers, SELECTIONS, strict=True):
        await reader.stream._feed.refresh()
        await reader.read()
        check_state(reader.known, state)
        assert len({position_of(event) for event in reader.events}) == len(reader.events)
        assert reader.events == sorted(reader.events, key=position_of)
        await check_all_positions(owner, selection, reader)
        reader.stream.close()
    assert streams._feeds == {}


def others() -> list[FolderId]:
    """Return the numbers of the mail folders that nothing happens in."""
    return [FolderId(3), FolderId(6), FolderId(7)]


async def check_all_positions(owner: Owner, selection: Selection, reader: Reader) -> None:
    caller = await owner.caller()
    known: dict[Thing, Any] = {}
    for number, event in enumerate(reader.events, 1):
        known[thing_of(event)] = event.data
        other = Reader(await owner.domain.event_streams.open(caller, selection, position_of(event)))
        check_resumed(await other.read(), reader.events[number:], known)
        check_state({**known, **other.known}, await actual(owner))
        other.stream.close()


async def test_figures_that_changed_back_are_not_told(owner: Owner) -> None:
    mail = await owner.add_mail()
    stream = await owner.domain.event_streams.open(await owner.caller(), Selection(frozenset({COUNTERS})))
    reader = Reader(stream)
    assert len(await reader.read()) == 1
    for is_unread in (False, True):
        async with owner.store.transaction(owner.account_id) as tx:
            await mark_mail(tx, mail.folder, mail.uid, is_unread=is_unread, is_flagged=None)
    await stream._feed.refresh()
    assert await reader.read() == []
    stream.close()


async def test_positions_that_are_not_known(owner: Owner, store: Store) -> None:
    streams, caller = owner.domain.event_streams, await owner.caller()
    for _ in range(4):
        await owner.add_mail()
    async with store.transaction(owner.account_id) as tx:
        await tx.mailbox.forget((await tx.advance()).modseq)
    async with store.read(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    await owner.add_mail()
    for modseq, is_known in [
        (state.forgotten_modseq - 1, False),
        (state.forgotten_modseq, True),
        (state.modseq + 1, True),
        (state.modseq + 2, False),
        (0, False),
    ]:
        reader = Reader(await streams.open(caller, Selection(), (modseq, 0)))
        events = await reader.read()
        assert (events[0].kind == event_feed.RESET) is not is_known
        if not is_known:
            assert [event.kind for event in events] == ["reset", "counters"]
            again = Reader(await streams.open(caller, Selection(), position_of(events[0])))
            assert [event.kind for event in await again.read()] == ["counters"]
            again.stream.close()
        reader.stream.close()


async def test_others_are_not_told(add_owner: AddOwner) -> None:
    anna, berta = await add_owner("anna"), await add_owner("berta")
    reader = Reader(await anna.domain.event_streams.open(await anna.caller(), ALL))
    await reader.read()
    await berta.add_mail()
    await reader.stream._feed.refresh()
    assert await reader.read() == []
    await anna.add_mail()
    await reader.stream._feed.refresh()
    assert {event.data.account_id for event in await reader.read() if isinstance(event.data, Figures)} == {
        AccountId(anna.account_id)
    }
    reader.stream.close()
