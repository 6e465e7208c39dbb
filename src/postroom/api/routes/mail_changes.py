"""Changing single mails: move, copy, delete, labels, archive, spam."""

import msgspec
from litestar import delete, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.references import show_mail
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.mails import (
    CopyTarget,
    DeleteQuery,
    LabelToAdd,
    Mail,
    MoveTarget,
)
from postroom.model.ids import FolderRef, MailRef
from postroom.model.mail import Mail as StoredMail

_move = msgspec.json.Decoder(MoveTarget)
_copy = msgspec.json.Decoder(CopyTarget)
_label = msgspec.json.Decoder(LabelToAdd)
_delete_query = Query(DeleteQuery)


async def _reply(request: Call, ref: FolderRef | MailRef, mail: StoredMail) -> Reply:
    return json_reply(await show_mail(request, ref.owner, mail))


def _find_target(body: CopyTarget) -> FolderRef | None:
    if body.destination_folder_id is UNSET:
        return None
    return ids.parse_folder(body.destination_folder_id, "destinationFolderId")


@post(
    "/api/v1/mails/{mail_id:str}/move",
    **operation("moveMail", "Move a mail", tag="mails", returns=Mail, body=MoveTarget),
)
async def move_mail(request: Call) -> Reply:
    """Move a mail to another folder; the answer is the mail there, with its new id."""
    ref = request.parse_mail_ref()
    body = await request.parse_body(_move)
    target = ids.parse_folder(body.destination_folder_id, "destinationFolderId")
    return await _reply(request, target, await request.domain.mail_changes.move(request.caller, ref, target))


@post(
    "/api/v1/mails/{mail_id:str}/copy",
    **operation(
        "copyMail",
        "Copy a mail",
        tag="mails",
        returns=Mail,
        body=CopyTarget,
        errors=("messageQuotaExceeded", "sizeQuotaExceeded"),
    ),
)
async def copy_mail(request: Call) -> Reply:
    """Copy a mail, by default into the folder where it is; the answer is the copy."""
    ref = request.parse_mail_ref()
    target = _find_target(await request.parse_body(_copy))
    mail = await request.domain.mail_changes.copy(request.caller, ref, target)
    return await _reply(request, target or ref, mail)


@delete(
    "/api/v1/mails/{mail_id:str}",
    status_code=200,
    **operation("deleteMail", "Delete a mail", tag="mails", returns=None, query=DeleteQuery),
)
async def delete_mail(request: Call) -> Reply:
    """Move a mail to Trash; remove it for good if it is there already, or with ``permanent``."""
    ref = request.parse_mail_ref()
    query = request.parse_query(_delete_query)
    await request.domain.mail_changes.delete(request.caller, ref, permanent=query.permanent)
    return Reply()


@post(
    "/api/v1/mails/{mail_id:str}/archive",
    **operation("archiveMail", "Archive a mail", tag="mails", returns=Mail),
)
async def archive_mail(request: Call) -> Reply:
    """Move a mail to the Archive, by the account's archiving policy."""
    ref = request.parse_mail_ref()
    return await _reply(request, ref, await request.domain.mail_changes.archive(request.caller, ref))


@post(
    "/api/v1/mails/{mail_id:str}/spam",
    **operation("markSpam", "Move a mail to Spam", tag="mails", returns=Mail),
)
async def mark_spam(request: Call) -> Reply:
    """Move a mail to Spam."""
    ref = request.parse_mail_ref()
    return await _reply(request, ref, await request.domain.mail_changes.spam(request.caller, ref))


@post(
    "/api/v1/mails/{mail_id:str}/notspam",
    **operation("markNotSpam", "Move a mail out of Spam", tag="mails", returns=Mail, body=CopyTarget),
)
async def mark_not_spam(request: Call) -> Reply:
    """Move a mail that is no spam, by default to the Inbox."""
    ref = request.parse_mail_ref()
    target = _find_target(await request.parse_body(_copy))
    mail = await request.domain.mail_changes.not_spam(request.caller, ref, target)
    return await _reply(request, target or ref, mail)


@post(
    "/api/v1/mails/{mail_id:str}/labels",
    **operation("addLabel", "Put a label on a mail", tag="mails", returns=None, body=LabelToAdd),
)
async def add_label(request: Call) -> Reply:
    """Put a label on a mail."""
    ref = request.parse_mail_ref()
    body = await request.parse_body(_label)
    label = ids.parse_label(body.label_id, "labelId")
    await request.domain.mail_changes.set_label(request.caller, ref, label, is_on=True)
    return Reply()


@delete(
    "/api/v1/mails/{mail_id:str}/labels/{label_id:str}",
    status_code=200,
    **operation("removeLabel", "Take a label off a mail", tag="mails", returns=None),
)
async def remove_label(request: Call) -> Reply:
    """Take a label off a mail; one that is not on is no error."""
    ref = request.parse_mail_ref()
    label = ids.parse_label(request.scope["path_params"]["label_id"], "labelId")
    await request.domain.mail_changes.set_label(request.caller, ref, label, is_on=False)
    return Reply()


ROUTES = [
    move_mail,
    copy_mail,
    delete_mail,
    archive_mail,
    mark_spam,
    mark_not_spam,
    add_label,
    remove_label,
]
