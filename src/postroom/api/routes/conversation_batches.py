"""Batches over conversations."""

import msgspec
from litestar import post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.jobs import batch, reply_job
from postroom.api.reply import Reply
from postroom.api.schemas.batches import (
    ConversationBatch,
    LabelConversations,
    MoveConversations,
    UpdateConversations,
    read_conversations,
)
from postroom.api.schemas.flags import read_flags
from postroom.domain.access import require_own
from postroom.domain.actions import Action, Delete, MoveTo, SetLabel
from postroom.model.ids import FolderRef

_move = msgspec.json.Decoder(MoveConversations)
_delete = msgspec.json.Decoder(ConversationBatch)
_update = msgspec.json.Decoder(UpdateConversations)
_label = msgspec.json.Decoder(LabelConversations)


async def _start(
    request: Call,
    kind: str,
    action: Action,
    *,
    body: ConversationBatch,
    target: FolderRef | None = None,
) -> Reply:
    state = await request.domain.conversation_batches.start(
        request.caller, kind, action, selection=read_conversations(body), target=target
    )
    return reply_job(state)


@post(
    "/api/v1/batch/conversations/move", **batch("moveConversations", "Move conversations", MoveConversations)
)
async def move_conversations(request: Call) -> Reply:
    """Move conversations to a folder. What is in Sent and Drafts stays there, unless they go to Spam or Trash."""
    body = await request.parse_body(_move)
    target = ids.parse_folder(body.destination_folder_id, "destinationFolderId")
    return await _start(request, "conversations.move", MoveTo(target.folder), body=body, target=target)


@post(
    "/api/v1/batch/conversations/delete",
    **batch("deleteConversations", "Delete conversations", ConversationBatch),
)
async def delete_conversations(request: Call) -> Reply:
    """Move conversations to Trash, or remove them if the account does not want that."""
    body = await request.parse_body(_delete)
    return await _start(request, "conversations.delete", Delete(), body=body)


@post(
    "/api/v1/batch/conversations/update",
    **batch("updateConversations", "Set flags of conversations", UpdateConversations),
)
async def update_conversations(request: Call) -> Reply:
    """Set ``isUnread``, ``isFlagged`` or both of conversations; mails in Sent and Drafts stay read or unread."""
    body = await request.parse_body(_update)
    return await _start(request, "conversations.update", read_flags(body), body=body)


@post(
    "/api/v1/batch/conversations/labels/add",
    **batch("labelConversations", "Put a label on conversations", LabelConversations),
)
async def label_conversations(request: Call) -> Reply:
    """Put a label on conversations."""
    return await _label_all(request, is_on=True)


@post(
    "/api/v1/batch/conversations/labels/remove",
    **batch("unlabelConversations", "Take a label off conversations", LabelConversations),
)
async def unlabel_conversations(request: Call) -> Reply:
    """Take a label off conversations."""
    return await _label_all(request, is_on=False)


async def _label_all(request: Call, *, is_on: bool) -> Reply:
    body = await request.parse_body(_label)
    label = ids.parse_label(body.label_id, "labelId")
    require_own(request.caller, label.owner, "the label")
    return await _start(request, "conversations.label", SetLabel(label.label, is_on), body=body)


ROUTES = [
    move_conversations,
    delete_conversations,
    update_conversations,
    label_conversations,
    unlabel_conversations,
]
