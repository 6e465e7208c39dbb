"""What the store asks of a place for blobs: a directory or an object store, by the same contract."""

import mmap
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from postroom.model.ids import AccountId


class BlobInfo(NamedTuple):
    """A blob that is there: whose, the SHA-256 of its message, bytes it takes, Unix seconds of its last ``put``."""

    account_id: AccountId
    sha256: bytes
    size_bytes: int
    stored_at: float


class BlobReader(Protocol):
    """An open blob."""

    size_bytes: int
    """Of the raw message."""

    async def read(self, start: int, end: int) -> bytes:
        """Return the raw bytes ``[start:end]``, cut to the message. Raises: blobDamaged, unavailable."""

    def close(self) -> None:
        """Let go of what the reader holds."""


class BlobWriter(Protocol):
    """A blob that comes in pieces. It is there once :meth:`finish` has returned; always :meth:`close` it."""

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""

    async def write(self, data: bytes) -> None:
        """Add ``data``. Raises: unavailable."""

    async def finish(self) -> None:
        """Make the blob durable under its name. Raises: unavailable."""

    async def close(self) -> None:
        """Let go of what the writer holds; of a blob that is not finished nothing stays."""


class BlobStore(Protocol):
    """A place for blobs, named by account and SHA-256 of the raw message, or another name of 32 bytes.

    A blob is durable when ``put`` returns and is written before its row is; what no row names is collected later
    (see :mod:`postroom.domain.check`), but only once it is old, since its row may be on the way.
    """

    def create(self, account_id: AccountId, name: bytes) -> BlobWriter:
        """Begin a blob that comes in pieces, under a name that no other has."""

    async def put(self, account_id: AccountId, sha256: bytes, raw: bytes | mmap.mmap) -> None:
        """Store a message durably; one that is there already becomes young by it. Raises: unavailable."""

    async def open(self, account_id: AccountId, sha256: bytes) -> BlobReader:
        """Open a blob. Raises: blobMissing, blobDamaged, unavailable."""

    async def delete(
        self, account_id: AccountId, sha256: bytes, *, stored_before: float | None = None
    ) -> bool:
        """Delete a blob, with ``stored_before`` only if its last ``put`` is older; return whether it is gone.

        It is no error if it was gone before. Raises: unavailable.
        """

    def iter_all(self) -> AsyncIterator[BlobInfo]:
        """Yield all blobs, in no order. Raises: unavailable."""
