"""Reading and writing one blob of an object store, a few megabytes at a time.

A reader asks for the end of the object, which holds the index of its frames, and from then on for single frames. It
names the version that it opened: if that was stored anew in between, it reads the index again.

A writer keeps the frames until they make a part. A blob smaller than that is one request; a larger one is handed on
frame by frame to an upload that runs beside the writer, and that the store takes back if the writer gives up.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import obstore
from obstore.exceptions import GenericError, PreconditionError
from obstore.store import S3Store

from postroom.errors import Kind, PostroomError
from postroom.store.blobs.frames import (
    TRAILER_BYTES,
    FrameIndex,
    FrameWriter,
    damaged,
    open_frame,
    parse_index,
    parse_trailer,
)
from postroom.store.blobs.object_errors import object_errors, to_unavailable

PART_BYTES = 5 << 20
"""The least that S3 takes as a part."""
_END_BYTES = 8192
"""Asked for first: the trailer and the index of any message up to 2 GB."""


class _GaveUpError(Exception):
    """The writer of an upload has gone."""


class ObjectBlobReader:
    """An open blob; the last frame opened is kept, since readers go forward."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store = store
        self._key = key
        self._index = FrameIndex((0,), 1, 0)
        self._version: str | None = None
        self._last_frame = (-1, b"")
        self._is_open = True
        self.size_bytes = 0

    async def load(self) -> None:
        """Read the index. Raises: blobMissing, blobDamaged, unavailable."""
        end, size_bytes = await self._read_end()
        trailer = parse_trailer(end[-TRAILER_BYTES:])
        place = size_bytes - TRAILER_BYTES - trailer.index_bytes
        if place < 0:
            raise damaged("its index is cut")
        first = len(end) - TRAILER_BYTES - trailer.index_bytes
        if first >= 0:
            data = end[first : len(end) - TRAILER_BYTES]
        else:
            data = await self._fetch(place, place + trailer.index_bytes)
        self._index = parse_index(trailer, data, frames_end=place)
        self.size_bytes = self._index.size_bytes

    async def _read_end(self) -> tuple[bytes, int]:
        try:
            with object_errors():
                return await self._get_end()
        except FileNotFoundError as error:
            raise PostroomError(
                Kind.INTERNAL, "blobMissing", "the stored message is missing; run postroom check"
            ) from error

    async def _get_end(self) -> tuple[bytes, int]:
        try:
            result = await obstore.get_async(
                self._store, self._key, options={"range": {"suffix": _END_BYTES}}
            )
            end = bytes(await result.bytes_async())
        except GenericError:
            # There is no end of an object without bytes, and stores say so in different ways.
            meta = await obstore.head_async(self._store, self._key)
            if meta["size"] < TRAILER_BYTES:
                raise damaged("it is too short") from None
            raise
        self._version = result.meta["e_tag"]
        return end, result.meta["size"]

    async def read(self, start: int, end: int) -> bytes:
        """Return the raw bytes ``[start:end]``, cut to the message. Raises: blobDamaged, unavailable."""
        pieces: list[bytes] = []
        start, end = max(start, 0), min(end, self.size_bytes)
        while start < end:
            number, within = divmod(start, self._index.frame_bytes)
            piece = (await self._open(number))[within : within + end - start]
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    async def _open(self, number: int) -> bytes:
        last, frame = self._last_frame
        if number == last:
            return frame
        try:
            frame = await self._read_frame(number)
        except PreconditionError:
            # Stored anew: the same message, but perhaps packed by another version of the library.
            with object_errors():
                await self.load()
                frame = await self._read_frame(number)
        self._last_frame = (number, frame)
        return frame

    async def _read_frame(self, number: int) -> bytes:
        low, high = self._index.offsets[number : number + 2]
        data = await self._fetch(low, high)
        return await asyncio.to_thread(open_frame, data, raw_bytes=self._index.raw_bytes_of(number))

    async def _fetch(self, low: int, high: int) -> bytes:
        if not self._is_open:
            raise to_unavailable(ValueError("the reader is closed"))
        try:
            result = await obstore.get_async(
                self._store, self._key, options={"range": (low, high), "if_match": self._version}
            )
            data = bytes(await result.bytes_async())
        except PreconditionError:
            raise
        except Exception as error:
            raise to_unavailable(error) from error
        if len(data) != high - low:
            raise to_unavailable(ValueError(f"{len(data)} bytes came instead of {high - low}"))
        return data

    def close(self) -> None:
        """Let go of the frame; nothing is held at the store."""
        self._is_open = False
        self._last_frame = (-1, b"")


async def _parts(queue: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
    """Yield what comes in a queue up to an empty piece. Raises _GaveUpError at None."""
    while (piece := await queue.get()) != b"":
        if piece is None:
            raise _GaveUpError
        yield piece


class ObjectBlobWriter:
    """A blob that is being sent; ``settle`` is called with the bytes sent and says whether they are there."""

    def __init__(self, store: S3Store, key: str, settle: Callable[[int], Awaitable[None]]) -> None:
        self._store = store
        self._key = key
        self._settle = settle
        self._frames = FrameWriter()
        self._waiting: list[bytes] = []
        self._sent_bytes = 0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._upload: asyncio.Task[None] | None = None
        self._is_over = False

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._frames.size_bytes

    async def write(self, data: bytes) -> None:
        """Add ``data``. Raises: unavailable."""
        if self._is_over:
            return
        if self._frames.takes_without_work(data):
            self._frames.feed(data)
            return
        await self._add(await asyncio.to_thread(self._frames.feed, data))

    async def _add(self, packed: bytes) -> None:
        if not packed:
            return
        self._waiting.append(packed)
        self._sent_bytes += len(packed)
        if self._sent_bytes > PART_BYTES:
            await self._hand_on()

    async def _hand_on(self) -> None:
        """Give what waits to the upload, which puts the parts together. Raises: unavailable."""
        if self._upload is None:
            self._upload = asyncio.create_task(self._send(_parts(self._queue)))
        try:
            while self._waiting:
                await self._give(self._waiting.pop(0))
        except FileNotFoundError as error:
            raise to_unavailable(error) from error

    async def _send(self, parts: AsyncIterator[bytes]) -> None:
        await obstore.put_async(
            self._store, self._key, parts, use_multipart=True, chunk_size=PART_BYTES, max_concurrency=1
        )

    async def _give(self, piece: bytes | None) -> None:
        """Hand over a piece as soon as the one before it is taken.

        Raises: unavailable; FileNotFoundError where the store does not know the upload any more.
        """
        upload = self._upload
        if upload is None:
            return
        giving = asyncio.create_task(self._queue.put(piece))
        try:
            await asyncio.wait({giving, upload}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving.cancel()
        if upload.done():
            await self._end_upload()

    async def _end_upload(self) -> None:
        if self._upload is not None:
            with object_errors():
                await self._upload

    async def finish(self) -> None:
        """Make the blob durable under its name. Raises: unavailable."""
        if self._is_over:
            return
        await self._add(await asyncio.to_thread(self._frames.finish))
        if self._upload is None:
            with object_errors():
                await obstore.put_async(self._store, self._key, b"".join(self._waiting), use_multipart=False)
        else:
            # Where the answer to its end was lost, the end is asked for again, and some stores say then that there is
            # no such upload. Whether its parts were put together is seen when it is settled.
            with contextlib.suppress(FileNotFoundError):
                await self._give(b"")
                await self._end_upload()
        self._is_over = True
        await self._settle(self._sent_bytes)

    async def close(self) -> None:
        """Let go; an upload that is not finished is taken back."""
        if self._is_over:
            return
        self._is_over = True
        self._waiting.clear()
        if self._upload is not None and not self._upload.done():
            with contextlib.suppress(PostroomError, FileNotFoundError, _GaveUpError):
                await self._give(None)
            with contextlib.suppress(Exception):
                await self._upload
