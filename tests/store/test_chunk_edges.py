# ruff: noqa: S311
"""What is remembered of chunks holds, whoever changed them last and whatever was taken back."""

import random
from pathlib import Path

import pytest
from tests.fixtures.factories import make_filing, mark_mail, remove_mail

from postroom.domain.filing import Flags, file_mail
from postroom.domain.mailbox import create_mailbox
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, Uid
from postroom.store import Store, chunk_edges, open_store
from postroom.store.chunk_edges import ChunkEdges, chunk_of, draw_edition
from postroom.store.engine.base import Connection
from postroom.store.sql import orders
from postroom.store.tx import Transaction

ACCOUNT = AccountId(1)


class TakenBackError(Exception):
    """What makes a transaction fail."""


async def change(tx: Transaction, chance: random.Random, uids: list[Uid]) -> list[Uid]:
    """Do something to the Inbox; return the mails that are there then."""
    match chance.randrange(4):
        case 0 | 1:
            filing = make_filing(chance.randrange(10))
            mail = await file_mail(tx, filing, INBOX, date=chance.randrange(1000), flags=Flags())
            return [*uids, mail.uid]
        case 2 if uids:
            uid = chance.choice(uids)
            await remove_mail(tx, INBOX, uid)
            return [one for one in uids if one != uid]
        case _ if uids:
            is_unread, is_flagged = chance.random() < 0.5, chance.random() < 0.5
            await mark_mail(tx, INBOX, chance.choice(uids), is_unread=is_unread, is_flagged=is_flagged)
    return uids


async def fill(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an Inbox of some small chunks in each order."""
    monkeypatch.setattr(orders, "CAPACITY", 8)
    async with store.transaction(ACCOUNT) as tx:
        await create_mailbox(tx, "en", uid_validity=1)
        for number in range(40):
            await file_mail(tx, make_filing(number), INBOX, date=number, flags=Flags())


async def find_faults(store: Store) -> list[str]:
    async with store.read(ACCOUNT) as mailbox:
        folders = await mailbox.orders.list_folders()
        return [fault for folder_id in folders for fault in await mailbox.orders.find_faults(folder_id)]


@pytest.mark.parametrize("seed", range(4))
async def test_two_processes_and_failures(
    store: Store, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)
    chance = random.Random(seed)
    other = await open_store(store_url, tmp_path / "data")
    try:
        async with store.transaction(ACCOUNT) as tx:
            await create_mailbox(tx, "en", uid_validity=1)
        uids: list[Uid] = []
        for _ in range(150):
            one = chance.choice((store, other))
            after = uids
            try:
                async with one.transaction(ACCOUNT) as tx:
                    for _ in range(chance.randrange(1, 6)):
                        after = await change(tx, chance, after)
                    if chance.random() < 0.3:
                        raise TakenBackError
                uids = after
            except TakenBackError:
                pass
        assert len(uids) > 20
        assert await find_faults(store) == []
    finally:
        await other.close()


async def test_chunks_are_not_looked_up_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store, monkeypatch)
    asked: list[str] = []
    async with store.transaction(ACCOUNT) as tx:
        connection: Connection = tx._connection
        kind = type(connection)
        fetch_all = kind.fetch_all

        async def note(self: Connection, sql: str, *args: object) -> object:
            asked.append(sql)
            return await fetch_all(self, sql, *args)

        monkeypatch.setattr(kind, "fetch_all", note)
        await file_mail(tx, make_filing(50), INBOX, date=50, flags=Flags())
    assert [sql for sql in asked if "order_chunk" in sql] == []


async def test_damaged_chunks_are_no_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store, monkeypatch)
    async with store.engine.write() as connection:
        await connection.execute("DELETE FROM order_chunk WHERE sort = $1", 0)
        await connection.execute("UPDATE folder SET chunks_edition = $1 WHERE folder_id = $2", 7, INBOX)
    for number in range(3):
        async with store.transaction(ACCOUNT) as tx:
            await file_mail(tx, make_filing(60 + number), INBOX, date=number, flags=Flags())
    assert [fault.partition(":")[0] for fault in await find_faults(store)] == ["date"]
    async with store.transaction(ACCOUNT) as tx:
        await tx.orders.rebuild(INBOX, total_items=43)
    assert await find_faults(store) == []


def test_only_the_very_edition_is_known() -> None:
    edges = ChunkEdges()
    edges.remember((1, 2, 0), 5, [[b"", b"k"]])
    assert edges.find((1, 2, 0), 5) == [[b"", b"k"]]
    assert edges.find((1, 2, 0), 6) is None
    assert edges.find((1, 2, 16), 5) is None
    assert edges.take((1, 2, 0), 6) is None
    assert edges.find((1, 2, 0), 5) is None


def test_a_list_is_worth_reading_when_asked_for_again() -> None:
    edges = ChunkEdges()
    assert [edges.is_asked_again((1, 2, 0)) for _ in range(3)] == [False, True, True]


def test_what_was_used_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_edges, "MAX_EDGES", 10)
    edges = ChunkEdges()
    for number in range(4):
        edges.remember((1, number, 0), 5, [[b""] * 4])
        assert edges.find((1, 0, 0), 5)
    assert [edges.find((1, number, 0), 5) is not None for number in range(4)] == [True, False, False, True]
    edges.remember((1, 9, 0), 5, [[b""] * 99])
    assert edges.find((1, 9, 0), 5), "the last is kept, however large"
    monkeypatch.setattr(chunk_edges, "MAX_LISTS", 3)
    for number in range(10):
        edges.is_asked_again((2, number, 0))
    assert not edges.is_asked_again((2, 0, 0))


def test_a_key_is_in_the_last_chunk_that_begins_before_it() -> None:
    lows = [b"", b"b", b"d"]
    assert [chunk_of(lows, key) for key in (b"a", b"b", b"c", b"d", b"e")] == [b"", b"b", b"b", b"d", b"d"]


def test_editions_differ() -> None:
    drawn = {draw_edition() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(0 < edition < 1 << 62 for edition in drawn)
