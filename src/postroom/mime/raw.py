"""The raw message as every function of this package takes it, and the limits that parsing obeys."""

import mmap
from typing import NamedTuple

Raw = bytes | mmap.mmap
"""A whole message, or a decoded nested one. Large ones are memory maps: take slices, never the whole."""


class Limits(NamedTuple):
    """How far a message is taken apart. What lies beyond stays whole inside the part that holds it."""

    depth: int = 100
    """Containers (multipart, message) inside one another; a deeper one is a leaf."""
    parts: int = 10_000
    """Parts of a message, nested messages included; the last one holds the rest."""
    header_block_bytes: int = 1 << 20
    """Bytes of a header block in which fields are looked for."""
    encoded_message_bytes: int = 16 << 20
    """Encoded bytes up to which a transfer-encoded message/rfc822 is decoded and taken apart."""
    encoded_depth: int = 8
    """Transfer-encoded messages inside one another that are decoded: each is decoded anew, so depth costs."""


DEFAULT_LIMITS = Limits()
