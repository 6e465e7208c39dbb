"""The full-text index is rebuilt from the messages, while mail comes and goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.documents import attach, make_docx
from tests.fixtures.factories import AddOwner, Owner, make_message, open_owner, remove_mail
from tests.fixtures.fulltext import find_contents

from postroom.content.extractor import Extractor
from postroom.content.work import ContentWork
from postroom.domain import search_rebuild as rebuild_module
from postroom.domain.check import check_store
from postroom.domain.extraction import ExtractionRunner
from postroom.domain.search_rebuild import Progress, SearchRebuild
from postroom.errors import PostroomError
from postroom.model.folder import INBOX
from postroom.store import Store, open_store

PAPER = attach(("a.docx", "application/octet-stream", make_docx("zebra")), subject="Paper")


@pytest.fixture
async def extractor() -> AsyncIterator[Extractor]:
    made = Extractor()
    yield made
    await made.close()


async def found(owner: Owner, text: str) -> int:
    return len(await find_contents(owner.store, owner.account_id, text))


async def damage(owner: Owner) -> None:
    """Take some of what there is out of the index, and put in what is not there."""
    async with owner.store.read(owner.account_id) as mailbox:
        indexed = sorted(await mailbox.recounts.list_indexed())
    async with owner.store.transaction(owner.account_id) as tx:
        for number in indexed[::2]:
            await tx.unindex(number)
        digest = await ContentWork().digest(make_message(subject="Ghost"))
        for number in (900, 901):
            await tx.index(number, digest.index_terms)


async def test_everything_is_there_again(store: Store, add_owner: AddOwner, extractor: Extractor) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta")]
    for owner in owners:
        for number in range(7):
            await owner.add_mail(make_message(subject=f"Letter {number}"))
        await owner.add_mail(PAPER)
        await damage(owner)
    steps: list[Progress] = []
    rebuilt = await SearchRebuild(store, ContentWork(), extractor, on_progress=steps.append).run()
    assert (rebuilt.accounts, rebuilt.messages, rebuilt.documents, rebuilt.removed) == (2, 16, 2, 4)
    assert rebuilt.problems == []
    for owner in owners:
        assert (await found(owner, "letter"), await found(owner, "zebra"), await found(owner, "ghost")) == (
            7,
            1,
            0,
        )
        # The server has nothing left to read.
        async with store.peek(owner.account_id) as mailbox:
            assert await mailbox.extractions.count() == 0
    assert [(step.done, step.total) for step in steps] == [(0, 8), (8, 8)] * 2
    assert not (await check_store(store)).findings


async def test_from_scratch(store: Store, add_owner: AddOwner) -> None:
    owners = [await add_owner(name) for name in ("anna", "berta", "carla")]
    for owner in owners:
        await owner.add_mail(make_message(subject="Giraffe"))
        await damage(owner)

    async def states() -> list[str]:
        indexes = owners[0].domain.indexes
        told = [await indexes.states(await owner.caller(), owner.folder()) for owner in owners]
        return [state["search"].state for state in told]

    def stop(progress: Progress) -> None:
        if progress.address.startswith("berta"):
            raise KeyboardInterrupt

    assert await states() == ["uptodate"] * 3
    with pytest.raises(KeyboardInterrupt):
        await SearchRebuild(store, ContentWork(), None, on_progress=stop).run(is_from_scratch=True)
    assert [await found(owner, "giraffe") for owner in owners] == [1, 0, 0]
    assert await states() == ["uptodate", "uninitialized", "uninitialized"]
    # One account by itself says nothing of the others.
    await SearchRebuild(store, ContentWork(), None).run(only=owners[2].account_id)
    assert await states() == ["uptodate", "uninitialized", "uninitialized"]
    # Run again, it goes to the end.
    await SearchRebuild(store, ContentWork(), None).run()
    assert [await found(owner, "giraffe") for owner in owners] == [1, 1, 1]
    assert await states() == ["uptodate"] * 3
    assert not (await check_store(store)).findings


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE fulltext_data SET block = zeroblob(length(block)) WHERE id > 10",
        "DELETE FROM fulltext_data WHERE id > 10",
        "UPDATE fulltext_data SET block = zeroblob(20) WHERE id = 10",
        "DELETE FROM fulltext_docsize",
    ],
)
async def test_a_damaged_index_is_made_from_scratch(tmp_path: Path, damage: str) -> None:
    owner = await open_owner(tmp_path)
    for number in range(20):
        await owner.add_mail(make_message(subject=f"Giraffe {number}"))
    await owner.store.close()
    connection = apsw.Connection(str(tmp_path / "postroom.sqlite"))
    connection.execute(damage)
    connection.close()
    store = await open_store("sqlite:", tmp_path)
    await SearchRebuild(store, ContentWork(), None).run(is_from_scratch=True)
    assert len(await find_contents(store, owner.account_id, "giraffe")) == 20
    assert not (await check_store(store)).findings
    await store.close()


async def test_a_search_in_a_damaged_index_says_what_to_do(tmp_path: Path) -> None:
    owner = await open_owner(tmp_path)
    await owner.add_mail(make_message(subject="Giraffe"))
    async with owner.store.engine.write() as connection:
        await connection.execute("UPDATE fulltext_data SET block = zeroblob(length(block)) WHERE id > 10")
    with pytest.raises(PostroomError, match="reindex --search --from-scratch") as caught:
        await find_contents(owner.store, owner.account_id, "giraffe")
    assert caught.value.code == "unavailable"
    await owner.store.close()


async def test_one_account_alone(store: Store, add_owner: AddOwner) -> None:
    anna, berta = [await add_owner(name) for name in ("anna", "berta")]
    for owner in (anna, berta):
        await owner.add_mail(make_message(subject="Giraffe"))
        await damage(owner)
    rebuilt = await SearchRebuild(store, ContentWork(), None).run(only=berta.account_id)
    assert (rebuilt.accounts, rebuilt.messages) == (1, 1)
    assert (await found(anna, "giraffe"), await found(berta, "giraffe")) == (0, 1)


async def test_mail_comes_and_goes_meanwhile(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_module, "SLICE", 3)
    refs = [await owner.add_mail(make_message(subject=f"Letter {number}")) for number in range(10)]
    seen: list[int] = []

    class Busy(ContentWork):
        async def digest(self, raw: object) -> object:  # type: ignore[override]
            seen.append(await found(owner, "letter"))
            ref = refs.pop()
            async with owner.store.transaction(owner.account_id) as tx:
                await remove_mail(tx, INBOX, ref.uid)
            await owner.add_mail(make_message(subject=f"New letter {len(refs)}"))
            return await super().digest(raw)  # type: ignore[arg-type]

    rebuilt = await SearchRebuild(owner.store, Busy(), None).run()
    # All of the time as many are found as there are.
    assert set(seen) == {10}
    assert await found(owner, "letter") == 10
    assert rebuilt.messages < 10
    assert not (await check_store(owner.store)).findings


async def test_it_may_be_interrupted_and_run_again(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_module, "SLICE", 2)
    for number in range(6):
        await owner.add_mail(make_message(subject=f"Letter {number}"))

    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    await damage(owner)
    with pytest.raises(KeyboardInterrupt):
        await SearchRebuild(owner.store, ContentWork(), None, on_progress=stop).run()
    for _ in range(2):
        await SearchRebuild(owner.store, ContentWork(), None).run()
        assert await found(owner, "letter") == 6
    assert not (await check_store(owner.store)).findings


async def test_results_that_are_remembered_grow_old(owner: Owner) -> None:
    await owner.add_mail()
    async with owner.store.peek(owner.account_id) as mailbox:
        before = await mailbox.mailbox.find()
    await SearchRebuild(owner.store, ContentWork(), None).run()
    async with owner.store.peek(owner.account_id) as mailbox:
        after = await mailbox.mailbox.find()
    assert before is not None
    assert after is not None
    assert after.modseq > before.modseq


async def test_what_cannot_be_read_is_told_and_kept(owner: Owner) -> None:
    await owner.add_mail(make_message(subject="Letter fine"))
    large = make_message(
        subject="Letter lost", body="".join(f"{number * 7919}\r\n" for number in range(90_000))
    )
    await owner.add_mail(large)
    async for blob in owner.store.blobs.iter_all():
        await owner.store.blobs.delete(blob.account_id, blob.sha256)
    rebuilt = await SearchRebuild(owner.store, ContentWork(), None).run()
    assert rebuilt.messages == 1
    [problem] = rebuilt.problems
    assert problem.startswith("anna@example.test: content ")
    assert await found(owner, "letter") == 2


async def test_documents_are_left_to_the_server_if_they_are_not_read(
    owner: Owner, extractor: Extractor
) -> None:
    await owner.add_mail(PAPER)
    await SearchRebuild(owner.store, ContentWork(), None).run()
    assert await found(owner, "zebra") == 0
    runner = ExtractionRunner(owner.store, extractor, clock=TestClock())
    while await runner.take_turn():
        pass
    assert await found(owner, "zebra") == 1
