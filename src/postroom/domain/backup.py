"""Making backups, while the server runs.

Algorithm: removal of blobs is held off (:mod:`postroom.domain.blob_hold`); in one read transaction, which is a
snapshot, all rows are cut into objects, and of the messages in rows those are added that the folder does not have.
Then blobs are copied that it does not have, and last the snapshot is written, by which all of it is there. What an
interruption leaves is used by the next backup.

A backup of one account has the rows of that account which a restore into another store can use (see
:data:`postroom.store.backups.catalogue.IN_ACCOUNT`).
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from postroom import __version__
from postroom.domain.blob_hold import held
from postroom.errors import Kind, PostroomError
from postroom.model.account import Account
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.backups.catalogue import IN_ACCOUNT, UPLOADS, Fate, Table, read_catalogue
from postroom.store.backups.objects import FORMAT, BackupFolder, holds
from postroom.store.backups.rows import CONTENT, DATA, count_rows, fetch_data, iter_pages
from postroom.store.backups.snapshots import Chunker, SnapshotFile, TableRows, write_snapshot
from postroom.store.blobs.base import BlobStore
from postroom.store.blobs.disk import DiskBlobStore
from postroom.store.engine.base import Connection, Row
from postroom.store.messages import CHUNK_BYTES, iter_raw
from postroom.store.migrations import list_migrations

BLOBS: Final = "blobs"
OWNER: Final = AccountId(0)
"""In a backup, a blob is nobody's: what two accounts have is there once."""

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is, and how much there is."""


class Blob(NamedTuple):
    """A blob that a content names."""

    account_id: AccountId
    sha256: bytes
    size_bytes: int


@dataclass
class Made:
    """What a backup has done."""

    name: str = ""
    rows: int = 0
    messages: int = 0
    new_messages: int = 0
    new_bytes: int = 0
    """Bytes by which the folder has grown, blobs as long as the messages in them."""
    blobs: list[Blob] = field(default_factory=list)
    """Large messages that the folder did not have."""
    lost: list[Blob] = field(default_factory=list)
    """Those that the store itself has lost, in each account that had them."""
    problems: list[str] = field(default_factory=list)
    """Why, in words."""


def open_blobs(root: Path) -> DiskBlobStore:
    """Return the large messages of a backup."""
    return DiskBlobStore(root / BLOBS)


def _read_keys(path: Path | None) -> bytes:
    return path.read_bytes() if path is not None and path.exists() else b""


class Backup:
    """A backup of a store into a folder."""

    def __init__(
        self,
        store: Store,
        root: Path,
        *,
        account: Account | None = None,
        progress: Progress = lambda _, __, ___: None,
    ) -> None:
        """Of one account, or of everything."""
        self._store = store
        self._root = root
        self._account = account
        self._progress = progress
        self._made = Made()
        self._messages_bytes = 0

    async def run(self, key_file: Path | None) -> Made:
        """Make it; ``key_file``: the file of the server keys, None to leave it out. Return what was done.

        Raises: notABackup, backupTooNew, conflict, unavailable; OSError.
        """
        folder = BackupFolder.create(self._root)
        with closing(folder), folder.locked():
            async with held(self._store):
                made_at = int(time.time() * 1000)
                # Before and behind the rows, since a rotation may come in between: one of both has what they need.
                keys = [_read_keys(key_file)]
                tables = await self._copy_rows(folder)
                keys.append(_read_keys(key_file))
                await self._copy_blobs()
            key = folder.add_raw(b"".join(dict.fromkeys(keys))).hex() if any(keys) else ""
            folder.flush()
            self._made.name = write_snapshot(folder, self._describe(tables, made_at, key))
            self._made.new_bytes += folder.added_bytes
        return self._made

    def _describe(self, tables: dict[str, TableRows], made_at: int, key: str) -> SnapshotFile:
        return SnapshotFile(
            format=FORMAT,
            program=__version__,
            schema=list_migrations(self._store.engine.name)[-1].version,
            engine=self._store.engine.name,
            made_at=made_at,
            account=self._account.address if self._account else "",
            account_id=self._account.account_id if self._account else 0,
            messages=self._made.messages,
            messages_bytes=self._messages_bytes,
            server_key=key,
            lost=[lost.sha256.hex() for lost in self._made.lost],
            tables=tables,
        )

    async def _copy_rows(self, folder: BackupFolder) -> dict[str, TableRows]:
        engine = self._store.engine
        account_id = self._account.account_id if self._account else None
        async with engine.read() as connection:
            tables = [
                table for table in (await read_catalogue(engine, connection)).values() if self._takes(table)
            ]
            total = sum([await count_rows(connection, table.name, account_id) for table in tables])
            found: dict[str, TableRows] = {}
            for table in tables:
                chunker = Chunker(folder, table)
                async for page in iter_pages(connection, table, account_id=account_id, has_data=False):
                    for row in page:
                        is_content = table.name == CONTENT
                        chunker.add(
                            await self._take_message(folder, connection, table, row=row)
                            if is_content
                            else row
                        )
                    self._made.rows += len(page)
                    self._progress("rows", self._made.rows, total)
                found[table.name] = chunker.finish()
            return found

    def _takes(self, table: Table) -> bool:
        if table.name == UPLOADS:
            return False
        return self._account is None or IN_ACCOUNT[table.name] is not Fate.LEFT

    async def _take_message(
        self, folder: BackupFolder, connection: Connection, table: Table, *, row: Row
    ) -> Row:
        """See to the message of a content; return the row as it is in the backup.

        In the place of the message it has 1, None where that is a large one, and the name of an object with what is
        there where that is not the message (the store is damaged).
        """
        content = dict(zip(table.columns, row, strict=True))
        sha256 = content["sha256"]
        self._made.messages += 1
        self._messages_bytes += content["size_bytes"]
        if content[DATA] is None:
            self._made.blobs.append(Blob(content["account_id"], sha256, content["size_bytes"]))
        elif not folder.has(sha256):
            frame = await fetch_data(connection, content["account_id"], content["content_id"])
            if holds(frame, sha256):
                folder.add(sha256, frame)
                self._made.new_messages += 1
            else:
                what = f"message {content['content_id']} of account {content['account_id']}"
                self._made.problems.append(f"{what} is damaged in the store; it is kept as it is there")
                content[DATA] = folder.add_raw(frame)
        return tuple(content.values())

    async def _copy_blobs(self) -> None:
        target = open_blobs(self._root)
        there = {blob.sha256 async for blob in target.iter_all()}
        wanted: dict[bytes, list[Blob]] = {}
        for blob in self._made.blobs:
            if blob.sha256 not in there:
                wanted.setdefault(blob.sha256, []).append(blob)
        self._made.blobs = [copies[0] for copies in wanted.values()]
        done, total = 0, sum(blob.size_bytes for blob in self._made.blobs)
        for copies in wanted.values():
            await self._copy_blob(copies, target)
            done += copies[0].size_bytes
            self._progress("bytes of large messages", done, total)

    async def _copy_blob(self, copies: Sequence[Blob], target: BlobStore) -> None:
        """Copy a blob that several accounts may have: the first one that is whole will do for all."""
        for blob in copies:
            try:
                await copy_blob(self._store.blobs, blob, target, owner=OWNER)
            except LostBlobError as error:
                self._made.problems.append(error.message)
            else:
                self._made.new_messages += 1
                self._made.new_bytes += blob.size_bytes
                return
        self._made.lost.append(copies[0])


class LostBlobError(PostroomError):
    """A blob that cannot be copied because it is missing or damaged where it is to be read."""

    def __init__(self, blob: Blob, reason: str) -> None:
        text = f"large message {blob.sha256.hex()} of account {blob.account_id} is lost: {reason}"
        super().__init__(Kind.INTERNAL, "blobLost", text)


async def copy_blob(source: BlobStore, blob: Blob, target: BlobStore, *, owner: AccountId) -> None:
    """Copy a blob, which is ``owner``'s in the target. Raises: blobLost, unavailable."""
    try:
        reader = await source.open(blob.account_id, blob.sha256)
    except PostroomError as error:
        raise _as_lost(error, blob) from error
    writer = target.create(owner, blob.sha256)
    digest = hashlib.sha256()
    try:
        for start in range(0, reader.size_bytes, CHUNK_BYTES):
            try:
                data = await reader.read(start, start + CHUNK_BYTES)
            except PostroomError as error:
                raise _as_lost(error, blob) from error
            digest.update(data)
            await writer.write(data)
        if digest.digest() != blob.sha256:
            raise LostBlobError(blob, "it does not have its hash")
        await writer.finish()
    finally:
        reader.close()
        await writer.close()


async def is_whole(blobs: BlobStore, blob: Blob) -> bool:
    """Tell whether a blob is there and has its hash. Raises: unavailable."""
    try:
        reader = await blobs.open(blob.account_id, blob.sha256)
        try:
            digest = hashlib.sha256()
            async for piece in iter_raw(reader, 0, reader.size_bytes):
                digest.update(piece)
            return digest.digest() == blob.sha256
        finally:
            reader.close()
    except PostroomError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return False


def _as_lost(error: PostroomError, blob: Blob) -> PostroomError:
    """Return the error for what was read in vain; what may pass is left as it is."""
    return error if error.kind is Kind.UNAVAILABLE else LostBlobError(blob, error.message)
