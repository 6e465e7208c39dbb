"""Automatic mail through the real queue: accounts that answer each other by themselves come to rest at once."""

from collections import Counter

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message
from tests.store.queue_world import HOSTNAME, FakeTransport, QueueWorld

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass
from postroom.config.root import Config
from postroom.config.sending import SendingConfig
from postroom.domain import Domain
from postroom.domain.check import check_store
from postroom.domain.queue_runner import QueueRunner
from postroom.domain.queue_turns import QueueParts, Turns
from postroom.domain.vacation import UNSET
from postroom.model.folder import INBOX
from postroom.model.ids import MailRef, Uid
from postroom.model.settings import ReceiptsChange, SettingsChange
from postroom.store import Store

AWAY = UNSET._replace(is_enabled=1, age_days=1, body="Away")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def domain(store: Store, config: Config, hasher: PasswordHasher, clock: TestClock) -> Domain:
    return await make_domain(store, config, hasher, clock=clock)


class Post(QueueWorld):
    """A queue that delivers here as the server does: what comes in may be answered."""

    def __init__(self, store: Store, domain: Domain, clock: TestClock) -> None:
        super().__init__(store, clock=clock)
        self.transport = FakeTransport()
        self.turns = Turns(
            QueueParts(
                store=store,
                ingest=domain.ingest,
                transport=self.transport,
                classes={"default": AccountClass()},
                sending=SendingConfig(),
                clock=clock,
                hostname=HOSTNAME,
            )
        )
        self.runner = QueueRunner(store, self.turns, clock=clock)

    async def kinds(self) -> Counter[str]:
        """Return how many messages of each kind ever were in the queue and are kept."""
        async with self.store.engine.read() as connection:
            rows = await connection.fetch_all("SELECT kind, count(*) FROM outgoing GROUP BY kind")
        return Counter({row[0]: row[1] for row in rows})


async def read_all(owner: Owner) -> None:
    """Mark everything in the Inbox as read."""
    caller = await owner.caller()
    async with owner.store.read(owner.account_id) as mailbox:
        items = [await mailbox.mails.locate(INBOX, Uid(uid)) for uid in range(1, await total(owner) + 1)]
    for item in items:
        assert item is not None
        ref = MailRef(owner.account_id, INBOX, item.mail.uid)
        await owner.domain.mail_changes.set_flags(caller, ref, is_unread=False, is_flagged=None)


async def total(owner: Owner) -> int:
    async with owner.store.peek(owner.account_id) as mailbox:
        folder = await mailbox.folders.find(INBOX)
    return folder.total_items if folder is not None else 0


async def test_two_who_are_away_and_send_receipts(
    owner: Owner, add_owner: AddOwner, store: Store, domain: Domain, clock: TestClock
) -> None:
    post = Post(store, domain, clock)
    carl = await add_owner("carl")
    for one in (owner, carl):
        caller = await one.caller()
        await domain.vacations.set(caller, AWAY)
        receipts = ReceiptsChange(send_read_receipts="always")
        await domain.settings.update(caller, SettingsChange(receipts=receipts))
    raw = make_message(
        from_="carl@example.test",
        headers=[("Disposition-Notification-To", "carl@example.test")],
    )
    await post.send(carl, ["anna@example.test"], raw=raw)
    for _ in range(10):
        await post.work()
        await read_all(owner)
        await read_all(carl)
        clock.advance(3600)
    # Carl's letter; to it Anna's notice and her receipt; to these nothing.
    assert await post.kinds() == {"sent": 1, "vacation": 1, "receipt": 1}
    assert (await total(owner), await total(carl)) == (1, 2)
    assert post.transport.sent == []
    assert (await check_store(store)).findings == []


async def test_a_notice_that_cannot_be_delivered(
    owner: Owner, store: Store, domain: Domain, clock: TestClock
) -> None:
    post = Post(store, domain, clock)
    await domain.vacations.set(await owner.caller(), AWAY)
    await post.send(owner, ["anna@example.test"], raw=make_message(), sender="nobody@example.test")
    for _ in range(10):
        await post.work()
        clock.advance(3600)
    # The sender does not exist: no report of that is made, and nothing waits.
    assert await post.kinds() == {"sent": 1, "vacation": 1}
    assert await total(owner) == 1
    assert (await check_store(store)).findings == []


async def test_a_server_that_answers_everything(
    owner: Owner, store: Store, domain: Domain, clock: TestClock
) -> None:
    """Another server that breaks every rule gets one notice a day from us."""
    post = Post(store, domain, clock)
    await domain.vacations.set(await owner.caller(), AWAY)
    for hour in range(48):
        await post.send(
            owner,
            ["anna@example.test"],
            raw=make_message(subject=f"I am away too {hour}"),
            sender="berta@other.test",
        )
        await post.work()
        clock.advance(3600)
    assert (await post.kinds())["vacation"] == 2
    assert post.transport.addresses() == ["berta@other.test"] * 2
    assert all(outbound.sender == "" for _, outbound in post.transport.sent)
