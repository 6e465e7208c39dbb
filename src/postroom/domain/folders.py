"""Folders of a caller: listing and looking up, his own and those that others share with him."""

from typing import NamedTuple

from postroom.domain.access import find_rights, refuse_shared, require, see_folder
from postroom.domain.shared_folders import MODES, OWN, Standing, list_shared, parents_first, stand
from postroom.errors import not_found
from postroom.model.account import Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import FolderId, FolderRef
from postroom.model.sharing import NAMESPACE, SharedOwner
from postroom.store import Store
from postroom.store.tx import Snapshot


class FolderState(NamedTuple):
    """Where the folders of a list stand: the caller's own (0: not in the list), and those of others."""

    modseq: int
    standings: tuple[Standing, ...]


class FolderList(NamedTuple):
    """All folders that an account sees, parents before children, and where they stand."""

    folders: list[Folder]
    shared: list[SharedOwner]
    state: FolderState


class FoundFolder(NamedTuple):
    """A folder, who has it, and how the caller sees it: what he may do, and the parent that it is shown below."""

    folder: Folder
    owner: SharedOwner
    rights: str
    parent_id: FolderId

    @property
    def folder_id(self) -> FolderId:
        """The number of the folder."""
        return self.folder.folder_id


class Folders:
    """The folders a caller sees."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, caller: Caller, access_mode: str = "all") -> FolderList:
        """Return the folders that a caller sees. Raises: notFound; unavailable."""
        modes = MODES[access_mode]
        async with self._store.read(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            if state is None:
                raise not_found("the mailbox")
            folders = await mailbox.folders.list_all() if OWN in modes else []
            shared = await list_shared(mailbox, caller, modes)
        modseq = int(state.folders_modseq) if OWN in modes else 0
        return FolderList(
            parents_first(folders), shared, FolderState(modseq, tuple(stand(owner) for owner in shared))
        )

    async def state(self, caller: Caller, access_mode: str = "all") -> FolderState:
        """Return where the folders of a list stand: one look-up, and one for what others share.

        Raises: notFound; unavailable.
        """
        modes = MODES[access_mode]
        async with self._store.read(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            if state is None:
                raise not_found("the mailbox")
            shared = await list_shared(mailbox, caller, modes)
        own = int(state.folders_modseq) if OWN in modes else 0
        return FolderState(own, tuple(stand(owner) for owner in shared))

    async def get(self, caller: Caller, ref: FolderRef) -> FoundFolder:
        """Return a folder. Raises: notFound; unavailable."""
        if ref.folder in {ROOT, NAMESPACE}:
            raise not_found("the folder")
        if ref.owner == caller.account_id:
            async with self._store.peek(ref.owner) as mailbox:
                return await find_folder(mailbox, caller, ref.folder)
        async with self._store.read(ref.owner) as mailbox:
            return await find_folder(mailbox, caller, ref.folder)

    async def require_own(self, caller: Caller, ref: FolderRef) -> None:
        """Refuse a folder of another's. Raises: notFound; notPermitted for one that the caller sees; unavailable."""
        await refuse_shared(self._store, caller, ref)

    async def find_container(self, caller: Caller, ref: FolderRef) -> SharedOwner | None:
        """Return whose folders a container has; None for the root of all other users' folders.

        Raises: notFound, also for a container in which the caller sees nothing; unavailable.
        """
        async with self._store.read(caller.account_id) as mailbox:
            shared = await list_shared(mailbox, caller, MODES["all"])
        if ref == (caller.account_id, NAMESPACE) and any(not owner.is_public for owner in shared):
            return None
        for owner in shared:
            if ref == (owner.account_id, ROOT):
                return owner
        raise not_found("the folder")


async def find_folder(mailbox: Snapshot, caller: Caller, folder_id: FolderId) -> FoundFolder:
    """Return a folder as a caller sees it, in the snapshot or transaction given. Raises: notFound."""
    rights = await find_rights(mailbox, caller, folder_id)
    folder = await mailbox.folders.find(folder_id) if rights else None
    if folder is None:
        raise not_found("the folder")
    if mailbox.account_id == caller.account_id:
        own = SharedOwner(caller.account_id, caller.address, caller.full_name, [])
        return FoundFolder(folder, own, rights, folder.parent_id)
    account = await mailbox.accounts.find(mailbox.account_id)
    if account is None:
        raise not_found("the folder")
    parent_id = folder.parent_id
    if parent_id != ROOT and not await find_rights(mailbox, caller, parent_id):
        parent_id = ROOT
    owner = SharedOwner(account.account_id, account.address, account.full_name, [])
    return FoundFolder(await see_folder(mailbox, caller, folder), owner, rights, parent_id)


async def require_folder(mailbox: Snapshot, caller: Caller, folder_id: FolderId, *, needs: str) -> Folder:
    """Return a folder in which a caller may do what needs some rights. Raises: notFound; notPermitted."""
    await require(mailbox, caller, folder_id, needs=needs)
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the folder")
    return folder
