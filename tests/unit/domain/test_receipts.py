"""Automatic read receipts: for whom, when, how often, and when never."""

import email
import email.policy
import os
import shutil
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner, make_message

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain import Domain
from postroom.domain.actions import Policy, SetFlags, perform
from postroom.domain.check import check_store
from postroom.domain.directory import AccountSettings
from postroom.domain.filing import Flags, locate_mail
from postroom.domain.jobs import Target
from postroom.domain.receipts import Receipts, find_receiver
from postroom.domain.routing import Routing
from postroom.mime.headers import parse_headers
from postroom.mime.parse import parse_message
from postroom.model.folder import DRAFTS, INBOX, SCHEDULED, SENT
from postroom.model.ids import FolderId, MailRef
from postroom.model.outgoing import Outgoing, OutgoingRecipient
from postroom.model.settings import ReceiptsChange, SettingsChange
from postroom.store import Store

ASKS = (
    ("Return-Path", "<berta@other.test>"),
    ("Disposition-Notification-To", "Berta <berta@other.test>"),
)
JUNK = FolderId(6)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def domain(store: Store, config: Config, hasher: PasswordHasher, clock: TestClock) -> Domain:
    return await make_domain(store, config, hasher, clock=clock)


async def be_set(owner: Owner, word: Any) -> None:
    change = SettingsChange(receipts=ReceiptsChange(send_read_receipts=word))
    await owner.domain.settings.update(await owner.caller(), change)


async def mark(owner: Owner, ref: MailRef, *, is_unread: bool = False) -> None:
    await owner.domain.mail_changes.set_flags(await owner.caller(), ref, is_unread=is_unread, is_flagged=None)


async def add(owner: Owner, *more: tuple[str, str], **kinds: Any) -> MailRef:
    """File a mail that asks for a receipt."""
    return await owner.add_mail(make_message(subject="Wichtig: Grüße", headers=[*ASKS, *more]), **kinds)


async def list_queued(owner: Owner) -> list[tuple[Outgoing, list[OutgoingRecipient], EmailMessage]]:
    async with owner.store.directory() as tables:
        messages = await tables.outgoing.list_unfinished(0, limit=1000)
        recipients = [await tables.outgoing.list_recipients(one.processing_id) for one in messages]
    found = []
    for message, addressees in zip(messages, recipients, strict=True):
        async with owner.store.peek(message.account_id) as mailbox:
            content = await mailbox.contents.find(message.content_id)
        assert content is not None
        reader = await owner.store.messages.open(message.account_id, content)
        raw = await reader.read(0, content.size_bytes)
        reader.close()
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        found.append((message, addressees, parsed))
    return found


async def count(owner: Owner) -> int:
    return len(await list_queued(owner))


async def test_a_receipt(owner: Owner, store: Store, clock: TestClock) -> None:
    await be_set(owner, "always")
    ref = await add(owner, ("Original-Recipient", "rfc822;info@example.test"))
    assert await count(owner) == 0
    await mark(owner, ref)
    [(queued, [recipient], message)] = await list_queued(owner)
    assert (queued.kind, queued.sender, queued.account_id) == ("receipt", "", owner.account_id)
    assert queued.release_at == clock.now_ms()
    assert (recipient.address, recipient.destination, recipient.notify) == (
        "berta@other.test",
        "other.test",
        "NEVER",
    )
    assert message["From"] == "Anna Example <anna@example.test>"
    assert message["To"] == "Berta <berta@other.test>"
    assert "Wichtig: Grüße" in message["Subject"]
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "disposition-notification"
    notification = message.get_payload(1)
    assert isinstance(notification, EmailMessage)
    assert notification.get_content_type() == "message/disposition-notification"
    text = notification.as_string()
    assert "Final-Recipient: rfc822;anna@example.test" in text.replace("; ", ";").replace(
        "rfc822; ", "rfc822;"
    )
    assert "MDN-sent-automatically" in text
    assert "displayed" in text
    assert "info@example.test" in text
    assert (await check_store(store)).findings == []


async def test_once(owner: Owner) -> None:
    await be_set(owner, "always")
    ref = await add(owner)
    for _ in range(3):
        await mark(owner, ref)
        await mark(owner, ref)
        await mark(owner, ref, is_unread=True)
    assert await count(owner) == 1
    # A copy is the same message.
    caller = await owner.caller()
    copy = await owner.domain.mail_changes.copy(caller, ref, None)
    await mark(owner, MailRef(owner.account_id, copy.folder_id, copy.uid))
    assert await count(owner) == 1


@pytest.mark.parametrize("word", ["ask", "never"])
async def test_other_settings_send_nothing(owner: Owner, word: str) -> None:
    await be_set(owner, word)
    ref = await add(owner)
    await mark(owner, ref)
    assert await count(owner) == 0
    # It was read already: the setting of today does not hold for it.
    await mark(owner, ref, is_unread=True)
    await be_set(owner, "always")
    await mark(owner, ref)
    assert await count(owner) == 0


async def test_ask_is_what_is_set_first(owner: Owner) -> None:
    await mark(owner, await add(owner))
    assert await count(owner) == 0


async def test_what_else_is_set(owner: Owner) -> None:
    """Only marking it read is reading it."""
    await be_set(owner, "always")
    ref = await add(owner)
    caller = await owner.caller()
    await owner.domain.mail_changes.set_flags(caller, ref, is_unread=None, is_flagged=True)
    await owner.domain.mail_changes.set_flags(caller, ref, is_unread=True, is_flagged=False)
    await add(owner, flags=Flags(is_unread=False))
    await mark(owner, await owner.add_mail(make_message(headers=ASKS[:1])))
    assert await count(owner) == 0
    await owner.domain.mail_changes.set_flags(caller, ref, is_unread=False, is_flagged=True)
    assert await count(owner) == 1


async def test_a_batch_and_its_undo(owner: Owner, store: Store) -> None:
    await be_set(owner, "always")
    refs = [await add(owner, ("X-Number", f"{number}")) for number in range(5)]
    await owner.add_mail()
    caller = await owner.caller()
    async with store.read(owner.account_id) as mailbox:
        mails = [item.mail for ref in refs if (item := await mailbox.mails.locate(ref.folder, ref.uid))]
    targets = [Target(mail.item_id, mail.folder_id, mail.uid) for mail in mails]
    jobs = owner.domain.jobs
    await jobs.start_batch(caller, "mails.update", SetFlags(is_unread=False), targets=targets, failed=[])
    assert await count(owner) == 5
    await jobs.start_batch(caller, "mails.update", SetFlags(is_unread=True), targets=targets, failed=[])
    await jobs.start_batch(caller, "mails.update", SetFlags(is_unread=False), targets=targets, failed=[])
    assert await count(owner) == 5


async def test_a_transaction_that_fails_sends_nothing(
    owner: Owner, store: Store, config: Config, clock: TestClock
) -> None:
    await be_set(owner, "always")
    ref = await add(owner)

    receipts = Receipts(store, config.classes, Routing(store, has_relay=False), clock=clock)
    policy = Policy(on_marked=receipts.acknowledge)

    async def fail() -> None:
        async with store.transaction(owner.account_id) as tx:
            item = await locate_mail(tx, ref.folder, ref.uid)
            await perform(tx, SetFlags(is_unread=False), [item], policy=policy)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await count(owner) == 0
    await mark(owner, ref)
    assert await count(owner) == 1


@pytest.mark.parametrize("folder_id", [DRAFTS, SENT, JUNK, SCHEDULED])
async def test_folders_where_nothing_is_read(owner: Owner, folder_id: FolderId) -> None:
    await be_set(owner, "always")
    ref = await add(owner, folder_id=folder_id)
    await mark(owner, ref)
    assert await count(owner) == 0
    # That did not settle it.
    caller = await owner.caller()
    moved = await owner.domain.mail_changes.move(caller, ref, owner.folder(INBOX))
    ref = MailRef(owner.account_id, INBOX, moved.uid)
    await mark(owner, ref, is_unread=True)
    await mark(owner, ref)
    assert await count(owner) == 1


async def test_the_address_that_was_written_to(add_owner: AddOwner) -> None:
    owner = await add_owner("anna", AccountSettings(aliases=["info"], full_name="Anna"))
    await be_set(owner, "always")
    await mark(owner, await owner.add_mail(make_message(to="info@example.test", headers=ASKS)))
    [(_, _, message)] = await list_queued(owner)
    assert message["From"] == "Anna <info@example.test>"


async def test_none_to_oneself(owner: Owner) -> None:
    await be_set(owner, "always")
    headers = [
        ("Return-Path", "<anna+x@example.test>"),
        ("Disposition-Notification-To", "anna+x@example.test"),
    ]
    await mark(owner, await owner.add_mail(make_message(headers=headers)))
    assert await count(owner) == 0


async def test_two_accounts_stop_at_one_receipt(
    owner: Owner, add_owner: AddOwner, store: Store, domain: Domain
) -> None:
    carl = await add_owner("carl")
    for one in (owner, carl):
        await be_set(one, "always")
    headers = [("Return-Path", "<carl@example.test>"), ("Disposition-Notification-To", "carl@example.test")]
    await mark(owner, await owner.add_mail(make_message(headers=headers)))
    [(queued, _, message)] = await list_queued(owner)
    # A receipt that asks for one itself, as a broken or malicious reader might send it.
    message["Disposition-Notification-To"] = "anna@example.test"
    message["Return-Path"] = "<anna@example.test>"
    assert queued.sender == ""
    await mark(carl, await carl.add_mail(message.as_bytes()))
    assert await count(owner) == 1


async def test_a_message_in_the_blob_store(owner: Owner) -> None:
    await be_set(owner, "always")
    noise = os.urandom(300_000).hex()
    large = await owner.add_mail(make_message(body=noise, headers=ASKS))
    await mark(owner, large)
    assert await count(owner) == 1


async def test_a_damaged_message_can_be_marked(owner: Owner, config: Config) -> None:
    await be_set(owner, "always")
    noise = os.urandom(300_000).hex()
    ref = await owner.add_mail(make_message(body=noise, headers=ASKS))
    shutil.rmtree(Path(config.data_dir) / "blobs")
    await mark(owner, ref)
    assert await count(owner) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Subject", "=?utf-8?q?a=0D=0ABcc:_x@y.test?="),
        ("Subject", "x" * 5000),
        ("Subject", "\x80\xff\x01 =?x-none?q?=FF?="),
        ("Message-ID", "<" + "x" * 5000 + "@y.test>"),
        ("Message-ID", "no id"),
        ("References", "<a@b.test> " * 1000),
        ("Original-Recipient", "rfc822;\x01\xff x" + "y" * 2000),
        ("Date", "\x00" * 100),
        ("X-Large", "x " * 300_000),
    ],
)
async def test_awkward_mail(owner: Owner, name: str, value: str) -> None:
    await be_set(owner, "always")
    asks = "".join(f"{key}: {text}\r\n" for key, text in ASKS)
    raw = f"{asks}{name}: {value}\r\n\r\nHello\r\n".encode("latin-1")
    await mark(owner, await owner.add_mail(raw))
    [(_, _, message)] = await list_queued(owner)
    assert message["Bcc"] is None
    assert message.get_content_type() == "multipart/report"
    assert message.defects == []


# The rules alone


def receiver(*fields: tuple[str, str]) -> str | None:
    raw = make_message(headers=fields)
    found = find_receiver(parse_headers(raw, parse_message(raw)))
    return found.addr_spec if found is not None else None


def test_who_gets_it() -> None:
    assert receiver(*ASKS) == "berta@other.test"
    path = ("Return-Path", "<Berta@Other.test>")
    assert receiver(path, ASKS[1]) == "berta@other.test"
    twice = ("Disposition-Notification-To", "berta@other.test, Berta <BERTA@other.test>")
    assert receiver(ASKS[0], twice) == "berta@other.test"
    # The path on top is that of the last delivery.
    assert receiver(ASKS[0], ("Return-Path", "<x@y.test>"), ASKS[1]) == "berta@other.test"
    optional = ("Disposition-Notification-Options", "a=optional,b; c=optional,d")
    assert receiver(*ASKS, optional) == "berta@other.test"
    assert receiver(*ASKS, ("Auto-Submitted", "no")) == "berta@other.test"


@pytest.mark.parametrize(
    "fields",
    [
        ASKS[:1],
        ASKS[1:],
        [("Return-Path", "<>"), ASKS[1]],
        [("Return-Path", ""), ASKS[1]],
        [("Return-Path", "<other@other.test>"), ASKS[1]],
        [("Return-Path", "<x@y.test>"), ASKS[0], ASKS[1]],
        [("Return-Path", "<berta@other.test>, <berta@other.test>, <x@y.test>"), ASKS[1]],
        [*ASKS, ASKS[1]],
        [ASKS[0], ("Disposition-Notification-To", "")],
        [ASKS[0], ("Disposition-Notification-To", "berta")],
        [ASKS[0], ("Disposition-Notification-To", "berta@other.test, carl@other.test")],
        [ASKS[0], ("Disposition-Notification-To", "a\0@other.test")],
        [*ASKS, ("Disposition-Notification-Options", "signed-receipt-protocol=required,pkcs7")],
        [*ASKS, ("Disposition-Notification-Options", "a=optional,b; c = REQUIRED , d")],
        [*ASKS, ("Auto-Submitted", "auto-generated")],
        [*ASKS, ("Content-Type", "multipart/report; report-type=disposition-notification; boundary=b")],
    ],
)
def test_who_does_not(fields: list[tuple[str, str]]) -> None:
    assert receiver(*fields) is None
