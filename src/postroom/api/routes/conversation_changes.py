"""Changing single conversations: flags, move, delete, labels, spam."""

import msgspec
from litestar import delete, patch, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conversation_path import parse_conversation_ref
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.conversations import Conversation, render_conversation
from postroom.api.schemas.flags import read_flags
from postroom.api.schemas.mails import LabelToAdd, MailFlags, MoveTarget

_flags = msgspec.json.Decoder(MailFlags)
_move = msgspec.json.Decoder(MoveTarget)
_label = msgspec.json.Decoder(LabelToAdd)


@patch(
    "/api/v1/conversations/{conversation_id:str}",
    **operation(
        "setConversationFlags",
        "Set flags of a conversation",
        tag="conversations",
        returns=Conversation,
        body=MailFlags,
        errors=("conflict",),
    ),
)
async def set_conversation_flags(request: Call) -> Reply:
    """Set ``isUnread``, ``isFlagged`` or both of all its mails; those in Sent and Drafts stay read or unread."""
    ref = parse_conversation_ref(request)
    flags = read_flags(await request.parse_body(_flags))
    await request.domain.conversation_changes.set_flags(
        request.caller, ref, is_unread=flags.is_unread, is_flagged=flags.is_flagged
    )
    return json_reply(
        msgspec.Raw(await request.domain.conversations.show(request.caller, ref, render_conversation))
    )


@post(
    "/api/v1/conversations/{conversation_id:str}/move",
    **operation(
        "moveConversation",
        "Move a conversation",
        tag="conversations",
        returns=Conversation,
        body=MoveTarget,
        errors=("conflict",),
    ),
)
async def move_conversation(request: Call) -> Reply:
    """Move its mails to another folder; those in Sent and Drafts stay there.

    Into Spam or Trash all of them go. That is no conversation then, and the answer is empty.
    """
    ref = parse_conversation_ref(request)
    body = await request.parse_body(_move)
    target = ids.parse_folder(body.destination_folder_id, "destinationFolderId")
    if not await request.domain.conversation_changes.move(request.caller, ref, target):
        return Reply()
    shown = await request.domain.conversations.show(
        request.caller, ref, render_conversation, folder_id=target.folder
    )
    return json_reply(msgspec.Raw(shown))


@delete(
    "/api/v1/conversations/{conversation_id:str}",
    status_code=200,
    **operation(
        "deleteConversation",
        "Delete a conversation",
        tag="conversations",
        returns=None,
        errors=("conflict",),
    ),
)
async def delete_conversation(request: Call) -> Reply:
    """Delete each of its mails: move it to Trash, or remove it if the account does not want that."""
    await request.domain.conversation_changes.delete(request.caller, parse_conversation_ref(request))
    return Reply()


@post(
    "/api/v1/conversations/{conversation_id:str}/spam",
    **operation(
        "markConversationSpam",
        "Move a conversation to Spam",
        tag="conversations",
        returns=None,
        errors=("conflict",),
    ),
)
async def mark_conversation_spam(request: Call) -> Reply:
    """Move all its mails to Spam."""
    await request.domain.conversation_changes.spam(request.caller, parse_conversation_ref(request))
    return Reply()


@post(
    "/api/v1/conversations/{conversation_id:str}/labels",
    **operation(
        "addConversationLabel",
        "Put a label on a conversation",
        tag="conversations",
        returns=None,
        body=LabelToAdd,
        errors=("conflict",),
    ),
)
async def add_conversation_label(request: Call) -> Reply:
    """Put a label on all its mails."""
    ref = parse_conversation_ref(request)
    body = await request.parse_body(_label)
    label = ids.parse_label(body.label_id, "labelId")
    await request.domain.conversation_changes.set_label(request.caller, ref, label, is_on=True)
    return Reply()


@delete(
    "/api/v1/conversations/{conversation_id:str}/labels/{label_id:str}",
    status_code=200,
    **operation(
        "removeConversationLabel",
        "Take a label off a conversation",
        tag="conversations",
        returns=None,
        errors=("conflict",),
    ),
)
async def remove_conversation_label(request: Call) -> Reply:
    """Take a label off all its mails; one that is not on is no error."""
    ref = parse_conversation_ref(request)
    label = ids.parse_label(request.scope["path_params"]["label_id"], "labelId")
    await request.domain.conversation_changes.set_label(request.caller, ref, label, is_on=False)
    return Reply()


ROUTES = [
    set_conversation_flags,
    move_conversation,
    delete_conversation,
    mark_conversation_spam,
    add_conversation_label,
    remove_conversation_label,
]
