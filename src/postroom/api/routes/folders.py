"""Folders: list, get, make, rename, move, delete."""

import msgspec
from litestar import delete, get, patch, post
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.folders import (
    Folder,
    FolderList,
    FolderListQuery,
    FolderName,
    FolderParent,
    NewFolder,
    SyncToken,
    render_folder,
)
from postroom.model.folder import Folder as StoredFolder

_list_query = Query(FolderListQuery)
_new = msgspec.json.Decoder(NewFolder)
_name = msgspec.json.Decoder(FolderName)
_parent = msgspec.json.Decoder(FolderParent)
_NAME_ERRORS = ("notFound", "folderExists", "folderNameTooLong")


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


def _reply(request: Call, folder: StoredFolder) -> Reply:
    caller = request.caller
    return json_reply(render_folder(folder, owner_address=caller.address, owner_full_name=caller.full_name))


@post(
    "/api/v1/folders",
    **operation(
        "createFolder",
        "Make a folder",
        tag="folders",
        returns=Folder,
        body=NewFolder,
        errors=(*_NAME_ERRORS, "subfoldersNotAllowed", "notPermitted"),
    ),
)
async def create_folder(request: Call) -> Reply:
    """Make a folder, at the top unless it is given a parent; its type is then that of its parent."""
    body = await request.parse_body(_new)
    parent = None if body.parent_id is UNSET else ids.parse_folder(body.parent_id, "parentId")
    folder = await request.domain.folder_changes.create(
        request.caller, body.name, parent=parent, folder_type=None if body.type is UNSET else body.type
    )
    return _reply(request, folder)


@patch(
    "/api/v1/folders/{folder_id:str}",
    **operation(
        "renameFolder",
        "Rename a folder",
        tag="folders",
        returns=Folder,
        body=FolderName,
        errors=(*_NAME_ERRORS, "notPermitted"),
    ),
)
async def rename_folder(request: Call) -> Reply:
    """Give a folder another name; it keeps its id."""
    ref = request.parse_folder_ref()
    body = await request.parse_body(_name)
    return _reply(request, await request.domain.folder_changes.rename(request.caller, ref, body.name))


@post(
    "/api/v1/folders/{folder_id:str}/move",
    **operation(
        "moveFolder",
        "Move a folder",
        tag="folders",
        returns=Folder,
        body=FolderParent,
        errors=(*_NAME_ERRORS, "subfoldersNotAllowed", "notPermitted"),
    ),
)
async def move_folder(request: Call) -> Reply:
    """Give a folder another parent; it keeps its id, and takes its subfolders along."""
    ref = request.parse_folder_ref()
    body = await request.parse_body(_parent)
    parent = ids.parse_folder(body.parent_id, "parentId")
    return _reply(request, await request.domain.folder_changes.move(request.caller, ref, parent))


@delete(
    "/api/v1/folders/{folder_id:str}",
    status_code=200,
    **operation("deleteFolder", "Delete a folder", tag="folders", returns=None, errors=("notPermitted",)),
)
async def delete_folder(request: Call) -> Reply:
    """Move a folder with its subfolders to Trash; remove it with all it holds if it is there already."""
    await request.domain.folder_changes.delete(request.caller, request.parse_folder_ref())
    return Reply()


ROUTES = [list_folders, get_folder, create_folder, rename_folder, move_folder, delete_folder]
