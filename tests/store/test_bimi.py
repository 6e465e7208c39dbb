"""Logos of senders over each engine: what deliveries leave, what is found behind them, and what goes wrong there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message, remove_mail

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.bimi import BimiConfig
from postroom.config.filters import FiltersConfig
from postroom.config.root import Config
from postroom.domain import Domain
from postroom.domain import bimi as bimi_module
from postroom.domain.bimi import hash_location
from postroom.domain.bimi_lookup import NoAnswerError
from postroom.domain.bimi_runner import (
    LOGO_WAITS_SECONDS,
    RECORD_WAITS_SECONDS,
    BimiRunner,
    Fetched,
)
from postroom.domain.check import check_store
from postroom.domain.directory import Directory
from postroom.domain.filing import Flags, copy_mails, locate_mail, move_mails
from postroom.model.bimi import IndicatorKey
from postroom.model.envelope import Envelope
from postroom.model.folder import DRAFTS, INBOX
from postroom.model.ids import ContentId
from postroom.model.mail import Mail, Summary
from postroom.store import Store

HOST = "mx.example.test"
LOGO = "https://example.org/logo.svg"
MD5 = hash_location(LOGO)
KEY = IndicatorKey("example.org", "default")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>Example</title></svg>'
RECORDS = {"default._bimi.example.org": f"v=BIMI1; l={LOGO}", "_dmarc.example.org": "v=DMARC1; p=reject"}
DAY = 86_400

_read_summary = msgspec.msgpack.Decoder(Summary).decode


@dataclass
class Names:
    """TXT records by name. While it is down, nothing is known; while it is held, nobody gets an answer."""

    records: dict[str, str] = field(default_factory=lambda: dict(RECORDS))
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    async def find_texts(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        self.was_asked.set()
        await self.go_on.wait()
        if self.is_down:
            raise NoAnswerError("the name server is down")
        return [self.records[name]] if name in self.records else []


@dataclass
class Web:
    """Files by URL."""

    files: dict[str, Fetched] = field(default_factory=lambda: {LOGO: Fetched(SVG)})
    fetched: list[str] = field(default_factory=list)

    async def fetch(self, url: str) -> Fetched:
        self.fetched.append(url)
        return self.files.get(url, Fetched(None, "the answer was 404", is_final=True))


@dataclass
class Desk:
    """A program over the store: deliveries, and the runner behind them."""

    store: Store
    domain: Domain
    runner: BimiRunner
    names: Names
    web: Web
    clock: TestClock

    async def work(self, seconds: float = 0) -> None:
        """Do all that is due after a time."""
        self.clock.advance(seconds)
        while await self.runner.look_up_names():
            pass
        while await self.runner.fetch_logos():
            pass

    async def deliver(self, *owners: Owner, results: str = "p=reject", **fields: str) -> None:
        """Deliver a mail that passed DMARC to the Inbox of each owner."""
        self.clock.advance(1)
        from_ = fields.pop("from_", "News <news@example.org>")
        sender = from_.rpartition("@")[2].rstrip(">")
        told = f"dmarc=pass ({results})" if results else "dmarc=pass"
        headers = [("Authentication-Results", f"{HOST}; {told} header.from={sender}")]
        body = f"It is {self.clock.now()}.\r\n"
        raw = make_message(
            from_=from_, body=body, headers=[*headers, *((n.replace("_", "-"), v) for n, v in fields.items())]
        )
        ingest = self.domain.ingest
        recipients = [
            await ingest.resolve_recipient(owner.account.address, size_bytes=None) for owner in owners
        ]
        envelope = Envelope("news@example.org", tuple(recipients), "[192.0.2.1]", "a", False, True)
        assert set(await ingest.deliver(envelope, raw)) == {None}

    async def count_waiting(self) -> int:
        async with self.store.directory() as directory:
            return await directory.indicators.count_waiting()

    async def find_logos(self, *names: str) -> list[bytes]:
        return [logo.data for logo in await self.domain.bimi.find_logos(names or [MD5])]


class Opener:
    """Opens programs over the store."""

    def __init__(self, store: Store, config: Config, hasher: PasswordHasher) -> None:
        self._store = store
        self._config = config
        self._hasher = hasher
        self.names, self.web, self.clock = Names(), Web(), TestClock()

    async def open(self, *, trusted: tuple[str, ...] = (HOST,), **options: int | bool) -> Desk:
        section = BimiConfig(**options)  # type: ignore[arg-type]
        config = Config(
            data_dir=self._config.data_dir,
            auth=self._config.auth,
            filters=FiltersConfig(trusted_hosts=trusted),
            bimi=section,
        )
        domain = await make_domain(self._store, config, self._hasher, clock=self.clock)
        runner = BimiRunner(
            self._store,
            domain.bimi,
            texts=self.names,
            fetcher=self.web,
            config=section,
            clock=self.clock,
        )
        return Desk(self._store, domain, runner, self.names, self.web, self.clock)


@pytest.fixture
def opener(store: Store, config: Config, hasher: PasswordHasher) -> Opener:
    return Opener(store, config, hasher)


@pytest.fixture
async def desk(opener: Opener) -> AsyncIterator[Desk]:
    desk = await opener.open()
    yield desk
    report = await check_store(desk.store)
    assert not report.findings


async def list_mails(owner: Owner) -> list[Mail]:
    async with owner.store.read(owner.account_id) as mailbox:
        found = []
        for folder in await mailbox.folders.list_all():
            found += [item.mail for item in await mailbox.mails.list_some(folder.folder_id, limit=100)]
    return sorted(found, key=lambda mail: mail.item_id)


async def locations(owner: Owner) -> list[str]:
    """Return what the mails of an owner show, in the order in which they came."""
    return [_read_summary(mail.summary).bimi_location for mail in await list_mails(owner)]


async def modseq(owner: Owner) -> int:
    async with owner.store.read(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    return state.modseq


# Deliveries


async def test_what_is_not_known_is_looked_up_behind_the_delivery(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    assert await locations(owner) == [""]
    assert not desk.names.asked
    before = await modseq(owner)
    await desk.work()
    assert await locations(owner) == [MD5]
    assert await modseq(owner) == before + 1
    [mail] = await list_mails(owner)
    assert (mail.modseq, mail.replaced_modseq) == (before + 1, before + 1)
    assert await desk.count_waiting() == 0
    assert await desk.find_logos() == [SVG]
    # Nothing is left to do, and nothing changes any more.
    await desk.work(5)
    assert await modseq(owner) == before + 1
    assert desk.web.fetched == [LOGO]


async def test_what_is_known_is_shown_at_once(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    await desk.work()
    asked = list(desk.names.asked)
    before = await modseq(owner)
    await desk.deliver(owner)
    await desk.deliver(owner)
    assert await locations(owner) == [MD5] * 3
    assert await modseq(owner) == before + 2
    assert await desk.count_waiting() == 0
    await desk.work()
    assert await modseq(owner) == before + 2
    assert desk.names.asked == asked


async def test_a_delivery_waits_for_no_name_server(desk: Desk, owner: Owner) -> None:
    desk.names.go_on.clear()
    task = asyncio.create_task(desk.work())
    async with asyncio.timeout(10):
        await desk.deliver(owner)
        await asyncio.sleep(0.05)
        await desk.deliver(owner)
    assert await locations(owner) == ["", ""]
    desk.names.go_on.set()
    await task
    await desk.work()
    assert await locations(owner) == [MD5, MD5]


async def test_one_that_arrives_while_its_domain_is_looked_up(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    desk.names.go_on.clear()
    task = asyncio.create_task(desk.work())
    await desk.names.was_asked.wait()
    await desk.deliver(owner)
    desk.names.go_on.set()
    await task
    await desk.work()
    assert await locations(owner) == [MD5, MD5]
    assert len(desk.names.asked) == len(set(desk.names.asked))


async def test_a_domain_without_a_logo_changes_nothing(desk: Desk, owner: Owner) -> None:
    del desk.names.records["default._bimi.example.org"]
    await desk.deliver(owner)
    before = await modseq(owner)
    await desk.work()
    await desk.deliver(owner)
    assert await locations(owner) == ["", ""]
    assert await modseq(owner) == before + 1
    assert await desk.count_waiting() == 0
    assert not desk.web.fetched


@pytest.mark.parametrize(
    ("told", "policy", "shown"),
    [
        ("", "v=DMARC1; p=reject", MD5),
        ("", "v=DMARC1; p=quarantine; pct=20", ""),
        ("", "v=DMARC1; p=none", ""),
        ("p=quarantine", "v=DMARC1; p=none", MD5),
        ("p=none", "v=DMARC1; p=reject", ""),
    ],
)
async def test_the_policy(desk: Desk, owner: Owner, told: str, policy: str, shown: str) -> None:
    desk.names.records["_dmarc.example.org"] = policy
    await desk.deliver(owner, results=told)
    await desk.work()
    await desk.deliver(owner, results=told)
    await desk.work()
    assert await locations(owner) == [shown, shown]


async def test_selectors(desk: Desk, owner: Owner) -> None:
    desk.names.records["brand._bimi.example.org"] = "v=BIMI1; l=https://example.org/brand.svg"
    for selector in ("v=BIMI1; s=brand", "v=BIMI1; s=other", "nonsense"):
        await desk.deliver(owner, BIMI_Selector=selector)
    await desk.work()
    assert await locations(owner) == [hash_location("https://example.org/brand.svg"), "", MD5]


async def test_several_recipients(desk: Desk, owner: Owner, add_owner: AddOwner) -> None:
    other = await add_owner("berta")
    await desk.deliver(owner, other)
    await desk.work()
    await desk.deliver(owner, other)
    assert await locations(owner) == await locations(other) == [MD5, MD5]


async def test_only_deliveries_from_outside_count(desk: Desk, owner: Owner) -> None:
    raw = make_message(
        from_="a@example.org",
        headers=[("Authentication-Results", f"{HOST}; dmarc=pass (p=reject) header.from=example.org")],
    )
    ingest = desk.domain.ingest
    await ingest.file_message(owner.account_id, INBOX, raw, date=1, flags=Flags())
    recipient = await ingest.resolve_recipient(owner.account.address, size_bytes=None)
    arrival = await ingest.receive(Envelope("", (recipient,), "unix", "a", False, True), raw + b"x")
    async with owner.store.transactions(arrival.account_ids) as transactions:
        assert await ingest.deliver_within(arrival, transactions) == [None]
    await desk.work()
    assert await locations(owner) == ["", ""]
    assert not desk.names.asked


@pytest.mark.parametrize(("trusted", "is_enabled"), [((), True), (("other.test",), True), ((HOST,), False)])
async def test_where_nothing_is_to_be_done(
    opener: Opener, owner: Owner, trusted: tuple[str, ...], is_enabled: bool
) -> None:
    desk = await opener.open(trusted=trusted, enabled=is_enabled)
    await desk.deliver(owner)
    assert await desk.count_waiting() == 0
    assert await locations(owner) == [""]


async def test_what_waits_is_bounded(desk: Desk, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bimi_module, "MAX_WAITING", 3)
    for number in range(6):
        await desk.deliver(owner, from_=f"a@mail{number}.example.org")
    assert await desk.count_waiting() == 3
    await desk.work()
    assert await locations(owner) == [MD5] * 3 + [""] * 3
    await desk.deliver(owner, from_="a@mail9.example.org")
    await desk.work()
    assert (await locations(owner))[-1] == MD5


# What happens to mails that wait


async def test_mails_that_were_moved_and_copied(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    other = await owner.add_folder("Other")
    [mail] = await list_mails(owner)
    async with owner.store.transaction(owner.account_id) as tx:
        item = await locate_mail(tx, INBOX, mail.uid)
        await copy_mails(tx, [item], other)
        await move_mails(tx, [item], DRAFTS)
    before = await modseq(owner)
    await desk.work()
    assert await locations(owner) == [MD5, MD5]
    # Both in one step of history.
    assert await modseq(owner) == before + 1


async def test_mails_that_are_gone(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    [mail] = await list_mails(owner)
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mail(tx, INBOX, mail.uid)
    before = await modseq(owner)
    await desk.work()
    assert await modseq(owner) == before
    assert await desk.count_waiting() == 0


async def test_accounts_that_are_gone(
    desk: Desk, owner: Owner, add_owner: AddOwner, directory: Directory
) -> None:
    other = await add_owner("berta")
    await desk.deliver(owner, other)
    await directory.remove_account(owner.account.address)
    assert await desk.count_waiting() == 1
    async with desk.store.directory_transaction() as tx:
        mailbox = tx.mailbox(owner.account_id)
        await mailbox.bimi_waiting.add(ContentId(1), KEY, is_enforced=True, due_at=0)
    await desk.work()
    assert await locations(other) == [MD5]
    assert await desk.count_waiting() == 0


# Name servers that fail


async def test_look_ups_are_repeated_later_and_later(desk: Desk, owner: Owner) -> None:
    desk.names.is_down = True
    await desk.deliver(owner)
    await desk.work()
    for seconds in RECORD_WAITS_SECONDS[:2]:
        asked = len(desk.names.asked)
        await desk.work(seconds - 2)
        # One that comes in meanwhile does not make it sooner.
        await desk.deliver(owner)
        await desk.work()
        assert len(desk.names.asked) == asked
        await desk.work(2)
        assert len(desk.names.asked) > asked
    desk.names.is_down = False
    await desk.work(RECORD_WAITS_SECONDS[2])
    assert await locations(owner) == [MD5] * 3


async def test_look_ups_are_given_up(desk: Desk, owner: Owner) -> None:
    desk.names.is_down = True
    await desk.deliver(owner)
    await desk.work()
    for seconds in RECORD_WAITS_SECONDS:
        assert await desk.count_waiting() == 1
        await desk.work(seconds)
    assert await desk.count_waiting() == 0
    asked = len(desk.names.asked)
    await desk.deliver(owner)
    await desk.work(60)
    assert len(desk.names.asked) == asked
    # After a while it is tried anew; mails of before stay as they are.
    desk.names.is_down = False
    await desk.work(3600)
    await desk.deliver(owner)
    await desk.work()
    await desk.deliver(owner)
    assert await locations(owner) == ["", "", "", MD5]


async def test_what_has_expired_is_used_until_it_is_known_anew(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    await desk.work()
    desk.clock.advance(2 * DAY)
    desk.names.is_down = True
    before = await modseq(owner)
    await desk.deliver(owner)
    await desk.work()
    await desk.deliver(owner)
    assert await locations(owner) == [MD5] * 3
    assert await modseq(owner) == before + 2
    # It failed, and is tried again when the time has come and somebody is interested.
    desk.names.is_down = False
    desk.names.records["default._bimi.example.org"] = "v=BIMI1; l=https://example.org/new.svg"
    desk.clock.advance(RECORD_WAITS_SECONDS[0])
    await desk.deliver(owner)
    await desk.work()
    await desk.deliver(owner)
    new = hash_location("https://example.org/new.svg")
    assert await locations(owner) == [MD5] * 4 + [new]


async def test_what_expired_long_ago_is_not_used(desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    await desk.work()
    desk.clock.advance(30 * DAY)
    del desk.names.records["default._bimi.example.org"]
    await desk.deliver(owner)
    assert await desk.count_waiting() == 1
    await desk.work()
    assert await locations(owner) == [MD5, ""]


# Logos


async def get_logo(desk: Desk, owner: Owner, file: Fetched) -> list[bytes]:
    desk.web.files[LOGO] = file
    await desk.deliver(owner)
    await desk.work()
    assert await locations(owner) == [MD5]
    return await desk.find_logos()


async def test_logos_that_are_asked_for(desk: Desk, owner: Owner) -> None:
    other = "https://example.org/brand.svg"
    desk.names.records["brand._bimi.example.org"] = f"v=BIMI1; l={other}"
    desk.web.files[other] = Fetched(SVG + b"\n")
    await desk.deliver(owner)
    await desk.deliver(owner, BIMI_Selector="v=BIMI1; s=brand")
    await desk.work()
    names = [hash_location(other), "0" * 32, MD5, MD5, *(f"{number:032x}" for number in range(50))]
    assert await desk.find_logos(*names) == [SVG + b"\n", SVG]
    assert [logo.location_md5 for logo in await desk.domain.bimi.find_logos(names)] == [names[0], MD5]
    assert await desk.domain.bimi.find_logos([]) == []


async def test_a_bad_logo_is_not_shown_and_not_fetched_again_for_a_day(desk: Desk, owner: Owner) -> None:
    assert await get_logo(desk, owner, Fetched(SVG.replace(b"<title>", b"<script/><title>"))) == []
    await desk.work(3600)
    assert desk.web.fetched == [LOGO]
    desk.web.files[LOGO] = Fetched(SVG)
    await desk.work(2 * DAY)
    await desk.deliver(owner)
    await desk.work()
    assert await desk.find_logos() == [SVG]


async def test_a_logo_that_is_not_there(desk: Desk, owner: Owner) -> None:
    assert await get_logo(desk, owner, Fetched(None, "the answer was 404", is_final=True)) == []
    await desk.work(3600)
    assert desk.web.fetched == [LOGO]


async def test_fetching_is_repeated_later_and_later(desk: Desk, owner: Owner) -> None:
    assert await get_logo(desk, owner, Fetched(None, "the answer was 503")) == []
    for number, seconds in enumerate(LOGO_WAITS_SECONDS, 1):
        await desk.work(seconds - 1)
        assert len(desk.web.fetched) == number
        await desk.work(1)
        assert len(desk.web.fetched) == number + 1
    await desk.work(DAY - 1)
    assert len(desk.web.fetched) == len(LOGO_WAITS_SECONDS) + 1


async def test_logos_expire(desk: Desk, owner: Owner) -> None:
    assert await get_logo(desk, owner, Fetched(SVG)) == [SVG]
    await desk.work(8 * DAY)
    assert len(desk.web.fetched) == 1
    # Whoever asks gets what is there, and has it fetched anew.
    desk.web.files[LOGO] = Fetched(SVG + b"\n")
    assert await desk.find_logos() == [SVG]
    await desk.work()
    assert await desk.find_logos() == [SVG + b"\n"]
    # The next time it is gone.
    desk.web.files[LOGO] = Fetched(None, "the answer was 410", is_final=True)
    await desk.work(8 * DAY)
    assert await desk.find_logos() == [SVG + b"\n"]
    await desk.work()
    assert await desk.find_logos() == []


async def test_logos_that_expired_long_ago_are_not_shown(desk: Desk, owner: Owner) -> None:
    assert await get_logo(desk, owner, Fetched(SVG)) == [SVG]
    desk.clock.advance(15 * DAY)
    assert await desk.find_logos() == []
    await desk.work()
    assert await desk.find_logos() == [SVG]
    await desk.work(60 * DAY)
    async with desk.store.directory() as directory:
        assert await directory.logos.count() == 0
        assert await directory.indicators.count() == 0


async def test_what_is_kept_is_bounded(opener: Opener, owner: Owner) -> None:
    desk = await opener.open(max_logos=3)
    for number in range(6):
        url = f"https://example.org/{number}.svg"
        desk.names.records[f"default._bimi.mail{number}.example.org"] = f"v=BIMI1; l={url}"
        desk.web.files[url] = Fetched(SVG)
        await desk.deliver(owner, from_=f"a@mail{number}.example.org")
        await desk.work()
    names = [hash_location(f"https://example.org/{number}.svg") for number in range(6)]
    assert [logo.location_md5 for logo in await desk.domain.bimi.find_logos(names)] == names[3:]


# Restarts, and several processes


async def test_a_restart(opener: Opener, desk: Desk, owner: Owner) -> None:
    await desk.deliver(owner)
    await desk.deliver(owner, from_="b@news.example.org")
    after = await opener.open()
    await after.work()
    assert await locations(owner) == [MD5, MD5]
    # What is known is known to all.
    await desk.deliver(owner)
    assert await locations(owner) == [MD5] * 3
    assert await desk.find_logos() == [SVG]


@pytest.mark.parametrize("is_killed", [False, True])
async def test_one_that_ended_at_work_is_followed_by_another(
    opener: Opener, desk: Desk, owner: Owner, is_killed: bool
) -> None:
    desk.names.go_on.clear()
    await desk.deliver(owner)
    task = asyncio.create_task(desk.work())
    await desk.names.was_asked.wait()
    async with desk.store.directory() as directory:
        assert await directory.indicators.list_due(desk.clock.now_ms(), limit=1) == []
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    desk.names.go_on.set()
    after = await opener.open()
    if is_killed:
        # It had no time to give back what it had claimed.
        async with desk.store.directory_transaction() as tx:
            await tx.indicators.move_on(KEY, due_at=desk.clock.now_ms() + 60_000)
        await after.work(59)
        assert await locations(owner) == [""]
        await after.work(1)
    else:
        await after.work()
    assert await locations(owner) == [MD5]


async def test_several_processes_at_once(opener: Opener, desk: Desk, owner: Owner) -> None:
    desks = [desk, *[await opener.open() for _ in range(3)]]
    for number in range(10):
        await desks[number % 4].deliver(owner)
    before = await modseq(owner)
    await asyncio.gather(*(one.work() for one in desks))
    assert await locations(owner) == [MD5] * 10
    assert before + 1 <= await modseq(owner) <= before + 10
    assert await desk.count_waiting() == 0
    assert await desk.find_logos() == [SVG]


async def test_the_runner_works_by_itself(desk: Desk, owner: Owner) -> None:
    task = asyncio.create_task(desk.runner.run())
    try:
        async with asyncio.timeout(20):
            await asyncio.sleep(0.05)
            await desk.deliver(owner)
            while [await desk.find_logos(), await locations(owner)] != [[SVG], [MD5]]:  # noqa: ASYNC110 (it has no event)
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
