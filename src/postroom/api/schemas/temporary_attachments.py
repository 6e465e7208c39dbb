"""Shapes of temporary attachments."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.schemas.fields import MailText, Number, Shape
from postroom.api.schemas.mails import Attachment, AttachmentList
from postroom.model.upload import TemporaryAttachment as StoredAttachment

TemporaryId = Annotated[
    int,
    Meta(
        ge=0,
        le=2**53 - 1,
        description="Number of a temporary attachment.",
        examples=[1744407421000000],
    ),
]


class MailToStore(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The mail whose attachments are taken."""

    mail_id: MailText


class TemporaryAttachment(Shape, frozen=True):
    """A file that this session has uploaded."""

    id: TemporaryId
    name: str
    content_type: str
    size: Number


class TemporaryAttachmentList(Shape, frozen=True):
    """The files of an upload, in their order."""

    items: list[TemporaryAttachment]


def render_uploaded(files: Sequence[StoredAttachment]) -> TemporaryAttachmentList:
    """Return files that were uploaded as they are answered."""
    return TemporaryAttachmentList(
        [
            TemporaryAttachment(
                id=file.attachment_id, name=file.name, content_type=file.content_type, size=file.size_bytes
            )
            for file in files
        ]
    )


def render_stored(mail_id: str, files: Sequence[StoredAttachment]) -> AttachmentList:
    """Return what was taken from a mail, under the new numbers."""
    return AttachmentList(
        [
            Attachment(
                id=file.attachment_id,
                mail_id=mail_id,
                name=file.name,
                content_id=file.content_id,
                content_type=file.content_type,
                size=file.size_bytes,
                is_inline=bool(file.is_inline),
            )
            for file in files
        ]
    )
