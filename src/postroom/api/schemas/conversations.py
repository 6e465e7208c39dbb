"""Shapes of conversations, and how what is shown of one becomes JSON."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Meta

from postroom.api import ids
from postroom.api.paging import Direction, Limit, Start
from postroom.api.schemas.fields import (
    ConversationText,
    DateText,
    FolderText,
    LabelText,
    MailText,
    Number,
    Shape,
    TokenText,
)
from postroom.api.schemas.mails import (
    IMPORTANCE,
    MAX_SHOWN,
    REFW,
    Attachment,
    ImportanceText,
    Mail,
    Referred,
    RefwText,
    SortInfo,
    render_attachments,
    render_mail,
)
from postroom.domain.conversation_views import ConversationView
from postroom.domain.conversations import ConversationPage, MailsOfConversation
from postroom.domain.thread_reasons import Reason, Rule
from postroom.model.ids import AccountId, ItemId, MailRef
from postroom.model.mail import Mail as StoredMail
from postroom.model.mail import Summary

_encode = msgspec.json.Encoder().encode

ConversationSort = Literal[
    "subject", "from", "to", "date", "isUnread", "isFlagged", "importance", "hasAttachments"
]


class ConversationListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which part of a folder's conversations is asked for, in which order."""

    folder_id: FolderText
    sort: (
        Annotated[
            ConversationSort,
            Meta(description="By default the one last asked for in this session, else date."),
        ]
        | None
    ) = None
    dir: Direction | None = None
    start: Start = 0
    limit: Limit | None = None
    active_conversation_id: (
        Annotated[str, Meta(description="Tell the row of this conversation in the whole list.")] | None
    ) = None
    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class ConversationMailsQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which mails of a conversation are asked for."""

    start: Start = 0
    limit: Limit | None = None
    mail_ids: (
        Annotated[
            list[str], Meta(description="Only these, in the place of a page.", examples=[["ODBfMl8xMzU0"]])
        ]
        | None
    ) = None
    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class Participant(Shape, frozen=True):
    """Somebody whom mails of a conversation are from."""

    full_email_address: str
    is_me: bool
    has_unread_messages: bool


class MyRecipient(Shape, frozen=True):
    """Somebody whom the account's own mails of a conversation went to."""

    full_email_address: str
    is_me: bool
    is_to: bool
    is_cc: bool
    is_bcc: bool


class ConversationMail(Shape, frozen=True):
    """A mail of a conversation."""

    mail_id: MailText
    normalized_message_id: Annotated[str, Meta(description="The Message-ID without its angle brackets.")]
    folder_id: FolderText
    is_unread: bool
    is_flagged: bool
    is_draft: bool
    original_folder_id: FolderText
    original_mail_id: MailText


class Conversation(Shape, frozen=True):
    """The mails of an account that belong together."""

    id: ConversationText
    subject: str
    snippet: str
    date: DateText
    is_unread: bool
    is_flagged: bool
    has_attachments: bool
    has_drafts: bool
    refw_flags: RefwText
    importance: ImportanceText
    label_ids: list[LabelText]
    attachments: list[Attachment]
    participants: list[Participant]
    my_recipients: list[MyRecipient]
    mail_count: Annotated[str, Meta(pattern="^[1-9][0-9]*$", examples=["3"])]
    mails: list[ConversationMail]


class ConversationList(Shape, frozen=True):
    """A part of a folder's conversations."""

    sync_token: TokenText
    total_items: Number
    sort_info: SortInfo
    items: list[Conversation]


class ConversationMails(Shape, frozen=True):
    """Mails of a conversation, oldest first."""

    sync_token: TokenText
    total_items: Number
    items: list[Mail]


class JoinedMail(Shape, frozen=True):
    """A mail of a conversation, and what joined it to the others."""

    mail_id: MailText
    rule: Rule
    matched: Annotated[
        str, Meta(description="The message identification or the subject that it has in common with another.")
    ]


class WhyJoined(Shape, frozen=True):
    """Why mails are in their conversation, oldest first."""

    items: list[JoinedMail]


def render_why(owner: AccountId, reasons: Sequence[Reason]) -> WhyJoined:
    """Return why mails of ``owner`` are in their conversation."""
    return WhyJoined(
        [
            JoinedMail(ids.render_mail(owner, mail.folder_id, mail.uid), rule, matched)
            for mail, rule, matched in reasons
        ]
    )


def render_conversation(view: ConversationView) -> bytes:
    """Return a conversation as JSON."""
    owner, mails, summaries = view.owner, view.mails, view.summaries
    shown = (
        one
        for mail, summary in zip(mails, summaries, strict=True)
        if summary.attachments
        for one in render_attachments(ids.render_mail(owner, mail.folder_id, mail.uid), summary.attachments)
    )
    attachments = list(islice(shown, MAX_SHOWN))
    labels = {label for mail in mails if mail.labels for label in mail.label_ids()}
    refw = 0
    for mail in mails:
        refw |= mail.refw
    return _encode(
        Conversation(
            ids.render_conversation(owner, view.conversation_id),
            summaries[0].subject,
            summaries[view.last].snippet,
            str(mails[view.last].date),
            any(mail.is_unread for mail in mails),
            any(mail.is_flagged for mail in mails),
            any(not one.is_inline for summary in summaries for one in summary.attachments),
            any(mail.is_draft for mail in mails),
            REFW[refw],
            IMPORTANCE[max(summary.importance for summary in summaries)],
            [ids.render_label(owner, label) for label in sorted(labels)],
            attachments,
            [Participant(*one) for one in view.participants],
            [MyRecipient(*one) for one in view.recipients],
            str(len(mails)),
            [
                _render_mail(owner, mail, summary, original=view.originals.get(mail.item_id))
                for mail, summary in zip(mails, summaries, strict=True)
            ],
        )
    )


def _render_mail(
    owner: AccountId, mail: StoredMail, summary: Summary, *, original: MailRef | None
) -> ConversationMail:
    mail_id = ids.render_mail(owner, mail.folder_id, mail.uid)
    folder_id = f"{owner}_{mail.folder_id}"
    return ConversationMail(
        mail_id,
        summary.message_id.strip().removeprefix("<").removesuffix(">"),
        folder_id,
        mail.is_unread == 1,
        mail.is_flagged == 1,
        mail.is_draft == 1,
        folder_id if original is None else ids.render_folder(original.owner, original.folder),
        mail_id if original is None else ids.render_mail(*original),
    )


def render_page(page: ConversationPage, *, sync_token: str) -> ConversationList:
    """Return a page of a folder's conversations, which are JSON already."""
    info = SortInfo(page.sort.field, "DESC" if page.sort.descending else "ASC", page.active_row)
    items = cast("list[Conversation]", [msgspec.Raw(item) for item in page.items])
    return ConversationList(sync_token, page.folder.conversations, info, items)


def render_mails(
    owner: AccountId,
    found: MailsOfConversation,
    references: Mapping[ItemId, Referred],
    *,
    sync_token: str,
) -> ConversationMails:
    """Return mails of a conversation of ``owner``; ``references`` say what drafts answer or forward."""
    items = [render_mail(owner, mail, references) for mail in found.mails]
    return ConversationMails(sync_token, found.total_items, items)
