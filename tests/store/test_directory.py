"""Domains, accounts and aliases on both engines."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from postroom.auth.passwords import PasswordHasher
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.domain.directory import AccountSettings, Directory
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account, Session
from postroom.model.folder import INBOX, ROOT
from postroom.model.ids import SessionId
from postroom.store import Store

CLASSES = {"default": AccountClass(), "student": AccountClass(language="fr", messages=10)}
NOW = 1_750_000_000_000
SECRET = AccountSettings(password="secret")


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[Directory]:
    hasher = PasswordHasher(AuthConfig(argon2_time_cost=1, argon2_memory_kib=64))
    made = Directory(store, hasher, CLASSES, primary_domain="example.test")
    await made.add_domain("example.test")
    yield made
    hasher.close()


async def refusal(call: Any) -> PostroomError:
    with pytest.raises(PostroomError) as caught:
        await call
    return caught.value


async def find(store: Store, local_part: str, domain: str) -> Account | None:
    async with store.directory() as tables:
        found = await tables.directory.find_by_address(local_part, domain, now=NOW)
    return found.account if found else None


async def test_domains(directory: Directory) -> None:
    await directory.add_domain("Bücher.test")
    await directory.add_domain("books.test", alias_of="BÜCHER.test")
    domains = [(domain.name, domain.alias_of) for domain in await directory.list_domains()]
    assert domains == [
        ("books.test", "xn--bcher-kva.test"),
        ("example.test", ""),
        ("xn--bcher-kva.test", ""),
    ]
    await directory.add_domain("books.test", alias_of="bücher.test")
    assert (await refusal(directory.add_domain("books.test"))).kind is Kind.CONFLICT
    assert (await refusal(directory.add_domain("x.test", alias_of="books.test"))).kind is Kind.CONFLICT
    assert (await refusal(directory.add_domain("x.test", alias_of="y.test"))).kind is Kind.NOT_FOUND
    assert (await refusal(directory.add_domain("x..test"))).kind is Kind.INVALID
    assert (await refusal(directory.remove_domain("bücher.test"))).kind is Kind.CONFLICT
    await directory.remove_domain("books.test")
    await directory.remove_domain("bücher.test")
    assert (await refusal(directory.remove_domain("bücher.test"))).kind is Kind.NOT_FOUND


async def test_a_domain_with_addresses_stays(directory: Directory) -> None:
    await directory.add_account("anna", SECRET)
    error = await refusal(directory.remove_domain("example.test"))
    assert (error.kind, error.message) == (
        Kind.CONFLICT,
        "domain example.test still has 1 addresses of accounts",
    )


async def test_the_primary_domain_is_made_on_demand(store: Store) -> None:
    hasher = PasswordHasher(AuthConfig(argon2_time_cost=1, argon2_memory_kib=64))
    directory = Directory(store, hasher, CLASSES, primary_domain="Example.test")
    assert (await directory.add_account("anna", SECRET)).address == "anna@example.test"
    assert [domain.name for domain in await directory.list_domains()] == ["example.test"]
    assert (await refusal(directory.add_account("anna@other.test", SECRET))).kind is Kind.NOT_FOUND
    hasher.close()


async def test_an_account_and_its_folders(directory: Directory, store: Store) -> None:
    made = await directory.add_account(
        "Anna@Example.Test", AccountSettings(full_name="Anna", password="secret")
    )
    assert (made.address, made.class_name, made.language, made.state) == (
        "anna@example.test",
        "default",
        "en",
        "active",
    )
    details = await directory.get_account("anna")
    assert details.account == made
    assert details.account_class is CLASSES["default"]
    assert details.mailbox is not None
    assert (details.mailbox.modseq, details.mailbox.total_items, details.mailbox.size_bytes) == (1, 0, 0)
    async with store.read(made.account_id) as snapshot:
        folders = await snapshot.folders.list_all()
    assert [(folder.name, folder.role, folder.folder_type) for folder in folders] == [
        ("Inbox", "inbox", "mails"),
        ("Drafts", "drafts", "mails"),
        ("Sent", "sent", "mails"),
        ("Trash", "trash", "mails"),
        ("Spam", "junk", "mails"),
        ("Scheduled", "", "mails"),
        ("Contacts", "", "contacts"),
        ("Collected Addresses", "", "contacts"),
        ("Calendar", "", "events"),
        ("Tasks", "", "tasks"),
        ("Notes", "", "notes"),
    ]
    assert folders[0].folder_id == INBOX
    assert all(folder.is_special and folder.parent_id == ROOT for folder in folders)


async def test_classes_and_languages(directory: Directory, store: Store) -> None:
    student = await directory.add_account("s", AccountSettings(password="x", class_name="student"))
    assert student.language == "fr"
    other = await directory.add_account(
        "t", AccountSettings(password="x", class_name="student", language="ja")
    )
    async with store.read(other.account_id) as snapshot:
        inbox = await snapshot.folders.find(INBOX)
    assert inbox is not None
    assert inbox.name == "受信トレイ"


@pytest.mark.parametrize(
    ("address", "settings", "parameter"),
    [
        ("a b", SECRET, "address"),
        ("a@-", SECRET, "domain"),
        ("a", AccountSettings(), "password"),
        ("a", AccountSettings(password="x" * 5000), "password"),
        ("a", SECRET._replace(class_name="gone"), "class"),
        ("a", SECRET._replace(language="xx"), "language"),
        ("a", SECRET._replace(full_name="a\r\nb"), "fullName"),
        ("a", SECRET._replace(aliases=["b+c"]), "address"),
    ],
)
async def test_bad_accounts(
    directory: Directory, address: str, settings: AccountSettings, parameter: str
) -> None:
    error = await refusal(directory.add_account(address, settings))
    assert (error.code, error.details["parameter"]) == ("badParameter", parameter)


async def test_an_address_belongs_to_one_account(directory: Directory, store: Store) -> None:
    await directory.add_account("anna", SECRET._replace(aliases=["info", "Info@example.test"]))
    for address, aliases in [("info", []), ("anna", []), ("berta", ["anna"]), ("berta", ["info"])]:
        error = await refusal(directory.add_account(address, SECRET._replace(aliases=aliases)))
        assert error.kind is Kind.CONFLICT
    assert await find(store, "berta", "example.test") is None
    assert (await refusal(directory.add_account("x@gone.test", SECRET))).kind is Kind.NOT_FOUND


async def test_concurrent_claims_of_one_address(directory: Directory) -> None:
    calls = [directory.add_account("anna", SECRET) for _ in range(5)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(answer, Account) for answer in answers) == 1
    assert sum(isinstance(answer, PostroomError) and answer.kind is Kind.CONFLICT for answer in answers) == 4


async def test_look_up_by_any_address(directory: Directory, store: Store) -> None:
    await directory.add_domain("other.test", alias_of="example.test")
    made = await directory.add_account("anna", SECRET._replace(aliases=["info"]))
    for local_part in ("anna", "info"):
        for domain in ("example.test", "other.test"):
            assert await find(store, local_part, domain) == made
    assert await find(store, "anna", "gone.test") is None
    assert await find(store, "berta", "example.test") is None
    assert (await refusal(directory.add_account("berta@other.test", SECRET))).kind is Kind.CONFLICT
    async with store.directory() as tables:
        found = await tables.directory.find_by_address("info", "other.test", now=NOW)
    assert found is not None
    assert found.kind == "alias"


async def test_changes_raise_the_version(directory: Directory) -> None:
    await directory.add_account("anna", SECRET._replace(aliases=["info", "help"]))
    settings = AccountSettings(
        full_name="Anna B", aliases=["help", "sales", "anna"], removed_aliases=["info"]
    )
    await directory.set_account("anna", settings)
    details = await directory.get_account("sales")
    assert details.aliases == ["help@example.test", "sales@example.test"]
    assert (details.account.full_name, details.account.auth_version) == ("Anna B", 2)
    assert details.account.session_version == 1
    old_hash = details.account.password_hash
    await directory.set_account("anna", AccountSettings(password="new", must_change_password=True))
    account = (await directory.get_account("anna")).account
    assert account.password_hash != old_hash
    assert (account.must_change_password, account.auth_version, account.session_version) == (1, 3, 2)
    assert account.full_name == "Anna B"
    assert (await refusal(directory.get_account("info"))).kind is Kind.NOT_FOUND
    gone = AccountSettings(removed_aliases=["info"])
    assert (await refusal(directory.set_account("anna", gone))).kind is Kind.NOT_FOUND
    assert (await refusal(directory.set_account("berta", AccountSettings()))).kind is Kind.NOT_FOUND


async def test_a_failed_change_changes_nothing(directory: Directory) -> None:
    await directory.add_account("anna", SECRET._replace(aliases=["info"]))
    await directory.add_account("berta", SECRET)
    error = await refusal(directory.set_account("anna", AccountSettings(full_name="X", aliases=["berta"])))
    assert error.kind is Kind.CONFLICT
    details = await directory.get_account("anna")
    assert (details.account.full_name, details.aliases, details.account.auth_version) == (
        "",
        ["info@example.test"],
        1,
    )


async def test_a_disabled_account_has_no_sessions(directory: Directory, store: Store) -> None:
    account = await directory.add_account("anna", SECRET)
    async with store.directory_transaction() as tx:
        await tx.sessions.create(b"hash", Session(SessionId(7), account.account_id, 1, 1, 2, 0, "{}"))
    await directory.set_enabled("anna", enabled=False)
    disabled = (await directory.get_account("anna")).account
    assert (disabled.state, disabled.auth_version, disabled.session_version) == ("disabled", 2, 2)
    async with store.directory() as tables:
        assert await tables.sessions.count(account.account_id) == 0
    await directory.set_enabled("anna", enabled=True)
    assert (await directory.get_account("anna")).account.state == "active"


async def test_listing(directory: Directory) -> None:
    await directory.add_domain("other.test")
    for address in ("berta@other.test", "carl", "anna"):
        await directory.add_account(address, SECRET)
    addresses = [account.address async for account in directory.iter_accounts()]
    assert addresses == ["anna@example.test", "berta@other.test", "carl@example.test"]
    addresses = [account.address async for account in directory.iter_accounts("OTHER.test")]
    assert addresses == ["berta@other.test"]


async def test_removal(directory: Directory, store: Store) -> None:
    first = await directory.add_account("anna", SECRET._replace(aliases=["info"]))
    await directory.remove_account("info")
    for local_part in ("anna", "info"):
        assert await find(store, local_part, "example.test") is None
    async with store.read(first.account_id) as snapshot:
        assert await snapshot.mailbox.find() is None
        assert await snapshot.folders.list_all() == []
    assert (await refusal(directory.remove_account("anna"))).kind is Kind.NOT_FOUND
    second = await directory.add_account("anna", SECRET)
    assert second.account_id > first.account_id
    await directory.remove_account("anna")
    await directory.remove_domain("example.test")
