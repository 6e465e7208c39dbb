"""Folders: list, get, make, rename, move, delete."""

import msgspec
from litestar import delete, get, patch, post, put
from msgspec import UNSET

from postroom.api import ids
from postroom.api.call import Call
from postroom.api.conditional import make_etag
from postroom.api.operation import operation
from postroom.api.query import Query
from postroom.api.reply import Reply, json_reply
from postroom.api.schemas.fields import or_none
from postroom.api.schemas.folders import (
    Folder,
    FolderList,
    FolderListQuery,
    FolderName,
    FolderParent,
    NewFolder,
    NewPermission,
    Permission,
    PermissionList,
    PermissionQuery,
    SyncToken,
    render_container,
    render_found,
    render_list,
    render_namespace,
)
from postroom.domain.folders import FolderState, FoundFolder
from postroom.model.folder import ROOT
from postroom.model.sharing import NAMESPACE

_list_query = Query(FolderListQuery)
_new = msgspec.json.Decoder(NewFolder)
_name = msgspec.json.Decoder(FolderName)
_parent = msgspec.json.Decoder(FolderParent)
_permission = msgspec.json.Decoder(NewPermission)
_permission_query = Query(PermissionQuery)
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
    if query.sync_token_only or b"if-none-match" in request.exchange.headers:
        state = await request.domain.folders.state(request.caller, query.access_mode)
        token = _render_token(request, query, state)
        etag = make_etag("folders", token, query)
        if unchanged := request.find_not_modified(etag):
            return unchanged
        if query.sync_token_only:
            return json_reply(SyncToken(token), etag=etag)
    found = await request.domain.folders.list(request.caller, query.access_mode)
    token = _render_token(request, query, found.state)
    shown = FolderList(token, render_list(request.caller, found, query))
    return json_reply(shown, etag=make_etag("folders", token, query))


def _render_token(request: Call, query: FolderListQuery, state: FolderState) -> str:
    account_id = request.caller.account_id
    return request.domain.tokens.folders_token(
        account_id, state.modseq, query.access_mode, standings=state.standings
    )


@get(
    "/api/v1/folders/{folder_id:str}",
    **operation("getFolder", "Get a folder", tag="folders", returns=Folder, has_etag=True),
)
async def get_folder(request: Call) -> Reply:
    """Get one folder."""
    caller = request.caller
    ref = request.parse_folder_ref()
    if ref.folder in {ROOT, NAMESPACE}:
        owner = await request.domain.folders.find_container(caller, ref)
        shown = render_namespace(caller) if owner is None else render_container(caller, owner)
        etag = make_etag("container", shown)
        return request.find_not_modified(etag) or json_reply(shown, etag=etag)
    found = await request.domain.folders.get(caller, ref)
    etag = make_etag("folder", found, caller.address, caller.full_name)
    return request.find_not_modified(etag) or json_reply(render_found(caller, found), etag=etag)


def _reply(request: Call, found: FoundFolder) -> Reply:
    return json_reply(render_found(request.caller, found))


@get(
    "/api/v1/folders/{folder_id:str}/permissions",
    **operation("listPermissions", "List who may do what in a folder", tag="folders", returns=PermissionList),
)
async def list_permissions(request: Call) -> Reply:
    """List who may do what in a folder, beside its owner; it takes its owner, or the permission ``a``."""
    views = await request.domain.sharing.show(request.caller, request.parse_folder_ref())
    return json_reply(PermissionList([Permission(one.account, list(one.rights)) for one in views]))


@put(
    "/api/v1/folders/{folder_id:str}/permissions",
    **operation(
        "setPermissions",
        "Say what a reader may do in a folder",
        tag="folders",
        returns=Permission,
        body=NewPermission,
        errors=("notPermitted",),
    ),
)
async def set_permissions(request: Call) -> Reply:
    """Say what an account, or everybody of the owner's domain, may do in a folder from now on."""
    ref = request.parse_folder_ref()
    body = await request.parse_body(_permission)
    view = await request.domain.sharing.put(request.caller, ref, body.account, rights=body.permissions)
    return json_reply(Permission(view.account, list(view.rights)))


@delete(
    "/api/v1/folders/{folder_id:str}/permissions",
    status_code=200,
    **operation(
        "deletePermissions",
        "Take all permissions in a folder from a reader",
        tag="folders",
        returns=None,
        query=PermissionQuery,
        errors=("notPermitted",),
    ),
)
async def delete_permissions(request: Call) -> Reply:
    """Take from an account, or from everybody of a domain, what it was given in a folder."""
    ref = request.parse_folder_ref()
    query = request.parse_query(_permission_query)
    await request.domain.sharing.delete(request.caller, ref, query.account)
    return Reply()


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
        request.caller, body.name, parent=parent, folder_type=or_none(body.type)
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


ROUTES = [
    list_folders,
    get_folder,
    create_folder,
    rename_folder,
    move_folder,
    delete_folder,
    list_permissions,
    set_permissions,
    delete_permissions,
]
