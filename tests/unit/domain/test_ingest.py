# ruff: noqa: S311
"""Where mail for an address goes, and filing it for several at once."""

import hashlib
import mmap
import random
from pathlib import Path

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner, make_message

from postroom.config.classes import AccountClass
from postroom.domain import Domain
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.filing import Flags
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.store import Store
from postroom.store.sql.directory import AccountChange

SMALL = AccountClass(messages=2, quota_kb=4)


def envelope(*recipients: Recipient, sender: str = "berta@other.test") -> Envelope:
    return Envelope(sender, recipients, "unix", "x", False, False)


def recipient(owner: Owner, folder_id: FolderId = INBOX) -> Recipient:
    return Recipient(owner.account.address, owner.account_id, folder_id, "")


async def resolve(domain: Domain, address: str, size_bytes: int | None = None) -> Recipient:
    return await domain.ingest.resolve_recipient(address, size_bytes=size_bytes)


async def refusal(domain: Domain, address: str, size_bytes: int | None = None) -> tuple[Kind, str]:
    with pytest.raises(PostroomError) as caught:
        await resolve(domain, address, size_bytes)
    return caught.value.kind, caught.value.code


async def total(owner: Owner, folder_id: FolderId = INBOX) -> int:
    async with owner.store.peek(owner.account_id) as mailbox:
        folder = await mailbox.folders.find(folder_id)
    assert folder is not None
    return folder.total_items


async def test_addresses_find_their_account(
    add_owner: AddOwner, domain: Domain, directory: Directory
) -> None:
    owner = await add_owner("anna", AccountSettings(aliases=["info"]))
    await directory.add_domain("alias.test", alias_of="example.test")
    for address in ("anna@example.test", "Anna@EXAMPLE.test", "info@example.test", "anna@alias.test"):
        found = await resolve(domain, address)
        assert found == Recipient(address, owner.account_id, INBOX, "")


@pytest.mark.parametrize(
    "address",
    [
        "berta@example.test",
        "anna@other.test",
        "anna",
        "@example.test",
        "",
        "a b@example.test",
        "an\x00na@example.test",
        "an\udcffna@example.test",
        "+detail@example.test",
        "anna@exam\x00ple.test",
        "a" * 5000 + "@example.test",
    ],
)
async def test_unknown_recipients(owner: Owner, domain: Domain, address: str) -> None:
    assert owner.account.address == "anna@example.test"
    assert await refusal(domain, address) == (Kind.NOT_FOUND, "unknownRecipient")


async def test_details_name_top_folders(owner: Owner, domain: Domain) -> None:
    projects = await owner.add_folder("Straße")
    below = await owner.add_folder("Below", parent_id=projects)
    assert below != projects
    for detail in ("Straße", "STRASSE", "straße"):
        found = await resolve(domain, f"anna+{detail}@example.test")
        assert (found.folder_id, found.detail) == (projects, detail)
    for detail in ("", "Below", "Sent", "Trash", "Contacts", "none", "a+b", "\x00", "\udcff", "x" * 9000):
        found = await resolve(domain, f"anna+{detail}@example.test")
        assert (found.folder_id, found.detail) == (INBOX, detail)


async def test_disabled_accounts_get_no_mail(owner: Owner, domain: Domain, directory: Directory) -> None:
    await directory.set_enabled("anna", enabled=False)
    assert await refusal(domain, "anna@example.test") == (Kind.DENIED, "recipientDisabled")
    await directory.set_enabled("anna", enabled=True)
    assert (await resolve(domain, "anna@example.test")).account_id == owner.account_id


async def test_what_is_too_large_is_refused_at_once(owner: Owner, domain: Domain) -> None:
    limit = domain.ingest._max_message_bytes
    assert limit > 0
    assert await refusal(domain, owner.account.address, limit + 1) == (Kind.TOO_LARGE, "payloadTooLarge")
    await resolve(domain, owner.account.address, limit)


async def test_full_mailboxes_are_refused_at_once(owner: Owner, domain: Domain) -> None:
    domain.ingest._classes = {"default": SMALL}
    address = owner.account.address
    assert await refusal(domain, address, 4097) == (Kind.DENIED, "sizeQuotaExceeded")
    await resolve(domain, address, 4096)
    await owner.add_mail()
    await owner.add_mail()
    assert await refusal(domain, address) == (Kind.DENIED, "messageQuotaExceeded")


async def test_a_message_to_many(add_owner: AddOwner, domain: Domain) -> None:
    anna, berta = await add_owner("anna"), await add_owner("berta")
    sent = FolderId(INBOX + 2)
    raw = make_message()
    gone = Recipient("x", AccountId(900), INBOX, "")
    outcomes = await domain.ingest.deliver(
        envelope(recipient(berta), gone, recipient(anna), recipient(anna, sent), recipient(anna)), raw
    )
    assert [outcome and outcome.kind for outcome in outcomes] == [None, Kind.NOT_FOUND, None, None, None]
    assert [await total(anna), await total(anna, sent), await total(berta)] == [1, 1, 1]
    async with anna.store.read(anna.account_id) as mailbox:
        [content] = await mailbox.contents.list_after(0, limit=10)
        first, second = await mailbox.operations.list_after(Modseq(1), limit=10)
    assert (content.refs, content.sha256) == (2, hashlib.sha256(raw).digest())
    assert (first.kind, first.session_id) == ("deliver", None)
    assert '"sender":"berta@other.test"' in second.data


async def test_mail_for_a_folder_that_is_gone(owner: Owner, domain: Domain) -> None:
    [outcome] = await domain.ingest.deliver(envelope(recipient(owner, FolderId(500))), make_message())
    assert outcome is None
    assert await total(owner) == 1


async def test_one_who_is_full_fails_alone(add_owner: AddOwner, domain: Domain) -> None:
    domain.ingest._classes = {"default": AccountClass(), "small": SMALL}
    anna, berta = await add_owner("anna"), await add_owner("berta")
    async with berta.store.directory_transaction() as tx:
        await tx.directory.update(berta.account_id, AccountChange(class_name="small"))
    body = "x" * 2500 + "\r\n"
    for number in range(2):
        raw = make_message(subject=str(number), body=body)
        outcomes = await domain.ingest.deliver(envelope(recipient(anna), recipient(berta)), raw)
    assert [outcome and outcome.code for outcome in outcomes] == [None, "sizeQuotaExceeded"]
    assert [await total(anna), await total(berta)] == [2, 1]


async def test_a_large_message_is_stored_once_for_each_account(
    add_owner: AddOwner, domain: Domain, store: Store, tmp_path: Path
) -> None:
    anna, berta = await add_owner("anna"), await add_owner("berta")
    noise = random.Random(1).randbytes(700_000).hex()
    path = tmp_path / "message"
    path.write_bytes(make_message(body="\r\n".join(noise[at : at + 76] for at in range(0, len(noise), 76))))
    raw = path.read_bytes()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        outcomes = await domain.ingest.deliver(
            envelope(recipient(anna), recipient(berta), recipient(anna, FolderId(4))), mapped
        )
    assert list(outcomes) == [None] * 3
    blobs = [info async for info in store.blobs.iter_all()]
    assert sorted(info.account_id for info in blobs) == sorted((anna.account_id, berta.account_id))
    for owner in (anna, berta):
        async with store.read(owner.account_id) as mailbox:
            [content] = await mailbox.contents.list_after(0, limit=10)
        assert content.data is None
        reader = await store.messages.open(owner.account_id, content)
        assert await reader.read(0, 1 << 30) == raw
        reader.close()


async def test_imports(owner: Owner, domain: Domain) -> None:
    raw = make_message()
    account_id, flags = owner.account_id, Flags(is_unread=False, is_flagged=True, is_draft=True, refw=3)

    async def insert(folder_id: FolderId, *, duplicates: bool) -> tuple[bool, Uid]:
        filed = await domain.ingest.file_message(
            account_id, folder_id, raw, date=DATE, flags=flags, duplicates=duplicates
        )
        return filed.mail is not None, filed.uid

    assert await insert(INBOX, duplicates=False) == (True, 1)
    assert await insert(INBOX, duplicates=False) == (False, 1)
    assert await insert(INBOX, duplicates=True) == (True, 2)
    assert await insert(FolderId(4), duplicates=False) == (True, 1)
    async with owner.store.peek(account_id) as mailbox:
        mail = await mailbox.mails.find(INBOX, Uid(1))
    assert mail is not None
    assert (mail.date, mail.is_unread, mail.is_flagged, mail.is_draft, mail.refw) == (DATE, 0, 1, 1, 3)
    with pytest.raises(PostroomError) as caught:
        await insert(FolderId(500), duplicates=True)
    assert caught.value.kind is Kind.NOT_FOUND
    domain.ingest._classes = {"default": SMALL}
    with pytest.raises(PostroomError) as caught:
        await insert(INBOX, duplicates=True)
    assert caught.value.code == "messageQuotaExceeded"
    assert [await total(owner), await total(owner, FolderId(4))] == [2, 1]


async def test_dates_before_1970_are_kept_out_of_the_orders(owner: Owner) -> None:
    ref = await owner.add_mail(date=-5)
    async with owner.store.peek(owner.account_id) as mailbox:
        mail = await mailbox.mails.find(ref.folder, ref.uid)
    assert mail is not None
    assert mail.date == 0
