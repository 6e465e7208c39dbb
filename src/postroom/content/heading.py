"""Fields put on top of a message that is digested already: the record of the filters, and what was forged of it.

A field of that name that came with the message is renamed in place, to a name as long as its own; so nothing of the
message moves but by the field that is added. Offsets, hash and the packed message are made anew; all else that a
digest says is the same as before. Only where a message has no Message-ID, and so is named by its hash, it is digested
once more.
"""

import mmap
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from postroom.content.digest import Digest, digest_message, hash_message, pack_message
from postroom.content.traits import FILTER_FIELD
from postroom.mime.raw import Raw
from postroom.model.mail import Part

RENAMED_FIELD = b"X-Original-Filter"
"""What a forged field is called; as long as the name that it takes the place of."""
_FORGED = re.compile(rb"^" + FILTER_FIELD.encode() + rb"(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)
_IN_MEMORY_BYTES = 1 << 20
_PIECE_BYTES = 1 << 20
_encode = msgspec.msgpack.Encoder().encode
_decode_part = msgspec.msgpack.Decoder(Part).decode


class Headed(NamedTuple):
    """A message with fields on top, and its digest."""

    raw: Raw
    digest: Digest


def put_on_top(raw: Raw, digest: Digest, fields: bytes, *, folder: Path | None = None) -> Headed:
    """Return a message with ``fields`` (whole lines) on top, and what was forged of them renamed.

    Args:
        raw: the message.
        digest: its digest, with its traits.
        fields: what is put on top; it may be empty.
        folder: where a large message is put together; by default where temporary files are.
    """
    root = _decode_part(digest.structure)
    traits = digest.traits
    block = raw[: root.body_start]
    if traits is None or traits.has_filter_field:
        block = _FORGED.sub(RENAMED_FIELD, block)
    headed = _join(fields + block, raw, root.body_start, folder=folder)
    if traits is None or not traits.is_named:
        return Headed(headed, digest_message(headed)._replace(traits=traits))
    moved = digest._replace(
        sha256=hash_message(headed),
        size_bytes=len(headed),
        structure=_encode(_shift(root, len(fields))),
        data=pack_message(headed),
    )
    return Headed(headed, moved)


def _shift(part: Part, count: int) -> Part:
    """Return a part tree whose offsets are larger; those in the decoded body of another part stay."""
    if part.decoded_base != -1:
        return part
    return msgspec.structs.replace(
        part,
        header_start=part.header_start + count if part.id else 0,
        body_start=part.body_start + count,
        end=part.end + count,
        parts=tuple(_shift(child, count) for child in part.parts),
    )


def _join(block: bytes, raw: Raw, start: int, *, folder: Path | None) -> Raw:
    """Return ``block`` and what follows ``start`` in ``raw``; a large message as a file without a name."""
    size = len(block) + len(raw) - start
    if size <= _IN_MEMORY_BYTES:
        return block + raw[start:]
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(block)
        for position in range(start, len(raw), _PIECE_BYTES):
            file.write(raw[position : position + _PIECE_BYTES])
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
