"""Mails that other servers had taken on, and report later as failed: what is believed, and what is told."""

import re

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.queue_world import QueueWorld
from tests.unit.mime.test_delivery_reports import REPORT

from postroom.domain.steps import Bounce, Deliver, Step, read_record
from postroom.model.envelope import Envelope
from postroom.model.folder import SENT
from postroom.model.ids import Modseq
from postroom.model.outgoing import VACATION, OutgoingRecipient, ProcessingId
from postroom.store import Store

TO = ["berta@other.test", "carl@other.test", "anna@example.test"]


class World:
    """A mail that was sent to two who are elsewhere, and to one who is here."""

    def __init__(self, owner: Owner, queue: QueueWorld) -> None:
        self.owner = owner
        self.queue = queue
        self.number = ProcessingId(0)

    async def send(self, **more: str) -> None:
        raw = re.sub(rb"Message-ID: \S+", b"Message-ID: <one@example.test>", make_message(subject="Out"))
        self.number = await self.queue.send(self.owner, TO, raw=raw, **more)  # type: ignore[arg-type]
        await self.queue.work()

    async def report(self, text: str = REPORT, *, sender: str = "", to: Owner | None = None) -> None:
        owner = to or self.owner
        ingest = owner.domain.ingest
        recipient = await ingest.resolve_recipient(owner.account.address, size_bytes=None)
        envelope = Envelope(sender, (recipient,), "unix", "x", smtputf8=False, body_8bit=False)
        assert await ingest.deliver(envelope, text.replace("\n", "\r\n").encode()) == [None]

    async def berta(self) -> OutgoingRecipient:
        return (await self.queue.recipients(self.number))[0]

    async def states(self) -> list[str]:
        return await self.queue.states(self.number)

    async def bounces(self) -> list[Bounce]:
        return [step for step in await self.steps() if isinstance(step, Bounce)]

    async def steps(self) -> list[Step]:
        async with self.owner.store.read(self.owner.account_id) as mailbox:
            entries = await mailbox.operations.list_after(Modseq(0), limit=1000)
        return [step for entry in entries for step in read_record(entry.data).steps]


@pytest.fixture
async def world(store: Store, owner: Owner) -> World:
    made = World(owner, QueueWorld(store))
    await made.send()
    return made


async def test_a_report(world: World) -> None:
    await world.report()
    assert await world.states() == ["failed", "relayed", "delivered"]
    berta = await world.berta()
    assert (berta.status, berta.remote) == ("5.1.1", "inner.test")
    assert berta.answer.startswith("550 5.1.1 <b.miller@inner.test>: user")
    [bounce] = await world.bounces()
    assert (bounce.folder_id, bounce.processing_id) == (SENT, world.number)
    assert len(bounce.copies) == 1
    [reached] = bounce.recipients
    assert (reached.address, reached.status) == ("berta@other.test", "5.1.1")
    assert isinstance((await world.steps())[-2], Deliver)
    # Once.
    await world.report()
    assert len(await world.bounces()) == 1


@pytest.mark.parametrize(
    ("some", "instead"),
    [
        ("<one@example.test>", "<other@example.test>"),
        ("rfc822;Berta@Other.test", "rfc822;dora@other.test"),
        ("rfc822;Berta@Other.test", "rfc822;anna@example.test"),
        ("Action: failed", "Action: delivered"),
    ],
)
async def test_what_a_report_cannot_say(world: World, some: str, instead: str) -> None:
    await world.report(REPORT.replace(some, instead))
    assert await world.states() == ["relayed", "relayed", "delivered"]
    assert await world.bounces() == []


async def test_a_report_with_a_reverse_path_or_for_another_is_none(world: World, add_owner: AddOwner) -> None:
    await world.report(sender="mallory@evil.test")
    await world.report(to=await add_owner("bert"))
    assert await world.states() == ["relayed", "relayed", "delivered"]
    assert await world.bounces() == []


async def test_another_envelope_id(store: Store, owner: Owner) -> None:
    world = World(owner, QueueWorld(store))
    await world.send(envid="QQ+2B1")
    await world.report()
    assert await world.bounces() == []
    await world.report(REPORT.replace("QQ314159", "QQ+1"))
    assert len(await world.bounces()) == 1


async def test_automatic_mail_is_not_told_of(store: Store, owner: Owner) -> None:
    world = World(owner, QueueWorld(store))
    await world.send(kind=VACATION)
    await world.report()
    assert await world.bounces() == []
