"""Shapes of attachments' thumbnails and of attached mails."""

from typing import Annotated

import msgspec
from msgspec import Meta

from postroom.api.schemas.mails import Mail, render_mail
from postroom.domain.attachments import InnerMail
from postroom.model.conversation import ConversationId
from postroom.model.ids import ContentId, ItemId, MailRef, Modseq
from postroom.model.mail import Mail as StoredMail

Side = Annotated[int, Meta(ge=10, le=1024, description="Pixels to cover.", examples=[128])]

_encode_summary = msgspec.msgpack.Encoder().encode


class ThumbnailQuery(msgspec.Struct, frozen=True, rename="camel"):
    """How large a thumbnail is asked for."""

    width: Side = 128
    height: Side = 128


def render_inner_mail(ref: MailRef, inner: InnerMail) -> Mail:
    """Return an attached message as a mail, under the id of the mail that it is attached to, with no flags."""
    return render_mail(
        ref.owner,
        StoredMail(
            folder_id=ref.folder,
            uid=ref.uid,
            item_id=ItemId(0),
            content_id=ContentId(0),
            modseq=Modseq(0),
            entered_modseq=Modseq(0),
            replaced_modseq=Modseq(0),
            date=inner.date,
            size=inner.size,
            is_unread=0,
            is_flagged=0,
            is_draft=0,
            is_deleted=0,
            refw=0,
            labels="",
            summary=_encode_summary(inner.summary),
            conversation_id=ConversationId(0),
        ),
    )
