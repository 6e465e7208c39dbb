"""Blobs in an object store that speaks S3: ``<prefix>/<account>/<first two digits>/<sha256>``.

A put always sends the blob, also where it is there already: that is what makes it young. S3 shows an object whole or
not at all, and everybody the same one from then on.

Nothing renames in S3, so clearing away must not cross a delivery of the same message in another way. Who clears away
leaves a mark beside the object, looks at its age once more, and deletes object and mark, in this order. Who puts
looks for the mark after the object is stored, waits until it is gone, and then looks whether the object is still
there; if not, it is put again. Either the one who clears away sees the young object, or the one who puts sees the
mark, or finds the object missing. A mark that is older than any deletion may last is that of a crash.

Times are those of the store's clock, in whole seconds.
"""

import asyncio
import contextlib
import mmap
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from postroom.config.blobs import BlobsConfig
from postroom.errors import PostroomError, unavailable
from postroom.model.ids import AccountId
from postroom.store.blobs.base import BlobInfo, BlobReader, BlobWriter
from postroom.store.blobs.frames import FRAME_BYTES
from postroom.store.blobs.object_errors import object_errors
from postroom.store.blobs.object_transfer import ObjectBlobReader, ObjectBlobWriter

if TYPE_CHECKING:
    from obstore.store import S3Config

_KEY = re.compile(r"([0-9]{1,18})/[0-9a-f]{2}/([0-9a-f]{64})")
_MARK = ".going"
_MARK_POLL_SECONDS = 0.2
_MOST_PUTS = 4
"""A blob that is gone again each time it is put is no accident."""
_ABANDONED_SECONDS = 3600


class _GoneAgainError(Exception):
    """What was put is not there: it was being cleared away."""


class ObjectBlobStore:
    """Blobs below the prefix of ``store``; no deletion lasts longer than ``mark_seconds``."""

    def __init__(self, store: S3Store, *, mark_seconds: float) -> None:
        self._store = store
        self._mark_seconds = mark_seconds

    def create(self, account_id: AccountId, name: bytes) -> BlobWriter:
        """Begin a blob that comes in pieces, under a name that no other has."""
        key = _key(account_id, name)

        async def settle(sent_bytes: int) -> None:
            try:
                await self._settle(key, sent_bytes)
            except _GoneAgainError as error:
                raise _not_kept(key) from error

        return ObjectBlobWriter(self._store, key, settle)

    async def put(self, account_id: AccountId, sha256: bytes, raw: bytes | mmap.mmap) -> None:
        """Store a message durably; one that is there already becomes young by it. Raises: unavailable."""
        for _ in range(_MOST_PUTS):
            with contextlib.suppress(_GoneAgainError):
                await self._put(_key(account_id, sha256), raw)
                return
        raise _not_kept(_key(account_id, sha256))

    async def _put(self, key: str, raw: bytes | mmap.mmap) -> None:
        writer = ObjectBlobWriter(self._store, key, partial(self._settle, key))
        try:
            for start in range(0, len(raw), FRAME_BYTES):
                await writer.write(raw[start : start + FRAME_BYTES])
            await writer.finish()
        finally:
            await writer.close()

    async def _settle(self, key: str, sent_bytes: int) -> None:
        """Make sure that what was sent is there, and stays. Raises: _GoneAgainError, unavailable."""
        await self._wait_for_mark(key)
        try:
            with object_errors():
                meta = await obstore.head_async(self._store, key)
        except FileNotFoundError as error:
            raise _GoneAgainError from error
        if meta["size"] != sent_bytes:
            raise _not_kept(f"{key}: {meta['size']} bytes instead of {sent_bytes}")

    async def _wait_for_mark(self, key: str) -> None:
        until = time.monotonic() + self._mark_seconds
        while await self._find_stored_at(key + _MARK) is not None:
            if time.monotonic() >= until:
                await self._delete(key + _MARK)
                return
            await asyncio.sleep(_MARK_POLL_SECONDS)

    async def _find_stored_at(self, key: str) -> float | None:
        """Return when an object was stored, None if it is not there. Raises: unavailable."""
        try:
            with object_errors():
                return (await obstore.head_async(self._store, key))["last_modified"].timestamp()
        except FileNotFoundError:
            return None

    async def _delete(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError), object_errors():
            await obstore.delete_async(self._store, key)

    async def open(self, account_id: AccountId, sha256: bytes) -> BlobReader:
        """Open a blob. Raises: blobMissing, blobDamaged, unavailable."""
        reader = ObjectBlobReader(self._store, _key(account_id, sha256))
        await reader.load()
        return reader

    async def delete(
        self, account_id: AccountId, sha256: bytes, *, stored_before: float | None = None
    ) -> bool:
        """Delete a blob, with ``stored_before`` only if its last ``put`` is older; return whether it is gone.

        Raises: unavailable.
        """
        key = _key(account_id, sha256)
        if stored_before is None:
            await self._delete(key)
            return True
        stored_at = await self._find_stored_at(key)
        if stored_at is None or stored_at >= stored_before:
            return stored_at is None
        try:
            # With a deadline: a mark is taken for one of a crash some time after it.
            async with asyncio.timeout(self._mark_seconds / 2):
                return await self._clear_away(key, stored_before)
        except TimeoutError as error:
            raise unavailable("the object store is too slow just now") from error

    async def _clear_away(self, key: str, stored_before: float) -> bool:
        with object_errors():
            await obstore.put_async(self._store, key + _MARK, b"going", use_multipart=False)
        is_old = False
        try:
            stored_at = await self._find_stored_at(key)
            is_old = stored_at is None or stored_at < stored_before
        finally:
            if not is_old:
                await self._delete(key + _MARK)
        if is_old:
            # Where this fails, the store may still do it: the mark stays, and is waited for like that of a crash.
            await self._delete(key)
            await self._delete(key + _MARK)
        return is_old

    async def iter_all(self) -> AsyncIterator[BlobInfo]:
        """Yield all blobs, in no order; marks that a crash has left over are removed. Raises: unavailable."""
        with object_errors():
            async for batch in obstore.list(self._store, chunk_size=1000):
                for meta in batch:
                    path, stored_at = meta["path"], meta["last_modified"].timestamp()
                    if path.endswith(_MARK) and stored_at < time.time() - _ABANDONED_SECONDS:
                        await self._delete(path)
                    elif match := _KEY.fullmatch(path):
                        account_id, sha256 = AccountId(int(match[1])), bytes.fromhex(match[2])
                        yield BlobInfo(account_id, sha256, meta["size"], stored_at)


def _key(account_id: AccountId, name: bytes) -> str:
    digits = name.hex()
    return f"{account_id}/{digits[:2]}/{digits}"


def _not_kept(what: str) -> PostroomError:
    return unavailable("the object store does not keep what it is given; see the log", private=what)


def open_objects(config: BlobsConfig, bucket: str, prefix: str) -> ObjectBlobStore:
    """Return the blobs below a prefix of a bucket; no connection is made yet."""
    known: S3Config = {"virtual_hosted_style_request": config.virtual_hosted}
    if config.endpoint:
        # Both names, since the environment may have the second, which would win.
        known["endpoint"] = known["aws_endpoint_url_s3"] = config.endpoint
    if config.region:
        known["region"] = config.region
    if config.access_key_id:
        known["access_key_id"], known["secret_access_key"] = config.access_key_id, config.secret_access_key
    store = S3Store(
        bucket,
        prefix=prefix,
        config=known,
        client_options={
            "allow_http": config.endpoint.startswith("http:"),
            "timeout": timedelta(seconds=config.timeout_seconds),
            "connect_timeout": timedelta(seconds=min(config.timeout_seconds, 5)),
        },
        retry_config={
            "max_retries": config.retries,
            "retry_timeout": timedelta(seconds=config.retry_seconds),
            "backoff": {"max_backoff": timedelta(seconds=5)},
        },
    )
    return ObjectBlobStore(store, mark_seconds=4.0 * (config.timeout_seconds + config.retry_seconds))
