"""Which contacts have words that begin with some letters: sets of them, to be compared before any word is looked at.

A query of several words asks for contacts that have them all. Where each word begins very many and few contacts or
none have them together, going through the words of one and looking for the others takes long. So the contacts that
have a word with the same first byte, and with the same first two, are kept as sets of bits: a row for each of these
beginnings and each :data:`SPAN` numbers of contacts, in which there is any. What all sets of a query have in common
are the only contacts that can match. These sets are small: four rows of at most two kilobytes for 50,000 contacts
that were taken in together, and a number takes a bit of each.

Bits are packed by zlib, since most of them are zero where contacts have numbers far apart.

Nothing here reads or writes the store: see :mod:`postroom.store.sql.contact_words`.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from postroom.model.ids import ItemId

SPAN = 1 << 14
"""Numbers of contacts in a row."""
_BYTES = SPAN // 8
_LONGEST = 2


class Place(NamedTuple):
    """A row: the letters that words begin with, and which numbers it is about."""

    letters: bytes
    span: int


Words = Iterable[tuple[ItemId, bytes]]


def gather(words: Words) -> dict[Place, int]:
    """Return the bits that words of contacts set, by row."""
    bits: dict[Place, int] = defaultdict(int)
    for item_id, letters in {(item, word[:length]) for item, word in words for length in _lengths(word)}:
        span, offset = divmod(item_id, SPAN)
        bits[Place(letters, span)] |= 1 << offset
    return bits


def shorten(beginning: bytes) -> bytes:
    """Return the letters of the smallest set that has all whose words begin so."""
    return beginning[:_LONGEST]


def intersect(sets: Sequence[bytes]) -> int:
    """Return the bits that packed sets, at least one, have in common."""
    bits = unpack(sets[0])
    for members in sets[1:]:
        bits &= unpack(members)
    return bits


def list_members(span: int, bits: int) -> Iterator[ItemId]:
    """Yield the numbers of a set, ascending."""
    while bits:
        lowest = bits & -bits
        yield ItemId(span * SPAN + lowest.bit_length() - 1)
        bits ^= lowest


def pack(bits: int) -> bytes:
    """Return a set as it is stored."""
    return zlib.compress(bits.to_bytes(_BYTES, "little"), level=1)


def unpack(members: bytes) -> int:
    """Return the bits of a stored set."""
    return int.from_bytes(zlib.decompress(members), "little")


def _lengths(word: bytes) -> range:
    return range(1, min(len(word), _LONGEST) + 1)
