"""Checking uploads: each row has its file, whole, and each file that is no longer on its way has its row.

A repair removes what is left alone: a row whose file is missing or damaged (its session is then told that there is no
such upload, instead of an error each time), and a file that no row names.
"""

import time

from postroom.domain.examination import Fault
from postroom.domain.uploads import ORPHAN_SECONDS
from postroom.errors import Kind, PostroomError
from postroom.model.upload import TemporaryAttachment
from postroom.store import Store
from postroom.store.messages import iter_raw
from postroom.store.sql.temporary_attachments import Place

_BATCH = 100


async def check_uploads(store: Store, *, repair: bool) -> list[Fault]:
    """Compare the rows of uploads and their files; return what is wrong. Raises: unavailable."""
    return [*await _check_rows(store, repair=repair), *await _check_files(store, repair=repair)]


async def _check_rows(store: Store, *, repair: bool) -> list[Fault]:
    faults: list[Fault] = []
    place = Place(0, 0, 0)
    while True:
        async with store.directory() as directory:
            page = await directory.temporary_attachments.list_after(place, limit=_BATCH)
        for holding in page:
            async with store.directory() as directory:
                upload = await directory.temporary_attachments.find(*holding[:3])
            if upload is not None and (fault := await _check_row(store, upload, repair=repair)):
                faults.append(fault)
        if len(page) < _BATCH:
            return faults
        place = Place(*page[-1][:3])


async def _check_row(store: Store, upload: TemporaryAttachment, *, repair: bool) -> Fault | None:
    problem = await _find_problem(store, upload)
    if not problem:
        return None
    name = (upload.account_id, upload.session_id, upload.attachment_id)
    # It may have been removed at this very moment.
    async with store.directory() as directory:
        if await directory.temporary_attachments.find(*name) is None:
            return None
    if repair:
        async with store.directory_transaction() as tx:
            await tx.temporary_attachments.delete(*name)
        await store.uploads.delete(upload.account_id, upload.blob_name)
    what = f"upload {upload.attachment_id} of account {upload.account_id}: {problem}"
    return Fault("upload", "", what, repair)


async def _find_problem(store: Store, upload: TemporaryAttachment) -> str:
    """Return what is wrong with the file of an upload, "" for nothing. Raises: unavailable."""
    try:
        reader = await store.uploads.open(upload.account_id, upload.blob_name)
        try:
            async for _ in iter_raw(reader, 0, reader.size_bytes):
                pass
            if reader.size_bytes == upload.size_bytes:
                return ""
            return f"the file has {reader.size_bytes} bytes instead of {upload.size_bytes}"
        finally:
            reader.close()
    except PostroomError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return (
            "the file is missing" if error.code == "blobMissing" else f"the file is damaged: {error.message}"
        )


async def _check_files(store: Store, *, repair: bool) -> list[Fault]:
    faults: list[Fault] = []
    before = time.time() - ORPHAN_SECONDS
    async for blob in store.uploads.iter_all():
        if blob.stored_at >= before:
            continue
        async with store.directory() as directory:
            if await directory.temporary_attachments.has_blob(blob.account_id, blob.sha256):
                continue
        if repair and not await store.uploads.delete(blob.account_id, blob.sha256, stored_before=before):
            continue
        what = f"file {blob.account_id}/{blob.sha256.hex()} ({blob.size_bytes} bytes) belongs to no upload"
        faults.append(Fault("upload", "", what, repair))
    return faults
