"""Changing folders: make, rename, move, delete.

A folder keeps its number whatever becomes of its name and place. One that is removed for good is gone from view at
once, with all folders below it and all their mails: their rows and counters are taken out of the account in one
short transaction, however many mails there are, and the mails themselves are removed behind it, slice by slice
(:mod:`postroom.domain.doomed`). So are the mails of a folder that goes to Trash parted from their conversations
(:mod:`postroom.domain.rethreading`).
"""

import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from postroom.domain.access import MAKE, REMOVE, lock_folders, require
from postroom.domain.actions import Policy, free_name, is_within, make_folder
from postroom.domain.folder_names import name_key
from postroom.domain.folders import FoundFolder, find_folder
from postroom.domain.history import write_down
from postroom.domain.mail_changes import Policies
from postroom.domain.rethreading import follow_place
from postroom.domain.shared_folders import MODES, list_shared, parents_first
from postroom.domain.steps import Place, PlaceFolder, RemoveFolder, Step
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import AccountId, FolderId, FolderRef
from postroom.model.sharing import NAMESPACE
from postroom.store import Store
from postroom.store.sql.operations import Grave
from postroom.store.tx import Snapshot, Transaction

MAX_NAME_CHARS = 255
MAX_DEPTH = 32
MAX_FOLDERS = 10_000
"""Folders of an account: every listing reads them all."""
TYPES = frozenset({"mails", "events", "tasks", "notes", "contacts"})


def check_name(name: str) -> str:
    """Return a folder's name as it is kept. Raises: badParameter; folderNameTooLong."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise bad_parameter("name", "name must not be empty")
    if len(name) > MAX_NAME_CHARS:
        raise PostroomError(
            Kind.INVALID,
            "folderNameTooLong",
            f"name must have at most {MAX_NAME_CHARS} characters",
            details={"parameter": "name"},
        )
    if "/" in name or any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise bad_parameter("name", "name must have no / and no control characters")
    return name


class FolderChanges:
    """Changes of the folders a caller sees. Each raises notFound, notPermitted and unavailable."""

    def __init__(
        self, store: Store, policies: Policies, *, on_doomed: Callable[[AccountId], None] = lambda _: None
    ) -> None:
        """``on_doomed`` is told of accounts that have mails to be removed."""
        self._store = store
        self._policies = policies
        self._on_doomed = on_doomed

    @asynccontextmanager
    async def _begin(self, caller: Caller, owner: AccountId) -> AsyncIterator[Transaction]:
        """Enter a transaction on an owner's mailbox, locked; what others do in it is on nobody's undo stack.

        Raises: notFound; unavailable.
        """
        session_id = caller.session_id if owner == caller.account_id else None
        async with self._store.transaction(owner, session_id=session_id) as tx:
            await lock_folders(tx)
            yield tx

    async def create(
        self, caller: Caller, name: str, *, parent: FolderRef | None, folder_type: str | None
    ) -> FoundFolder:
        """Make a folder, at the top unless a parent is given; return it.

        Raises: badParameter; folderNameTooLong; folderExists; subfoldersNotAllowed.
        """
        name = check_name(name)
        owner, parent_id = parent or FolderRef(caller.account_id, ROOT)
        async with self._begin(caller, owner) as tx:
            await _require_place(tx, caller, parent_id)
            kind = await _check_parent(tx, parent_id, folder_type)
            if len(await tx.folders.list_all()) >= MAX_FOLDERS:
                raise not_permitted(f"an account has at most {MAX_FOLDERS} folders")
            await check_depth(tx, parent_id)
            await check_free(tx, parent_id, name)
            steps: list[Step] = []
            folder_id = await make_folder(tx, parent_id, name, steps=steps, kind=kind)
            await write_down(tx, "folders.create", steps, folder_id=folder_id)
            return await find_folder(tx, caller, folder_id)

    async def rename(self, caller: Caller, ref: FolderRef, name: str) -> FoundFolder:
        """Give a folder another name; return it. Raises: badParameter; folderNameTooLong; folderExists."""
        name = check_name(name)
        async with self._begin(caller, ref.owner) as tx:
            await require(tx, caller, ref.folder, needs=REMOVE)
            folder = await _get_ordinary(tx, caller, ref.folder, verb="renamed")
            if name != folder.name:
                await check_free(tx, folder.parent_id, name, but=folder.folder_id)
                step = await place_folder(tx, folder, Place(folder.parent_id, name))
                await write_down(tx, "folders.rename", [step], folder_id=folder.folder_id)
            return await find_folder(tx, caller, ref.folder)

    async def move(self, caller: Caller, ref: FolderRef, parent: FolderRef) -> FoundFolder:
        """Give a folder another parent (the container: make it a top folder); return it.

        Raises: badParameter; folderExists; subfoldersNotAllowed.
        """
        async with self._begin(caller, ref.owner) as tx:
            await require(tx, caller, ref.folder, needs=REMOVE)
            there = tx.at(parent.owner)
            await _require_place(there, caller, parent.folder)
            if parent.owner != ref.owner:
                if parent.folder != ROOT:
                    await find_folder(there, caller, parent.folder)
                raise bad_parameter("parentId", "a folder can be moved among the folders of its owner alone")
            folder = await _get_ordinary(tx, caller, ref.folder, verb="moved")
            if parent.folder != ROOT and await is_within(tx, parent.folder, folder.folder_id):
                raise bad_parameter("parentId", "a folder cannot be moved into itself")
            await _check_parent(tx, parent.folder, folder.folder_type)
            if parent.folder != folder.parent_id:
                await check_depth(tx, parent.folder, folder.folder_id)
                await check_free(tx, parent.folder, folder.name)
                step = await place_folder(tx, folder, Place(parent.folder, folder.name))
                await write_down(tx, "folders.move", [step], folder_id=folder.folder_id)
            return await find_folder(tx, caller, ref.folder)

    async def delete(self, caller: Caller, ref: FolderRef) -> None:
        """Move a folder to Trash; remove it with all it holds if it is there, or if that is not wanted.

        What is another's cannot be moved to Trash.
        """
        is_doomed = False
        async with self._begin(caller, ref.owner) as tx:
            await require(tx, caller, ref.folder, needs=REMOVE)
            folder = await _get_ordinary(tx, caller, ref.folder, verb="deleted")
            trash = await self._find_trash(tx, caller, folder)
            if ref.owner != caller.account_id:
                if trash is not None:
                    raise not_permitted("another's folder cannot be moved to Trash")
                for below in await _list_below(tx, ref.folder):
                    await require(tx, caller, below.folder_id, needs=REMOVE)
            if trash is not None:
                steps: list[Step] = [await _trash(tx, folder, trash)]
            else:
                steps = await remove_tree(tx, folder)
                is_doomed = True
            await write_down(tx, "folders.delete", steps, folder_id=folder.folder_id)
            if is_doomed:
                tx.after_commit(lambda: self._on_doomed(ref.owner))

    async def _find_trash(self, tx: Transaction, caller: Caller, folder: Folder) -> FolderId | None:
        """Return Trash if the folder goes there, None if it is to be removed."""
        policy: Policy = await self._policies.read(tx.at(caller.account_id), caller.class_name)
        trash = await tx.folders.find_role("trash")
        if not policy.delete_to_trash or trash is None:
            return None
        return None if await is_within(tx, folder.folder_id, trash) else trash


async def _trash(tx: Transaction, folder: Folder, trash: FolderId) -> PlaceFolder:
    return await place_folder(tx, folder, Place(trash, await free_name(tx, trash, folder.name)))


async def _get(mailbox: Snapshot, folder_id: FolderId) -> Folder:
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the folder")
    return folder


async def _get_ordinary(mailbox: Snapshot, caller: Caller, folder_id: FolderId, *, verb: str) -> Folder:
    """Return a folder that may be another than it is. Raises: notFound; notPermitted."""
    if folder_id == NAMESPACE and await _sees_others(mailbox, caller):
        raise not_permitted(f"the root of other users' folders cannot be {verb}")
    folder = await _get(mailbox, folder_id)
    if folder.is_special:
        raise not_permitted(f"a special folder cannot be {verb}")
    return folder


async def _require_place(mailbox: Snapshot, caller: Caller, parent_id: FolderId) -> None:
    """Refuse a parent that a caller may put no folder below. Raises: notFound; notPermitted."""
    if parent_id == NAMESPACE and await _sees_others(mailbox, caller):
        raise not_permitted("nothing can be put below the root of other users' folders")
    await require(mailbox, caller, parent_id, needs=MAKE, what="the parent folder")


async def _sees_others(mailbox: Snapshot, caller: Caller) -> bool:
    """Tell whether the root of other users' folders is in a caller's list."""
    shared = await list_shared(mailbox, caller, MODES["shared"])
    return mailbox.account_id == caller.account_id and bool(shared)


async def _check_parent(mailbox: Snapshot, parent_id: FolderId, folder_type: str | None) -> str:
    """Return the type of a folder made below a parent. Raises: notFound; subfoldersNotAllowed; badParameter."""
    if parent_id == ROOT:
        return folder_type or "mails"
    parent = await mailbox.folders.find(parent_id)
    if parent is None:
        raise not_found("the parent folder")
    if not parent.takes_subfolders:
        raise PostroomError(Kind.DENIED, "subfoldersNotAllowed", "this folder takes no subfolders")
    if folder_type not in {None, parent.folder_type}:
        raise bad_parameter("type", f"type must be that of the parent folder, {parent.folder_type}")
    return parent.folder_type


async def check_free(
    mailbox: Snapshot, parent_id: FolderId, name: str, *, but: FolderId | None = None
) -> None:
    """Make sure that no folder below a parent has a name, but for one. Raises: folderExists."""
    if await mailbox.folders.find_named(parent_id, name_key(name)) not in {None, but}:
        raise PostroomError(
            Kind.CONFLICT, "folderExists", "there is a folder with this name", details={"parameter": "name"}
        )


async def check_depth(mailbox: Snapshot, parent_id: FolderId, folder_id: FolderId | None = None) -> None:
    """Make sure that below a parent there is room for a folder with all below it, or for a new one.

    Raises: badParameter.
    """
    height = 1 if folder_id is None else _height(await _list_below(mailbox, folder_id), folder_id)
    if await _depth(mailbox, parent_id) + height > MAX_DEPTH:
        raise bad_parameter("parentId", f"folders are at most {MAX_DEPTH} deep")


async def _depth(mailbox: Snapshot, folder_id: FolderId) -> int:
    """Return how deep a folder lies; a top folder 1, the container 0."""
    depth = 0
    while folder_id != ROOT:
        folder = await _get(mailbox, folder_id)
        folder_id, depth = folder.parent_id, depth + 1
    return depth


async def _list_below(mailbox: Snapshot, folder_id: FolderId) -> list[Folder]:
    """Return a folder and all below it, parents first."""
    within = {folder_id}
    found: list[Folder] = []
    for folder in parents_first(await mailbox.folders.list_all()):
        if folder.folder_id in within or folder.parent_id in within:
            within.add(folder.folder_id)
            found.append(folder)
    return found


def _height(folders: list[Folder], top: FolderId) -> int:
    """Return how many levels a tree of folders has, given parents first."""
    level: dict[FolderId, int] = {}
    for folder in folders:
        level[folder.folder_id] = 1 if folder.folder_id == top else level[folder.parent_id] + 1
    return max(level.values(), default=1)


async def place_folder(tx: Transaction, folder: Folder, place: Place) -> PlaceFolder:
    """Give a folder a name and a parent, and note where it was; return the step."""
    state = await tx.advance()
    await tx.traces.note_past(
        folder.folder_id,
        modseq=state.modseq,
        parent_id=folder.parent_id,
        moved_at=int(time.time() * 1000),
    )
    await tx.folders.place(
        folder.folder_id,
        parent_id=FolderId(place.parent_id),
        name=place.name,
        name_key=name_key(place.name),
        modseq=state.modseq,
    )
    if place.parent_id != folder.parent_id:
        below = await _list_below(tx, folder.folder_id)
        await follow_place(tx, folder, FolderId(place.parent_id), below=below)
    return PlaceFolder(folder.folder_id, Place(folder.parent_id, folder.name), place)


async def remove_tree(tx: Transaction, folder: Folder) -> list[Step]:
    """Take a folder and all below it out of the account, but for the rows of their mails; return the steps."""
    return await remove_folders(tx, await _list_below(tx, folder.folder_id))


async def remove_folders(tx: Transaction, folders: Sequence[Folder]) -> list[Step]:
    """Do what :func:`remove_tree` does to folders, each with all below it, given parents first."""
    state = await tx.advance()
    await tx.mailbox.advance(
        step=0,
        items=-sum(each.total_items for each in folders if each.folder_type == "mails"),
        size_bytes=-sum(each.size_bytes for each in folders),
        contents=0,
        item_ids=0,
    )
    removed_at = int(time.time() * 1000)
    steps: list[Step] = []
    for each in reversed(folders):
        for count in await tx.labels.list_counts_in(each.folder_id):
            await tx.labels.count(
                count.label_id, items=-count.total_items, unread=-count.unread_items, modseq=state.modseq
            )
        await tx.traces.note_past(
            each.folder_id, modseq=state.modseq, parent_id=each.parent_id, moved_at=removed_at
        )
        await drop_row(tx, each.folder_id)
        await tx.traces.doom(each.folder_id)
        steps.append(RemoveFolder(each.folder_id, Place(each.parent_id, each.name)))
    if any(each.total_items for each in folders if each.folder_type == "contacts"):
        await tx.contact_changes.note_removal(state.modseq)
    graves = [Grave(each.folder_id, 0, each.created_modseq, state.modseq) for each in reversed(folders)]
    await tx.operations.bury(graves, removed_at=removed_at)
    return steps


async def drop_row(tx: Transaction, folder_id: FolderId) -> None:
    """Take a folder's row out, with what is kept of the folder as a whole; what is in it is another matter."""
    await tx.labels.forget_folder(folder_id)
    await tx.grants.delete_of_folder(folder_id)
    await tx.reader_marks.forget_folder(folder_id)
    await tx.folders.delete(folder_id)
