"""Blobs of messages that nothing shows any more go by themselves, and only those."""

import hashlib
import os
import random
import time
from pathlib import Path

import pytest
from tests.fixtures.factories import Owner, make_message, remove_mail

from postroom.domain.check import BLOB_GRACE_SECONDS, check_store
from postroom.domain.mailbox import remove_mailbox
from postroom.domain.released_blobs import remove_released_blobs
from postroom.model.folder import INBOX
from postroom.store import Store

LARGE = make_message(body=random.Random(1).randbytes(200_000).hex())  # noqa: S311
LATER = BLOB_GRACE_SECONDS + 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the blobs lie."""
    return tmp_path / "data" / "blobs"


def blobs_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def make_old(folder: Path) -> None:
    for path in blobs_in(folder):
        os.utime(path, (time.time() - LATER, time.time() - LATER))


def after(seconds: float) -> float:
    return time.time() + seconds


async def remove(owner: Owner, uid: int) -> None:
    async with owner.store.transaction(owner.account_id) as tx:
        await remove_mail(tx, INBOX, uid)  # type: ignore[arg-type]


async def test_a_blob_goes_an_hour_after_its_message(store: Store, owner: Owner, folder: Path) -> None:
    mail = await owner.add_mail(LARGE)
    copy = await owner.add_mail(LARGE)
    make_old(folder)
    await remove(owner, mail.uid)
    assert await remove_released_blobs(store, now=lambda: after(LATER)) == 0  # The other one shows it.
    await remove(owner, copy.uid)
    assert await remove_released_blobs(store) == 0
    report = await check_store(store)
    assert report.findings == []  # It is known of.
    assert len(blobs_in(folder)) == 1
    assert await remove_released_blobs(store, now=lambda: after(LATER)) == 1
    assert blobs_in(folder) == []
    assert await remove_released_blobs(store, now=lambda: after(2 * LATER)) == 0


async def test_a_message_that_comes_again_keeps_its_blob(store: Store, owner: Owner, folder: Path) -> None:
    mail = await owner.add_mail(LARGE)
    await remove(owner, mail.uid)
    again = await owner.add_mail(LARGE)
    make_old(folder)
    assert await remove_released_blobs(store, now=lambda: after(LATER)) == 0
    assert len(blobs_in(folder)) == 1
    await remove(owner, again.uid)
    assert await remove_released_blobs(store, now=lambda: after(LATER)) == 1


async def test_a_blob_whose_message_is_on_its_way_stays(store: Store, owner: Owner, folder: Path) -> None:
    mail = await owner.add_mail(LARGE)
    await remove(owner, mail.uid)
    make_old(folder)
    # Its blob is young again, and its row is not written yet.
    await store.messages.put_blob(owner.account_id, hashlib.sha256(LARGE).digest(), LARGE)
    later = after(LATER)
    for path in blobs_in(folder):
        os.utime(path, (later - 60, later - 60))
    assert await remove_released_blobs(store, now=lambda: later) == 0
    assert len(blobs_in(folder)) == 1
    # It never came: the blob goes the next time.
    assert await remove_released_blobs(store, now=lambda: later + LATER) == 1


async def test_they_go_with_their_account(store: Store, owner: Owner, folder: Path) -> None:
    mail = await owner.add_mail(LARGE)
    await remove(owner, mail.uid)
    await remove_mailbox(store, owner.account_id, progress=lambda _: None)
    assert blobs_in(folder) == []
    assert await remove_released_blobs(store, now=lambda: after(LATER)) == 0


async def test_small_messages_leave_nothing(store: Store, owner: Owner) -> None:
    mail = await owner.add_mail()
    await remove(owner, mail.uid)
    async with store.directory() as directory:
        assert await directory.released_blobs.list_before(1 << 60, limit=10) == []
