"""Which part is the body, and which are attachments (RFC 2046 §5.1, 2183, 2387).

The *body* of a kind is chosen so: in multipart/alternative the last fitting part, in multipart/related the root (the
first part, else any that fits), elsewhere the first. A text part counts if it is not marked as an attachment, and
has no file name unless it comes first. Attached messages are looked into only where the message around them has no
body of its own.

*Attachments* are the leaves in document order, attached messages being one each, without the bodies of either kind
and without further plain or HTML text that has neither a file name nor an attachment's disposition (the other forms
of an alternative among them).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from html import unescape
from typing import Literal
from urllib.parse import unquote

from postroom.mime.decode import decode_body, decoded_size
from postroom.mime.headers import decode_value, find_header, parse_headers
from postroom.mime.names import EXTENSIONS, made_up_name, message_name, safe_name
from postroom.mime.parse import MESSAGE_TYPES
from postroom.mime.raw import Raw
from postroom.model.mail import Attachment, Part

BodyKind = Literal["html", "text"]

_TYPES = {"html": "text/html", "text": "text/plain"}
_SHOWN_TYPES = frozenset(_TYPES.values())
_BLANK_BYTES = 2
_CID = re.compile(r"\bcid:([^\"'<>\s)\\]{1,998})", re.IGNORECASE)


def iter_parts(root: Part, *, into_messages: bool = True) -> Iterator[Part]:
    """Yield ``root`` and the parts below it in document order; optionally not those of attached messages."""
    pending = [root]
    while pending:
        part = pending.pop()
        yield part
        if part.parts and (into_messages or part.content_type not in MESSAGE_TYPES):
            pending.extend(reversed(part.parts))


def find_part(root: Part, part_id: int) -> Part | None:
    """Return the part with this id, or None. Ids count in document order, so each level is a bisection."""
    while root.id != part_id:
        index = bisect_right(root.parts, part_id, key=_part_id) - 1
        if index < 0:
            return None
        root = root.parts[index]
    return root


class Sources:
    """What the offsets of parts count in: the raw message, or the decoded body of the message that they lie in.

    For those who look at many parts, in document order: each transfer-encoded message is decoded once, and held no
    longer than its parts come.
    """

    def __init__(self, raw: Raw, root: Part) -> None:
        """The offsets of ``root`` count in ``raw``."""
        self._raw = raw
        self._root = root
        self._decoded: list[tuple[int, Raw]] = []

    def of(self, part: Part) -> Raw:
        """Return what the offsets of ``part``, which is ``root`` or below it, count in."""
        base = part.decoded_base
        if base == self._root.decoded_base:
            self._decoded.clear()
            return self._raw
        for index, (known, source) in enumerate(self._decoded):
            if known == base:
                del self._decoded[index + 1 :]
                return source
        around = find_part(self._root, base)
        source = decode_body(self.of(around), around) if around is not None else b""
        self._decoded.append((base, source))
        return source


def part_source(raw: Raw, root: Part, part: Part) -> Raw:
    """Return what the offsets of a single part count in, given that those of ``root`` count in ``raw``."""
    return Sources(raw, root).of(part)


def best_body(root: Part, kind: BodyKind) -> Part | None:
    """Return the part that shows the message best as ``kind``, or None if it has none of that kind."""
    wanted = _TYPES[kind]
    found = _find_body(root, wanted, is_first=True)
    if found is not None or any(_find_body(root, shown, is_first=True) for shown in _SHOWN_TYPES):
        return found
    if kind == "text" and (found := _find_other_text(root)) is not None:
        return found
    for part in iter_parts(root):
        if part.content_type in MESSAGE_TYPES and part.parts:
            return best_body(part.parts[0], kind)
    return None


def list_attachments(raw: Raw, root: Part, html: str | None) -> tuple[Attachment, ...]:
    """Return the attachments in MIME order; the place in the tuple is the id.

    ``html`` is the HTML body as sent, from which inline parts are told: parts of multipart/related that it refers
    to by cid (RFC 2392); Content-Disposition does not matter.
    """
    if not root.parts and root.content_type in _SHOWN_TYPES and root.disposition != "attachment":
        return ()
    bodies = {part.id for part in (best_body(root, "html"), best_body(root, "text")) if part is not None}
    content_ids = _ReferredContentIds(html)
    found: list[Attachment] = []
    for part, around in _iter_leaves(root):
        if part.id not in bodies and _is_attachment(part, around):
            is_inline = "multipart/related" in around and part.content_id in content_ids
            found.append(_attachment(raw, root, part, number=len(found) + 1, is_inline=is_inline))
    return tuple(found)


def may_have_inline(root: Part) -> bool:
    """Return whether any attachment may be inline, so that :func:`list_attachments` needs the HTML."""
    return any(part.content_type == "multipart/related" for part in iter_parts(root, into_messages=False))


def has_attachments(attachments: tuple[Attachment, ...]) -> bool:
    """Return whether any attachment is not inline."""
    return any(not attachment.is_inline for attachment in attachments)


def _part_id(part: Part) -> int:
    return part.id


def _find_body(part: Part, wanted: str, *, is_first: bool) -> Part | None:
    if not part.parts:
        is_body = part.content_type == wanted and part.disposition != "attachment"
        return part if is_body and (is_first or not part.filename) else None
    if part.content_type in MESSAGE_TYPES:
        return None
    is_alternative = part.content_type == "multipart/alternative"
    blank = None
    for index, child in enumerate(reversed(part.parts) if is_alternative else part.parts):
        found = _find_body(child, wanted, is_first=is_first and (is_alternative or index == 0))
        if found is not None:
            if found.end - found.body_start > _BLANK_BYTES:
                return found
            blank = blank or found
    return blank


def _find_other_text(root: Part) -> Part | None:
    """Return the first text of a type that is shown as plain text for want of better (RFC 2046 §4.1.4)."""
    for part in iter_parts(root, into_messages=False):
        content_type = part.content_type
        if content_type.startswith("text/") and content_type not in EXTENSIONS and not part.filename:
            return part if part.disposition != "attachment" else None
    return None


def _iter_leaves(root: Part) -> Iterator[tuple[Part, frozenset[str]]]:
    """Yield the leaves in document order, each with the types of the multiparts around it; messages are leaves."""
    pending = [(root, frozenset[str]())]
    while pending:
        part, around = pending.pop()
        if not part.parts or part.content_type in MESSAGE_TYPES:
            yield part, around
        else:
            inside = around | {part.content_type}
            pending.extend((child, inside) for child in reversed(part.parts))


def _is_attachment(part: Part, around: frozenset[str]) -> bool:
    content_type = part.content_type
    if content_type.startswith("text/"):
        if part.filename or part.disposition == "attachment":
            return True
        return content_type not in _SHOWN_TYPES and "multipart/alternative" not in around
    return not content_type.startswith("multipart/")


class _ReferredContentIds:
    """The content ids that an HTML text refers to; the text is searched when first asked."""

    def __init__(self, html: str | None) -> None:
        self._html = html or ""
        self._found: set[str] | None = None

    def __contains__(self, content_id: str) -> bool:
        if self._found is None:
            self._found = {unquote(unescape(found)) for found in _CID.findall(self._html)}
        return bool(content_id) and content_id in self._found


def _attachment(raw: Raw, root: Part, part: Part, *, number: int, is_inline: bool) -> Attachment:
    name = safe_name(part.filename)
    if not name and part.parts:
        inner = part.parts[0]
        subject = find_header(parse_headers(part_source(raw, root, inner), inner), "Subject")
        name = message_name(decode_value(subject) if subject is not None else "", number)
    return Attachment(
        part.id,
        name or made_up_name(number, part.content_type),
        part.content_id,
        part.content_type,
        decoded_size(part_source(raw, root, part), part),
        is_inline,
    )
