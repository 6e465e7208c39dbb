"""Many numbers in few bytes.

Numbers of mails that belong together are near each other, so that of the eight bytes of each most are the same. All
first bytes are put before all second ones, and so on; what repeats lies together then, and compresses to next to
nothing. Nothing here goes through the numbers one by one.
"""

import sys
from array import array
from collections.abc import Iterable

import zstandard

_BYTES = 8
_compressor = zstandard.ZstdCompressor(level=1)
_decompressor = zstandard.ZstdDecompressor()


def make_numbers(numbers: Iterable[int] = ()) -> "array[int]":
    """Return numbers, each of 64 bits with its sign, as an array."""
    return numbers if isinstance(numbers, array) and numbers.typecode == "q" else array("q", numbers)


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Return the bytes that stand for numbers of 64 bits, in their order; b"" for none."""
    whole = _in_order(make_numbers(numbers)).tobytes()
    if not whole:
        return b""
    return _compressor.compress(b"".join(whole[place::_BYTES] for place in range(_BYTES)))


def unpack_numbers(packed: bytes) -> "array[int]":
    """Return the numbers that :func:`pack_numbers` was given."""
    numbers = array("q")
    if packed:
        planes = _decompressor.decompress(packed)
        count = len(planes) // _BYTES
        whole = bytearray(len(planes))
        for place in range(_BYTES):
            whole[place::_BYTES] = planes[place * count : (place + 1) * count]
        numbers.frombytes(bytes(whole))
    return _in_order(numbers)


def _in_order(numbers: "array[int]") -> "array[int]":
    """Return numbers with the bytes of each in the order of little-endian machines, or back."""
    if sys.byteorder == "little":
        return numbers
    turned = array("q", numbers)
    turned.byteswap()
    return turned
