"""Taking back what was done: the inverse of each step, as far as later changes allow.

Each entry of the log is taken back by one transaction, its steps in reverse order. A mail is found by its number,
wherever it is; it is only touched if it is where, and as, the step has left it. What cannot be taken back is left as
it is and told. Taking back gives steps too, so that it can be taken back itself.
"""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.domain.actions import (
    Policy,
    copy_step,
    free_name,
    is_within,
    make_folder,
    move_step,
    state_of,
)
from postroom.domain.filing import copy_mails, mark_mails, move_mails, remove_mails, set_label
from postroom.domain.folder_changes import check_depth, drop_row, place_folder
from postroom.domain.folder_names import name_key
from postroom.domain.steps import (
    FLAGGED,
    UNREAD,
    Bounce,
    Copied,
    Copy,
    Dispatch,
    DropFolder,
    Insert,
    Label,
    Listed,
    MakeFolder,
    Mark,
    Marked,
    Move,
    Place,
    PlaceFolder,
    Refer,
    Remove,
    RemoveFolder,
    Replace,
    Step,
    Uncopy,
)
from postroom.errors import Kind, PostroomError
from postroom.model.folder import ROOT
from postroom.model.ids import FolderId, ItemId, LabelId
from postroom.model.mail import Mail
from postroom.store.sql.mails import Located
from postroom.store.sql.operations import Grave
from postroom.store.tx import Transaction


class Failed(NamedTuple):
    """What could not be done: a mail, by the place it was last known at, or with uid 0 a folder.

    ``owner`` 0 is the account itself.
    """

    folder_id: int
    uid: int
    owner: int = 0


class Undone(NamedTuple):
    """What taking back did, and what it could not."""

    steps: list[Step]
    failed: list[Failed]


async def undo_steps(tx: Transaction, kind: str, steps: Sequence[Step], *, policy: Policy) -> Undone:
    """Take steps back, the last one first.

    Args:
        tx: the transaction of the account, locked.
        kind: the kind of operation that they belong to.
        steps: the steps of one entry of the log.
        policy: limits that copies made again must keep.
    """
    undone = Undone([], [])
    for step in reversed(steps):
        here = Undone([], [])
        try:
            async with tx.savepoint():
                await _undo_step(tx, kind, step, undone=here)
                if isinstance(step, Uncopy):
                    await policy.quota.check(tx)
        except PostroomError:
            undone.failed.extend(_all_of(step))
        else:
            undone.steps.extend(here.steps)
            undone.failed.extend(here.failed)
    return undone


async def _undo_step(tx: Transaction, kind: str, step: Step, *, undone: Undone) -> None:
    match step:
        case Move():
            await _move_back(tx, step, undone)
        case Insert() | Copy():
            await _take_out(tx, step, undone)
        case Uncopy():
            await _copy_again(tx, step, undone)
        case Mark():
            await _mark_back(tx, step, undone)
        case Label():
            await _label_back(tx, step, undone)
        case PlaceFolder():
            await _place_back(tx, step, undone)
        case MakeFolder() if kind in {"folders.create", "undo"}:
            await _unmake(tx, step, undone)
        case DropFolder():
            await _make_again(tx, step, undone)
        case Remove() | RemoveFolder() | Replace() | Refer() | Dispatch() | Bounce():
            # What was removed for good beside what was moved to Trash does not come back.
            undone.failed.extend(_all_of(step))


def _all_of(step: Step) -> list[Failed]:
    """Return the mails of a step where it has left them, or its folder."""
    match step:
        case Move(target=folder_id, mails=moved):
            return [Failed(folder_id, mail.new_uid) for mail in moved]
        case Copy() | Uncopy() | Insert() | Replace() | Refer() | Mark() | Label() | Remove():
            return [Failed(step.folder_id, mail.uid) for mail in step.mails]
        case PlaceFolder() | MakeFolder() | DropFolder() | RemoveFolder():
            return [Failed(step.folder_id, 0)]
    return []


async def _locate(tx: Transaction, item_ids: Iterable[int]) -> dict[ItemId, Located]:
    return await tx.mails.locate_items([ItemId(number) for number in item_ids])


async def _move_back(tx: Transaction, step: Move, undone: Undone) -> None:
    found = await _locate(tx, (mail.item_id for mail in step.mails))
    is_source_there = await tx.folders.find(FolderId(step.source)) is not None
    back: list[Located] = []
    for moved in step.mails:
        item = found.get(ItemId(moved.item_id))
        if item is None:
            undone.failed.append(Failed(step.source, moved.old_uid))
        elif not is_source_there or item.mail.folder_id != step.target:
            undone.failed.append(Failed(item.mail.folder_id, item.mail.uid))
        else:
            back.append(item)
    if back:
        undone.steps.append(move_step(back, await move_mails(tx, back, FolderId(step.source))))


async def _take_out(tx: Transaction, step: Insert | Copy, undone: Undone) -> None:
    """Take what was made out of its folder: what was inserted goes to Trash, copies go for good."""
    if isinstance(step, Insert):
        await _trash_inserted(tx, step, undone)
    else:
        await _remove_copies(tx, step, undone)


async def _trash_inserted(tx: Transaction, step: Insert, undone: Undone) -> None:
    found = await _locate(tx, (mail.item_id for mail in step.mails))
    trash = await tx.folders.find_role("trash")
    inserted: list[Located] = []
    for listed in step.mails:
        item = found.get(ItemId(listed.item_id))
        if item is None or item.mail.folder_id != step.folder_id or trash is None:
            undone.failed.append(_present(item, Failed(step.folder_id, listed.uid)))
        else:
            inserted.append(item)
    if inserted and trash is not None and trash != step.folder_id:
        undone.steps.append(move_step(inserted, await move_mails(tx, inserted, trash)))


async def _remove_copies(tx: Transaction, step: Copy, undone: Undone) -> None:
    found = await _locate(tx, (mail.item_id for mail in step.mails))
    copies: list[Located] = []
    told: list[Copied] = []
    for copied in step.mails:
        item = found.get(ItemId(copied.item_id))
        if item is None or item.mail.folder_id != step.folder_id:
            undone.failed.append(_present(item, Failed(step.folder_id, copied.uid)))
        else:
            copies.append(item)
            told.append(Copied(item.mail.item_id, item.mail.uid, copied.source_id))
    if copies:
        await remove_mails(tx, copies)
        undone.steps.append(Uncopy(step.folder_id, told))


def _present(item: Located | None, otherwise: Failed) -> Failed:
    return otherwise if item is None else Failed(item.mail.folder_id, item.mail.uid)


async def _copy_again(tx: Transaction, step: Uncopy, undone: Undone) -> None:
    found = await _locate(tx, (mail.source_id for mail in step.mails))
    groups: dict[FolderId, list[Located]] = {}
    for copied in step.mails:
        item = found.get(ItemId(copied.source_id))
        if item is None:
            undone.failed.append(Failed(step.folder_id, copied.uid))
        else:
            groups.setdefault(item.mail.folder_id, []).append(item)
    for items in groups.values():
        undone.steps.append(copy_step(items, await copy_mails(tx, items, FolderId(step.folder_id))))


async def _mark_back(tx: Transaction, step: Mark, undone: Undone) -> None:
    found = await _locate(tx, (mail.item_id for mail in step.mails))
    wanted: dict[ItemId, Marked] = {}
    groups: dict[FolderId, list[Located]] = {}
    for marked in step.mails:
        item = found.get(ItemId(marked.item_id))
        # Only what this step has changed is looked at and set back.
        changed = marked.before ^ marked.after
        if item is None or (state_of(item.mail) ^ marked.after) & changed:
            undone.failed.append(_present(item, Failed(step.folder_id, marked.uid)))
        else:
            wanted[item.mail.item_id] = marked
            groups.setdefault(item.mail.folder_id, []).append(item)

    def mark(mail: Mail) -> Mail:
        marked = wanted[mail.item_id]
        state = state_of(mail) ^ marked.before ^ marked.after
        return mail._replace(is_unread=int(bool(state & UNREAD)), is_flagged=int(bool(state & FLAGGED)))

    for folder_id, items in groups.items():
        changes = await mark_mails(tx, items, mark)
        told = [Marked(new.item_id, new.uid, state_of(old), state_of(new)) for old, new in changes]
        if told:
            undone.steps.append(Mark(folder_id, told))


async def _label_back(tx: Transaction, step: Label, undone: Undone) -> None:
    found = await _locate(tx, (mail.item_id for mail in step.mails))
    label_id = LabelId(step.label_id)
    exists = await tx.labels.find(label_id) is not None
    groups: dict[FolderId, list[Located]] = {}
    for listed in step.mails:
        item = found.get(ItemId(listed.item_id))
        if not exists or item is None or (label_id in item.mail.label_ids()) != step.is_on:
            undone.failed.append(_present(item, Failed(step.folder_id, listed.uid)))
        else:
            groups.setdefault(item.mail.folder_id, []).append(item)
    for folder_id, items in groups.items():
        changes = await set_label(tx, items, label_id, is_on=not step.is_on)
        told = [Listed(new.item_id, new.uid) for _, new in changes]
        undone.steps.append(Label(folder_id, step.label_id, not step.is_on, told))


# Folders


def _changed() -> PostroomError:
    """Return the error for a folder that is no longer as the step has left it."""
    return PostroomError(Kind.CONFLICT, "conflict", "the folder has changed since")


async def _place_back(tx: Transaction, step: PlaceFolder, undone: Undone) -> None:
    folder = await tx.folders.find(FolderId(step.folder_id))
    if folder is None or (folder.parent_id, folder.name) != step.after:
        raise _changed()
    parent_id = FolderId(step.before.parent_id)
    if parent_id != ROOT and await tx.folders.find(parent_id) is None:
        raise _changed()
    taken = await tx.folders.find_named(parent_id, name_key(step.before.name))
    if taken not in {None, folder.folder_id}:
        raise _changed()
    if parent_id != ROOT and await is_within(tx, parent_id, folder.folder_id):
        raise _changed()
    if parent_id != folder.parent_id:
        await check_depth(tx, parent_id, folder.folder_id)
    undone.steps.append(await place_folder(tx, folder, step.before))


async def _unmake(tx: Transaction, step: MakeFolder, undone: Undone) -> None:
    """Remove a folder that was made; one that has something in it goes to Trash instead."""
    folder = await tx.folders.find(FolderId(step.folder_id))
    if folder is None:
        raise _changed()
    trash = await tx.folders.find_role("trash")
    has_children = any(each.parent_id == folder.folder_id for each in await tx.folders.list_all())
    if (folder.total_items or has_children) and trash is not None:
        if await is_within(tx, folder.folder_id, trash):
            return
        place = Place(trash, await free_name(tx, trash, folder.name))
        undone.steps.append(await place_folder(tx, folder, place))
        return
    state = await tx.advance()
    now = int(time.time() * 1000)
    await tx.traces.note_past(folder.folder_id, modseq=state.modseq, parent_id=folder.parent_id, moved_at=now)
    await drop_row(tx, folder.folder_id)
    graves = [Grave(folder.folder_id, 0, folder.created_modseq, state.modseq)]
    await tx.operations.bury(graves, removed_at=now)
    undone.steps.append(
        DropFolder(folder.folder_id, Place(folder.parent_id, folder.name), folder.folder_type)
    )


async def _make_again(tx: Transaction, step: DropFolder, undone: Undone) -> None:
    parent_id = FolderId(step.place.parent_id)
    if parent_id != ROOT and await tx.folders.find(parent_id) is None:
        raise _changed()
    if await tx.folders.find_named(parent_id, name_key(step.place.name)) is not None:
        raise _changed()
    await check_depth(tx, parent_id)
    await make_folder(tx, parent_id, step.place.name, steps=undone.steps, kind=step.folder_type)
