"""The check: finds each kind of fault, repairs what can be derived, and leaves the rest alone."""

import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fixtures.factories import DATE, AddOwner, Owner, make_filing, make_message, remove_mail

from postroom.domain import check
from postroom.domain.blob_hold import held
from postroom.domain.check import check_store, find_last_drift
from postroom.domain.directory import Directory
from postroom.domain.examination import Fault, examine
from postroom.domain.filing import Flags, file_mail
from postroom.model.folder import INBOX
from postroom.model.ids import Uid
from postroom.store import Store
from postroom.store.blobs.base import BlobInfo
from postroom.store.sql import orders
from postroom.store.tx import Snapshot

NOISE = random.Random(1).randbytes(200_000).hex()  # noqa: S311


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", 8)


@pytest.fixture
async def filled(owner: Owner, add_owner: AddOwner) -> Owner:
    """An account with some of everything, beside another one."""
    for number in range(20):
        await owner.add_mail(make_message(subject=f"Letter {number % 15}"), date=DATE + number)
    await owner.add_mail(make_message(body=NOISE))
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mail(tx, INBOX, Uid(3))
    async with owner.store.engine.write() as connection:
        await connection.execute("INSERT INTO label VALUES ($1, 1, 'a', 'a', 1, 1, 1)", owner.account_id)
        await connection.execute("UPDATE mail SET labels = '1' WHERE uid = 5")
        await connection.execute("INSERT INTO folder_label VALUES ($1, 2, 1, 1, 1)", owner.account_id)
    other = await add_owner("berta")
    await other.add_mail()
    return owner


async def found(store: Store, *, repair: bool = False) -> list[tuple[str, bool]]:
    report = await check_store(store, repair=repair)
    return sorted((fault.kind, fault.repaired) for fault in report.findings)


async def test_all_is_well(filled: Owner, store: Store) -> None:
    told: list[str] = []
    report = await check_store(store, progress=told.append)
    assert report.findings == []
    assert (report.accounts, report.mails, report.contents, report.blobs) == (2, 21, 17, 1)
    assert report.drift == await find_last_drift(store) == 0
    assert filled.account.address in told
    assert await found(store, repair=True) == []


class Harm(NamedTuple):
    """Something done behind the program's back, and the faults it makes."""

    statement: str
    faults: list[str]
    can_be_repaired: bool = True


HARMS = {
    "folder total": Harm(
        "UPDATE folder SET total_items = total_items + 1 WHERE folder_id = 2", ["counter"] * 2
    ),
    "folder unread": Harm("UPDATE folder SET unread_items = 0 WHERE folder_id = 2", ["counter"] * 2),
    "folder size": Harm("UPDATE folder SET size_bytes = 7 WHERE folder_id = 3", ["counter"] * 2),
    "mailbox total": Harm("UPDATE mailbox SET total_items = 0", ["counter"] * 2),
    "mailbox size": Harm("UPDATE mailbox SET size_bytes = size_bytes - 1", ["counter"] * 2),
    "label": Harm("UPDATE label SET unread_items = 5", ["counter"]),
    "label in a folder": Harm("UPDATE folder_label SET total_items = 5", ["counter"]),
    "label lost in a folder": Harm("DELETE FROM folder_label", ["counter"]),
    "references": Harm("UPDATE content SET refs = refs + 1 WHERE content_id = 1", ["reference"] * 2),
    "unused content": Harm(
        "INSERT INTO content (account_id, content_id, sha256, size_bytes, refs, structure, data, threading) "
        "SELECT account_id, 900, $1, size_bytes, 1, structure, data, threading FROM content"
        " WHERE content_id = 1 AND account_id = (SELECT min(account_id) FROM account)",
        ["content", "reference"],
    ),
    "tombstone": Harm(
        "INSERT INTO tombstone SELECT account_id, folder_id, uid, 1, 1, 1, 0 FROM mail WHERE uid = 7",
        ["tombstone"],
    ),
    "conversation": Harm("UPDATE conversation SET unread_items = 7 WHERE conversation_id = 4", []),
    "conversation gone": Harm("DELETE FROM conversation WHERE conversation_id = 4", []),
    "conversation in a folder": Harm("UPDATE conversation_folder SET date = 7 WHERE conversation_id = 4", []),
    "conversation gone from a folder": Harm("DELETE FROM conversation_folder WHERE conversation_id = 4", []),
    "folder's conversations": Harm(
        "UPDATE folder SET conversations = 1 WHERE folder_id = 2 AND total_items > 1", ["conversation"]
    ),
    "reference keys": Harm("DELETE FROM reference_key WHERE item_id = 4", []),
    "subject key left over": Harm("INSERT INTO subject_key SELECT account_id, 5, 0, 5, 5 FROM account", []),
    "mail in another conversation": Harm("UPDATE mail SET conversation_id = 5 WHERE item_id = 4", []),
    "mail in no conversation": Harm("UPDATE mail SET conversation_id = 0 WHERE item_id = 4", []),
    "chunks of conversations": Harm("DELETE FROM order_chunk WHERE sort = 17", ["conversation"]),
    "chunk count": Harm("UPDATE order_chunk SET items = items + 1 WHERE sort = 4", []),
    "chunks of an order": Harm("DELETE FROM order_chunk WHERE sort = 2", ["order"]),
    "mail gone": Harm("DELETE FROM mail WHERE uid = 9", []),
    "lost mails": Harm("UPDATE mail SET folder_id = 77 WHERE uid = 9", [], can_be_repaired=False),
    "content bytes": Harm(
        "UPDATE content SET data = $1 WHERE content_id = 2", ["content"], can_be_repaired=False
    ),
    "part tree": Harm(
        "UPDATE content SET structure = $1 WHERE content_id = 2", ["content"], can_be_repaired=False
    ),
    "size": Harm("UPDATE content SET size_bytes = 9 WHERE content_id = 2", [], can_be_repaired=False),
    "content gone": Harm("DELETE FROM content WHERE content_id = 2", [], can_be_repaired=False),
}


@pytest.mark.parametrize("name", HARMS)
async def test_harm_is_found_and_repaired(filled: Owner, store: Store, name: str) -> None:
    harm = HARMS[name]
    arguments = (b"\x00" * 32,) if "$1" in harm.statement else ()
    async with store.engine.write() as connection:
        await connection.execute(harm.statement, *arguments)
    first = await found(store)
    assert first
    assert not any(repaired for _, repaired in first)
    if harm.faults:
        assert [kind for kind, _ in first] == harm.faults
    second = await found(store, repair=True)
    assert second
    assert {kind for kind, _ in second} <= {kind for kind, _ in first}
    third = await found(store)
    if harm.can_be_repaired:
        assert all(repaired for _, repaired in second)
        assert third == []
    else:
        assert not all(repaired for _, repaired in second)
        assert all(kind in {"content", "mailbox", "fulltext"} for kind, _ in third)
    assert filled.account_id


async def test_drift_is_remembered(filled: Owner, store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute("UPDATE folder SET unread_items = 0 WHERE folder_id = 2")
    await check_store(store)
    assert await find_last_drift(store) == 2
    await check_store(store, repair=True)
    assert await find_last_drift(store) == 2
    await check_store(store)
    assert await find_last_drift(store) == 0
    assert filled.account_id


async def test_clients_see_a_corrected_counter(filled: Owner, store: Store) -> None:
    async with store.engine.write() as connection:
        await connection.execute("UPDATE folder SET unread_items = 0 WHERE folder_id = 2")
    async with store.read(filled.account_id) as mailbox:
        before = await mailbox.folders.find(INBOX)
    await check_store(store, repair=True)
    async with store.read(filled.account_id) as mailbox:
        after = await mailbox.folders.find(INBOX)
    assert before is not None
    assert after is not None
    assert (before.unread_items, after.unread_items) == (0, 20)
    assert after.content_modseq == before.content_modseq + 1


async def test_the_full_text_index_is_mended(filled: Owner, store: Store) -> None:
    async with store.transaction(filled.account_id) as tx:
        await tx.unindex(2)
        await tx.index(5000, make_filing(1).index_terms)
    assert await found(store) == [("fulltext", False)] * 2
    assert await found(store, repair=True) == [("fulltext", True)] * 2
    assert await found(store) == []


def blob_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "data" / "blobs").rglob("*") if path.is_file()]


async def test_blobs_that_nobody_needs(filled: Owner, store: Store, tmp_path: Path) -> None:
    await store.blobs.put(filled.account_id, b"\x01" * 32, b"left over")
    await store.blobs.put(filled.account_id, b"\x02" * 32, b"on its way")
    old = next(path for path in blob_files(tmp_path) if path.name.startswith("01" * 8))
    long_ago = old.stat().st_mtime - check.BLOB_GRACE_SECONDS - 10
    for path in blob_files(tmp_path):
        if not path.name.startswith("02" * 8):
            os.utime(path, (long_ago, long_ago))
    assert await found(store) == [("blob", False)]
    assert old.exists()
    assert await found(store, repair=True) == [("blob", True)]
    assert not old.exists()
    assert len(blob_files(tmp_path)) == 2
    assert await found(store) == []


async def test_blobs_stay_once_they_are_held(
    filled: Owner, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup, or a restore of an account, begins while the blobs are looked through."""
    for digit in (1, 2):
        await store.blobs.put(filled.account_id, bytes([digit] * 32), b"left over")
    for path in blob_files(tmp_path):
        os.utime(path, (1, 1))
    iter_all = store.blobs.iter_all

    async def hold_behind_the_first() -> AsyncIterator[BlobInfo]:
        blobs = [blob async for blob in iter_all() if blob.sha256 in {b"\x01" * 32, b"\x02" * 32}]
        yield blobs[0]
        async with held(store):
            yield blobs[1]

    monkeypatch.setattr(store.blobs, "iter_all", hold_behind_the_first)
    assert await found(store, repair=True) == [("blob", False), ("blob", True)]
    assert [blob.sha256 async for blob in iter_all() if blob.sha256 == b"\x02" * 32]


def remove(path: Path) -> None:
    path.unlink()


def spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:50] + b"\x00\x00\x00" + data[53:])


@pytest.mark.parametrize("harm", [remove, spoil])
async def test_blobs_that_are_needed(
    filled: Owner, store: Store, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    [path] = blob_files(tmp_path)
    harm(path)
    assert await found(store) == [("content", False)]
    assert await found(store, repair=True) == [("content", False)]
    assert filled.account_id


@pytest.mark.parametrize("harm", [remove, spoil])
async def test_a_damaged_message_does_not_end_a_repair(
    filled: Owner, store: Store, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """It cannot be put into the index again; what else is missing there can."""
    (path,) = blob_files(tmp_path)
    harm(path)
    async with store.read(filled.account_id) as mailbox:
        indexed = await mailbox.recounts.list_indexed()
    async with store.transaction(filled.account_id) as tx:
        for number in indexed:
            await tx.unindex(number)
    faults = await found(store, repair=True)
    assert faults[:2] == [("content", False), ("fulltext", False)]
    assert set(faults[2:]) == {("fulltext", True)}
    assert await found(store) == faults[:2]


async def test_an_account_whose_removal_was_interrupted(
    filled: Owner, add_owner: AddOwner, store: Store, directory: Directory
) -> None:
    """It is told once, and the others are looked at and repaired."""
    late = await add_owner("carl")
    await late.add_mail()

    def die(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await directory.remove_account(filled.account.address, progress=die)
    async with store.transaction(late.account_id) as tx:
        await tx.unindex(1)
    expected = [("fulltext", True), ("mailbox", False)]
    report = await check_store(store, repair=True)
    assert sorted((fault.kind, fault.repaired) for fault in report.findings) == expected
    (fault,) = (fault for fault in report.findings if fault.kind == "mailbox")
    assert (fault.account, "account remove" in fault.what) == (filled.account.address, True)
    await directory.remove_account(filled.account.address)
    assert await found(store) == []


async def test_mail_comes_in_meanwhile(filled: Owner, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared belongs to one instant, so that a busy server has no faults."""

    async def busy(mailbox: Snapshot, account: str) -> tuple[int, list[Fault]]:
        async with store.transaction(filled.account_id) as tx:
            await file_mail(tx, make_filing(7), INBOX, date=DATE, flags=Flags())
        return await examine(mailbox, account)

    monkeypatch.setattr(check, "examine", busy)
    assert await found(store) == []
