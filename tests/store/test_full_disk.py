"""A full disk: clear errors, nothing half there, and work goes on by itself once there is space again.

Where the tests may mount one, the disk is a small tmpfs; SQLite's own limit of pages stands for one everywhere.
"""

import asyncio
import contextlib
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.fixtures.factories import make_message

from postroom.config.classes import AccountClass
from postroom.domain.examination import examine
from postroom.domain.ingest import Ingest
from postroom.domain.mailbox import create_mailbox
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Envelope, Recipient
from postroom.model.folder import INBOX
from postroom.model.ids import AccountId
from postroom.store import Store, open_store
from postroom.store.blobs.disk import DiskBlobStore
from postroom.store.engine.sqlite import SQLiteEngine

ANNA = AccountId(1)
NOISE = random.Random(5)  # noqa: S311


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 12 MB, of which 9 MB are taken by the file ``ballast``."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs needs root; the limit of pages is tested instead")
    try:
        (folder / "ballast").write_bytes(bytes(9 << 20))
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def letter(size_bytes: int) -> bytes:
    return make_message(body=NOISE.randbytes(size_bytes // 2).hex())


class Mailbox:
    """One account on a disk that fills up."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ingest = Ingest(store, {"default": AccountClass()})
        self.acknowledged = 0

    @classmethod
    async def open(cls, folder: Path, blobs: Path | None = None) -> "Mailbox":
        store = await open_store("sqlite:", folder)
        if blobs is not None:
            store = Store(
                store.engine,
                DiskBlobStore(blobs),
                uploads=DiskBlobStore(folder / "uploads"),
                inline_limit_bytes=65536,
            )
        async with store.transaction(ANNA) as tx:
            await create_mailbox(tx, "en", uid_validity=1)
        return cls(store)

    async def deliver(self, size_bytes: int = 20_000) -> None:
        envelope = Envelope("", (Recipient("x", ANNA, INBOX, ""),), "unix", "x", False, False)
        [outcome] = await self.ingest.deliver(envelope, letter(size_bytes))
        assert outcome is None
        self.acknowledged += 1

    async def deliver_until_full(self, size_bytes: int = 20_000) -> PostroomError:
        for _ in range(2000):
            try:
                await self.deliver(size_bytes)
            except PostroomError as error:
                return error
        raise AssertionError("the disk did not fill up")

    async def check(self) -> None:
        async with self.store.read(ANNA) as mailbox:
            total, faults = await examine(mailbox, "x")
            contents = await mailbox.contents.list_after(0, limit=100_000)
        assert faults == []
        assert total == len(contents) == self.acknowledged
        for content in contents:
            reader = await self.store.messages.open(ANNA, content)
            assert len(await reader.read(0, 1 << 30)) == content.size_bytes
            reader.close()


def require_unavailable(errors: Sequence[BaseException | None]) -> None:
    for error in errors:
        assert error is None or (isinstance(error, PostroomError) and error.kind is Kind.UNAVAILABLE), error


@pytest.mark.parametrize("size_bytes", [3000, 20_000, 60_000])
async def test_the_database_s_disk_is_full(small_disk: Path, size_bytes: int) -> None:
    mailbox = await Mailbox.open(small_disk)
    require_unavailable([await mailbox.deliver_until_full(size_bytes)])
    await mailbox.check()
    for _ in range(3):
        with contextlib.suppress(PostroomError):
            await mailbox.deliver(100_000)
        require_unavailable([await mailbox.deliver_until_full(size_bytes)])
    results = await asyncio.gather(*(mailbox.deliver(size_bytes) for _ in range(20)), return_exceptions=True)
    require_unavailable(results)
    assert any(results)
    await mailbox.check()
    (small_disk / "ballast").unlink()
    for _ in range(20):
        await mailbox.deliver(size_bytes)
    await mailbox.check()
    await mailbox.store.close()
    await check_reopened(small_disk, mailbox.acknowledged)


async def check_reopened(folder: Path, acknowledged: int) -> None:
    again = Mailbox(await open_store("sqlite:", folder))
    again.acknowledged = acknowledged
    assert await again.store.engine.find_damage() == []
    await again.check()
    await again.deliver()
    await again.store.close()


async def test_opened_again_while_it_is_full(small_disk: Path) -> None:
    mailbox = await Mailbox.open(small_disk)
    require_unavailable([await mailbox.deliver_until_full()])
    await mailbox.store.close()
    (small_disk / "ballast").unlink()
    await check_reopened(small_disk, mailbox.acknowledged)


async def test_the_blob_store_s_disk_is_full(small_disk: Path, tmp_path: Path) -> None:
    mailbox = await Mailbox.open(tmp_path / "data", blobs=small_disk / "blobs")
    error = await mailbox.deliver_until_full(400_000)
    require_unavailable([error])
    assert "blob" in error.message
    assert error.private.startswith(f"{small_disk}/"), "whoever looks after it is told which disk that is"
    assert not list(small_disk.rglob("new-*"))
    await mailbox.check()
    await mailbox.deliver(3000)
    (small_disk / "ballast").unlink()
    for _ in range(5):
        await mailbox.deliver(400_000)
    await mailbox.check()
    await mailbox.store.close()


async def test_sqlite_may_take_no_more_pages(tmp_path: Path) -> None:
    mailbox = await Mailbox.open(tmp_path)
    engine = mailbox.store.engine
    assert isinstance(engine, SQLiteEngine)
    engine._writer.execute("PRAGMA max_page_count = 250").fetchall()
    require_unavailable([await mailbox.deliver_until_full()])
    await mailbox.check()
    results = await asyncio.gather(*(mailbox.deliver() for _ in range(20)), return_exceptions=True)
    require_unavailable(results)
    assert any(results)
    await mailbox.check()
    engine._writer.execute("PRAGMA max_page_count = 1000000").fetchall()
    for _ in range(20):
        await mailbox.deliver()
    await mailbox.check()
    await mailbox.store.close()
