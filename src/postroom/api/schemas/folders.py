"""Shapes of folders."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.schemas.fields import FolderText, Number, Shape, TokenText
from postroom.model.folder import Folder as StoredFolder

ItemType = Literal["all", "mails", "events", "tasks", "notes", "contacts"]
NewType = Literal["mails", "events", "tasks", "notes", "contacts"]
AccessMode = Literal["all", "local", "public", "shared"]

_OWNER_LETTERS = "lrswikxtea"


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
    letters = _OWNER_LETTERS
    if folder.is_special:
        letters = letters.replace("x", "")
    if not folder.takes_subfolders:
        letters = letters.replace("k", "")
    return letters
