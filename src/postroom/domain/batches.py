"""Batches: finding the mails that one call names by ids or by ranges, and giving them to a job.

What is there is found before anything is done, in one snapshot, so that ranges that overlap, or that the batch
itself moves, mean what the client saw. Each mail is done once, however often it is named. Finding costs by what is
named: a range is read from its first row on, in slices between which others have their turn. What is named by a
search folder is found there, and told by that name where it could not be done.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from postroom.domain.access import INSERT, LIST, READ, asker_of, find_rights, require
from postroom.domain.actions import Action, check_action, find_target
from postroom.domain.carrying import Carrying
from postroom.domain.jobs import Jobs, JobState, Target
from postroom.domain.mails import check_sort
from postroom.domain.search_folders import SearchFolders
from postroom.domain.shared_changes import check_shared_action
from postroom.domain.shared_folders import MODES, list_shared
from postroom.domain.shared_lists import list_by_unread
from postroom.domain.undo import Failed
from postroom.errors import Kind, PostroomError, bad_parameter
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, MailRef, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.sorting import Anchor
from postroom.store.tx import Snapshot

MAX_MAILS = 1_000_000
"""Mails of one batch; rows of its ranges, too, those that overlap counted each time they are named."""
MOST_CARRIED = 500
"""Mails of one batch that go from one owner to another."""
_PAGE = 500


class Range(NamedTuple):
    """Rows of a list: ``limit`` of them from that of ``start`` on."""

    start: MailRef
    limit: int


class Selection(NamedTuple):
    """The mails that a batch names: by ids, or by ranges in an order."""

    ids: Sequence[MailRef] = ()
    ranges: Sequence[Range] = ()
    sort: Sort = Sort()


class RowCount:
    """How many rows the ranges of a batch have named so far."""

    def __init__(self) -> None:
        self._rows = 0

    def add(self, rows: int) -> None:
        """Count rows that are looked at. Raises: badParameter if that are too many."""
        self._rows += rows
        if self._rows > MAX_MAILS:
            raise bad_parameter("ranges", f"the ranges of a batch have at most {MAX_MAILS} rows")


class _Found:
    """What a selection names: mails by their numbers, in their order, and what is not there."""

    def __init__(self) -> None:
        self.targets: dict[int, Target] = {}
        self.failed: list[Failed] = []
        self.by_unread: dict[FolderId, Sequence[tuple[ItemId, Uid]]] = {}
        """Orders that were made for a reader."""
        self._rows = RowCount()

    def add(self, targets: Sequence[Target]) -> None:
        """Add rows of a range. Raises: badParameter if there are too many."""
        self._rows.add(len(targets))
        for target in targets:
            self.targets.setdefault(target.item_id, target)

    def fail(self, caller: Caller, ref: MailRef) -> None:
        """Note that a mail is not there."""
        self.failed.append(_fail(caller, ref))


class Batches:
    """Batches over the mails that a caller sees."""

    def __init__(
        self, store: Store, jobs: Jobs, search_folders: SearchFolders, *, carrying: Carrying
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._search_folders = search_folders
        self._carrying = carrying

    async def check(self, caller: Caller, action: Action) -> None:
        """Refuse an action that can be done to no mail. Raises: notFound; badParameter; unavailable."""
        async with self._store.read(caller.account_id) as mailbox:
            await check_action(mailbox, action)

    async def start(
        self,
        caller: Caller,
        kind: str,
        action: Action,
        *,
        selection: Selection,
        target: FolderRef | None = None,
    ) -> JobState:
        """Do an action to all mails of a selection; return when it is done, or begun if they are many.

        ``target`` is the folder that the action puts mails into, if it has one.
        Raises: notFound, badParameter for a destination or label that there is not; badParameter for too many mails;
            notPermitted; unavailable.
        """
        named = {ref.owner for ref in selection.ids} | {one.start.owner for one in selection.ranges}
        owner = await find_owner(self._store, caller, named)
        if target is not None and target.owner != owner:
            return await self._carry_all(caller, kind, target, selection=selection, owner=owner)
        async with self._store.read(owner) as mailbox:
            if owner != caller.account_id:
                await check_shared_action(mailbox, caller, action)
            await check_action(mailbox, action)
        found = await self._find(caller, owner, selection)
        targets = list(found.targets.values())
        return await self._jobs.start_batch(
            caller, kind, action, targets=targets, failed=found.failed, owner=owner
        )

    async def _carry_all(
        self, caller: Caller, kind: str, target: FolderRef, *, selection: Selection, owner: AccountId
    ) -> JobState:
        """Carry mails to a folder of another owner, one after the other."""
        async with self._store.read(target.owner) as mailbox:
            await require(mailbox, caller, target.folder, needs=INSERT, what="the destination folder")
            await find_target(mailbox, target.folder)
        found = await self._find(caller, owner, selection)
        count = len(found.targets)
        if count > MOST_CARRIED:
            raise bad_parameter("ids", f"a batch between owners has at most {MOST_CARRIED} mails")
        for one in found.targets.values():
            ref = MailRef(owner, FolderId(one.folder_id), Uid(one.uid))
            try:
                where = await self._search_folders.resolve(caller, ref)
                await self._carrying.carry(caller, where, target, kind=kind, is_move=kind == "mails.move")
            except PostroomError as error:
                if error.kind in {Kind.INTERNAL, Kind.UNAVAILABLE}:
                    raise
                found.fail(caller, ref)
        return JobState("", caller.account_id, count, count, found.failed, True, is_waited_for=True)

    async def _find(self, caller: Caller, owner: AccountId, selection: Selection) -> _Found:
        """Return the mails of a selection, and what is not there. Raises: badParameter."""
        found = _Found()
        async with self._store.read(owner) as mailbox:
            await self._find_ids(caller, mailbox, selection.ids, found=found)
            for wanted in selection.ranges:
                if not is_search_folder(wanted.start.folder):
                    check_sort(selection.sort.field, "sortInfo")
                    await _find_range(caller, mailbox, wanted, sort=selection.sort, found=found)
        # These need a snapshot of their own.
        for wanted in selection.ranges:
            if is_search_folder(wanted.start.folder):
                await self._find_searched(caller, wanted, sort=selection.sort, found=found)
        return found

    async def _find_ids(
        self, caller: Caller, mailbox: Snapshot, refs: Sequence[MailRef], *, found: _Found
    ) -> None:
        by_folder: dict[FolderId, list[Uid]] = {}
        seen = await _list_seen(mailbox, caller)
        for ref in dict.fromkeys(refs):
            if ref.owner == mailbox.account_id and _is_seen(ref, seen):
                by_folder.setdefault(ref.folder, []).append(ref.uid)
            else:
                found.fail(caller, ref)
        there: dict[FolderId, Mapping[Uid, ItemId]] = {}
        for folder_id, uids in by_folder.items():
            if is_search_folder(folder_id):
                item_ids = [ItemId(uid) for uid in uids]
                places = await self._search_folders.find_places(caller, mailbox, folder_id, item_ids=item_ids)
                there[folder_id] = {Uid(place.item_id): place.item_id for place in places}
            else:
                there[folder_id] = await mailbox.mails.find_item_ids(folder_id, uids)
        for ref in dict.fromkeys(refs):
            if ref.owner != mailbox.account_id or ref.folder not in there:
                continue
            item_id = there[ref.folder].get(ref.uid)
            if item_id is None:
                found.fail(caller, ref)
            else:
                found.targets[item_id] = Target(item_id, ref.folder, ref.uid)

    async def _find_searched(self, caller: Caller, wanted: Range, *, sort: Sort, found: _Found) -> None:
        """Find the rows of a search folder."""
        folder_id = wanted.start.folder
        limit = min(wanted.limit, MAX_MAILS + 1)
        item_ids = await self._search_folders.find_range(caller, wanted.start, sort, limit=limit)
        if item_ids is None:
            found.fail(caller, wanted.start)
            return
        for start in range(0, len(item_ids), _PAGE):
            found.add([Target(item_id, folder_id, item_id) for item_id in item_ids[start : start + _PAGE]])
            # Others have their turn: this may be a long list.
            await asyncio.sleep(0)


def _fail(caller: Caller, ref: MailRef) -> Failed:
    return Failed(ref.folder, ref.uid, 0 if ref.owner == caller.account_id else ref.owner)


async def find_owner(store: Store, caller: Caller, named: Set[AccountId]) -> AccountId:
    """Return in whose mailbox a batch works that names things of some accounts.

    Accounts that share nothing with the caller are as if they were not there. Raises: badParameter; unavailable.
    """
    if named <= {caller.account_id}:
        return caller.account_id
    async with store.read(caller.account_id) as mailbox:
        shared = await list_shared(mailbox, caller, MODES["all"])
    seen = {owner.account_id for owner in shared} | {caller.account_id}
    owners = sorted(named & seen)
    if len(owners) > 1:
        raise bad_parameter("ids", "a batch works in the folders of one owner")
    return owners[0] if owners else caller.account_id


async def _list_seen(mailbox: Snapshot, caller: Caller) -> frozenset[FolderId] | None:
    """Return the folders of another's mailbox that a caller may list; None for his own."""
    if mailbox.account_id == caller.account_id:
        return None
    given = await mailbox.grants.list_for(asker_of(caller))
    return frozenset(folder_id for folder_id, rights in given.items() if LIST in rights)


def _is_seen(ref: MailRef, seen: frozenset[FolderId] | None) -> bool:
    return seen is None or ref.folder in seen or is_search_folder(ref.folder)


async def _find_range(caller: Caller, mailbox: Snapshot, wanted: Range, *, sort: Sort, found: _Found) -> None:
    ref = wanted.start
    item = folder = None
    if ref.owner == mailbox.account_id and READ in await find_rights(mailbox, caller, ref.folder):
        folder = await mailbox.folders.find(ref.folder)
        item = await mailbox.mails.locate(ref.folder, ref.uid)
    if item is None or folder is None:
        found.fail(caller, ref)
        return
    if mailbox.account_id != caller.account_id and sort.field is SortField.IS_UNREAD:
        order = found.by_unread.get(ref.folder)
        if order is None:
            order = await list_by_unread(mailbox, caller, folder, descending=sort.descending)
            found.by_unread[ref.folder] = order
        row = next(row for row, (item_id, _) in enumerate(order) if item_id == item.mail.item_id)
        found.add([Target(item_id, ref.folder, uid) for item_id, uid in order[row : row + wanted.limit]])
        await asyncio.sleep(0)
        return
    left = min(wanted.limit, folder.total_items)
    first = Target(item.mail.item_id, ref.folder, ref.uid)
    place = key_of(sort.field, item.keys, ref.uid)
    found.add([first])
    left -= 1
    while left > 0:
        rows, place = await _list_after(mailbox, folder, sort, place=place, limit=min(left, _PAGE))
        found.add(rows)
        left -= len(rows)
        if not rows:
            return
        # Others have their turn: this may be a long list.
        await asyncio.sleep(0)


async def _list_after(
    mailbox: Snapshot, folder: Folder, sort: Sort, *, place: Anchor, limit: int
) -> tuple[list[Target], Anchor]:
    """Return the mails that follow a place in an order, and the place of the last."""
    # Downwards an anchor is left out, upwards it is the first.
    skip = 0 if sort.descending else 1
    rows = await mailbox.mails.list_items(folder.folder_id, sort, anchor=place, skip=skip, limit=limit)
    targets = [Target(row.item_id, folder.folder_id, row.place.uid) for row in rows]
    return targets, rows[-1].place if rows else place
