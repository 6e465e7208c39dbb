"""Documents are read behind the deliveries: found then, by all copies of a mail, whoever dies when."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.documents import attach, make_docx, make_endless, make_odf, make_pdf
from tests.fixtures.factories import AddOwner, Owner, make_message, remove_mail
from tests.fixtures.fulltext import find_contents

from postroom.content.extractor import Extractor, Limits
from postroom.domain import extraction as extraction_module
from postroom.domain.check import check_store
from postroom.domain.extraction import MAX_ATTEMPTS, MOST_REST_SECONDS, ExtractionRunner, rest_after
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.store import Store

ANY = "application/octet-stream"
PAPERS = attach(("a.pdf", "application/pdf", make_pdf("Quarterly zebra")), ("b.odt", ANY, make_odf("Größe")))
MakeRunner = Callable[..., ExtractionRunner]


@pytest.fixture
async def make_runner(store: Store) -> AsyncIterator[MakeRunner]:
    extractors: list[Extractor] = []

    def make(
        clock: TestClock | None = None, *, is_enabled: bool = True, seconds: float = 1
    ) -> ExtractionRunner:
        extractors.append(Extractor(Limits(document_seconds=seconds, message_seconds=5 * seconds)))
        return ExtractionRunner(store, extractors[-1], clock=clock or TestClock(), is_enabled=is_enabled)

    yield make
    for extractor in extractors:
        await extractor.close()


async def work(runner: ExtractionRunner) -> None:
    while await runner.take_turn():
        pass


async def waiting(owner: Owner) -> int:
    async with owner.store.peek(owner.account_id) as mailbox:
        return await mailbox.extractions.count()


async def found(owner: Owner, text: str) -> set[int]:
    return await find_contents(owner.store, owner.account_id, text)


async def modseq(owner: Owner) -> int:
    async with owner.store.peek(owner.account_id) as mailbox:
        state = await mailbox.mailbox.find()
    assert state is not None
    return int(state.modseq)


async def test_documents_are_found_after_they_were_read(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(make_message())
    ref = await owner.add_mail(PAPERS)
    assert await found(owner, "zebra") == set()
    before = await modseq(owner)
    runner = make_runner()
    await work(runner)
    contents = await found(owner, "zebra")
    assert len(contents) == 1
    for word in ("grosse", "papers", "berta", "odt"):
        assert contents <= await found(owner, word)
    assert await waiting(owner) == 0
    # What searches find has changed, and everyone who remembers results can tell.
    assert await modseq(owner) > before
    assert (runner.stats.messages, runner.stats.read, runner.stats.failed) == (1, 2, 0)
    assert not (await check_store(owner.store)).findings
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mail(tx, INBOX, ref.uid)
    assert await found(owner, "zebra") == set()
    assert not (await check_store(owner.store)).findings


async def test_a_copy_is_not_read_again(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    runner = make_runner()
    await work(runner)
    await owner.add_mail(PAPERS)
    assert await waiting(owner) == 0


async def test_a_mail_that_goes_first_is_not_missed(owner: Owner, make_runner: MakeRunner) -> None:
    ref = await owner.add_mail(PAPERS)
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mail(tx, INBOX, ref.uid)
    await work(make_runner())
    assert await waiting(owner) == 0
    assert await found(owner, "zebra") == set()
    assert not (await check_store(owner.store)).findings


async def test_a_mail_that_goes_while_it_is_read_stays_gone(
    owner: Owner, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await owner.add_mail(PAPERS)
    runner = make_runner()
    read = runner._extractor.read

    async def read_slowly(account_id: int, source: object) -> object:
        result = await read(account_id, source)  # type: ignore[arg-type]
        async with owner.store.transaction(owner.account_id) as tx:
            await remove_mail(tx, INBOX, ref.uid)
        return result

    monkeypatch.setattr(runner._extractor, "read", read_slowly)
    await work(runner)
    assert await waiting(owner) == 0
    assert await found(owner, "zebra") == set()
    assert not (await check_store(owner.store)).findings


async def test_poison_is_tried_some_times_and_costs_the_others_nothing(
    owner: Owner, make_runner: MakeRunner
) -> None:
    await owner.add_mail(attach(("x.rtf", ANY, make_endless()), ("ok.docx", ANY, make_docx("zebra"))))
    clock = TestClock()
    runner = make_runner(clock, seconds=0.5)
    await work(runner)
    assert len(await found(owner, "zebra")) == 1
    assert await waiting(owner) == 1
    for _ in range(MAX_ATTEMPTS - 1):
        assert not await runner.take_turn()
        clock.advance(3600)
        await work(runner)
    assert (await waiting(owner), runner.stats.killed, runner.stats.given_up) == (0, MAX_ATTEMPTS, 1)
    assert len(await found(owner, "zebra")) == 1


async def test_a_server_that_died_is_followed_by_another(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    clock = TestClock()
    dead = make_runner(clock)
    async with owner.store.directory_transaction() as tx:
        lease = clock.now_ms() + round(dead._extractor.worst_seconds * 1000)
        old = await tx.extraction_work.claim(owner.account_id, now=clock.now_ms(), until=lease)
    assert old is not None
    other = make_runner(clock)
    assert not await other.take_turn()
    clock.advance(dead._extractor.worst_seconds + 1)
    await work(other)
    assert len(await found(owner, "zebra")) == 1
    # The one that was thought dead comes back, and changes nothing.
    await owner.add_mail(attach(("c.docx", ANY, make_docx("zebra"))))
    async with owner.store.transaction(owner.account_id) as tx:
        assert not await tx.extractions.finish(old)
        assert not await tx.extractions.put_off(old, due_at=0)
    assert await waiting(owner) == 1


async def test_a_message_at_which_servers_die_is_given_up(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    clock = TestClock()
    for _ in range(MAX_ATTEMPTS):
        async with owner.store.directory_transaction() as tx:
            assert await tx.extraction_work.claim(owner.account_id, now=clock.now_ms(), until=clock.now_ms())
        clock.advance(1)
    runner = make_runner(clock)
    await work(runner)
    assert (await waiting(owner), runner.stats.messages, runner.stats.given_up) == (0, 0, 1)


async def test_trouble_that_is_not_the_messages_fault_is_no_attempt(
    owner: Owner, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.add_mail(PAPERS)
    clock = TestClock()
    runner = make_runner(clock)
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "/nonexistent")
        for _ in range(MAX_ATTEMPTS + 2):
            with pytest.raises(OSError, match="nonexistent"):
                await runner.take_turn()
            assert not await runner.take_turn()
            clock.advance(3600)
    await work(runner)
    assert len(await found(owner, "zebra")) == 1


async def test_who_is_told_to_stop_gives_back_what_it_reads(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(attach(("x.rtf", ANY, make_endless())))
    clock = TestClock()
    runner = make_runner(clock, seconds=20)
    turn = asyncio.create_task(runner.take_turn())
    async with asyncio.timeout(10):
        while runner._extractor._process is None:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    async with owner.store.directory_transaction() as tx:
        claim = await tx.extraction_work.claim(owner.account_id, now=clock.now_ms(), until=0)
    assert claim is not None
    assert claim.attempt == 1


async def test_accounts_take_turns(
    add_owner: AddOwner, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction_module, "TURN_MESSAGES", 2)
    owners = [await add_owner(name) for name in ("anna", "berta", "carla")]
    for number, count in enumerate((5, 1, 2)):
        for mail in range(count):
            name = f"{number}-{mail}"
            await owners[number].add_mail(attach(("a.docx", ANY, make_docx(name)), subject=name))
    turns: list[AccountId] = []
    runner = make_runner(seconds=5)
    while await runner.take_turn():
        turns.append(AccountId(runner._last))
    anna, berta, carla = (owner.account_id for owner in owners)
    assert turns == [anna, berta, carla, anna, anna]


async def test_what_waits_goes_with_its_account(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    async with owner.store.transaction(owner.account_id) as tx:
        while await tx.removals.remove_rows(limit=1):
            pass
    assert await waiting(owner) == 0
    assert not await make_runner().take_turn()


async def test_what_waits_is_dropped_where_it_is_switched_off(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    runner = make_runner(is_enabled=False)
    await work(runner)
    assert (await waiting(owner), runner.stats.messages) == (0, 0)


async def test_a_repaired_index_gets_the_documents_again(owner: Owner, make_runner: MakeRunner) -> None:
    await owner.add_mail(PAPERS)
    runner = make_runner()
    await work(runner)
    [content_id] = await found(owner, "zebra")
    async with owner.store.transaction(owner.account_id) as tx:
        await tx.unindex(content_id)
    await check_store(owner.store, repair=True)
    await work(runner)
    assert await found(owner, "zebra") == {content_id}


async def test_it_works_until_it_is_told_to_stop(owner: Owner, make_runner: MakeRunner) -> None:
    clock = TestClock()
    running = asyncio.create_task(make_runner(clock).run())
    await owner.add_mail(PAPERS)
    async with asyncio.timeout(20):
        while await waiting(owner):
            clock.advance(5)
            await asyncio.sleep(0.02)
    assert len(await found(owner, "zebra")) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_deliveries_come_first() -> None:
    assert rest_after(0.2, busy=0.1) == pytest.approx(0.6)
    assert rest_after(0.2, busy=0.9) == pytest.approx(2.4)
    assert rest_after(60, busy=0.9) == MOST_REST_SECONDS
