"""Temporary attachments as senders of mail take them, and what is left over when things go wrong."""

import os
import secrets
import time
from pathlib import Path

import pytest
from tests.fixtures.factories import CHEAP_AUTH, AddOwner, Owner

from postroom.domain.uploads import (
    ORPHAN_SECONDS,
    FileHead,
    Staging,
    collect_orphans,
    remove_of_ended_sessions,
)
from postroom.errors import PostroomError, unavailable
from postroom.model.account import Caller
from postroom.model.upload import TemporaryAttachment, TemporaryAttachmentId, WantedAttachment
from postroom.store import Store
from postroom.store.blobs.disk import ABANDONED_SECONDS
from postroom.store.blobs.frames import FRAME_BYTES
from postroom.store.sql.temporary_attachments import TemporaryAttachmentRepo

LONG = bytes(range(256)) * (FRAME_BYTES // 256) * 2 + b"end"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the uploads lie."""
    return tmp_path / "data" / "uploads"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def log_in(owner: Owner) -> Caller:
    """Return the caller in a new session."""
    token = await owner.domain.logins.login(owner.authorization, client="127.0.0.1")
    return await owner.caller(token)


async def stage(staging: Staging, *files: tuple[FileHead, bytes]) -> None:
    for head, content in files:
        staging.begin()
        for start in range(0, len(content), 100_000):
            await staging.write(content[start : start + 100_000])
        await staging.end(head)


async def upload(owner: Owner, caller: Caller, *files: tuple[FileHead, bytes]) -> list[TemporaryAttachment]:
    staging = owner.domain.temporary_attachments.begin(caller)
    try:
        await stage(staging, *files)
        return await owner.domain.temporary_attachments.keep(caller, staging)
    finally:
        await staging.close()


def wanted(
    found: TemporaryAttachment, *, content_id: str | None = None, is_inline: bool | None = None
) -> WantedAttachment:
    return WantedAttachment(found.attachment_id, content_id, is_inline)


async def test_files_are_taken_as_often_as_they_are_wanted(owner: Owner) -> None:
    caller = await log_in(owner)
    first, second = await upload(
        owner,
        caller,
        (FileHead("a.txt", "text/plain"), LONG),
        (FileHead("i.png", "image/png", "i@x", is_inline=True), b"png"),
    )
    take = owner.domain.temporary_attachments.take
    for _ in range(2):
        files = await take(caller, [wanted(second), wanted(first)])
        assert [(one.name, one.content_type, one.content_id, one.is_inline) for one in files] == [
            ("i.png", "image/png", "i@x", True),
            ("a.txt", "text/plain", "", False),
        ]
        assert [one.content for one in files] == [b"png", LONG]
    [shown] = await take(caller, [wanted(first, content_id="c@x", is_inline=True)])
    assert (shown.content_id, shown.is_inline) == ("c@x", True)
    [plain] = await take(caller, [wanted(second, content_id="", is_inline=False)])
    assert (plain.content_id, plain.is_inline) == ("", False)
    assert await take(await owner.caller(), []) == []


async def test_files_of_others_are_not_taken(owner: Owner, add_owner: AddOwner) -> None:
    caller = await log_in(owner)
    [found] = await upload(owner, caller, (FileHead("a", "text/plain"), b"x"))
    take = owner.domain.temporary_attachments.take
    for other in (await log_in(owner), await log_in(await add_owner("berta"))):
        with pytest.raises(PostroomError, match="notFound"):
            await take(other, [wanted(found)])
    with pytest.raises(PostroomError, match="sessionRequired"):
        await take(await owner.caller(), [wanted(found)])
    with pytest.raises(PostroomError, match="notFound"):
        await take(caller, [wanted(found), WantedAttachment(TemporaryAttachmentId(1))])
    with pytest.raises(PostroomError) as refused:
        await take(caller, [wanted(found), wanted(found)])
    assert refused.value.details == {"parameter": "temporaryAttachments"}


async def test_a_failure_leaves_no_file(owner: Owner, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await log_in(owner)
    domain = owner.domain.temporary_attachments
    staging = domain.begin(caller)
    await stage(staging, (FileHead("a", "text/plain"), LONG))
    staging.begin()
    await staging.write(LONG)
    assert len(files_in(folder)) == 2
    await staging.close()
    await staging.close()
    assert files_in(folder) == []

    async def fail(*_: object) -> tuple[int, int]:
        raise unavailable("the store is gone")

    # Before a row could name the file it goes at once,
    monkeypatch.setattr(TemporaryAttachmentRepo, "measure", fail)
    with pytest.raises(PostroomError, match="unavailable"):
        await upload(owner, caller, (FileHead("a", "text/plain"), b"x"))
    assert files_in(folder) == []
    monkeypatch.undo()
    # and later, when nobody can tell, once it is old.
    monkeypatch.setattr(TemporaryAttachmentRepo, "create", fail)
    with pytest.raises(PostroomError, match="unavailable"):
        await upload(owner, caller, (FileHead("a", "text/plain"), b"x"))
    monkeypatch.undo()
    assert len(files_in(folder)) == 1
    assert await collect_orphans(owner.store) == 0
    later = time.time() + ORPHAN_SECONDS + 1
    assert await collect_orphans(owner.store, now=lambda: later) == 1
    assert files_in(folder) == []


async def test_sessions_are_looked_through_to_the_last(
    owner: Owner, add_owner: AddOwner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.domain.uploads._BATCH", 2)
    store, file = owner.store, (FileHead("a", "text/plain"), b"x")
    others = [await add_owner(f"user{number}") for number in range(4)]
    for one in others:
        for _ in range(2):
            await upload(one, await log_in(one), file, file)
    kept = await log_in(owner)
    found = await upload(owner, kept, file, file, file)
    async with store.directory_transaction() as tx:
        for one in others:
            await tx.sessions.delete_of_account(one.account_id)
    now_ms = found[0].created_at
    assert await remove_of_ended_sessions(store, CHEAP_AUTH, now_ms=now_ms) >= 8
    assert len(files_in(folder)) == 3
    assert await remove_of_ended_sessions(store, CHEAP_AUTH, now_ms=now_ms) == 0
    assert len(await owner.domain.temporary_attachments.take(kept, [wanted(one) for one in found])) == 3


async def test_what_a_crash_leaves_is_collected(owner: Owner, folder: Path) -> None:
    caller = await log_in(owner)
    [found] = await upload(owner, caller, (FileHead("a", "text/plain"), LONG))
    orphan = owner.store.uploads.create(owner.account_id, secrets.token_bytes(32))
    await orphan.write(b"x")
    await orphan.finish()
    begun = owner.store.uploads.create(owner.account_id, secrets.token_bytes(32))
    await begun.write(LONG)
    assert len(files_in(folder)) == 3
    assert await collect_orphans(owner.store) == 0
    long_ago = time.time() - max(ORPHAN_SECONDS, ABANDONED_SECONDS) - 1
    for path in files_in(folder):
        os.utime(path, (long_ago, long_ago))
    assert await collect_orphans(owner.store) == 1
    assert len(files_in(folder)) == 1
    await begun.close()
    [taken] = await owner.domain.temporary_attachments.take(caller, [wanted(found)])
    assert taken.content == LONG


async def test_a_file_that_is_removed_while_it_is_opened(
    owner: Owner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await log_in(owner)
    [found] = await upload(owner, caller, (FileHead("a", "text/plain"), b"x"))
    domain = owner.domain.temporary_attachments
    really_open = store.uploads.open

    async def remove_and_open(*args: object) -> object:
        monkeypatch.undo()
        await domain.delete(caller, found.attachment_id)
        await domain.close()
        return await really_open(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store.uploads, "open", remove_and_open)
    with pytest.raises(PostroomError, match="notFound"):
        await domain.open(caller, found.attachment_id)


async def test_an_open_file_is_read_to_its_end_though_it_is_removed(owner: Owner) -> None:
    caller = await log_in(owner)
    [found] = await upload(owner, caller, (FileHead("a", "text/plain"), LONG))
    domain = owner.domain.temporary_attachments
    opened = await domain.open(caller, found.attachment_id)
    await domain.delete(caller, found.attachment_id)
    await domain.close()
    assert b"".join([piece async for piece in opened.iter_span(0, len(LONG))]) == LONG
    opened.close()


async def test_a_blob_store_that_fails_is_told_as_such(
    owner: Owner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await log_in(owner)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(PostroomError, match="unavailable"):
        await upload(owner, caller, (FileHead("a", "text/plain"), LONG))
    monkeypatch.undo()
    assert files_in(folder) == []
