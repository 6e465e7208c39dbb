"""The keys of counted chunks: places in a sort order, as bytes that compare as the places do.

A key is (value, date, uid), written as bytes that compare as the three do one after the other: numbers as 8 bytes,
big-endian, and a text followed by a zero byte, which no sort text contains. The lowest key is empty.
"""

import struct
from collections.abc import Sequence

from postroom.model.listing import SortField
from postroom.store.sorting import Anchor, SortKeys

LOWEST = b""
_TAIL = struct.Struct(">QQ")
KEY_PLACES = {
    SortField.DATE: 0,
    SortField.SUBJECT: 6,
    SortField.FROM: 7,
    SortField.TO: 8,
    SortField.SIZE: 1,
    SortField.IS_UNREAD: 2,
    SortField.IS_FLAGGED: 3,
    SortField.IMPORTANCE: 4,
    SortField.HAS_ATTACHMENTS: 5,
}
"""Where the value of each order stands in SortKeys; in the order of SortField."""
_TEXT_FIELDS = frozenset({SortField.SUBJECT, SortField.FROM, SortField.TO})


def key_of(field: SortField, keys: SortKeys, uid: int) -> Anchor:
    """Return the place of a mail (or, by its number, of a conversation) in an order."""
    return Anchor(keys[KEY_PLACES[field]], keys.date, uid)


def render_keys(keys: SortKeys, uid: int, *, places: Sequence[int]) -> list[bytes]:
    """Return the key of a mail in several orders, whose values stand at ``places`` in SortKeys."""
    tail = _TAIL.pack(keys.date, uid)
    return [_render_key(keys[place], tail) for place in places]


def render_anchor(anchor: Anchor) -> bytes:
    """Return the key of a place."""
    return _render_key(anchor.value, _TAIL.pack(anchor.date, anchor.uid))


def _render_key(value: int | bytes, tail: bytes) -> bytes:
    return value + b"\x00" + tail if isinstance(value, bytes) else value.to_bytes(8, "big") + tail


def parse_key(field: SortField, key: bytes) -> Anchor:
    """Return the place of a key; the lowest key is before every mail."""
    is_text = field in _TEXT_FIELDS
    if key == LOWEST:
        return Anchor(b"" if is_text else 0, 0, 0)
    date, uid = _TAIL.unpack(key[-_TAIL.size :])
    value = key[: -_TAIL.size]
    return Anchor(value[:-1] if is_text else int.from_bytes(value, "big"), date, uid)
