"""Attachments of a mail: their list, their content, thumbnails, and attached messages.

The list is part of the mail's summary; an attachment's id is its place there. An attached message is read as a
message of its own: its attachments are listed from it alone.
"""

import asyncio
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from postroom.content.digest import read_summary as digest_summary
from postroom.domain.messages import Messages, OpenMessage, open_raw, read_summary
from postroom.domain.thumbnails import Thumbnail, make_thumbnail, too_large
from postroom.errors import not_found
from postroom.mime.headers import decode_value, find_header, parse_headers
from postroom.mime.parse import MESSAGE_TYPES, parse_message
from postroom.model.account import Caller
from postroom.model.ids import MailRef
from postroom.model.mail import Attachment, Part, Summary

MAX_IMAGE_BYTES = 32 << 20
"""Files larger than this get no thumbnail."""
_THUMBNAILS_AT_ONCE = 2


class OpenAttachment(NamedTuple):
    """An attachment and the message it is in, which is closed by whoever asked for it."""

    attachment: Attachment
    message: OpenMessage
    part: Part


class InnerMail(NamedTuple):
    """An attached message as a list would show it; ``date`` is that of its Date header (Unix seconds, 0: none)."""

    summary: Summary
    size: int
    date: int


class Attachments:
    """The attachments of the mails a caller sees."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._turns = asyncio.Semaphore(_THUMBNAILS_AT_ONCE)

    async def open(self, caller: Caller, ref: MailRef, attachment_id: int) -> OpenAttachment:
        """Open an attachment. Raises: notFound; blobMissing; blobDamaged; unavailable."""
        message = await self._messages.open(caller, ref)
        try:
            attachments = read_summary(message.mail).attachments if message.mail is not None else ()
            return _pick(message, attachments, attachment_id)
        except BaseException:
            message.close()
            raise

    async def thumbnail(
        self, caller: Caller, ref: MailRef, attachment_id: int, *, width: int, height: int
    ) -> Thumbnail | None:
        """Return a small image of an attachment that just covers ``width`` × ``height``, None for what is no image.

        Raises: payloadTooLarge for a file or picture too large to be decoded; notFound; unavailable.
        """
        opened = await self.open(caller, ref, attachment_id)
        try:
            if not opened.attachment.content_type.startswith("image/"):
                return None
            if opened.attachment.size > MAX_IMAGE_BYTES:
                raise too_large()
            data = await opened.message.decode(opened.part)
        finally:
            opened.message.close()
        async with self._turns:
            return await asyncio.to_thread(make_thumbnail, data, width=width, height=height)

    async def inner_mail(self, caller: Caller, ref: MailRef, attachment_id: int) -> InnerMail:
        """Return an attached message. Raises: notFound also where the attachment is no message; unavailable."""
        raw = await self._inner_raw(caller, ref, attachment_id)
        root, summary = await asyncio.to_thread(_digest, raw)
        return InnerMail(summary, len(raw), _header_date(raw, root))

    async def open_inner(
        self, caller: Caller, ref: MailRef, attachment_id: int, *, inner_id: int
    ) -> OpenAttachment:
        """Open an attachment of an attached message. Raises as :meth:`inner_mail`."""
        raw = await self._inner_raw(caller, ref, attachment_id)
        root, summary = await asyncio.to_thread(_digest, raw)
        return _pick(open_raw(raw, root), summary.attachments, inner_id)

    async def _inner_raw(self, caller: Caller, ref: MailRef, attachment_id: int) -> bytes:
        opened = await self.open(caller, ref, attachment_id)
        try:
            if opened.part.content_type not in MESSAGE_TYPES:
                raise not_found("the attached message")
            return await opened.message.decode(opened.part)
        finally:
            opened.message.close()


def _pick(message: OpenMessage, attachments: tuple[Attachment, ...], attachment_id: int) -> OpenAttachment:
    if not 0 <= attachment_id < len(attachments):
        raise not_found("the attachment")
    attachment = attachments[attachment_id]
    return OpenAttachment(attachment, message, message.get_part(attachment.part_id))


def _digest(raw: bytes) -> tuple[Part, Summary]:
    root = parse_message(raw)
    return root, digest_summary(raw, root)[0]


def _header_date(raw: bytes, root: Part) -> int:
    value = find_header(parse_headers(raw, root), "date")
    try:
        return max(int(parsedate_to_datetime(decode_value(value)).timestamp()), 0) if value is not None else 0
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
