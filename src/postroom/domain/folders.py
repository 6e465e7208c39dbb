"""Folders of a caller: listing and looking up."""

from typing import NamedTuple

from postroom.domain.access import require_own
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import FolderId, FolderRef, Modseq
from postroom.store import Store


class FolderList(NamedTuple):
    """All folders of an account, parents before children, and the position of the last change of any."""

    folders: list[Folder]
    folders_modseq: Modseq
    owner_address: str
    owner_full_name: str


class Folders:
    """The folders a caller sees."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, caller: Caller) -> FolderList:
        """Return the caller's folders. Raises: notFound; unavailable."""
        async with self._store.read(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            folders = await mailbox.folders.list_all()
        if state is None:
            raise not_found("the mailbox")
        return FolderList(parents_first(folders), state.folders_modseq, caller.address, caller.full_name)

    async def get(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return a folder. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the folder")
        async with self._store.peek(ref.owner) as mailbox:
            folder = await mailbox.folders.find(ref.folder)
        if folder is None:
            raise not_found("the folder")
        return folder

    async def folders_modseq(self, caller: Caller) -> Modseq:
        """Return the position of the last change of any folder or its content. Raises: notFound; unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
        if state is None:
            raise not_found("the mailbox")
        return state.folders_modseq


def parents_first(folders: list[Folder]) -> list[Folder]:
    """Return the folders such that each comes after its parent, siblings by number."""
    children: dict[FolderId, list[Folder]] = {}
    for folder in folders:
        children.setdefault(folder.parent_id, []).append(folder)
    ordered: list[Folder] = []
    waiting = list(reversed(children.get(ROOT, [])))
    while waiting:
        folder = waiting.pop()
        ordered.append(folder)
        waiting.extend(reversed(children.get(folder.folder_id, [])))
    return ordered
