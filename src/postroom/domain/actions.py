"""Actions: what a call does to mails, be it to one or, as a batch, to a hundred thousand.

:func:`check_action` refuses what can't be done to any mail; :func:`perform` does it to some hundred mails at most, in
the transaction given, and returns the steps for the operation log. Mails that an action leaves as they are give no
step.
"""

import datetime
import time
import zoneinfo
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from postroom.domain.filing import Change, copy_mails, move_mails, remove_mails, set_flags, set_label
from postroom.domain.folder_names import name_key
from postroom.domain.quota import Quota
from postroom.domain.steps import (
    FLAGGED,
    UNREAD,
    Copied,
    Copy,
    Label,
    Listed,
    MakeFolder,
    Mark,
    Marked,
    Move,
    Moved,
    Place,
    Remove,
    Step,
)
from postroom.errors import bad_parameter, not_found
from postroom.model.folder import ROOT, Folder
from postroom.model.ids import FolderId, ItemId, LabelId
from postroom.model.mail import Mail
from postroom.store.sql.folders import NewFolder
from postroom.store.sql.mails import Located
from postroom.store.tx import Snapshot, Transaction

DESTINATION = "destinationFolderId"
ARCHIVE_NAME = "Archive"
_LAST_DATE = 253_402_214_400
"""The beginning of the last day of the year 9999, in Unix seconds: it is that year everywhere then."""


OnMarked = Callable[[Transaction, Sequence[Change]], Awaitable[None]]
"""Is told of mails of one folder whose flags were set, in the same transaction."""


async def tell_nobody(_: Transaction, __: Sequence[Change]) -> None:
    """Do nothing about mails whose flags were set."""


class Policy(NamedTuple):
    """What an account has set or may have, and what follows from an action, as far as actions go by it."""

    delete_to_trash: bool = True
    archiving: str = "none"
    timezone: str = "UTC"
    quota: Quota = Quota()
    on_marked: OnMarked = tell_nobody


class MoveTo(msgspec.Struct, tag="move", frozen=True):
    """Move to a folder; mails of the folders ``sparing`` stay where they are."""

    folder_id: int
    sparing: tuple[int, ...] = ()


class CopyTo(msgspec.Struct, tag="copy", frozen=True):
    """Copy to a folder; 0: each into the folder where it is."""

    folder_id: int = 0


class Delete(msgspec.Struct, tag="delete", frozen=True):
    """Move to Trash, or remove what is there already; or remove in any case."""

    permanent: bool = False


class SetFlags(msgspec.Struct, tag="flags", frozen=True):
    """Set flags; None leaves one as it is. In the folders ``sparing`` mails stay read or unread as they are."""

    is_unread: bool | None = None
    is_flagged: bool | None = None
    sparing: tuple[int, ...] = ()


class SetLabel(msgspec.Struct, tag="label", frozen=True):
    """Put a label on, or take it off."""

    label_id: int
    is_on: bool


class Archive(msgspec.Struct, tag="archive", frozen=True):
    """Move to the Archive, by the account's policy."""


Action = MoveTo | CopyTo | Delete | SetFlags | SetLabel | Archive


class Outcome(NamedTuple):
    """What was done: the steps, and what became of each mail (the copy, of one that was copied)."""

    steps: list[Step]
    mails: dict[ItemId, Mail]


async def check_action(mailbox: Snapshot, action: Action) -> None:
    """Refuse an action that can be done to no mail. Raises: notFound; badParameter."""
    if isinstance(action, MoveTo | CopyTo) and action.folder_id:
        await find_target(mailbox, FolderId(action.folder_id))
    if isinstance(action, SetLabel) and action.is_on and await _lacks_label(mailbox, action.label_id):
        raise not_found("the label")


async def find_target(mailbox: Snapshot, folder_id: FolderId) -> Folder:
    """Return a folder that mails may be put into. Raises: notFound; badParameter."""
    folder = await mailbox.folders.find(folder_id)
    if folder is None:
        raise not_found("the destination folder")
    if folder.folder_type != "mails":
        raise bad_parameter(DESTINATION, f"{DESTINATION} must be a folder of mails")
    return folder


async def _lacks_label(mailbox: Snapshot, label_id: int) -> bool:
    return await mailbox.labels.find(LabelId(label_id)) is None


async def perform(tx: Transaction, action: Action, items: Sequence[Located], *, policy: Policy) -> Outcome:
    """Do an action to mails, which may lie in several folders.

    Raises: notFound; badParameter; messageQuotaExceeded; sizeQuotaExceeded.
    """
    await check_action(tx, action)
    outcome = Outcome([], {item.mail.item_id: item.mail for item in items})
    for group in group_by_folder(items):
        match action:
            case MoveTo():
                if group[0].mail.folder_id not in action.sparing:
                    await _move(tx, group, FolderId(action.folder_id), outcome=outcome)
            case CopyTo():
                await _copy(tx, group, FolderId(action.folder_id), outcome=outcome)
            case Delete():
                await _delete(tx, group, outcome, permanent=action.permanent or not policy.delete_to_trash)
            case SetFlags():
                await policy.on_marked(tx, await _set_flags(tx, group, action, outcome=outcome))
            case SetLabel():
                await _set_label(tx, group, action, outcome=outcome)
            case Archive():
                await _archive(tx, group, policy, outcome=outcome)
    if isinstance(action, CopyTo):
        await policy.quota.check(tx)
    return outcome


def group_by_folder(items: Iterable[Located]) -> list[list[Located]]:
    """Return mails in groups of one folder each."""
    groups: dict[FolderId, list[Located]] = {}
    for item in items:
        groups.setdefault(item.mail.folder_id, []).append(item)
    return list(groups.values())


async def _move(tx: Transaction, items: list[Located], target: FolderId, *, outcome: Outcome) -> None:
    if items[0].mail.folder_id == target:
        return
    moved = await move_mails(tx, items, target)
    outcome.steps.append(move_step(items, moved))
    outcome.mails.update((mail.item_id, mail) for mail in moved)


def move_step(items: Sequence[Located], moved: Sequence[Mail]) -> Move:
    """Return the step that moved mails of one folder."""
    pairs = zip(items, moved, strict=True)
    mails = [Moved(after.item_id, before.mail.uid, after.uid) for before, after in pairs]
    return Move(items[0].mail.folder_id, moved[0].folder_id, mails)


async def _copy(tx: Transaction, items: list[Located], target: FolderId, *, outcome: Outcome) -> None:
    copies = await copy_mails(tx, items, target or items[0].mail.folder_id)
    outcome.steps.append(copy_step(items, copies))
    outcome.mails.update((item.mail.item_id, copy) for item, copy in zip(items, copies, strict=True))


def copy_step(items: Sequence[Located], copies: Sequence[Mail]) -> Copy:
    """Return the step that copied mails of one folder."""
    pairs = zip(items, copies, strict=True)
    return Copy(
        copies[0].folder_id, [Copied(copy.item_id, copy.uid, item.mail.item_id) for item, copy in pairs]
    )


async def _delete(tx: Transaction, items: list[Located], outcome: Outcome, *, permanent: bool) -> None:
    source = items[0].mail.folder_id
    if not permanent:
        trash = await tx.folders.find_role("trash")
        if trash is not None and not await is_within(tx, source, trash):
            await _move(tx, items, trash, outcome=outcome)
            return
    removed = await remove_mails(tx, items)
    outcome.steps.append(Remove(source, [_listed(mail) for mail in removed]))
    outcome.mails.update((mail.item_id, mail) for mail in removed)


async def is_within(mailbox: Snapshot, folder_id: FolderId, ancestor: FolderId) -> bool:
    """Tell whether a folder is another one or lies below it."""
    while folder_id != ancestor:
        folder = await mailbox.folders.find(folder_id)
        if folder is None or folder.parent_id == ROOT:
            return False
        folder_id = folder.parent_id
    return True


def _listed(mail: Mail) -> Listed:
    return Listed(mail.item_id, mail.uid)


async def _set_flags(
    tx: Transaction, items: list[Located], action: SetFlags, *, outcome: Outcome
) -> Sequence[Change]:
    is_unread = None if items[0].mail.folder_id in action.sparing else action.is_unread
    changes = await set_flags(tx, items, is_unread=is_unread, is_flagged=action.is_flagged)
    if changes:
        marked = [
            Marked(after.item_id, after.uid, state_of(before), state_of(after)) for before, after in changes
        ]
        outcome.steps.append(Mark(items[0].mail.folder_id, marked))
        outcome.mails.update((after.item_id, after) for _, after in changes)
    return changes


def state_of(mail: Mail) -> int:
    """Return the unread and flagged state of a mail as steps have it."""
    return UNREAD * mail.is_unread | FLAGGED * mail.is_flagged


async def _set_label(tx: Transaction, items: list[Located], action: SetLabel, *, outcome: Outcome) -> None:
    changes = await set_label(tx, items, LabelId(action.label_id), is_on=action.is_on)
    if changes:
        mails = [_listed(after) for _, after in changes]
        outcome.steps.append(Label(items[0].mail.folder_id, action.label_id, action.is_on, mails))
        outcome.mails.update((after.item_id, after) for _, after in changes)


# The Archive


async def _archive(tx: Transaction, items: list[Located], policy: Policy, *, outcome: Outcome) -> None:
    paths: dict[tuple[str, ...], list[Located]] = {}
    for item in items:
        path = archive_path(policy.archiving, item.mail.date, timezone=policy.timezone)
        paths.setdefault(path, []).append(item)
    for path, group in paths.items():
        target = await tx.folders.find_role("archive")
        if target is None:
            name = await free_name(tx, ROOT, ARCHIVE_NAME)
            target = await make_folder(tx, ROOT, name, steps=outcome.steps, role="archive")
        for name in path:
            found = await tx.folders.find_named(target, name_key(name))
            target = found or await make_folder(tx, target, name, steps=outcome.steps)
        await _move(tx, group, target, outcome=outcome)


def archive_path(policy: str, date: int, *, timezone: str = "UTC") -> tuple[str, ...]:
    """Return the names of the folders below the Archive, for a mail of a date (Unix seconds) where its owner is."""
    day = datetime.datetime.fromtimestamp(min(date, _LAST_DATE), tz=_find_zone(timezone))
    match policy:
        case "folderPerYear":
            return (f"{day:%Y}",)
        case "folderPerMonth":
            return (f"{day:%Y-%m}",)
        case "subfolderPerMonth":
            return (f"{day:%Y}", f"{day:%m}")
    return ()


def _find_zone(name: str) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.UTC  # It was in the time zone database once.


async def free_name(mailbox: Snapshot, parent_id: FolderId, name: str) -> str:
    """Return a name for a folder below a parent: the one wanted, or with a number if that is taken."""
    number, wanted = 1, name
    while await mailbox.folders.find_named(parent_id, name_key(wanted)) is not None:
        number += 1
        suffix = f" {number}"
        wanted = name[: 255 - len(suffix)] + suffix
    return wanted


async def make_folder(
    tx: Transaction, parent_id: FolderId, name: str, *, steps: list[Step], role: str = "", kind: str = "mails"
) -> FolderId:
    """Make a folder, and add the step; one with a role is special."""
    state = await tx.advance()
    parent = None if parent_id == ROOT else await tx.folders.find(parent_id)
    folder_id = await tx.mailbox.take_folder_id()
    await tx.folders.create(
        NewFolder(
            folder_id=folder_id,
            parent_id=parent_id,
            name=name,
            name_key=name_key(name),
            role=role,
            folder_type=kind,
            is_special=int(bool(role)),
            takes_subfolders=1,
            uid_validity=int(time.time()),
            modseq=state.modseq,
            is_threaded=int(kind == "mails") if parent is None else parent.is_threaded,
        )
    )
    if parent is not None:
        await tx.grants.inherit(parent_id, folder_id)
    steps.append(MakeFolder(folder_id, Place(parent_id, name), kind))
    return folder_id
