"""Reading the text of the documents in a message, and the index terms that the message has with it.

All of this happens in a process of its own (:mod:`postroom.content.extract_process`), which may die of any document.
What kind of document a part is, is told from how it begins: what the message says is often wrong.
"""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from postroom.content.digest import read_summary
from postroom.content.extract_text import Enough, Late, TextSink
from postroom.mime.decode import decode_body, text_of
from postroom.mime.documents import iter_documents
from postroom.mime.index_text import html_words, index_fields
from postroom.mime.parse import parse_message
from postroom.mime.structure import Sources
from postroom.model.mail import Part
from postroom.search.terms import IndexTerms, index_terms

MAX_CHARS = 1 << 20
"""Characters of all documents of a message together; what is beyond is not found by a search."""
MAX_DOCUMENTS = 200
"""Documents of a message that are read."""
_TIME_SHARE = 0.8
"""Of the time that a document may take: then its text ends, so that what there is of it is not lost to the alarm."""
_PDF_WITHIN_BYTES = 1024
"""Where the header of a PDF file may begin (ISO 32000-1, annex H.3.4.1)."""
_SURROGATES = re.compile("[\ud800-\udfff]+")


class ExtractTask(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What is to be read of a message that follows.

    Attributes:
        skip: parts that are not to be read.
        only: the parts that are to be read; None for all.
        max_bytes: a larger document (still encoded) is left out.
        document_seconds: how long may be computed for one document.
        message_seconds: how long all of them may take; no further one is begun then.
    """

    skip: list[int]
    only: list[int] | None
    max_bytes: int
    document_seconds: float
    message_seconds: float


class Begun(msgspec.Struct, array_like=True, tag="begun", frozen=True):
    """A document is being read."""

    part_id: int


class Extracted(msgspec.Struct, array_like=True, tag="extracted", frozen=True):
    """What a message is to be found by, with the text of its documents.

    Attributes:
        terms: the terms by field; None where the documents hold no text.
        read: documents that were read.
        failed: documents that could not be read, or were left out.
    """

    terms: IndexTerms | None
    read: int
    failed: int


class _Documents(NamedTuple):
    text: str
    read: int
    failed: int


def extract(
    raw: bytes, task: ExtractTask, *, begin: Callable[[Part], None], may_go_on: Callable[[], bool]
) -> Extracted:
    """Return the terms of a message with the text of its documents.

    Args:
        raw: the message.
        task: what is to be read of it.
        begin: is called before a document is read.
        may_go_on: says whether there is time for another document.
    """
    root = parse_message(raw)
    found = _read_documents(raw, root, task, begin=begin, may_go_on=may_go_on)
    if not found.text.strip():
        return Extracted(None, found.read, found.failed)
    return Extracted(terms_with(raw, root, found.text), found.read, found.failed)


def terms_with(raw: bytes, root: Part, documents: str) -> IndexTerms:
    """Return the terms of a message with the text of its documents."""
    _, body_text = read_summary(raw, root)
    fields = index_fields(raw, root, body_text)
    return IndexTerms(*map(index_terms, fields._replace(other=f"{fields.other}\n{documents}")))


def _read_documents(
    raw: bytes, root: Part, task: ExtractTask, *, begin: Callable[[Part], None], may_go_on: Callable[[], bool]
) -> _Documents:
    sink = TextSink(MAX_CHARS)
    read = failed = 0
    sources = Sources(raw, root)
    for part in iter_documents(root):
        if not _is_wanted(part, task) or read + failed >= MAX_DOCUMENTS or not may_go_on():
            failed += 1
            continue
        begin(part)
        sink.begin(deadline=time.process_time() + task.document_seconds * _TIME_SHARE)
        try:
            read_document(decode_body(sources.of(part), part), part, sink)
            read += 1
        except Late:
            read += 1
        except Enough:
            read += 1
            break
        except Exception:  # noqa: BLE001 - a document can make a reader fail in any way; the others count
            failed += 1
    return _Documents(_mended(sink.text()), read, failed)


def _is_wanted(part: Part, task: ExtractTask) -> bool:
    if part.id in task.skip or (task.only is not None and part.id not in task.only):
        return False
    return part.end - part.body_start <= task.max_bytes


def read_document(data: bytes, part: Part, sink: TextSink) -> None:
    """Add the text of a document. Raises: Enough; whatever a broken document makes a reader raise."""
    start = data[:_PDF_WITHIN_BYTES].lstrip()
    if b"%PDF-" in data[:_PDF_WITHIN_BYTES]:
        from postroom.content.extract_pdf import read_pdf  # noqa: PLC0415 - most messages have none

        read_pdf(data, sink)
    elif start.startswith(b"PK"):
        from postroom.content.extract_office import read_office  # noqa: PLC0415

        read_office(data, sink)
    elif start.startswith(b"{\\rtf"):
        from postroom.content.extract_rtf import read_rtf  # noqa: PLC0415

        read_rtf(data, sink)
    elif start.startswith((b"<?xml", b"\xef\xbb\xbf<?xml")) and b"office:document" in data[:8192]:
        from postroom.content.extract_office import read_flat  # noqa: PLC0415

        read_flat(data, sink)
    elif part.content_type.startswith("text/"):
        text = text_of(data, part)
        sink.add(html_words(text) if part.content_type in ("text/html", "text/xml") else text)


def _mended(text: str) -> str:
    """Return a text in which halves of characters (surrogates) are put together, or replaced."""
    if _SURROGATES.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
