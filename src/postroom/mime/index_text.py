"""The text of a message for the full-text index: decoded, bounded, one string for each searchable field."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from postroom.mime.decode import decode_bytes, text_of
from postroom.mime.headers import Header
from postroom.mime.parse import MESSAGE_TYPES
from postroom.mime.raw import Raw
from postroom.mime.structure import Sources, best_body, iter_parts
from postroom.model.mail import Part

LARGEST_TEXT_CHARS = 1 << 20
"""Characters of all fields of a message together; what is beyond is not found by a search."""

_LARGEST_ENCODED_TEXT_BYTES = 4 << 20
_TAGS = re.compile(
    r"<(?:!--.*?(?:-->|\Z)|(script|style)\b.*?(?:</\1[^>]*+>?|\Z)|[a-zA-Z/!?][^>]*+(?:>|\Z))",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESS_FIELDS = (b"from", b"to", b"cc", b"bcc")


class IndexFields(NamedTuple):
    """Decoded text by search field; ``other`` is found by a search in any field only."""

    from_: str
    to: str
    cc: str
    bcc: str
    subject: str
    body: str
    attachments: str
    """Names of attachments, one a line."""
    other: str
    """Headers and text of attached messages, and the names of their attachments."""


def index_fields(raw: Raw, root: Part, body_text: str, *, header: Header | None = None) -> IndexFields:
    """Return the texts of the message ``raw`` to be indexed; ``body_text`` is the text of its body.

    ``header`` is its header, where that has been read.

    Together they have at most :data:`LARGEST_TEXT_CHARS`; the body is cut before the headers are, and the rest
    before the body.
    """
    budget = _Budget(LARGEST_TEXT_CHARS)
    from_, to, cc, bcc, subject = (budget.take(text) for text in _header_texts(header or Header(raw, root)))
    body = budget.take(body_text)
    names = budget.take_all(part.filename for part in iter_parts(root, into_messages=False))
    return IndexFields(from_, to, cc, bcc, subject, body, names, budget.take_all(_other_texts(raw, root)))


class _Budget:
    """Hands out a number of characters."""

    def __init__(self, chars: int) -> None:
        self._left = chars

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def take(self, text: str) -> str:
        """Return as much of ``text`` as is left for it."""
        text = text[: self._left]
        self._left -= len(text) + 1
        return text if self._left >= 0 else text[: self._left + 1]

    def take_all(self, texts: Iterable[str]) -> str:
        """Return as much of the ``texts`` as is left for them, a line each."""
        taken: list[str] = []
        for text in filter(None, texts):
            if self.is_spent:
                break
            taken.append(self.take(text))
        return "\n".join(taken)


def _header_texts(header: Header) -> list[str]:
    """Return from, to, cc, bcc and subject of an entity, repeated fields joined."""
    texts = [" ".join(map(header.address_text, header.values(name))) for name in _ADDRESS_FIELDS]
    return [*texts, " ".join(map(header.text, header.values(b"subject")))]


def _other_texts(raw: Raw, root: Part) -> Iterator[str]:
    outer_parts = list(iter_parts(root, into_messages=False))
    if not any(part.content_type in MESSAGE_TYPES for part in outer_parts):
        return
    outer = {part.id for part in outer_parts}
    sources = Sources(raw, root)
    for part in iter_parts(root):
        if part.filename and part.id not in outer:
            yield part.filename
        if part.content_type in MESSAGE_TYPES and part.parts:
            inner = part.parts[0]
            source = sources.of(inner)
            yield from _header_texts(Header(source, inner))
            yield _message_text(source, inner)


def _message_text(source: Raw, root: Part) -> str:
    """Return the text of an attached message's own body, if it is of a reasonable size."""
    part = best_body(root, "text") or best_body(root, "html")
    if part is None or part.decoded_base != root.decoded_base:
        return ""
    end = min(part.end, part.body_start + _LARGEST_ENCODED_TEXT_BYTES)
    text = text_of(decode_bytes(source[part.body_start : end], part.encoding), part)
    return html_words(text) if part.content_type == "text/html" else text


def html_words(html: str) -> str:
    """Return the words of an HTML text, for the index only: tags gone, entities resolved."""
    return unescape(_TAGS.sub(" ", html))
