"""Raw messages in and out: inline in the database where they are small, in the blob store where they are not.

A message is kept byte for byte. One that compresses to at most ``inline_limit_bytes`` (:mod:`postroom.content`
compresses none that is too large raw) is kept in its row and shares the row's commit; a larger one is in the blob
store before its row is written.
"""

import mmap
from collections.abc import AsyncIterator
from typing import Protocol

import zstandard

from postroom.model.ids import AccountId
from postroom.store.blobs.base import BlobReader, BlobStore
from postroom.store.blobs.frames import damaged
from postroom.store.sql.contents import Content

CHUNK_BYTES = 256 * 1024


class RawReader(Protocol):
    """An open raw message."""

    size_bytes: int

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes ``[start:end]``, cut to the message. Raises: blobDamaged, unavailable."""

    def close(self) -> None:
        """Let go of what the reader holds."""


class InlineReader:
    """A raw message that lies in its row."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.size_bytes = len(raw)

    async def read(self, start: int, end: int) -> bytes:
        """Return the bytes ``[start:end]``, cut to the message."""
        return self.raw[max(start, 0) : end]

    def close(self) -> None:
        """Nothing is held."""


class MessageStore:
    """Raw messages of all accounts."""

    def __init__(self, blobs: BlobStore, *, inline_limit_bytes: int) -> None:
        self._blobs = blobs
        self._inline_limit_bytes = inline_limit_bytes
        self._decompressor = zstandard.ZstdDecompressor()

    def fits_inline(self, packed: bytes | None) -> bool:
        """Tell whether a message, compressed (None: too large for that), is kept in its row."""
        return packed is not None and len(packed) <= self._inline_limit_bytes

    async def put_blob(self, account_id: AccountId, sha256: bytes, raw: bytes | mmap.mmap) -> None:
        """Store a message in the blob store, durably. Raises: unavailable."""
        await self._blobs.put(account_id, sha256, raw)

    async def open(self, account_id: AccountId, content: Content) -> RawReader | BlobReader:
        """Open the raw message of a content. Raises: blobMissing, blobDamaged, unavailable."""
        if content.data is None:
            return await self._blobs.open(account_id, content.sha256)
        return InlineReader(self.unpack(content))

    def unpack(self, content: Content) -> bytes:
        """Return the raw message of an inline content. Raises: blobDamaged."""
        data = content.data or b""
        try:
            # The size is in the frame's header: looked at first, so that a damaged one asks for no memory.
            if zstandard.frame_content_size(data) != content.size_bytes:
                raise damaged("the message is not as long as it should be")
            return self._decompressor.decompress(data)
        except zstandard.ZstdError as error:
            raise damaged(str(error)) from error


async def iter_raw(reader: RawReader, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes ``[start:end]`` of an open message in pieces of at most CHUNK_BYTES."""
    while start < end:
        piece = await reader.read(start, min(start + CHUNK_BYTES, end))
        if not piece:
            return
        yield piece
        start += len(piece)
