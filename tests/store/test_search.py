"""Searches find what a plain look at each mail finds, on either engine and whichever way they take."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fixtures.factories import AddOwner, Owner, make_message, open_owner
from tests.store.search_world import SearchWorld

from postroom.domain import Domain
from postroom.domain import search as search_module
from postroom.domain.filing import Flags
from postroom.errors import Kind, PostroomError
from postroom.model.folder import INBOX, SENT
from postroom.model.ids import FolderId, FolderRef
from postroom.search.query import Criterion, Phrase, Text, parse_query
from postroom.store.engine import _sqlite_connection

ENDLESS = """
WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers) SELECT count(*) AS n1 FROM numbers
"""
WORD = Text((Phrase("subject", ("word",), False),))


async def search(
    owner: Owner, domain: Domain, criteria: list[Criterion], *folders: FolderId, recursive: bool = False
) -> list[int]:
    """Return the numbers of the mails found."""
    refs = [FolderRef(owner.account_id, folder) for folder in folders or (INBOX,)]
    found = await domain.search.run(
        await owner.caller(), refs, parse_query(criteria, int), recursive=recursive
    )
    return list(found.item_ids)


@pytest.mark.parametrize("way", ["lookups", "sets", "facets"])
async def test_searches_agree_with_a_plain_look(
    owner: Owner, domain: Domain, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way != "lookups":
        monkeypatch.setattr(search_module, "FEW", 0 if way == "sets" else 20)
        for name in ("_LOOKUP_COST", "_ROW_COST"):
            monkeypatch.setattr(search_module, name, 1_000_000)
    caller = await owner.caller()
    labels = [(await domain.labels.create(caller, name)).label_id for name in ("One", "Two")]
    world = SearchWorld(owner, seed=sum(way.encode()))
    await world.fill(120, [INBOX, INBOX, SENT], labels)
    hits = 0
    for number in range(250):
        criteria = [world.ask(labels) for _ in range(world.chance.choice((0, 1, 1, 1, 2, 3)))]
        folders = [INBOX] if number % 2 else [INBOX, SENT]
        expected = world.expect(criteria, folders)
        assert await search(owner, domain, criteria, *folders) == expected, criteria
        hits += 0 < len(expected) < len(world.letters) / 2
    assert hits > 80


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Owner]:
    """An account of a store on SQLite, whose searches run in threads of this process."""
    owner = await open_owner(tmp_path)
    yield owner
    await owner.store.close()


async def test_a_search_that_takes_too_long_is_given_up(
    on_sqlite: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = on_sqlite
    await owner.add_mail(make_message(subject="word"))
    monkeypatch.setattr(_sqlite_connection, "MAX_SECONDS", 0.1)
    async with owner.store.read(owner.account_id) as mailbox:
        with pytest.raises(PostroomError) as caught:
            await mailbox._connection.fetch_columns(ENDLESS)
        assert caught.value.kind is Kind.UNAVAILABLE
        # The connection is as good as before.
        assert len((await mailbox.mail_filters.search_text(WORD)).contents) == 1
    async with owner.store.read(owner.account_id) as mailbox:
        assert len((await mailbox.mail_filters.search_text(WORD)).contents) == 1


async def test_a_search_ends_with_who_asked(on_sqlite: Owner) -> None:
    owner = on_sqlite
    await owner.add_mail(make_message(subject="word"))

    async def ask() -> None:
        async with owner.store.read(owner.account_id) as mailbox:
            await mailbox._connection.fetch_columns(ENDLESS)

    tasks = [asyncio.create_task(ask()) for _ in range(5)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(one, asyncio.CancelledError)
        for one in await asyncio.gather(*tasks, return_exceptions=True)
    )
    async with owner.store.read(owner.account_id) as mailbox:
        assert len((await mailbox.mail_filters.search_text(WORD)).contents) == 1


async def test_a_search_whose_statement_has_not_begun_ends_with_who_asked(on_sqlite: Owner) -> None:
    async with on_sqlite.store.read(on_sqlite.account_id) as mailbox:
        connection = mailbox._connection
        assert isinstance(connection, _sqlite_connection.SQLiteConnection)
        begun = threading.Event()

        def work() -> None:
            begun.set()
            time.sleep(0.1)
            connection._connection.execute(ENDLESS).fetchall()

        task = asyncio.create_task(connection._in_thread(work))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        # It is far less than the time after which any search is given up.
        done, _ = await asyncio.wait([task], timeout=10)
        assert done == {task}
        assert task.cancelled()


async def test_others_are_served_while_a_search_is_under_way(on_sqlite: Owner) -> None:
    owner = on_sqlite

    async def ask() -> None:
        async with owner.store.read(owner.account_id) as mailbox:
            await mailbox._connection.fetch_columns(ENDLESS)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0.05)
    refs = [await owner.add_mail(make_message(subject=f"{number}")) for number in range(5)]
    assert len(refs) == 5
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_what_was_filed_is_found_at_once(owner: Owner, domain: Domain) -> None:
    for number in range(20):
        await owner.add_mail(make_message(subject=f"fresh{number}"), flags=Flags(is_flagged=True))
        assert len(await search(owner, domain, [Criterion("subject", f"fresh{number}")])) == 1
    assert (
        len(await search(owner, domain, [Criterion("subject", "fresh"), Criterion("flag", "followup")])) == 20
    )


@pytest.mark.parametrize("count", [3, 30])
async def test_other_accounts_cost_and_show_nothing(
    owner: Owner, domain: Domain, add_owner: AddOwner, count: int
) -> None:
    for number in range(count):
        other = await add_owner(f"other{number}")
        await other.add_mail(make_message(subject="common word", from_="common@other.test"))
    ref = await owner.add_mail(make_message(subject="common thing"))
    async with owner.store.read(owner.account_id) as mailbox:
        words = await mailbox.mail_filters.list_words("common", limit=10)
        mail = await mailbox.mails.find(ref.folder, ref.uid)
    assert mail is not None
    assert words == [("common", 1)]
    for value in ("common", '"common"', "com", "co th"):
        assert await search(owner, domain, [Criterion("anyfield", value)]) == [mail.item_id]
    assert await search(owner, domain, [Criterion("anyfield", "word")]) == []
