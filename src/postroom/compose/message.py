"""A message out of its fields, bodies and files (RFC 5322, 2045 to 2049, 2183, 2387).

Its shape, where all there can be is there; what is not needed is left out::

    multipart/mixed
        multipart/alternative
            text/plain
            multipart/related
                text/html
                the files that the HTML shows
        the other files

Bcc is written: the result is the sender's copy (see :mod:`postroom.compose.outbound`). It is ASCII, but for addresses
that cannot be written so (RFC 6532), and attached messages that are not. The same fields and files always give the
same bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from postroom.compose.addresses import Address, check_address, render_addresses
from postroom.compose.fields import clean_value, render_date, render_extra, render_text, render_tokens
from postroom.compose.parts import AttachedFile, Boundaries, Part, file_part, multipart, text_part
from postroom.compose.threads import parse_message_ids
from postroom.errors import bad_parameter

__all__ = ["AttachedFile", "Fields", "check_fields", "compose_message", "needs_smtputf8"]

MAX_SUBJECT_CHARS: Final = 4000
_IMPORTANCE = {
    "low": "Importance: low\r\nX-Priority: 5\r\n",
    "normal": "",
    "high": "Importance: high\r\nX-Priority: 1\r\n",
}


class Fields(NamedTuple):
    """What a message says, but for its files. ``message_id`` and the ids of others have their angle brackets."""

    from_: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    body_text: str | None = None
    body_html: str | None = None
    importance: str = "normal"
    """low, normal or high."""
    message_id: str = ""
    date: int = 0
    """Unix seconds."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    read_receipt_to: Address | None = None
    extra: tuple[tuple[str, str], ...] = ()
    """More header fields: names and values."""


def needs_smtputf8(fields: Fields) -> bool:
    """Tell whether an address that is shown in the message cannot be written in ASCII (RFC 6531); Bcc never is."""
    receipt_to = () if fields.read_receipt_to is None else (fields.read_receipt_to,)
    addresses = (fields.from_, *fields.to, *fields.cc, *fields.reply_to, *receipt_to)
    return not all(address.is_ascii for address in addresses)


def check_fields(fields: Fields) -> Fields:
    """Return fields fit for headers: on one line, without controls. Raises: badParameter, naming the field."""
    subject = clean_value(fields.subject, parameter="subject")
    if len(subject) > MAX_SUBJECT_CHARS:
        raise bad_parameter("subject", f"the subject is longer than {MAX_SUBJECT_CHARS} characters")
    if fields.importance not in _IMPORTANCE:
        raise bad_parameter("importance", "importance is low, normal or high")
    receipt_to = fields.read_receipt_to
    return fields._replace(
        from_=check_address(fields.from_, parameter="from"),
        to=_check_all(fields.to, "to"),
        cc=_check_all(fields.cc, "cc"),
        bcc=_check_all(fields.bcc, "bcc"),
        reply_to=_check_all(fields.reply_to, "replyTo"),
        subject=subject,
        message_id=read_message_id(fields.message_id),
        read_receipt_to=receipt_to and check_address(receipt_to, parameter="requestReadReceipt"),
    )


def compose_message(fields: Fields, files: Sequence[AttachedFile] = ()) -> bytes:
    """Return a message, with CRLF line ends and its Bcc. Raises: badParameter for what cannot stand in a header."""
    checked = check_fields(fields)
    content = _content(checked, files)
    return join_message("".join(_header(checked)), content)


def join_message(header: str, content: Part) -> bytes:
    """Return a message of header fields and what they head."""
    head = f"{header}MIME-Version: 1.0\r\n{content.head}\r\n"
    body = content.body
    end = b"" if not body[-1] or body[-1].endswith(b"\n") else b"\r\n"
    return b"".join((head.encode(), *body, end))


def _check_all(addresses: tuple[Address, ...], parameter: str) -> tuple[Address, ...]:
    return tuple([check_address(address, parameter=parameter) for address in addresses])


def read_message_id(message_id: str) -> str:
    """Return a message id with its angle brackets. Raises: badParameter (``messageId``)."""
    found = parse_message_ids(message_id if message_id.startswith("<") else f"<{message_id}>")
    if len(found) != 1 or len(found[0]) < len(message_id):
        raise bad_parameter("messageId", f"{message_id[:100]!r} is not a message id")
    return found[0]


def _header(fields: Fields) -> Iterator[str]:
    yield f"Date: {render_date(fields.date)}\r\n"
    yield render_tokens("From", render_addresses("From", (fields.from_,)))
    for name, addresses in (
        ("Reply-To", fields.reply_to),
        ("To", fields.to),
        ("Cc", fields.cc),
        ("Bcc", fields.bcc),
    ):
        if addresses:
            yield render_tokens(name, render_addresses(name, addresses))
    yield f"Message-ID: {fields.message_id}\r\n"
    yield from render_thread(fields.in_reply_to, fields.references, is_utf8=needs_smtputf8(fields))
    if fields.subject:
        yield render_text("Subject", fields.subject)
    yield _IMPORTANCE[fields.importance]
    if fields.read_receipt_to is not None:
        name = "Disposition-Notification-To"
        yield render_tokens(name, render_addresses(name, (fields.read_receipt_to,)))
    for name, value in fields.extra:
        yield render_extra(name, value)


def render_thread(in_reply_to: str, references: tuple[str, ...], *, is_utf8: bool = False) -> Iterator[str]:
    """Yield In-Reply-To and References, without what is no message id or could not be sent."""
    for name, text in (("In-Reply-To", in_reply_to), ("References", " ".join(references))):
        ids = [found for found in parse_message_ids(text) if is_utf8 or found.isascii()]
        if ids:
            yield render_tokens(name, ids)


def _content(fields: Fields, files: Sequence[AttachedFile]) -> Part:
    boundaries = Boundaries(fields.message_id)
    has_html = fields.body_html is not None
    related = [file for file in files if _is_related(file, has_html=has_html)]
    attached = [file for file in files if not _is_related(file, has_html=has_html)]
    forms: list[Part] = []
    if fields.body_text is not None or fields.body_html is None:
        forms.append(text_part(fields.body_text or "", "plain"))
    if fields.body_html is not None:
        html = text_part(fields.body_html, "html")
        if related:
            shown = [file_part(file, is_related=True) for file in related]
            html = multipart(boundaries, "related", [html, *shown], parameters='; type="text/html"')
        forms.append(html)
    body = multipart(boundaries, "alternative", forms) if len(forms) > 1 else forms[0]
    if not attached:
        return body
    return multipart(boundaries, "mixed", [body, *(file_part(file, is_related=False) for file in attached)])


def _is_related(file: AttachedFile, *, has_html: bool) -> bool:
    return has_html and file.is_inline and file.content_id != ""
