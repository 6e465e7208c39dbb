"""Counted chunks against a plain sorted list: any row of any order is found, and any mail's row, at any time.

The machine files, changes and removes mails at random, with chunks so small that they split and merge all the time.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.fixtures.factories import make_filing, mark_mail, remove_mail

from postroom.content.digest import Digest
from postroom.domain.filing import Flags, file_mail
from postroom.domain.mailbox import create_mailbox
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId, FolderId
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store import Store, open_store
from postroom.store.order_keys import key_of
from postroom.store.sorting import SORT_COLUMNS, SortKeys
from postroom.store.sql import orders
from postroom.store.tx import Transaction

T = TypeVar("T")
SMALL_CAPACITY = 8
SORTS = [Sort(field, descending) for field in SORT_COLUMNS for descending in (False, True)]
TEMPLATE = make_filing(1)

filings = st.builds(
    lambda size, importance, has_attachments, texts: TEMPLATE._replace(
        size_bytes=size,
        importance=importance,
        has_attachments=has_attachments,
        sort_subject=texts[0],
        sort_from=texts[1],
        sort_to=texts[2],
    ),
    st.sampled_from((0, 1, 255, 256, 1 << 40)),
    st.integers(0, 2),
    st.booleans(),
    st.tuples(*[st.sampled_from((b"", b"\x01", b"a", b"a\x01", b"b", b"\xff\xff"))] * 3),
)
dates = st.sampled_from((0, 1, 2, 1 << 31, (1 << 40) + 1))


class Stored:
    """A mail as the model has it."""

    def __init__(self, mail: Mail, keys: SortKeys) -> None:
        self.mail = mail
        self.keys = keys


class OrdersMachine(RuleBasedStateMachine):
    """One folder, in a transaction that is never committed."""

    store: Store
    runner: asyncio.Runner
    next_account_id = 1

    def __init__(self) -> None:
        super().__init__()
        cls = type(self)
        self.account_id = AccountId(cls.next_account_id)
        cls.next_account_id += 1
        self.block: AbstractAsyncContextManager[Transaction] = self.store.transaction(self.account_id)
        self.tx = self.run(self.block.__aenter__())
        self.model: list[Stored] = []

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            failure = RuntimeError("taken back")
            assert not self.run(self.block.__aexit__(RuntimeError, failure, None))

    @initialize(filing=filings, count=st.integers(0, SMALL_CAPACITY * 4))
    def begin(self, filing: Digest, count: int) -> None:
        self.run(create_mailbox(self.tx, "en", uid_validity=1))
        for number in range(count):
            self.add(filing, number, Flags(is_unread=number % 3 == 0))

    @rule(filing=filings, date=dates, flags=st.builds(Flags, *[st.booleans()] * 4, refw=st.integers(0, 3)))
    def add(self, filing: Digest, date: int, flags: Flags) -> None:
        mail = self.run(file_mail(self.tx, filing, INBOX, date=date, flags=flags))
        keys = SortKeys(
            date=date,
            size_bytes=filing.size_bytes,
            is_unread=int(flags.is_unread),
            is_flagged=int(flags.is_flagged),
            importance=filing.importance,
            has_attachments=int(filing.has_attachments),
            subject=filing.sort_subject,
            from_=filing.sort_from,
            to=filing.sort_to,
        )
        self.model.append(Stored(mail, keys))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 12), oldest=st.booleans())
    def remove(self, data: Any, count: int, oldest: bool) -> None:
        for _ in range(min(count, len(self.model))):
            place = 0 if oldest else data.draw(st.integers(0, len(self.model) - 1))
            stored = self.model.pop(place)
            self.run(remove_mail(self.tx, INBOX, stored.mail.uid))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), is_unread=st.none() | st.booleans(), is_flagged=st.none() | st.booleans())
    def change(self, data: Any, is_unread: bool | None, is_flagged: bool | None) -> None:
        stored = data.draw(st.sampled_from(self.model))
        _, stored.mail = self.run(
            mark_mail(self.tx, INBOX, stored.mail.uid, is_unread=is_unread, is_flagged=is_flagged)
        )
        stored.keys = stored.keys._replace(is_unread=stored.mail.is_unread, is_flagged=stored.mail.is_flagged)

    @rule()
    def rebuild(self) -> None:
        self.run(self.tx.orders.rebuild(INBOX, total_items=len(self.model)))

    @rule(sort=st.sampled_from(SORTS), start=st.integers(0, 60), limit=st.integers(0, 30))
    def page(self, sort: Sort, start: int, limit: int) -> None:
        expected = [stored.mail for stored in self.sorted(sort)]
        assert self.run(page(self.tx, sort, start, limit)) == expected[start : start + limit]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), sort=st.sampled_from(SORTS))
    def rank(self, data: Any, sort: Sort) -> None:
        stored = data.draw(st.sampled_from(self.model))
        key = key_of(sort.field, stored.keys, stored.mail.uid)
        row = self.run(self.tx.orders.rank(INBOX, sort, key=key, total_items=len(self.model)))
        assert row == self.sorted(sort).index(stored)

    @rule(sort=st.sampled_from(SORTS))
    def every_row(self, sort: Sort) -> None:
        expected = self.sorted(sort)
        for row, stored in enumerate(expected):
            assert self.run(page(self.tx, sort, row, 1)) == [stored.mail]
            assert self.run(self.tx.orders.find_position(INBOX, sort, row)).skip <= SMALL_CAPACITY

    @rule()
    def check(self) -> None:
        folders = self.run(self.tx.orders.list_folders())
        if INBOX not in folders:
            assert len(self.model) <= SMALL_CAPACITY
            return
        assert folders == [INBOX]
        assert self.run(self.tx.orders.find_faults(INBOX)) == []
        for field in SORT_COLUMNS:
            chunks = self.run(self.tx.orders._list(INBOX, field))
            assert sum(chunk.items for chunk in chunks) == len(self.model)
            assert all(0 <= chunk.items <= SMALL_CAPACITY for chunk in chunks)
            assert len(chunks) <= 2 + 8 * len(self.model) / SMALL_CAPACITY

    def sorted(self, sort: Sort) -> list[Stored]:
        def key(stored: Stored) -> tuple[object, ...]:
            return key_of(sort.field, stored.keys, stored.mail.uid)

        return sorted(self.model, key=key, reverse=sort.descending)


async def page(tx: Transaction, sort: Sort, start: int, limit: int) -> list[Mail]:
    position = await tx.orders.find_position(INBOX, sort, start)
    return await tx.mails.list_page(INBOX, sort, anchor=position.anchor, skip=position.skip, limit=limit)


@contextmanager
def machine_over(url: str, folder: Path) -> Iterator[type[OrdersMachine]]:
    with asyncio.Runner() as runner:
        store = runner.run(open_store(url, folder, connections=2))

        class Machine(OrdersMachine):
            """The machine on one store."""

        Machine.store, Machine.runner = store, runner
        yield Machine
        runner.run(store.close())


def run_machine(url: str, folder: Path, *, examples: int, steps: int) -> None:
    with machine_over(url, folder) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_orders_equal_a_sorted_list(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", SMALL_CAPACITY)
    run_machine(store_url, tmp_path, examples=50 if store_url == "sqlite:" else 20, steps=40)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_orders_equal_a_sorted_list_for_long(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "CAPACITY", SMALL_CAPACITY)
    run_machine(store_url, tmp_path, examples=1500 if store_url == "sqlite:" else 200, steps=60)


async def test_faults_are_found_and_mended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", SMALL_CAPACITY)
    account_id = AccountId(1)
    async with store.transaction(account_id) as tx:
        await create_mailbox(tx, "en", uid_validity=1)
        for number in range(40):
            await file_mail(tx, TEMPLATE, INBOX, date=number, flags=Flags())
    async with store.engine.write() as connection:
        await connection.execute(
            "UPDATE order_chunk SET items = items + 1 WHERE sort = 3 AND low_key <> $1", b""
        )
        await connection.execute("DELETE FROM order_chunk WHERE sort = 5 AND low_key = $1", b"")
    async with store.transaction(account_id) as tx:
        faults = await tx.orders.find_faults(INBOX)
        assert [fault.partition(":")[0] for fault in faults if "missing" in fault] == ["isUnread"]
        assert any(fault.startswith("to: a chunk counts") for fault in faults)
        await tx.orders.rebuild(INBOX, total_items=40)
        assert await tx.orders.find_faults(INBOX) == []
        assert await tx.orders.list_folders() == [INBOX]
        await tx.orders.rebuild(INBOX, total_items=0)
        assert await tx.orders.list_folders() == []


async def test_a_small_folder_has_no_chunks(store: Store) -> None:
    account_id = AccountId(1)
    async with store.transaction(account_id) as tx:
        await create_mailbox(tx, "en", uid_validity=1)
        for number in range(30):
            await file_mail(tx, TEMPLATE, FolderId(INBOX), date=number, flags=Flags())
        assert await tx.orders.list_folders() == []
        key = key_of(SortField.DATE, SortKeys(7, 0, 0, 0, 0, 0, b"", b"", b""), (await newest(tx, 7)).uid)
        sort = Sort(SortField.DATE, descending=True)
        assert await tx.orders.rank(INBOX, sort, key=key, total_items=30) == 22


async def newest(tx: Transaction, date: int) -> Mail:
    mails = await page(tx, Sort(SortField.DATE, descending=False), date, 1)
    return mails[0]
