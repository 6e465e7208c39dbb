"""Shapes of the messages that webhooks are told, and how steps become them. No content of mail is in them."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import DateText, FolderText, LabelText, MailText, Number, Shape
from postroom.api.schemas.mails import REFW, RefwText
from postroom.domain.steps import (
    FLAGGED,
    UNREAD,
    Bounce,
    Copy,
    Deliver,
    Dispatch,
    DropFolder,
    Insert,
    Label,
    MakeFolder,
    Mark,
    Marked,
    Move,
    PlaceFolder,
    Refer,
    Remove,
    RemoveFolder,
    Replace,
    Uncopy,
)
from postroom.domain.webhook_messages import CountersOf
from postroom.domain.webhook_turns import Told
from postroom.model.ids import AccountId, FolderId, LabelId, Uid


class DeliveredMail(Shape, frozen=True):
    """Data of ``mail.delivered``."""

    folder_id: FolderText
    mail_id: MailText


class MailState(Shape, frozen=True):
    """A mail as it is now called, with what has changed of it."""

    mail_id: MailText
    old_mail_id: MailText | UnsetType = UNSET
    is_unread: bool | UnsetType = UNSET
    is_flagged: bool | UnsetType = UNSET
    refw_flags: RefwText | UnsetType = UNSET


class ChangedMails(Shape, frozen=True):
    """Data of ``mail.changed``."""

    change: Literal["created", "replaced", "moved", "copied", "flags", "labelled", "unlabelled"]
    folder_id: FolderText
    mails: list[MailState]
    old_folder_id: FolderText | UnsetType = UNSET
    label_id: LabelText | UnsetType = UNSET


class RemovedMails(Shape, frozen=True):
    """Data of ``mail.removed``."""

    folder_id: FolderText
    mails: list[MailState]


class RecipientState(Shape, frozen=True):
    """A recipient of a mail that was sent, with the enhanced status code (RFC 3463) and the text of the answer."""

    address: str
    status: str
    answer: str


class SentMail(Shape, frozen=True):
    """Data of ``mail.sent`` and ``mail.bounced``: who has the mail, or will never have it."""

    processing_id: Number
    recipients: list[RecipientState]
    folder_id: FolderText | UnsetType = UNSET
    mail_id: MailText | UnsetType = UNSET


class ChangedFolder(Shape, frozen=True):
    """Data of ``folder.changed``."""

    change: Literal["created", "renamed", "moved", "removed"]
    folder_id: FolderText
    name: str
    parent_id: FolderText
    old_name: str | UnsetType = UNSET
    old_parent_id: FolderText | UnsetType = UNSET


class ChangedCounters(Shape, frozen=True):
    """Data of ``counters.changed``."""

    folder_id: FolderText
    unread_count: Number
    total_items: Number


Data = DeliveredMail | ChangedMails | RemovedMails | SentMail | ChangedFolder | ChangedCounters


class WebhookMessage(Shape, frozen=True):
    """The body of a message."""

    id: str
    kind: str
    date: DateText
    account: str
    position: Number
    data: Data


_NAMES: dict[type, Literal["created", "replaced", "copied"]] = {
    Insert: "created",
    Replace: "replaced",
    Copy: "copied",
}
_encode = msgspec.json.Encoder().encode


def render_message(told: Told) -> bytes:
    """Return the body of a message."""
    operation, account = told.operation, told.account
    return _encode(
        WebhookMessage(
            told.message_id,
            told.message.kind,
            str(operation.done_at // 1000),
            account.address,
            operation.modseq,
            _render_data(told, told.owner_id),
        )
    )


def _render_data(told: Told, owner: AccountId) -> Data:
    about, counters = told.message.about, told.counters
    if counters is not None:
        return ChangedCounters(
            _folder(owner, counters.folder_id), counters.unread_items, counters.total_items
        )
    if isinstance(about, CountersOf):
        raise TypeError("counters are told as they are")
    if isinstance(about, Deliver):
        return DeliveredMail(
            _folder(owner, about.folder_id), _mail(owner, about.folder_id, about.mails[0].uid)
        )
    if isinstance(about, Remove | Uncopy):
        return RemovedMails(
            _folder(owner, about.folder_id),
            [MailState(_mail(owner, about.folder_id, mail.uid)) for mail in about.mails],
        )
    if isinstance(about, Insert | Replace | Refer | Move | Copy | Mark | Label):
        return _render_change(about, owner)
    if isinstance(about, Dispatch | Bounce):
        return _render_sent(about, owner)
    return _render_folder_change(about, owner)


_Change = Insert | Replace | Refer | Move | Copy | Mark | Label


def _render_change(step: _Change, owner: AccountId) -> ChangedMails:
    if isinstance(step, Move):
        mails = [
            MailState(_mail(owner, step.target, mail.new_uid), _mail(owner, step.source, mail.old_uid))
            for mail in step.mails
        ]
        return ChangedMails("moved", _folder(owner, step.target), mails, _folder(owner, step.source))
    folder_id = _folder(owner, step.folder_id)
    if isinstance(step, Mark):
        return ChangedMails("flags", folder_id, [_render_mark(step, mail, owner) for mail in step.mails])
    if isinstance(step, Refer):
        states = [
            MailState(_mail(owner, step.folder_id, mail.uid), refw_flags=REFW[mail.after])
            for mail in step.mails
        ]
        return ChangedMails("flags", folder_id, states)
    mails = [MailState(_mail(owner, step.folder_id, mail.uid)) for mail in step.mails]
    if not isinstance(step, Label):
        return ChangedMails(_NAMES[type(step)], folder_id, mails)
    change: Literal["labelled", "unlabelled"] = "labelled" if step.is_on else "unlabelled"
    label_id = ids.render_label(owner, LabelId(step.label_id))
    return ChangedMails(change, folder_id, mails, label_id=label_id)


def _render_mark(step: Mark, mail: Marked, owner: AccountId) -> MailState:
    return MailState(
        _mail(owner, step.folder_id, mail.uid),
        is_unread=bool(mail.after & UNREAD),
        is_flagged=bool(mail.after & FLAGGED),
    )


def _render_sent(step: Dispatch | Bounce, owner: AccountId) -> SentMail:
    data = SentMail(step.processing_id, [RecipientState(*one) for one in step.recipients])
    for copy in step.copies:
        folder_id, mail_id = _folder(owner, step.folder_id), _mail(owner, step.folder_id, copy.uid)
        return msgspec.structs.replace(data, folder_id=folder_id, mail_id=mail_id)
    return data


def _render_folder_change(
    step: MakeFolder | DropFolder | PlaceFolder | RemoveFolder, owner: AccountId
) -> ChangedFolder:
    folder_id = _folder(owner, step.folder_id)
    if isinstance(step, PlaceFolder):
        before, after = step.before, step.after
        return ChangedFolder(
            "renamed" if before.parent_id == after.parent_id else "moved",
            folder_id,
            after.name,
            _folder(owner, after.parent_id),
            before.name,
            _folder(owner, before.parent_id),
        )
    change: Literal["created", "removed"] = "created" if isinstance(step, MakeFolder) else "removed"
    return ChangedFolder(change, folder_id, step.place.name, _folder(owner, step.place.parent_id))


def _folder(owner: AccountId, folder_id: int) -> str:
    return ids.render_folder(owner, FolderId(folder_id))


def _mail(owner: AccountId, folder_id: int, uid: int) -> str:
    return ids.render_mail(owner, FolderId(folder_id), Uid(uid))
