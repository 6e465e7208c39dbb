"""Shapes of mails and their attachments, and how stored mails become them."""

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.paging import Direction, Limit, Start
from postroom.api.schemas.fields import (
    DateText,
    FolderText,
    Index,
    LabelText,
    MailText,
    Number,
    Shape,
    TokenText,
)
from postroom.model.ids import AccountId, ItemId, MailRef
from postroom.model.listing import MailPage, SortField
from postroom.model.mail import Attachment as StoredAttachment
from postroom.model.mail import Mail as StoredMail
from postroom.model.mail import Summary

MAX_SHOWN = 500
"""Attachments that are shown with a mail or a conversation: a list has a row for each. A list of its own has all."""

_decode_summary = msgspec.msgpack.Decoder(Summary).decode
ImportanceText = Literal["low", "normal", "high"]
RefwText = Literal["", "re", "fw", "refw"]
REFW: tuple[RefwText, ...] = ("", "re", "fw", "refw")
"""The words for the bits of ``refw``."""
IMPORTANCE: tuple[ImportanceText, ...] = ("low", "normal", "high")


class Referred(NamedTuple):
    """What a draft does, and the mail that it does it to."""

    refw_type: Literal["", "re", "fw"]
    refw_mail_id: str


_NOTHING_REFERRED = Referred("", "")
_NO_REFERENCES: Mapping[ItemId, Referred] = {}


class MailListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which part of a folder is asked for, in which order."""

    folder_id: FolderText
    sort: (
        Annotated[
            SortField, Meta(description="By default the one last asked for in this session, else date.")
        ]
        | None
    ) = None
    dir: Direction | None = None
    start: Start = 0
    limit: Limit | None = None
    active_mail_id: (
        Annotated[str, Meta(description="Tell the row of this mail in the whole list.")] | None
    ) = None
    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class MailFlags(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Flags to set; at least one of them."""

    is_unread: bool | UnsetType = UNSET
    is_flagged: bool | UnsetType = UNSET


class MoveTarget(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where a mail goes."""

    destination_folder_id: FolderText


class CopyTarget(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where a mail goes, if not where it goes by itself."""

    destination_folder_id: FolderText | UnsetType = UNSET


class LabelToAdd(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A label."""

    label_id: LabelText


class DeleteQuery(msgspec.Struct, frozen=True, rename="camel"):
    """How a mail is deleted."""

    permanent: Annotated[bool, Meta(description="Remove it for good at once.")] = False


class Attachment(Shape, frozen=True):
    """An attachment of a mail."""

    id: Index
    mail_id: MailText
    name: str
    content_id: str
    content_type: str
    size: Number
    is_inline: bool


class AttachmentList(Shape, frozen=True):
    """The attachments of a mail, in MIME order."""

    items: list[Attachment]


class Mail(Shape, frozen=True):
    """A mail in a folder."""

    id: MailText
    folder_id: FolderText
    size: Number
    from_: str = msgspec.field(name="from")
    to: str
    cc: str
    bcc: str
    sender: str
    subject: str
    message_id: str
    reply_to: str
    reply_to_all: str
    snippet: str
    date: DateText
    is_unread: bool
    is_flagged: bool
    is_draft: bool
    is_deleted: bool
    refw_flags: RefwText
    refw_type: Literal["", "re", "fw"]
    refw_mail_id: str
    has_attachments: bool
    is_itip: bool
    return_receipt: bool
    importance: ImportanceText
    original_folder_id: FolderText
    original_mail_id: MailText
    attachments: list[Attachment]
    label_ids: list[LabelText]
    bimi_location: str


class SortInfo(Shape, frozen=True):
    """The order of a list, and where the asked mail is in it."""

    field: SortField
    direction: Literal["ASC", "DESC"]
    active_row_index: Annotated[int, Meta(ge=-1, description="-1 if it is not there or none was asked for.")]


class MailList(Shape, frozen=True):
    """A part of a folder's mails."""

    sync_token: TokenText
    total_items: Number
    sort_info: SortInfo
    items: list[Mail]


def read_summary(mail: StoredMail | None) -> Summary:
    """Return what was computed of the mail's content when it arrived; there is one for every stored mail."""
    if mail is None:
        raise ValueError("the message is not a stored mail")
    return _decode_summary(mail.summary)


def render_mail(
    owner: AccountId,
    mail: StoredMail,
    references: Mapping[ItemId, Referred] = _NO_REFERENCES,
    *,
    original: MailRef | None = None,
) -> Mail:
    """Return ``mail`` of ``owner``.

    ``references`` say what drafts answer or forward; ``original`` is where the mail is, if it is shown elsewhere.
    """
    # A list calls this for each row, so nothing is done here that can be left out.
    mail_id = ids.render_mail(owner, mail.folder_id, mail.uid)
    folder_id = f"{owner}_{mail.folder_id}"
    summary = _decode_summary(mail.summary)
    to, cc = summary.to, summary.cc
    refw_type, refw_mail_id = (
        references.get(mail.item_id, _NOTHING_REFERRED) if references else _NOTHING_REFERRED
    )
    attachments = render_attachments(mail_id, summary.attachments[:MAX_SHOWN]) if summary.attachments else []
    return Mail(
        mail_id,
        folder_id,
        mail.size,
        summary.from_,
        to,
        cc,
        summary.bcc,
        summary.sender,
        summary.subject,
        summary.message_id,
        summary.reply_to,
        f"{to}, {cc}" if to and cc else to or cc,
        summary.snippet,
        str(mail.date),
        mail.is_unread == 1,
        mail.is_flagged == 1,
        mail.is_draft == 1,
        mail.is_deleted == 1,
        REFW[mail.refw],
        refw_type,
        refw_mail_id,
        bool(attachments) and not all(one.is_inline for one in attachments),
        summary.is_itip,
        summary.return_receipt,
        IMPORTANCE[summary.importance],
        folder_id if original is None else f"{original.owner}_{original.folder}",
        mail_id if original is None else ids.render_mail(*original),
        attachments,
        [f"{owner}_{label}" for label in mail.labels.split()] if mail.labels else [],
        summary.bimi_location,
    )


def render_attachments(mail_id: str, attachments: tuple[StoredAttachment, ...]) -> list[Attachment]:
    """Return the attachments of the mail with this wire id; their places are their ids."""
    return [
        Attachment(index, mail_id, one.name, one.content_id, one.content_type, one.size, one.is_inline)
        for index, one in enumerate(attachments)
    ]


def render_page(
    owner: AccountId, page: MailPage, references: Mapping[ItemId, Referred], *, sync_token: str
) -> MailList:
    """Return a page of a folder of ``owner``."""
    direction: Literal["ASC", "DESC"] = "DESC" if page.sort.descending else "ASC"
    info = SortInfo(page.sort.field, direction, page.active_row)
    return MailList(
        sync_token,
        page.folder.total_items,
        info,
        [
            render_mail(owner, mail, references, original=page.originals.get(mail.item_id))
            for mail in page.mails
        ],
    )
