"""Undo, and the history of what was done."""

from litestar import get, post

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.jobs import reply_undoing
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.batches import (
    BatchResult,
    OperationList,
    OperationListQuery,
    render_operation,
)
from postroom.errors import bad_parameter

_list_query = Query(OperationListQuery)


@post(
    "/api/v1/undo",
    **operation(
        "undo",
        "Undo",
        tag="undo",
        returns=None,
        begins=BatchResult,
        errors=("conflict", "sessionRequired"),
    ),
)
async def undo(request: Call) -> Reply:
    """Take back the newest reversible operation of this session. The answer is empty, or 201 with a job."""
    return reply_undoing(await request.domain.operations.undo_last(request.caller))


@get(
    "/api/v1/operations",
    **operation(
        "listOperations",
        "List what was done",
        tag="undo",
        returns=OperationList,
        query=OperationListQuery,
    ),
)
async def list_operations(request: Call) -> Reply:
    """List what the account's owner did, newest first, whichever session did it."""
    query = request.parse_query(_list_query)
    if "\0" in query.kind:
        # No text of PostgreSQL holds it.
        raise bad_parameter("kind", "kind must not hold a NUL")
    folder_id = None
    if query.folder_id is not None:
        ref = ids.parse_folder(query.folder_id, "folderId")
        await request.domain.folders.require_own(request.caller, ref)
        folder_id = ref.folder
    limit = await request.domain.settings.page_size(request.caller, query.limit)
    total, items = await request.domain.operations.list_shown(
        request.caller, kind=query.kind, folder_id=folder_id, start=query.start, limit=limit
    )
    return json_reply(OperationList(total, [render_operation(shown) for shown in items]))


@post(
    "/api/v1/operations/{operation_id:str}/undo",
    **operation(
        "undoOperation",
        "Take an operation back",
        tag="undo",
        returns=None,
        begins=BatchResult,
        errors=("conflict", "notFound"),
    ),
)
async def undo_operation(request: Call) -> Reply:
    """Take back any reversible operation, as far as later changes allow."""
    number = request.parse_index("operation_id", "operationId")
    return reply_undoing(await request.domain.operations.undo(request.caller, number))


ROUTES = [undo, list_operations, undo_operation]
