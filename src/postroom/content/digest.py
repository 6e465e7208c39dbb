"""Digesting a message: everything that is computed once, at arrival, and stored.

From the raw bytes come the part tree, the summary that lists show, the sort keys, the terms to be indexed, the
hash, and the compressed bytes. Nothing here fails because of what a message contains.
"""

import hashlib
import mmap
import threading
from typing import NamedTuple

import msgspec
import zstandard

from postroom.content.traits import Traits, read_traits
from postroom.mime.decode import decode_bytes, text_of
from postroom.mime.documents import has_documents
from postroom.mime.headers import Header
from postroom.mime.index_text import index_fields
from postroom.mime.parse import parse_message
from postroom.mime.raw import Raw
from postroom.mime.structure import best_body, has_attachments, may_have_inline, part_source
from postroom.mime.summary import sort_keys, summarise
from postroom.mime.threading import threading_of
from postroom.model.mail import Part, Summary
from postroom.sanitise.text import html_to_text
from postroom.search.terms import IndexTerms, index_terms

MAX_BODY_BYTES = 4 << 20
"""Encoded bytes of a body that are read for the snippet, the index and the cids; the rest is only stored."""
MAX_PACKED_RAW_BYTES = 1 << 20
"""A larger message is never kept in its row, so that no tiny row unpacks to a huge one."""
PACKING_LEVEL = 1
"""Level 3 packs mail one or two per cent better, and takes a fourth more time for it."""


class _Packer(threading.local):
    """A compressor for each thread, since one serves a single call at a time."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=PACKING_LEVEL, write_checksum=False)


_packer = _Packer()
_encode = msgspec.msgpack.Encoder().encode


class Digest(NamedTuple):
    """A message ready to be filed: what is stored of it, what lists show, what it is sorted and found by.

    ``data`` is the compressed message for its row; None where the raw message is too large for that, or lies in
    the blob store already.
    """

    sha256: bytes
    size_bytes: int
    structure: bytes
    threading: bytes
    data: bytes | None
    summary: bytes
    importance: int
    has_attachments: bool
    sort_subject: bytes
    sort_from: bytes
    sort_to: bytes
    index_terms: IndexTerms
    has_documents: bool = False
    """Whether parts are to be read for the index later, which takes long."""
    traits: Traits | None = None
    """What filters go by, where that was asked for."""


def digest_message(raw: Raw, *, with_traits: bool = False) -> Digest:
    """Return a raw message ready to be filed; ``with_traits`` where filters are to look at it."""
    root = parse_message(raw)
    header = Header(raw, root)
    summary, body_text = read_summary(raw, root, header)
    keys = sort_keys(summary)
    sha256 = hash_message(raw)
    return Digest(
        sha256=sha256,
        size_bytes=len(raw),
        structure=_encode(root),
        threading=_encode(threading_of(raw, root, summary, sha256=sha256, header=header)),
        data=pack_message(raw),
        summary=_encode(summary),
        importance=summary.importance,
        has_attachments=has_attachments(summary.attachments),
        sort_subject=keys.subject,
        sort_from=keys.from_,
        sort_to=keys.to,
        index_terms=IndexTerms(*map(index_terms, index_fields(raw, root, body_text, header=header))),
        has_documents=has_documents(root),
        traits=_read_traits(raw, root, header, summary=summary) if with_traits else None,
    )


def _read_traits(raw: Raw, root: Part, header: Header, *, summary: Summary) -> Traits | None:
    """Return the traits of a message; None if that fails, which must keep no message from being filed."""
    try:
        html_part = None if summary.snippet else best_body(root, "html")
        html = None if html_part is None else _read_text(raw, root, html_part)
        return read_traits(raw, root, header, summary=summary, html=html)
    except Exception:  # noqa: BLE001 - whatever it is, the filters are skipped, and tell of it
        return None


def read_summary(raw: Raw, root: Part, header: Header | None = None) -> tuple[Summary, str]:
    """Return the summary of a message, and the text of its body; ``header`` where that has been read."""
    text_part = best_body(root, "text")
    body_text = _read_text(raw, root, text_part) if text_part is not None else ""
    html_part = best_body(root, "html")
    html = None
    if html_part is not None:
        is_body = not body_text.strip()
        if is_body or may_have_inline(root):
            html = _read_text(raw, root, html_part)
        if html is not None and is_body:
            body_text = html_to_text(html)
    return summarise(raw, root, body_text=body_text, html=html, header=header), body_text


def _read_text(raw: Raw, root: Part, part: Part) -> str:
    source = part_source(raw, root, part)
    end = min(part.end, part.body_start + MAX_BODY_BYTES)
    return text_of(decode_bytes(source[part.body_start : end], part.encoding), part)


def hash_message(raw: Raw) -> bytes:
    """Return the SHA-256 of a raw message."""
    if isinstance(raw, mmap.mmap):
        with memoryview(raw) as view:
            return hashlib.sha256(view).digest()
    return hashlib.sha256(raw).digest()


def pack_message(raw: Raw) -> bytes | None:
    """Return a message compressed for its row (one zstd frame), None for a large one."""
    if len(raw) > MAX_PACKED_RAW_BYTES:
        return None
    return _packer.compressor.compress(raw[:])
