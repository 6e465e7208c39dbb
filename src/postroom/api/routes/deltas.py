"""What changed of a folder's mails, or of the folders, since a client last asked."""

from litestar import get

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.references import find_references
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.deltas import (
    FolderDelta,
    FolderDeltaQuery,
    MailDelta,
    MailDeltaQuery,
    render_folder_delta,
    render_mail_delta,
)

_mails_query = Query(MailDeltaQuery)
_folders_query = Query(FolderDeltaQuery)


@get(
    "/api/v1/mails/delta",
    **operation(
        "getMailDelta",
        "Get the changes of a folder's mails",
        tag="mails",
        returns=MailDelta,
        query=MailDeltaQuery,
        has_etag=True,
    ),
)
async def get_mail_delta(request: Call) -> Reply:
    """Get what changed in a folder since ``syncToken``; without one, all its mails as new.

    While ``moreAvailable`` is true, call again with the token of the answer, until it is false. Take over each answer
    before asking for the next; a new item replaces one of the same id. At the end of such a chain the client has
    exactly what the folder holds, and the token is the one that ``GET /mails`` has for it. With ``reset`` true the
    token was too old or of another history: drop what there is and take the answer as a first listing.
    """
    query = request.parse_query(_mails_query)
    ref = ids.parse_folder(query.folder_id, "folderId")
    deltas, settings = request.domain.deltas, request.domain.settings
    limit = await settings.page_size(request.caller, query.limit)
    if b"if-none-match" in request.exchange.headers:
        present = await deltas.find_present(request.caller, ref, query.sync_token)
        if unchanged := request.find_not_modified(make_etag("mails delta", query, limit, present)):
            return unchanged
    delta = await deltas.mails(request.caller, ref, text=query.sync_token, limit=limit)
    etag = make_etag("mails delta", query, limit, delta.present)
    references = await find_references(request, ref.owner, [*delta.new, *delta.replaced])
    return json_reply(render_mail_delta(ref.owner, delta, references), etag=etag)


@get(
    "/api/v1/folders/delta",
    **operation(
        "getFolderDelta",
        "Get the changes of the folders",
        tag="folders",
        returns=FolderDelta,
        query=FolderDeltaQuery,
        has_etag=True,
    ),
)
async def get_folder_delta(request: Call) -> Reply:
    """Get what changed of the folders since ``syncToken``, as events to be followed in their order.

    New folders come first, parents before children, then changed ones, then removed ones, children before parents.
    The ``syncToken`` of an event is that of the folder's mails: where it differs from the one that the client has,
    the folder's own delta tells what changed in it.
    """
    query = request.parse_query(_folders_query)
    domain, caller = request.domain, request.caller
    delta = await domain.deltas.folders(caller, text=query.sync_token, access_mode=query.access_mode)
    etag = make_etag("folders delta", query, delta.token, caller.address, caller.full_name)
    return request.find_not_modified(etag) or json_reply(
        render_folder_delta(
            caller, delta, lambda folder: domain.tokens.folder_token(folder, caller.account_id)
        ),
        etag=etag,
    )


ROUTES = [get_mail_delta, get_folder_delta]
