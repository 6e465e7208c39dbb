"""Shapes of mails to be written and sent, and how they become letters."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.ids import MAX_NUMBER
from postroom.api.schemas.fields import FolderText, Index, MailText, Number, Shape, or_none
from postroom.domain.letters import Letter
from postroom.domain.sending import Receipts
from postroom.errors import bad_parameter
from postroom.model.ids import MailRef
from postroom.model.upload import TemporaryAttachmentId, WantedAttachment

MAX_ATTACHMENTS = 1000
WRITING_ERRORS = ("notFound", "notPermitted", "payloadTooLarge", "messageQuotaExceeded", "sizeQuotaExceeded")
"""Codes of whatever writes a mail."""

AddressText = Annotated[
    str, Meta(description="An address list (RFC 5322).", examples=["Ben Example <ben@example.com>"])
]
SenderText = Annotated[
    str,
    Meta(
        description="An address of the account, with any display name; by default the main one and the full name.",
        examples=["Ann Example <ann@example.com>"],
    ),
]
DeliveryTime = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_NUMBER,
        description="Unix seconds: at most a year ahead, not in the past.",
        examples=[1744407421],
    ),
]
Importance = Literal["low", "normal", "high"]
RefwType = Literal["re", "fw"]


class AttachmentToAdd(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A temporary attachment of the session; what is not said is as it was stored."""

    id: Index
    content_id: Annotated[str, Meta(max_length=900)] | UnsetType = UNSET
    is_inline: bool | UnsetType = UNSET


class MessageFields(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What a mail says."""

    from_: SenderText = msgspec.field(name="from", default="")
    to: AddressText = ""
    cc: AddressText = ""
    bcc: AddressText = ""
    reply_to: AddressText = ""
    subject: str = ""
    body_text: str | UnsetType = UNSET
    body_html: str | UnsetType = UNSET
    importance: Importance = "normal"
    refw_type: RefwType | UnsetType = UNSET
    refw_mail_id: (
        Annotated[
            str, Meta(pattern=ids.MAIL_PATTERN, description="Goes with refwType.", examples=["ODBfMl8xMzU0"])
        ]
        | UnsetType
    ) = UNSET
    temporary_attachments: Annotated[list[AttachmentToAdd], Meta(max_length=MAX_ATTACHMENTS)] = []


class DraftFields(MessageFields, frozen=True, kw_only=True):
    """A draft as a whole."""

    is_unread: bool = False
    is_flagged: bool = False


class NewMail(DraftFields, frozen=True, kw_only=True):
    """A mail to be saved; by default in Drafts."""

    folder_id: FolderText | UnsetType = UNSET


class MailToSend(MessageFields, frozen=True, kw_only=True):
    """A mail to be sent; receipts that are not spoken of are asked for as the account has set."""

    request_read_receipt: bool | UnsetType = UNSET
    request_delivery_receipt: bool | UnsetType = UNSET


class MailToSchedule(MailToSend, frozen=True, kw_only=True):
    """A mail to be sent at a time."""

    delivery_time: DeliveryTime


class DraftToSchedule(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When a draft is to be sent."""

    delivery_time: DeliveryTime


class SendToUndo(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be taken back: the number that sending gave, and the copy if there is one."""

    processing_id: Annotated[int, Meta(ge=0, le=MAX_NUMBER, examples=[7145172797440])]
    mail_id: MailText | UnsetType = UNSET


class SentMail(Shape, frozen=True):
    """A mail that was sent: its copy, if one is kept, and its number in the outgoing queue."""

    processing_id: Number
    mail_id: MailText | UnsetType = UNSET


class MailId(Shape, frozen=True):
    """Where a mail is now."""

    mail_id: MailText


def read_letter(fields: MessageFields) -> Letter:
    """Return the letter that a body asks for. Raises: badParameter."""
    return Letter(
        from_=fields.from_,
        to=fields.to,
        cc=fields.cc,
        bcc=fields.bcc,
        reply_to=fields.reply_to,
        subject=fields.subject,
        body_text=or_none(fields.body_text),
        body_html=or_none(fields.body_html),
        importance=fields.importance,
        refw_type="" if fields.refw_type is UNSET else fields.refw_type,
        refw=_read_reference(fields),
        attachments=tuple(map(_read_attachment, fields.temporary_attachments)),
    )


def _read_reference(fields: MessageFields) -> MailRef | None:
    if fields.refw_mail_id is UNSET:
        if fields.refw_type is not UNSET:
            raise bad_parameter("refwMailId", "refwMailId must be given with refwType")
        return None
    if fields.refw_type is UNSET:
        raise bad_parameter("refwMailId", "refwMailId goes with refwType, which is missing")
    return ids.parse_mail(fields.refw_mail_id, "refwMailId")


def _read_attachment(given: AttachmentToAdd) -> WantedAttachment:
    return WantedAttachment(
        TemporaryAttachmentId(given.id),
        or_none(given.content_id),
        or_none(given.is_inline),
    )


def read_receipts(fields: MailToSend) -> Receipts:
    """Return the receipts that a body asks for."""
    read, delivery = fields.request_read_receipt, fields.request_delivery_receipt
    return Receipts(or_none(read), or_none(delivery))
