"""Small real PNG images, made byte for byte the same everywhere (ISO/IEC 15948).

The image data is put into stored deflate blocks (RFC 1951 §3.2.4): what a compressor makes of it may differ
between versions of zlib, and the corpus must not.
"""

import struct
import zlib
from collections.abc import Iterator

_STORED_BLOCK_BYTES = 65_535


def make_png(width: int, height: int, *, seed: int) -> bytes:
    """Return a PNG of ``width`` by ``height`` pixels, 8-bit RGB, with a pattern that depends on ``seed``."""
    rows = b"".join(b"\0" + bytes(_row(width, row, seed)) for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header), _chunk(b"IDAT", _stored(rows)), _chunk(b"IEND", b"")]
    )


def _row(width: int, row: int, seed: int) -> Iterator[int]:
    for column in range(width):
        yield (column * 5 + seed * 37) & 255
        yield (row * 7 + seed * 91) & 255
        yield (column * row + seed * 13) & 255


def _stored(data: bytes) -> bytes:
    blocks = [b"\x78\x01"]
    for start in range(0, len(data), _STORED_BLOCK_BYTES):
        block = data[start : start + _STORED_BLOCK_BYTES]
        final = start + _STORED_BLOCK_BYTES >= len(data)
        blocks.append(struct.pack("<BHH", final, len(block), len(block) ^ 0xFFFF) + block)
    return b"".join([*blocks, struct.pack(">I", zlib.adler32(data))])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG_IMAGES: tuple[bytes, ...] = tuple(make_png(16 + 8 * seed, 16 + 6 * seed, seed=seed) for seed in range(10))
"""Ten images of 1 to 18 KB."""
