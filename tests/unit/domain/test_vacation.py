"""Absence notices: who is answered, with what, how often, and who never is."""

import email
import email.policy
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.classes import AccountClass
from postroom.config.root import Config
from postroom.domain import Domain
from postroom.domain.automatic import is_person
from postroom.domain.check import check_store
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.ingest import Ingest
from postroom.domain.routing import Routing
from postroom.domain.vacation import UNSET
from postroom.errors import PostroomError
from postroom.model.envelope import Envelope
from postroom.model.outgoing import LOCAL, Outgoing, OutgoingRecipient
from postroom.model.vacation import Vacation
from postroom.store import Store

SENDER = "berta@other.test"
AWAY = UNSET._replace(is_enabled=1, body="I am away until Monday.\nAnna")
DAY = 86_400


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def domain(store: Store, config: Config, hasher: PasswordHasher, clock: TestClock) -> Domain:
    return await make_domain(store, config, hasher, clock=clock)


async def be_away(owner: Owner, **changes: Any) -> None:
    await owner.domain.vacations.set(await owner.caller(), AWAY._replace(**changes))


async def deliver(domain: Domain, raw: bytes, *to: str, sender: str = SENDER) -> None:
    recipients = [await domain.ingest.resolve_recipient(address, size_bytes=None) for address in to]
    outcomes = await domain.ingest.deliver(Envelope(sender, tuple(recipients), "unix", "x", True, True), raw)
    assert set(outcomes) == {None}


Queued = tuple[Outgoing, list[OutgoingRecipient], bytes]


async def list_queued(store: Store) -> list[Queued]:
    """Return what is in the queue, oldest first."""
    async with store.directory() as tables:
        messages = await tables.outgoing.list_unfinished(0, limit=1000)
        recipients = [await tables.outgoing.list_recipients(one.processing_id) for one in messages]
    found: list[Queued] = []
    for message, addressees in zip(messages, recipients, strict=True):
        async with store.peek(message.account_id) as mailbox:
            content = await mailbox.contents.find(message.content_id)
        assert content is not None
        found.append((message, list(addressees), store.messages.unpack(content)))
    return found


async def count(owner: Owner) -> int:
    return len([one for one in await list_queued(owner.store) if one[0].account_id == owner.account_id])


def parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


# What is answered


async def test_an_answer(owner: Owner, domain: Domain, store: Store, clock: TestClock) -> None:
    await be_away(owner)
    raw = make_message(subject="Lunch?", headers=[("References", "<a@b.test>")])
    await deliver(domain, raw, "anna@example.test")
    [(queued, [recipient], content)] = await list_queued(store)
    assert (queued.kind, queued.sender, queued.account_id) == ("vacation", "", owner.account_id)
    assert (queued.item_id, queued.release_at, queued.needs_smtputf8) == (0, clock.now_ms(), 0)
    assert (recipient.address, recipient.destination, recipient.notify) == (SENDER, "other.test", "NEVER")
    answer = parse(content)
    asked = parse(raw)
    assert answer["From"] == "Anna Example <anna@example.test>"
    assert answer["To"] == SENDER
    assert answer["Subject"] == "Auto: Lunch?"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == asked["Message-ID"]
    assert answer["References"] == f"<a@b.test> {asked['Message-ID']}"
    assert answer["Message-ID"].endswith("@example.test>")
    assert answer["Date"].datetime.timestamp() == clock.now()
    assert answer.get_content().splitlines() == ["I am away until Monday.", "Anna"]
    assert queued.size_bytes == len(content)
    assert (await check_store(store)).findings == []
    async with store.peek(owner.account_id) as mailbox:
        folders = await mailbox.folders.list_all()
    assert sum(folder.total_items for folder in folders) == 1, "the answer lies in no folder"


async def test_a_subject_of_its_own(owner: Owner, domain: Domain, store: Store) -> None:
    await be_away(owner, subject="Weg – bis Montag", body="Grüße")
    await deliver(domain, make_message(), "anna@example.test")
    [(_, _, content)] = await list_queued(store)
    answer = parse(content)
    assert (answer["Subject"], answer.get_content().strip()) == ("Weg – bis Montag", "Grüße")


async def test_the_address_that_was_written_to(
    add_owner: AddOwner, domain: Domain, store: Store, directory: Directory
) -> None:
    owner = await add_owner("anna", AccountSettings(aliases=["info"]))
    await directory.add_domain("alias.test", alias_of="example.test")
    await be_away(owner, age_days=1)
    expected = []
    for number, (to, header, answers_as) in enumerate(
        [
            ("anna@example.test", "x@y.test, Anna <ANNA@example.test>", "anna@example.test"),
            ("info@example.test", "info@example.test", "info@example.test"),
            ("anna+lists@example.test", "anna+lists@example.test", "anna@example.test"),
            ("anna@alias.test", "anna@alias.test", "anna@alias.test"),
            ("anna@example.test", "Info <info@alias.test>", "info@alias.test"),
        ]
    ):
        await deliver(domain, make_message(to=header), to, sender=f"berta{number}@other.test")
        expected.append(answers_as)
    answers = {
        parse(raw)["To"]: parse(raw)["From"].addresses[0].addr_spec for _, _, raw in await list_queued(store)
    }
    assert [answers[to] for to in sorted(answers)] == expected


@pytest.mark.parametrize("name", ["Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"])
async def test_other_fields_name_the_account(owner: Owner, domain: Domain, name: str) -> None:
    await be_away(owner)
    raw = make_message(to="x@y.test", headers=[(name, "carl@other.test, anna@example.test")])
    await deliver(domain, raw, "anna@example.test")
    assert await count(owner) == 1


async def test_an_international_sender(owner: Owner, domain: Domain, store: Store) -> None:
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test", sender="bärta@bücher.test")
    [(queued, [recipient], _)] = await list_queued(store)
    assert recipient.address == "bärta@xn--bcher-kva.test"
    assert queued.needs_smtputf8


async def test_all_recipients_who_are_away_answer(
    owner: Owner, add_owner: AddOwner, domain: Domain, store: Store
) -> None:
    carl, dora = await add_owner("carl"), await add_owner("dora")
    await be_away(owner)
    await be_away(dora)
    raw = make_message(to="anna@example.test, carl@example.test, dora@example.test")
    await deliver(domain, raw, "anna@example.test", "carl@example.test", "dora@example.test")
    answered = [queued.account_id for queued, _, _ in await list_queued(store)]
    assert sorted(answered) == sorted([owner.account_id, dora.account_id])
    assert await count(carl) == 0


async def test_two_folders_of_an_account_answer_once(owner: Owner, domain: Domain) -> None:
    await owner.add_folder("Lists")
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test", "anna+lists@example.test")
    assert await count(owner) == 1


# Who is answered


async def test_internal_and_external(
    owner: Owner, add_owner: AddOwner, domain: Domain, directory: Directory
) -> None:
    await add_owner("carl")
    await directory.add_domain("second.test")
    senders = ("carl@example.test", "x@second.test", "y@other.test")
    for internal, external, expected in [(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 3)]:
        before = await count(owner)
        await be_away(owner, applies_to_internal=internal, applies_to_external=external)
        for sender in senders:
            await deliver(domain, make_message(from_=sender), "anna@example.test", sender=sender)
        assert await count(owner) - before == expected


async def test_who_is_here_answers_nobody(owner: Owner, domain: Domain) -> None:
    await deliver(domain, make_message(), "anna@example.test")
    await be_away(owner, is_enabled=0)
    await deliver(domain, make_message(), "anna@example.test")
    assert await count(owner) == 0


async def test_times(owner: Owner, domain: Domain, clock: TestClock) -> None:
    start, end = clock.now_ms() + 10_000, clock.now_ms() + 20_000
    await be_away(owner, applies_always=0, start_at=start, end_at=end)
    answered = []
    for number in range(25):
        before = await count(owner)
        sender = f"berta{number}@other.test"
        await deliver(domain, make_message(subject=f"{number}"), "anna@example.test", sender=sender)
        if await count(owner) > before:
            answered.append(number)
        clock.advance(1)
    assert answered == list(range(10, 20))


async def test_once_in_some_days(owner: Owner, domain: Domain, clock: TestClock) -> None:
    await be_away(owner, age_days=3)
    for sender in (SENDER, "Berta@OTHER.test"):
        await deliver(domain, make_message(), "anna@example.test", sender=sender)
    assert await count(owner) == 1
    clock.advance(3 * DAY - 1)
    await deliver(domain, make_message(), "anna@example.test")
    assert await count(owner) == 1
    await deliver(domain, make_message(), "anna@example.test", sender="carl@other.test")
    assert await count(owner) == 2
    clock.advance(1)
    await deliver(domain, make_message(), "anna@example.test")
    assert await count(owner) == 3
    await deliver(domain, make_message(), "anna@example.test", sender="carl@other.test")
    assert await count(owner) == 3


async def test_setting_it_anew_forgets(owner: Owner, domain: Domain) -> None:
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test")
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test")
    await deliver(domain, make_message(), "anna@example.test")
    assert await count(owner) == 2


async def test_no_flood(
    owner: Owner, domain: Domain, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.domain.vacation.MOST_A_DAY", 3)
    await be_away(owner)
    for number in range(5):
        await deliver(domain, make_message(), "anna@example.test", sender=f"x{number}@other.test")
    assert await count(owner) == 3
    clock.advance(DAY)
    await deliver(domain, make_message(), "anna@example.test", sender="x4@other.test")
    assert await count(owner) == 4


# Who never is


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-generated"),
        ("auto-submitted", "auto-replied; owner-email=x@y.test"),
        ("Auto-Submitted", "(comment) auto-notified"),
        ("Precedence", "bulk"),
        ("Precedence", "LIST"),
        ("precedence", "junk"),
        ("List-Id", "<list.other.test>"),
        ("List-Unsubscribe", "<mailto:x@other.test>"),
        ("LIST-POST", "NO"),
        ("List-Help", ""),
        ("Mailing-List", "list x"),
        ("X-Auto-Response-Suppress", "DR, OOF"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Loop", "x"),
        ("X-Spam-Flag", "YES"),
        ("X-Spam-Status", "Yes, score=9"),
        ("Return-Path", "<>"),
        ("Content-Type", 'multipart/report; report-type=delivery-status; boundary="b"'),
    ],
)
async def test_machines_are_not_answered(owner: Owner, domain: Domain, name: str, value: str) -> None:
    await be_away(owner)
    await deliver(domain, make_message(headers=[(name, value)]), "anna@example.test")
    assert await count(owner) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "no"),
        ("Auto-Submitted", " NO (really)"),
        ("Precedence", "first-class"),
        ("X-List", "a"),
    ],
)
async def test_people_are(owner: Owner, domain: Domain, name: str, value: str) -> None:
    await be_away(owner)
    await deliver(domain, make_message(headers=[(name, value)]), "anna@example.test")
    assert await count(owner) == 1


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "MAILER-DAEMON@other.test",
        "postmaster@other.test",
        "owner-list@other.test",
        "list-owner@other.test",
        "list-request@other.test",
        "list-bounces+anna=example.test@other.test",
        "bounce-123@other.test",
        "bounces@other.test",
        "noreply@other.test",
        "no-reply@other.test",
        "shop.noreply@other.test",
        "do-not-reply@other.test",
        "LISTSERV@other.test",
        "anna@example.test",
        "ANNA+x@Example.test",
        "info@example.test",
        "anna@alias.test",
        "berta",
        "@other.test",
        "berta@",
        "berta@-bad-.test",
        "a b@other.test",
    ],
)
async def test_senders_that_are_not_answered(
    add_owner: AddOwner, domain: Domain, directory: Directory, sender: str
) -> None:
    owner = await add_owner("anna", AccountSettings(aliases=["info"]))
    await directory.add_domain("alias.test", alias_of="example.test")
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test", sender=sender)
    assert await count(owner) == 0


@pytest.mark.parametrize(
    "address",
    [
        "owner@other.test",
        "bouncer@other.test",
        "norah@other.test",
        "bernd.request@x.test",
        '"a b"@x.test',
        "reply@x",
    ],
)
def test_people_have_such_addresses(address: str) -> None:
    assert is_person(address)


@pytest.mark.parametrize("to", ["carl@other.test", "undisclosed-recipients:;", "", "anna", "anna@other.test"])
async def test_mail_that_does_not_name_the_account(owner: Owner, domain: Domain, to: str) -> None:
    await be_away(owner)
    await deliver(domain, make_message(to=to), "anna@example.test")
    assert await count(owner) == 0


async def test_who_is_alike_is_not_named(owner: Owner, add_owner: AddOwner, domain: Domain) -> None:
    """An alias of somebody else of the same local part is not the account's."""
    await be_away(owner)
    to = ", ".join([*(f"anna@other{number}.test" for number in range(50)), "x@example.test"])
    await deliver(domain, make_message(to=to), "anna@example.test")
    assert await count(owner) == 0
    await add_owner("berta")


AWKWARD = [
    ("Subject", "=?utf-8?q?a=0D=0ABcc:_x@y.test?="),
    ("Subject", "=?utf-8?b?AAECAwQ=?= \x01\x7f"),
    ("Subject", "x" * 5000),
    ("Subject", "\x80\xff =?x-none?q?=FF?="),
    ("Message-ID", "no id"),
    ("Message-ID", "<" + "x" * 5000 + "@y.test>"),
    ("Message-ID", "<a@b.test>\r\n <c@d.test>"),
    ("References", "<a@b.test> " * 1000),
    ("References", "\x00<\x01>"),
    ("In-Reply-To", '"my mail" of Monday'),
    ("To", "anna@example.test, " * 5000),
]


@pytest.mark.parametrize(("name", "value"), AWKWARD)
async def test_awkward_mail_is_answered(
    owner: Owner, domain: Domain, store: Store, name: str, value: str
) -> None:
    await be_away(owner)
    before = b"" if name == "To" else b"To: anna@example.test\r\n"
    raw = before + f"{name}: {value}\r\n".encode("latin-1") + b"\r\nHello\r\n"
    await deliver(domain, raw, "anna@example.test")
    [(_, _, content)] = await list_queued(store)
    answer = parse(content)
    assert answer.defects == []
    assert answer["Bcc"] is None
    assert answer["Auto-Submitted"] == "auto-replied"
    assert max(map(len, content.splitlines())) <= 998


# With the delivery, or not at all


async def test_a_delivery_that_fails_answers_nobody(
    add_owner: AddOwner, domain: Domain, store: Store, clock: TestClock
) -> None:
    owner = await add_owner("anna")
    await be_away(owner)
    recipient = await domain.ingest.resolve_recipient("anna@example.test", size_bytes=None)
    small = Ingest(
        store,
        {"default": AccountClass(messages=1)},
        routing=Routing(store, has_relay=False),
        now=clock.now,
    )
    envelope = Envelope(SENDER, (recipient,), "unix", "x", False, False)
    assert await small.deliver(envelope, make_message(subject="1")) == [None]
    assert await count(owner) == 1
    second = Envelope("carl@other.test", (recipient, recipient), "unix", "x", False, False)
    [refusal, _] = await small.deliver(second, make_message(subject="2"))
    assert isinstance(refusal, PostroomError)
    assert await count(owner) == 1
    assert (await check_store(store)).findings == []


async def test_a_notice_that_was_changed_meanwhile(owner: Owner, domain: Domain, store: Store) -> None:
    await be_away(owner)
    recipient = await domain.ingest.resolve_recipient("anna@example.test", size_bytes=None)
    arrival = await domain.ingest.receive(
        Envelope(SENDER, (recipient,), "unix", "x", False, False), make_message()
    )
    await be_away(owner, is_enabled=0)
    async with store.transactions(arrival.account_ids) as transactions:
        assert await domain.ingest.deliver_within(arrival, transactions) == [None]
    assert await count(owner) == 0


async def test_two_who_are_away_do_not_answer_each_other(
    owner: Owner, add_owner: AddOwner, domain: Domain, store: Store
) -> None:
    carl = await add_owner("carl")
    await be_away(owner)
    await be_away(carl)
    raw = make_message(from_="carl@example.test")
    await deliver(domain, raw, "anna@example.test", sender="carl@example.test")
    delivered: set[int] = set()
    for _ in range(5):
        for queued, recipients, content in await list_queued(store):
            if queued.processing_id not in delivered:
                delivered.add(queued.processing_id)
                assert [recipient.destination for recipient in recipients] == [LOCAL]
                to = [recipient.address for recipient in recipients]
                await deliver(domain, content, *to, sender=queued.sender)
    assert len(delivered) == 1
    # Were it not for the envelope, the message itself would say that it is not to be answered.
    [(_, _, content)] = await list_queued(store)
    await deliver(domain, content, "carl@example.test", sender="anna@example.test")
    assert await count(carl) == 0


async def test_removal_of_the_account(
    owner: Owner, domain: Domain, store: Store, directory: Directory
) -> None:
    await be_away(owner)
    await deliver(domain, make_message(), "anna@example.test")
    await directory.remove_account("anna@example.test")
    async with store.directory() as tables:
        assert await tables.vacations.find(owner.account_id) is None
        assert await tables.vacations.find_answered(owner.account_id, SENDER) == 0
    assert await list_queued(store) == []


# What can be set


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"applies_always": 0}, "startTime"),
        ({"applies_always": 0, "start_at": 5}, "endTime"),
        ({"applies_always": 0, "start_at": 5000, "end_at": 5000}, "endTime"),
        ({"start_at": 5000, "end_at": 1000}, "endTime"),
        ({"subject": "a\r\nBcc: x@y.test"}, "subject"),
        ({"subject": "a\0"}, "subject"),
        ({"body": "a\0"}, "body"),
    ],
)
async def test_what_cannot_be_set(owner: Owner, changes: dict[str, Any], parameter: str) -> None:
    with pytest.raises(PostroomError) as caught:
        await be_away(owner, **changes)
    assert caught.value.details == {"parameter": parameter}
    assert await owner.domain.vacations.find(await owner.caller()) == UNSET


def test_active() -> None:
    always: Sequence[Vacation] = [AWAY, AWAY._replace(start_at=1, end_at=2)]
    assert all(one.is_active(5) for one in always)
    assert not AWAY._replace(is_enabled=0).is_active(5)
