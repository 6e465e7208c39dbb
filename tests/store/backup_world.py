"""What tests of backups and moves need: a second store, and all that is in a store, to be compared."""

import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.copies import token_of
from tests.fixtures.factories import CHEAP_AUTH, DOMAIN, Owner
from tests.fixtures.postgres import PostgresServer, run_in_thread

from postroom.app.services import make_domain
from postroom.auth.passwords import PasswordHasher
from postroom.config.root import Config
from postroom.domain.check import check_store
from postroom.domain.restoring import Place
from postroom.model.folder import Folder
from postroom.model.ids import Modseq
from postroom.model.listing import MailListRequest, SortField
from postroom.store import DATABASE_FILE, DEFAULT_INLINE_LIMIT_BYTES, Store, open_store
from postroom.store.backups.catalogue import read_catalogue
from postroom.store.backups.rows import iter_pages

PASSING = ("blobs_held_until", "last_check", "unfinished_copy", "moved_to")
"""What ``meta`` says of one store and not of its copy."""


@pytest.fixture
def second_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a second, empty database of PostgreSQL."""
    names: list[str] = []
    run_in_thread(lambda: names.append(postgres_server.take_database()))
    yield postgres_server.url(names[0])
    run_in_thread(lambda: postgres_server.give_back(names[0]))


@pytest.fixture(params=["sqlite", "postgres"])
def other_url(request: pytest.FixtureRequest) -> str:
    """The URL of a second, empty store."""
    if request.param == "sqlite":
        return "sqlite:"
    return str(request.getfixturevalue("second_postgres_url"))


def place_of(url: str, folder: Path) -> Place:
    """Return where a store of a test is."""
    return Place(url, folder, DEFAULT_INLINE_LIMIT_BYTES, connections=4, database=folder / DATABASE_FILE)


async def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a store, in an order of their own."""
    async with store.engine.read() as connection:
        found: dict[str, list[tuple[Any, ...]]] = {}
        for name, table in (await read_catalogue(store.engine, connection)).items():
            rows = [tuple(row) async for page in iter_pages(connection, table) for row in page]
            if name == "meta":
                rows = [row for row in rows if row[table.place("name")] not in PASSING]
            found[name] = sorted(rows, key=repr)
    return found


async def list_indexed(store: Store) -> dict[int, set[int]]:
    """Return the messages of each account that are in the full-text index."""
    async with store.directory() as directory:
        accounts = await directory.directory.list_after(0, limit=1000)
    indexed: dict[int, set[int]] = {}
    for account in accounts:
        async with store.read(account.account_id) as mailbox:
            indexed[account.account_id] = await mailbox.recounts.list_indexed()
    return indexed


async def assert_sound(store: Store) -> None:
    """Check that ``postroom check`` finds nothing."""
    assert (await check_store(store)).findings == []


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Store]:
    """Open a store for the time of a block."""
    store = await open_store(url, folder)
    try:
        yield store
    finally:
        await store.close()


class StopError(Exception):
    """Work was ended in the middle."""


def stop_after(steps: int) -> Callable[[str, int, int], None]:
    """Return a progress that ends the work it is told of after so many steps."""
    left = [steps]

    def progress(_what: str, _done: int, _total: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StopError

    return progress


def large_message(number: int) -> bytes:
    """Return a message that lies in the blob store."""
    noise = random.Random(number).randbytes(150_000).hex()  # noqa: S311
    return f"From: berta@other.test\r\nSubject: Large {number}\r\n\r\n{noise}\r\n".encode()


async def as_clients_see(owners: Sequence[Owner], *, is_same_history: bool = True) -> list[Any]:
    """Return what the owners' programs see: tokens, folders with their counters, the lists of mails.

    Args:
        owners: of the accounts.
        is_same_history: False leaves out the positions in history.
    """
    seen: list[Any] = []
    for owner in owners:
        caller = await owner.caller()
        folders = (await owner.domain.deltas.folders(caller, text=None, access_mode="all")).new
        seen.append((await token_of(owner), folders) if is_same_history else [_still(one) for one in folders])
        for folder in folders:
            if folder.folder_type == "mails":
                request = MailListRequest(SortField.SUBJECT, False, limit=100)
                page = await owner.domain.mails.list(caller, owner.folder(folder.folder_id), request)
                seen.append(page if is_same_history else page._replace(folder=_still(page.folder)))
    return seen


def _still(folder: Folder) -> Folder:
    return folder._replace(content_modseq=Modseq(0), conversations_modseq=Modseq(0))


async def in_store(owners: Sequence[Owner], store: Store, folder: Path) -> list[Owner]:
    """Return the same accounts in a copy of their store, as a program of its own sees them."""
    config = Config(data_dir=folder, primary_domain=DOMAIN, auth=CHEAP_AUTH)
    hasher = PasswordHasher(CHEAP_AUTH)
    domain = await make_domain(store, config, hasher)
    return [Owner(store, domain, owner.account, owner.password) for owner in owners]


LEAPING = {
    "folder": ("next_uid", "content_modseq", "conversations_modseq", "forgotten_modseq"),
    "mailbox": (
        "modseq",
        "folders_modseq",
        "labels_modseq",
        "contacts_modseq",
        "forgotten_modseq",
        "contacts_forgotten_modseq",
        "next_item_id",
        "next_content_id",
        "next_label_id",
        "next_folder_id",
    ),
    "search_folder": ("created_at",),
    "outgoing_group": ("next_try_at",),
}
"""Columns that go on from another number where the last part of history is lost; mail in the queue is held."""


async def dump_lasting(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a store, without what leaps when it is restored."""
    rows = await dump(store)
    async with store.engine.read() as connection:
        tables = await read_catalogue(store.engine, connection)
    for name, leaping in LEAPING.items():
        places = [tables[name].place(column) for column in leaping]
        rows[name] = sorted(
            (
                tuple(None if place in places else value for place, value in enumerate(row))
                for row in rows[name]
            ),
            key=repr,
        )
    rows["meta"] = [row for row in rows["meta"] if "last_account_id" not in row]
    return rows


async def assert_deltas_begin_anew(owners: Sequence[Owner], tokens: Sequence[str]) -> None:
    """Check that clients with tokens of another history begin anew."""
    for owner, token in zip(owners, tokens, strict=True):
        await owner.add_mail()
        delta = await owner.domain.deltas.mails(await owner.caller(), owner.folder(), text=token, limit=1000)
        assert delta.is_reset
        assert len(delta.new) == delta.total_items


async def assert_deltas_go_on(owners: Sequence[Owner], tokens: Sequence[str]) -> None:
    """Check that clients go on from tokens that another store has given them."""
    for owner, token in zip(owners, tokens, strict=True):
        await owner.add_mail()
        delta = await owner.domain.deltas.mails(await owner.caller(), owner.folder(), text=token, limit=1000)
        assert not delta.is_reset
        assert len(delta.new) == 1
