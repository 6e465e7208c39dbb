"""Files on their way in, and out again: how temporary attachments lie on disk.

A file is written in pieces into the store of uploads (:mod:`postroom.store.blobs`), under a random name, before the
row that names it: it belongs to nobody until then (:class:`Staging`). It is removed after its row. So a row always
has its file, and a file without a row is left over from a crash or a call that failed at the worst moment. Such files
are collected once they are older than any call takes.

What sessions have uploaded goes when they end: at once where that is done here (logout, too many sessions), by and by
where they end by time or by an administrator (:func:`remove_of_ended_sessions`).
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import structlog

from postroom.config.auth import AuthConfig
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId, SessionId
from postroom.store import Store
from postroom.store.blobs.base import BlobWriter
from postroom.store.sql.temporary_attachments import Holding, Place, RemovedFile

UPLOAD_SECONDS = 3600.0
"""Time for all files of a call to arrive."""
ORPHAN_SECONDS = 3 * UPLOAD_SECONDS
"""A file that no row names may still be on its way for this time."""
_UNWRITTEN_MILLISECONDS = 120_000
"""The use of a session may be written this much later (see :mod:`postroom.domain.sessions`)."""
_BATCH = 500
_NAME_BYTES = 32

_log = structlog.get_logger("postroom.uploads")


class FileHead(NamedTuple):
    """What is said of a file: its name, made safe; its type; how a text refers to it, "" if it does not."""

    name: str
    content_type: str
    content_id: str = ""
    is_inline: bool = False


class StagedFile(NamedTuple):
    """A file that is on disk, and belongs to nobody yet."""

    head: FileHead
    blob_name: bytes
    size_bytes: int
    sha256: bytes


class Staging:
    """The files of one call, while they come in. Always :meth:`close` it: what was not handed over goes again."""

    def __init__(
        self,
        store: Store,
        account_id: AccountId,
        *,
        max_files: int,
        max_bytes: int,
        on_close: Callable[[], None],
    ) -> None:
        """``max_bytes`` is the limit of all files together; ``on_close`` is called once."""
        self.files: list[StagedFile] = []
        self.size_bytes = 0
        self._store = store
        self._account_id = account_id
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._on_close: Callable[[], None] | None = on_close
        self._names: list[bytes] = []
        self._writer: BlobWriter | None = None
        self._digest = hashlib.sha256()
        self._is_handed_over = False

    def begin(self) -> None:
        """Begin the next file. Raises: payloadTooLarge if there are too many."""
        if len(self.files) >= self._max_files:
            raise too_much(f"a call takes at most {self._max_files} files", self._max_files)
        self._names.append(secrets.token_bytes(_NAME_BYTES))
        self._writer = self._store.uploads.create(self._account_id, self._names[-1])
        self._digest = hashlib.sha256()

    async def write(self, data: bytes) -> None:
        """Add to the file. Raises: payloadTooLarge; unavailable."""
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            raise too_much(f"the files are larger than {self._max_bytes} bytes", self._max_bytes)
        self._digest.update(data)
        await self._writing().write(data)

    async def end(self, head: FileHead) -> None:
        """End the file, and make it durable. Raises: unavailable."""
        writer = self._writing()
        await writer.finish()
        self.files.append(StagedFile(head, self._names[-1], writer.size_bytes, self._digest.digest()))
        self._writer = None

    def _writing(self) -> BlobWriter:
        if self._writer is None:
            raise RuntimeError("no file was begun")
        return self._writer

    def fingerprint(self) -> bytes:
        """Return a hash of all that is said of the files and of what is in them."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(repr((file.head, file.size_bytes, file.sha256)).encode("utf-8", "surrogatepass"))
        return digest.digest()

    def hand_over(self) -> None:
        """Note that rows are about to name the files: from here on nobody can tell that none does."""
        self._is_handed_over = True

    async def close(self) -> None:
        """Let go, and remove what was not handed over; may be called again."""
        writer, self._writer = self._writer, None
        names, self._names = self._names, []
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        if writer is not None:
            await writer.close()
        if not self._is_handed_over:
            await remove_files(self._store, [RemovedFile(self._account_id, name) for name in names])


def too_much(message: str, limit: int) -> PostroomError:
    """Return the error for files that are more than is taken."""
    return PostroomError(Kind.TOO_LARGE, "payloadTooLarge", message, details={"limit": limit})


async def remove_files(store: Store, files: Iterable[RemovedFile]) -> None:
    """Remove files that no row names; what cannot be removed now is collected later."""
    for file in files:
        try:
            await store.uploads.delete(file.account_id, file.blob_name)
        except PostroomError as error:
            _log.warning("an upload could not be removed", error=str(error), private=error.private)


async def remove_of_ended_sessions(store: Store, config: AuthConfig, *, now_ms: int) -> int:
    """Remove what belongs to sessions that are over; return how many sessions had something. Raises: unavailable."""
    idle_before = now_ms - config.session_idle_seconds * 1000 - _UNWRITTEN_MILLISECONDS
    place, removed = Place(0, 0, 0), 0
    while True:
        async with store.directory() as directory:
            page = await directory.temporary_attachments.list_after(place, limit=_BATCH)
        ended = {
            (holding.account_id, holding.session_id): None
            for holding in page
            if _is_over(holding, now_ms=now_ms, idle_before=idle_before)
        }
        for owner, session_id in ended:
            await _remove_of_session(store, owner, session_id)
        removed += len(ended)
        if len(page) < _BATCH:
            return removed
        place = Place(*page[-1][:3])


def _is_over(holding: Holding, *, now_ms: int, idle_before: int) -> bool:
    if holding.expires_at is None or holding.last_used_at is None:
        return True
    return holding.expires_at <= now_ms or holding.last_used_at < idle_before


async def _remove_of_session(store: Store, account_id: AccountId, session_id: SessionId) -> None:
    async with store.directory_transaction() as tx:
        files = await tx.temporary_attachments.delete_of_session(account_id, session_id)
    await remove_files(store, files)


async def collect_orphans(store: Store, *, now: Callable[[], float] = time.time) -> int:
    """Remove the files that no row names, and that are old; return how many there were. Raises: unavailable."""
    before = now() - ORPHAN_SECONDS
    collected = 0
    async for blob in store.uploads.iter_all():
        if blob.stored_at >= before:
            continue
        async with store.directory() as directory:
            if await directory.temporary_attachments.has_blob(blob.account_id, blob.sha256):
                continue
        collected += await store.uploads.delete(blob.account_id, blob.sha256, stored_before=before)
    return collected
