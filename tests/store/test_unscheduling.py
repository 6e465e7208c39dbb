"""What becomes of scheduled mail at its time, and of mail that was taken out of Scheduled before."""

import dataclasses

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import Owner, make_message
from tests.store.queue_world import QueueWorld

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.relay import RelayConfig
from postroom.config.root import Config
from postroom.domain import Domain
from postroom.domain.examination import examine
from postroom.domain.letters import Letter
from postroom.domain.queue_admin import QueueAdmin
from postroom.model.folder import DRAFTS, SCHEDULED, SENT
from postroom.model.ids import FolderId, MailRef
from postroom.model.listing import MailListRequest
from postroom.store import Store


@dataclasses.dataclass
class World:
    """An account, its domain and the queue, by one clock."""

    owner: Owner
    domain: Domain
    queue: QueueWorld
    clock: TestClock

    async def count(self, folder_id: FolderId) -> int:
        caller = await self.owner.caller()
        page = await self.domain.mails.list(caller, self.owner.folder(folder_id), MailListRequest(limit=10))
        return len(page.mails)

    async def refw(self, ref: MailRef) -> int:
        return (await self.domain.mails.get(await self.owner.caller(), ref)).refw


@pytest.fixture
async def world(owner: Owner, store: Store, config: Config, hasher: PasswordHasher) -> World:
    clock = TestClock()
    config = dataclasses.replace(config, relay=RelayConfig(host="relay.test"))
    domain = await make_domain(store, config, hasher, clock=clock)
    return World(owner, domain, QueueWorld(store, clock=clock), clock)


async def schedule(world: World) -> tuple[MailRef, MailRef]:
    """Schedule an answer; return it, and what it answers."""
    answered = await world.owner.add_mail(make_message())
    letter = Letter(to="carl@other.test", bcc="dora@other.test", refw_type="re", refw=answered)
    caller = await world.owner.caller()
    mail = await world.domain.sending.schedule(caller, letter, at=int(world.clock.now()) + 60)
    await world.queue.work()
    assert await world.count(SCHEDULED) == 1
    assert (await world.refw(answered), world.queue.transport.sent) == (1, [])
    return MailRef(caller.account_id, mail.folder_id, mail.uid), answered


async def check(world: World) -> None:
    async with world.owner.store.read(world.owner.account_id) as mailbox:
        assert (await examine(mailbox, "anna"))[1] == []


async def test_it_is_sent_at_its_time(world: World) -> None:
    _, answered = await schedule(world)
    world.clock.advance(60)
    await world.queue.work()
    assert world.queue.transport.addresses() == ["carl@other.test", "dora@other.test"]
    assert b"dora" not in world.queue.transport.sent[0][1].content
    assert (await world.count(SCHEDULED), await world.count(SENT)) == (0, 1)
    assert await world.refw(answered) == 1
    await check(world)


@pytest.mark.parametrize("target", [DRAFTS, None])
async def test_what_was_taken_out_stays(world: World, target: FolderId | None) -> None:
    ref, answered = await schedule(world)
    caller = await world.owner.caller()
    if target is None:
        await world.domain.mail_changes.delete(caller, ref, permanent=True)
    else:
        await world.domain.mail_changes.move(caller, ref, world.owner.folder(target))
    world.clock.advance(60)
    await world.queue.work()
    assert world.queue.transport.sent == []
    assert await world.count(SENT) == 0
    assert await world.refw(answered) == 0
    await check(world)


@pytest.mark.parametrize("was_answered", [False, True])
async def test_what_an_operator_has_cancelled_has_answered_nothing(world: World, was_answered: bool) -> None:
    caller = await world.owner.caller()
    answered = await world.owner.add_mail(make_message())
    letter = Letter(to="carl@other.test", refw_type="re", refw=answered)
    if was_answered:
        await world.domain.sending.send(caller, letter)
        world.clock.advance(60)
        await world.queue.work()
    await world.domain.sending.schedule(caller, letter, at=int(world.clock.now()) + 60)
    admin = QueueAdmin(world.owner.store)
    [queued] = [one async for one in admin.iter_waiting()]
    assert await admin.cancel(queued.message.processing_id, now=world.clock.now_ms()) == 1
    assert (await world.count(SCHEDULED), await world.count(DRAFTS)) == (0, 1)
    assert await world.refw(answered) == int(was_answered)
    async with world.owner.store.read(caller.account_id) as mailbox:
        reference = await mailbox.drafts.find(queued.message.item_id)
    assert reference is not None
    assert (reference.refw_type, reference.refw_item_id) == ("re", queued.message.refw_item_id)
    await check(world)


async def test_a_draft_out_of_scheduled_goes_once(world: World) -> None:
    ref, answered = await schedule(world)
    caller = await world.owner.caller()
    moved = await world.domain.mail_changes.move(caller, ref, world.owner.folder(DRAFTS))
    sent = await world.domain.sending.send_draft(
        caller, MailRef(caller.account_id, moved.folder_id, moved.uid)
    )
    world.clock.advance(100)
    await world.queue.work()
    assert sent.copy is not None
    assert len(world.queue.transport.sent) == 1
    assert (await world.count(DRAFTS), await world.count(SENT)) == (0, 1)
    assert await world.refw(answered) == 0
    await check(world)
