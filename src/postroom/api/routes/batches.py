"""Batches over mails, and how far they are."""

import msgspec
from litestar import get, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.jobs import batch, reply_job
from postroom.api.operation import operation
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.batches import (
    BatchBody,
    BatchResult,
    CopyBatch,
    LabelBatch,
    MoveBatch,
    UpdateBatch,
    read_selection,
    render_job,
)
from postroom.api.schemas.flags import read_flags
from postroom.domain.access import require_own
from postroom.domain.actions import Action, CopyTo, Delete, MoveTo, SetLabel
from postroom.model.ids import FolderRef

_move = msgspec.json.Decoder(MoveBatch)
_copy = msgspec.json.Decoder(CopyBatch)
_delete = msgspec.json.Decoder(BatchBody)
_update = msgspec.json.Decoder(UpdateBatch)
_label = msgspec.json.Decoder(LabelBatch)


async def _start(
    request: Call, kind: str, action: Action, *, body: BatchBody, target: FolderRef | None = None
) -> Reply:
    selection = read_selection(body)
    state = await request.domain.batches.start(
        request.caller, kind, action, selection=selection, target=target
    )
    return reply_job(state)


@post("/api/v1/batch/mails/move", **batch("moveMails", "Move mails", MoveBatch))
async def move_mails(request: Call) -> Reply:
    """Move mails to a folder."""
    body = await request.parse_body(_move)
    target = ids.parse_folder(body.destination_folder_id, "destinationFolderId")
    return await _start(request, "mails.move", MoveTo(target.folder), body=body, target=target)


@post("/api/v1/batch/mails/copy", **batch("copyMails", "Copy mails", CopyBatch))
async def copy_mails(request: Call) -> Reply:
    """Copy mails to a folder, or each within its own."""
    body = await request.parse_body(_copy)
    if body.destination_folder_id is UNSET:
        return await _start(request, "mails.copy", CopyTo(), body=body)
    target = ids.parse_folder(body.destination_folder_id, "destinationFolderId")
    return await _start(request, "mails.copy", CopyTo(target.folder), body=body, target=target)


@post("/api/v1/batch/mails/delete", **batch("deleteMails", "Delete mails", BatchBody))
async def delete_mails(request: Call) -> Reply:
    """Move mails to Trash; remove those that are there already."""
    return await _start(request, "mails.delete", Delete(), body=await request.parse_body(_delete))


@post("/api/v1/batch/mails/update", **batch("updateMails", "Set flags of mails", UpdateBatch))
async def update_mails(request: Call) -> Reply:
    """Set ``isUnread``, ``isFlagged`` or both of mails."""
    body = await request.parse_body(_update)
    return await _start(request, "mails.update", read_flags(body), body=body)


@post("/api/v1/batch/mails/labels/add", **batch("labelMails", "Put a label on mails", LabelBatch))
async def label_mails(request: Call) -> Reply:
    """Put a label on mails."""
    return await _label_all(request, is_on=True)


@post("/api/v1/batch/mails/labels/remove", **batch("unlabelMails", "Take a label off mails", LabelBatch))
async def unlabel_mails(request: Call) -> Reply:
    """Take a label off mails; one that is not on is no error."""
    return await _label_all(request, is_on=False)


async def _label_all(request: Call, *, is_on: bool) -> Reply:
    body = await request.parse_body(_label)
    label = ids.parse_label(body.label_id, "labelId")
    require_own(request.caller, label.owner, "the label")
    return await _start(request, "mails.label", SetLabel(label.label, is_on), body=body)


@get(
    "/api/v1/batch/{job_key:str}",
    **operation("getBatch", "Get how far a batch is", tag="batch", returns=BatchResult, errors=("notFound",)),
)
async def get_batch(request: Call) -> Reply:
    """Get how far a batch is, until an hour after it is done."""
    key = ids.parse_job(request.scope["path_params"]["job_key"], "jobKey")
    state = await request.domain.jobs.get(request.caller, key)
    return json_reply(render_job(state, with_key=True))


ROUTES = [
    move_mails,
    copy_mails,
    delete_mails,
    update_mails,
    label_mails,
    unlabel_mails,
    get_batch,
]
