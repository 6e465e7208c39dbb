"""Records of a message and of a mail (a message in a folder).

*Content* is the immutable message; a *mail* is its presence in one folder, with flags. What a list shows is in
:class:`Summary`, computed once at arrival. The part tree (:class:`Part`) holds offsets into the raw message, so
that opening a part is a slice.
"""

from typing import NamedTuple

import msgspec

from postroom.model.conversation import ConversationId
from postroom.model.ids import ContentId, FolderId, ItemId, LabelId, Modseq, Uid

REFW_NONE, REFW_REPLIED, REFW_FORWARDED = 0, 1, 2
"""Bits of ``refw``: answered, forwarded; 3 is both."""

IMPORTANCE_LOW, IMPORTANCE_NORMAL, IMPORTANCE_HIGH = 0, 1, 2


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A MIME part: where it lies and what its Content- headers say (RFC 2045, 2183, 2231, 2392).

    Offsets are bytes in the raw message that holds the part: ``header_start <= body_start <= end``. The header
    block is ``[header_start:body_start]`` with its blank line, the (still encoded) body ``[body_start:end]``
    without the line end that belongs to the next boundary. ``id`` counts all parts of the message in document
    order, the root is 0. A message/rfc822 part has the root of the message inside as its only child; where such
    a part is transfer-encoded, ``decoded_base`` of its descendants is the id of that part, and their offsets are
    bytes in its *decoded* body (else -1).
    """

    id: int
    content_type: str
    """Lower-case ``type/subtype``, always valid: ``text/plain`` where missing or broken (RFC 2045 §5.2)."""
    charset: str
    """Lower-case charset parameter as given, "" if none."""
    encoding: str
    """``7bit``, ``8bit``, ``binary``, ``quoted-printable``, ``base64``, ``x-uuencode``, or what stood there."""
    disposition: str
    """Lower-case Content-Disposition value: "", "inline", "attachment", …"""
    filename: str
    """Decoded file name as the message gives it (RFC 2231, 2047), not yet made safe; "" if none."""
    content_id: str
    """Content-ID without angle brackets, "" if none."""
    header_start: int
    body_start: int
    end: int
    estimated_size: int
    """Approximate bytes of the decoded body, computed from the encoded length without decoding."""
    parts: tuple["Part", ...] = ()
    decoded_base: int = -1
    method: str = ""
    """The method parameter of a text/calendar part, lower-case (RFC 5546)."""
    flowed: bool = False
    """text/plain; format=flowed (RFC 3676)."""


class Attachment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An attachment as a list shows it; its place is its id. ``name`` is made safe, never empty."""

    part_id: int
    name: str
    content_id: str
    content_type: str
    size: int
    """Exact bytes of the decoded content."""
    is_inline: bool


class Summary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a list shows of a message: decoded header values (unfolded, RFC 2047 decoded), snippet, attachments."""

    from_: str
    to: str
    cc: str
    bcc: str
    sender: str
    reply_to: str
    """The Reply-To value, else From."""
    subject: str
    message_id: str
    snippet: str
    importance: int
    is_itip: bool
    return_receipt: bool
    attachments: tuple[Attachment, ...] = ()
    bimi_location: str = ""


class Mail(NamedTuple):
    """A mail in a folder, as stored; ``summary`` is decoded only where it is shown."""

    folder_id: FolderId
    uid: Uid
    item_id: ItemId
    content_id: ContentId
    modseq: Modseq
    entered_modseq: Modseq
    """When it came into this folder."""
    replaced_modseq: Modseq
    """When it last got another content; 0: never."""
    date: int
    """Unix seconds: when the server received, sent or saved it."""
    size: int
    is_unread: int
    is_flagged: int
    is_draft: int
    is_deleted: int
    refw: int
    labels: str
    """Label numbers, ascending, separated by one space; "" if none."""
    summary: bytes
    """:class:`Summary` in MessagePack."""
    conversation_id: ConversationId
    """0: none."""

    def label_ids(self) -> list[LabelId]:
        """Return the labels of this mail, ascending."""
        return [LabelId(int(number)) for number in self.labels.split()]
