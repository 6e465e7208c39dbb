"""Shapes of folders."""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import FolderText, Number, Shape, TokenText
from postroom.domain.folders import FolderList as StoredList
from postroom.domain.folders import FoundFolder
from postroom.model.account import Caller
from postroom.model.folder import ROOT
from postroom.model.folder import Folder as StoredFolder
from postroom.model.sharing import NAMESPACE, RIGHTS, SharedFolder, SharedOwner

ItemType = Literal["all", "mails", "events", "tasks", "notes", "contacts"]
NewType = Literal["mails", "events", "tasks", "notes", "contacts"]
AccessMode = Literal["all", "local", "public", "shared"]


class FolderListQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which folders are asked for."""

    type: Annotated[ItemType, Meta(description="Only folders that hold this type of item.")] = "all"
    access_mode: Annotated[AccessMode, Meta(description="Only folders reached in this way.")] = "all"
    sync_token_only: Annotated[bool, Meta(description="Answer with the syncToken alone.")] = False


class NewFolder(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A folder to be made; with no parent, or the container as its parent, at the top."""

    name: str
    type: NewType | UnsetType = UNSET
    parent_id: FolderText | UnsetType = UNSET


class FolderName(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A folder's new name."""

    name: str


class FolderParent(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A folder's new parent; the container makes it a top folder."""

    parent_id: FolderText


class Folder(Shape, frozen=True):
    """A folder."""

    id: FolderText
    name: str
    parent_id: FolderText
    role: str
    owner_username: str
    owner_fullname: str
    folder_size: Number
    folder_type: str
    access_mode: str
    total_items: Number
    unread_items: Number
    permissions: list[str]


class FolderList(Shape, frozen=True):
    """Folders, parents before children."""

    sync_token: TokenText
    items: list[Folder]


class SyncToken(Shape, frozen=True):
    """The token of a list alone."""

    sync_token: TokenText


class Permission(Shape, frozen=True):
    """What a reader may do in a folder."""

    account: Annotated[
        str, Meta(description="An address; @domain for everybody of a domain; * for everybody.")
    ]
    permissions: list[str]


class PermissionList(Shape, frozen=True):
    """Who may do what in a folder, beside its owner."""

    items: list[Permission]


class NewPermission(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a reader may do in a folder from now on; no permissions take all away."""

    account: Annotated[
        str,
        Meta(max_length=400, description="An address here, or @domain for everybody of the owner's domain."),
    ]
    permissions: Annotated[list[str], Meta(max_length=40)]


class PermissionQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Whose permissions are taken away."""

    account: Annotated[str, Meta(max_length=400, description="An address here, @domain or *.")]


NAMESPACE_NAME = "~Other users' folders"
PUBLIC_NAME = "~Public Folders"


def render_list(caller: Caller, found: StoredList, query: FolderListQuery) -> list[Folder]:
    """Return the folders of a list, parents before children."""
    items = [render_own(caller, folder) for folder in found.folders]
    if any(not owner.is_public for owner in found.shared):
        items.append(render_namespace(caller))
    # Other users come before what is public, whoever was there first.
    for owner in sorted(found.shared, key=lambda one: one.is_public):
        items.append(render_container(caller, owner))
        items += [render_shared(owner, one) for one in owner.folders]
    if query.type == "all":
        return items
    return [item for item in items if item.folder_type == query.type]


def render_own(caller: Caller, folder: StoredFolder) -> Folder:
    """Return a folder of the caller's own."""
    return render_folder(folder, owner_address=caller.address, owner_full_name=caller.full_name)


def render_found(caller: Caller, found: FoundFolder) -> Folder:
    """Return a folder as a caller sees it, whoever has it."""
    folder, owner, rights, parent_id = found
    if owner.account_id == caller.account_id:
        return render_own(caller, folder)
    return render_shared(owner, SharedFolder(folder._replace(parent_id=parent_id), rights))


def render_shared(owner: SharedOwner, shared: SharedFolder) -> Folder:
    """Return a folder of another's; its parent is the one that it is shown below."""
    shown = render_folder(shared.folder, owner_address=owner.address, owner_full_name=owner.full_name)
    return msgspec.structs.replace(
        shown,
        access_mode="public" if owner.is_public else "shared",
        permissions=[right for right in shown.permissions if right in shared.rights],
    )


def render_namespace(caller: Caller) -> Folder:
    """Return the root below which other users' folders are."""
    root = ids.render_folder(caller.account_id, ROOT)
    name = ids.render_folder(caller.account_id, NAMESPACE)
    names = Names(NAMESPACE_NAME, caller.address, caller.full_name)
    return _render_root(name, root, names, kind="shared_namespace")


def render_container(caller: Caller, owner: SharedOwner) -> Folder:
    """Return the container of the folders that an owner shares."""
    name = ids.render_folder(owner.account_id, ROOT)
    if owner.is_public:
        names = Names(PUBLIC_NAME, owner.address, owner.full_name)
        return _render_root(name, ids.render_folder(caller.account_id, ROOT), names, kind="public_container")
    names = Names(owner.full_name or owner.address, owner.address, owner.full_name)
    parent = ids.render_folder(caller.account_id, NAMESPACE)
    return _render_root(name, parent, names, kind="shared_container")


class Names(NamedTuple):
    """What a root is called, and its owner."""

    name: str
    address: str
    full_name: str


def _render_root(folder_id: str, parent_id: str, names: Names, *, kind: str) -> Folder:
    """Return a root, which holds nothing itself."""
    name, address, full_name = names
    mode = "public" if kind == "public_container" else "shared"
    return Folder(folder_id, name, parent_id, "", address, full_name, 0, kind, mode, 0, 0, ["l"])


def render_folder(folder: StoredFolder, *, owner_address: str, owner_full_name: str) -> Folder:
    """Return ``folder`` as its owner sees it."""
    return Folder(
        ids.render_folder(folder.account_id, folder.folder_id),
        folder.name,
        ids.render_folder(folder.account_id, folder.parent_id),
        folder.role,
        owner_address,
        owner_full_name,
        folder.size_bytes,
        folder.folder_type,
        "local",
        folder.total_items,
        folder.unread_items,
        list(_owner_permissions(folder)),
    )


def _owner_permissions(folder: StoredFolder) -> str:
    """Return the owner's rights: all, less deleting what is special and adding below what takes no subfolders."""
    rights = RIGHTS
    if folder.is_special:
        rights = rights.replace("x", "")
    if not folder.takes_subfolders:
        rights = rights.replace("k", "")
    return rights
