"""What tests of the outgoing queue share: a transport that does as it is told, and a queue over it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import Owner, make_message

from postroom.config.classes import AccountClass
from postroom.config.sending import SendingConfig
from postroom.domain.clock import Clock
from postroom.domain.contents import hold_content
from postroom.domain.filing import Flags, file_mail
from postroom.domain.ingest import Ingest
from postroom.domain.outbox import Addressee, Message, enqueue, read_message_id
from postroom.domain.queue_runner import Places, QueueRunner
from postroom.domain.queue_turns import QueueParts, Turns
from postroom.domain.routing import Routing
from postroom.model.folder import SENT as SENT_FOLDER
from postroom.model.ids import FolderId, ItemId
from postroom.model.outgoing import (
    RELAYED,
    SENT,
    WAITING,
    Outbound,
    Outcome,
    Outgoing,
    OutgoingGroup,
    OutgoingRecipient,
    ProcessingId,
    Witness,
)
from postroom.store import Store

HOSTNAME = "mx.example.test"
Script = Callable[[str, OutgoingRecipient], Outcome]


def relayed(_: str, recipient: OutgoingRecipient) -> Outcome:
    """The server takes the mail."""
    return Outcome(recipient.number, RELAYED, "2.0.0", "250 2.0.0 taken", "mx.other.test")


def deferred(_: str, recipient: OutgoingRecipient) -> Outcome:
    """The server says that it may be later."""
    return Outcome(recipient.number, WAITING, "4.7.1", "451 4.7.1 later", "mx.other.test")


def unreachable(_: str, recipient: OutgoingRecipient) -> Outcome:
    """There is no server."""
    return Outcome(recipient.number, WAITING, "4.4.1", "connection refused", "")


def failed(_: str, recipient: OutgoingRecipient) -> Outcome:
    """The server does not want the mail, ever."""
    return Outcome(recipient.number, "failed", "5.1.1", "550 5.1.1 unknown user", "mx.other.test")


@dataclass
class FakeTransport:
    """Remembers what it is given; the outcome is what ``script`` says of a recipient."""

    script: Script = relayed
    sent: list[tuple[str, Outbound]] = field(default_factory=list)
    before: Callable[[str], object] = lambda _: None
    """May return something to wait for."""
    after: Callable[[str], Awaitable[None]] | None = None
    """Is waited for between the end of the message and the reply."""
    running: int = 0
    most: int = 0

    async def send(self, destination: str, outbound: Outbound, *, witness: Witness) -> list[Outcome]:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            waiting = self.before(destination)
            if asyncio.iscoroutine(waiting):
                await waiting
            await witness.before_end(outbound.recipients)
            self.sent.append((destination, outbound))
            if self.after is not None:
                await self.after(destination)
            return [self.script(destination, recipient) for recipient in outbound.recipients]
        finally:
            self.running -= 1

    def addresses(self) -> list[str]:
        return [recipient.address for _, outbound in self.sent for recipient in outbound.recipients]


class QueueWorld:
    """A runner over a store, with a clock that stands still."""

    def __init__(
        self,
        store: Store,
        *,
        sending: SendingConfig | None = None,
        clock: Clock | None = None,
        places: Places | None = None,
        transport: FakeTransport | None = None,
    ) -> None:
        self.store = store
        # Tests that move it on have given none, or one that can be moved.
        self.clock = cast("TestClock", clock or TestClock())
        self.transport = transport or FakeTransport()
        self.classes = {"default": AccountClass()}
        self.ingest = Ingest(store, self.classes, now=self.clock.now)
        self.turns = Turns(
            QueueParts(
                store=store,
                ingest=self.ingest,
                transport=self.transport,
                classes=self.classes,
                sending=sending or SendingConfig(),
                clock=self.clock,
                hostname=HOSTNAME,
            )
        )
        self.runner = QueueRunner(store, self.turns, clock=self.clock, places=places or Places())

    async def work(self) -> None:
        """Do all that is due."""
        while True:
            await self.runner.look()
            if not self.runner.working:
                return
            await self.runner.settle()

    async def send(
        self,
        owner: Owner,
        recipients: Sequence[str],
        *,
        raw: bytes | None = None,
        folder_id: FolderId | None = SENT_FOLDER,
        notify: str = "",
        delay: float = 0,
        has_relay: bool = False,
        kind: str = SENT,
        sender: str | None = None,
        envid: str = "",
    ) -> ProcessingId:
        """Put a message into the queue, with a copy in a folder; return its number."""
        routing = Routing(self.store, has_relay=has_relay)
        addressees = [Addressee(await routing.find(address), notify) for address in recipients]
        digest = await self.ingest.prepare(raw or make_message(subject="Out"), [owner.account_id])
        now = self.clock.now_ms()
        async with self.store.transaction(owner.account_id) as tx:
            await tx.lock()
            item_id = ItemId(0)
            if folder_id is None:
                content_id = await hold_content(tx, digest)
            else:
                mail = await file_mail(tx, digest, folder_id, date=now // 1000, flags=Flags(is_unread=False))
                item_id, content_id = mail.item_id, mail.content_id
            message = Message(
                sender=owner.account.address if sender is None else sender,
                content_id=content_id,
                size_bytes=digest.size_bytes,
                release_at=now + int(delay * 1000),
                kind=kind,
                item_id=item_id,
                envid=envid,
                message_id=read_message_id(digest),
            )
            number = await enqueue(tx, message, addressees, now=now)
            if folder_id is None:
                await tx.contents.release(content_id)
        return number

    async def find(self, number: ProcessingId) -> Outgoing:
        async with self.store.directory() as directory:
            found = await directory.outgoing.find(number)
        assert found is not None
        return found

    async def groups(self, number: ProcessingId) -> list[OutgoingGroup]:
        async with self.store.directory() as directory:
            return await directory.outgoing.list_groups(number)

    async def recipients(self, number: ProcessingId) -> list[OutgoingRecipient]:
        async with self.store.directory() as directory:
            return await directory.outgoing.list_recipients(number)

    async def states(self, number: ProcessingId) -> list[str]:
        return [recipient.state for recipient in await self.recipients(number)]


async def until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await condition.wait()


class Gate:
    """Holds up those who send until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.opened.wait()


def hold(transport: FakeTransport, destination: str = "") -> Gate:
    gate = Gate()
    transport.before = lambda name: gate.pass_through() if destination in ("", name) else None
    return gate


def hold_reply(transport: FakeTransport) -> Gate:
    """Hold up those who send between the end of the message and the reply."""
    gate = Gate()
    transport.after = lambda _: gate.pass_through()
    return gate
