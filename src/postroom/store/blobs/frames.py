"""The format of a blob: independent zstd frames and their index, so that reading can start anywhere.

A blob is the frames of consecutive pieces of the raw message, :data:`FRAME_BYTES` each but the last, followed by
the compressed length of each frame (4 bytes, little-endian) and a trailer: number of frames (4), bytes of a piece
(4), bytes of the raw message (8), magic (8). Reading a range decompresses only the frames it touches.

Source: RFC 8878 for the frames.
"""

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

import zstandard

from postroom.errors import Kind, PostroomError

FRAME_BYTES = 1 << 20
LEVEL = 3
MAGIC = b"PRBLOB01"
_TRAILER = struct.Struct("<IIQ8s")
TRAILER_BYTES = _TRAILER.size
LENGTH_BYTES = 4


class FrameIndex(NamedTuple):
    """Where the frames of a blob lie: ``offsets[n]`` to ``offsets[n + 1]``."""

    offsets: tuple[int, ...]
    frame_bytes: int
    size_bytes: int

    def raw_bytes_of(self, number: int) -> int:
        """Return the bytes of the piece in a frame: all but the last are of the same size."""
        return min(self.frame_bytes, self.size_bytes - number * self.frame_bytes)


class Trailer(NamedTuple):
    """The end of a blob; ``index_bytes`` of frame lengths stand before it."""

    frame_bytes: int
    size_bytes: int
    index_bytes: int


def iter_blob(raw: bytes | mmap.mmap, *, frame_bytes: int = FRAME_BYTES) -> Iterator[bytes]:
    """Yield the pieces of the blob of a raw message, in order."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    lengths: list[int] = []
    for start in range(0, len(raw), frame_bytes):
        frame = compressor.compress(raw[start : start + frame_bytes])
        lengths.append(len(frame))
        yield frame
    yield struct.pack(f"<{len(lengths)}I", *lengths)
    yield _TRAILER.pack(len(lengths), frame_bytes, len(raw), MAGIC)


class FrameWriter:
    """Makes a blob of a message that comes in pieces; holds less than one frame of it."""

    def __init__(self, *, frame_bytes: int = FRAME_BYTES) -> None:
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._frame_bytes = frame_bytes
        self._lengths: list[int] = []
        self._waiting = bytearray()
        self.size_bytes = 0
        """Bytes of the message so far."""

    def takes_without_work(self, data: bytes) -> bool:
        """Tell whether ``data`` completes no frame, so that it is only copied."""
        return len(self._waiting) + len(data) < self._frame_bytes

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the message; return the frames that it completes."""
        self._waiting += data
        self.size_bytes += len(data)
        done = bytearray()
        while len(self._waiting) >= self._frame_bytes:
            done += self._pack(self._frame_bytes)
        return bytes(done)

    def finish(self) -> bytes:
        """Return the end of the blob."""
        last = self._pack(len(self._waiting)) if self._waiting else b""
        index = struct.pack(f"<{len(self._lengths)}I", *self._lengths)
        return last + index + _TRAILER.pack(len(self._lengths), self._frame_bytes, self.size_bytes, MAGIC)

    def _pack(self, count: int) -> bytes:
        frame = self._compressor.compress(bytes(self._waiting[:count]))
        del self._waiting[:count]
        self._lengths.append(len(frame))
        return frame


def parse_trailer(data: bytes) -> Trailer:
    """Return what the last TRAILER_BYTES of a blob say. Raises: blobDamaged."""
    if len(data) != TRAILER_BYTES:
        raise damaged("it is too short")
    frames, frame_bytes, size_bytes, magic = _TRAILER.unpack(data)
    if magic != MAGIC or frame_bytes == 0 or frames != -(-size_bytes // frame_bytes):
        raise damaged("it does not end as a blob does")
    return Trailer(frame_bytes, size_bytes, frames * LENGTH_BYTES)


def parse_index(trailer: Trailer, data: bytes, *, frames_end: int) -> FrameIndex:
    """Return the places of the frames, which fill the blob up to ``frames_end``. Raises: blobDamaged."""
    if len(data) != trailer.index_bytes:
        raise damaged("its index is cut")
    offsets = [0]
    for (length,) in struct.iter_unpack("<I", data):
        offsets.append(offsets[-1] + length)
    if offsets[-1] != frames_end:
        raise damaged("its index does not fit its frames")
    return FrameIndex(tuple(offsets), trailer.frame_bytes, trailer.size_bytes)


def open_frame(data: bytes, *, raw_bytes: int) -> bytes:
    """Return the ``raw_bytes`` of one frame. Raises: blobDamaged."""
    try:
        # The size is in the frame's header: looked at first, so that a damaged one asks for no memory.
        if zstandard.frame_content_size(data) != raw_bytes:
            raise damaged("a frame is not as long as it should be")
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise damaged(str(error)) from error


def damaged(reason: str) -> PostroomError:
    """Return the error for a blob that is not as it was written."""
    return PostroomError(
        Kind.INTERNAL, "blobDamaged", "the stored message is damaged; run postroom check", private=reason
    )
