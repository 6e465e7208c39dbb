"""What a list shows of a message, computed once at arrival, and the keys by which lists are sorted.

A header may have a megabyte, and a list a thousand rows: so of each field no more is shown than people write. The
message keeps all of it.
"""

import re
import unicodedata
from itertools import filterfalse
from typing import NamedTuple

from postroom.mime.address import parse_addresses
from postroom.mime.headers import Header, decode_value
from postroom.mime.raw import Raw
from postroom.mime.structure import iter_parts, list_attachments
from postroom.mime.text import make_snippet
from postroom.model.mail import IMPORTANCE_HIGH, IMPORTANCE_LOW, IMPORTANCE_NORMAL, Part, Summary

LONGEST_SORT_KEY_BYTES = 400
MAX_SUBJECT_CHARS = 2000
MAX_SENDER_CHARS = 2000
"""Of From, Sender, Reply-To and Message-ID."""
MAX_RECIPIENTS_CHARS = 32_768
"""Of To, Cc and Bcc: some 800 recipients."""
_FIRST_MAILBOX_CHARS = 2000

_IMPORTANCE = {
    "high": IMPORTANCE_HIGH,
    "low": IMPORTANCE_LOW,
    "normal": IMPORTANCE_NORMAL,
    "medium": IMPORTANCE_NORMAL,
}
_X_PRIORITY = {"1": 2, "2": 2, "3": 1, "4": 0, "5": 0}
_PRIORITY = {"urgent": IMPORTANCE_HIGH, "normal": IMPORTANCE_NORMAL, "non-urgent": IMPORTANCE_LOW}
_PREFIX = re.compile(
    r"\s*+(?:(?:re|r|ref|aw|antw|antwort|sv|vs|vá|ynt|odp|res|rif|回复|回覆|答复|返信|답장|ответ|hа|на"
    r"|fwd?|wg|vb|vl|tr|rv|enc|doorst|pd|továbbítás|i|ilt|转发|轉寄|転送|전달|пересл)"
    r"\s*+(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4}|\*\d{1,4})?\s*+[:：]|\[\d{1,4}\](?=\s*\S))\s*+",
    re.IGNORECASE,
)
_FORWARD_MARKS = ("(fwd)", "(fw)")


class TextKeys(NamedTuple):
    """Byte strings whose order is the order of the lists by subject, from and to."""

    subject: bytes
    from_: bytes
    to: bytes


def summarise(
    raw: Raw, root: Part, *, body_text: str, html: str | None, header: Header | None = None
) -> Summary:
    """Return the summary of the message ``raw``, whose part tree is ``root``.

    ``body_text`` is the text of the body (made from the HTML where there is no other), ``html`` the HTML body as
    sent, or None: inline attachments are told from it. ``header`` is its header, where that has been read.
    """
    header = header or Header(raw, root)
    from_ = _cut_list(header.address_text(header.first(b"from")), MAX_SENDER_CHARS)
    to, cc, bcc = (
        _cut_list(header.address_text(_joined(header.values(name))), MAX_RECIPIENTS_CHARS)
        for name in (b"to", b"cc", b"bcc")
    )
    return Summary(
        from_=from_,
        to=to,
        cc=cc,
        bcc=bcc,
        sender=_cut_list(header.address_text(header.first(b"sender")), MAX_SENDER_CHARS),
        reply_to=_cut_list(header.address_text(header.first(b"reply-to")), MAX_SENDER_CHARS) or from_,
        subject=header.text(header.first(b"subject"))[:MAX_SUBJECT_CHARS],
        message_id=header.text(header.first(b"message-id"))[:MAX_SENDER_CHARS],
        snippet=make_snippet(body_text),
        importance=_importance(header),
        is_itip=any(part.method for part in iter_parts(root, into_messages=False)),
        return_receipt=b"disposition-notification-to" in header,
        attachments=list_attachments(raw, root, html),
    )


def _cut_list(text: str, most: int) -> str:
    """Return a list of addresses of at most so many characters, without the one that would be cut."""
    if len(text) <= most:
        return text
    return text[:most].rpartition(",")[0] or text[:most]


def _joined(values: list[bytes]) -> bytes:
    """Return the list of recipients that the raw values of repeated fields make together (RFC 5322 §4.5)."""
    joined = values[0] if values else b""
    for value in values[1:]:
        if value.strip():
            before = joined.rstrip()
            joined = before + b", " + value.lstrip() if before else value
    return joined


def _importance(header: Header) -> int:
    """Return the importance (RFC 2156 §5.3.4 for Importance, else X-Priority, else Priority)."""
    for name, meanings in (
        (b"importance", _IMPORTANCE),
        (b"x-priority", _X_PRIORITY),
        (b"priority", _PRIORITY),
    ):
        if name in header:
            word = re.split(r"[\s(;,]", decode_value(header.first(name)[:200]).lower(), maxsplit=1)[0]
            if word in meanings:
                return meanings[word]
    return IMPORTANCE_NORMAL


def base_subject(text: str) -> str:
    """Return a decoded subject without the marks of replies and forwards (in the manner of RFC 5256 §2.1)."""
    return split_subject(text)[0]


def split_subject(text: str) -> tuple[str, bool]:
    """Return the base subject of a decoded subject, and whether it had a mark of a reply or a forward."""
    position = 0
    is_marked = False
    while match := _PREFIX.match(text, position):
        position = match.end()
        # A number in brackets alone is no mark.
        is_marked = is_marked or ":" in match[0] or "：" in match[0]
    rest = text[position:].strip()
    while (mark := rest[-5:].lower()).endswith(_FORWARD_MARKS):
        rest = rest[: -5 if mark == "(fwd)" else -4].rstrip()
        is_marked = True
    return rest, is_marked


def sort_keys(summary: Summary) -> TextKeys:
    """Return the keys of a message, each at most 400 bytes, UTF-8 without NUL, cut at a character.

    Case and accents are gone. From and To are represented by their first mailbox: display name, else address.
    """
    return TextKeys(
        sort_key(base_subject(summary.subject)),
        sort_key(_first_mailbox(summary.from_)),
        sort_key(_first_mailbox(summary.to)),
    )


def sort_key(text: str) -> bytes:
    """Return the key of one text."""
    text = text[:LONGEST_SORT_KEY_BYTES]
    if text.isascii():
        return text.lower().replace("\0", "").encode("ascii")
    folded = _without_accents(text).casefold()
    if not unicodedata.is_normalized("NFKD", folded):
        folded = _without_accents(folded)
    data = folded.replace("\0", "").encode("utf-8", "replace")
    return data[:LONGEST_SORT_KEY_BYTES].decode("utf-8", "ignore").encode("utf-8")


def _without_accents(text: str) -> str:
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", text)))


def _first_mailbox(value: str) -> str:
    addresses = parse_addresses(value[:_FIRST_MAILBOX_CHARS])
    return (addresses[0].display or addresses[0].address) if addresses else ""
