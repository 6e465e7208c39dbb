"""Folders."""

from litestar import get

from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.folders import Folder, FolderList, FolderListQuery, SyncToken, render_folder

_list_query = Query(FolderListQuery)


@get(
    "/api/v1/folders",
    **operation(
        "listFolders",
        "List the folders",
        tag="folders",
        returns=(FolderList, SyncToken),
        query=FolderListQuery,
        has_etag=True,
    ),
)
async def list_folders(request: Call) -> Reply:
    """List the folders, parents before children; ``syncTokenOnly`` answers with the token alone."""
    query = request.parse_query(_list_query)
    domain, caller = request.domain, request.caller
    modseq = await domain.folders.folders_modseq(caller)
    token = domain.tokens.folders_token(caller.account_id, modseq, query.access_mode)
    etag = make_etag("folders", token, query)
    if unchanged := request.find_not_modified(etag):
        return unchanged
    if query.sync_token_only:
        return json_reply(SyncToken(token), etag=etag)
    return json_reply(await _list(request, query), etag=etag)


async def _list(request: Call, query: FolderListQuery) -> FolderList:
    found = await request.domain.folders.list(request.caller)
    token = request.domain.tokens.folders_token(
        request.caller.account_id, found.folders_modseq, query.access_mode
    )
    items = [
        render_folder(folder, owner_address=found.owner_address, owner_full_name=found.owner_full_name)
        for folder in found.folders
        if query.access_mode in {"all", "local"} and query.type in {"all", folder.folder_type}
    ]
    return FolderList(token, items)


@get(
    "/api/v1/folders/{folder_id:str}",
    **operation("getFolder", "Get a folder", tag="folders", returns=Folder, has_etag=True),
)
async def get_folder(request: Call) -> Reply:
    """Get one folder."""
    caller = request.caller
    folder = await request.domain.folders.get(caller, request.parse_folder_ref())
    etag = make_etag("folder", folder, caller.address, caller.full_name)
    return request.find_not_modified(etag) or json_reply(
        render_folder(folder, owner_address=caller.address, owner_full_name=caller.full_name), etag=etag
    )


ROUTES = [list_folders, get_folder]
