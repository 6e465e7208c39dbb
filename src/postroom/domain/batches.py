"""Batches: finding the mails that one call names by ids or by ranges, and giving them to a job.

What is there is found before anything is done, in one snapshot, so that ranges that overlap, or that the batch
itself moves, mean what the client saw. Each mail is done once, however often it is named. Finding costs by what is
named: a range is read from its first row on, in slices between which others have their turn. What is named by a
search folder is found there, and told by that name where it could not be done.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from postroom.domain.actions import Action, check_action
from postroom.domain.jobs import Jobs, JobState, Target
from postroom.domain.mails import check_sort
from postroom.domain.search_folders import SearchFolders
from postroom.domain.undo import Failed
from postroom.errors import bad_parameter
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import FolderId, ItemId, MailRef, Uid
from postroom.model.listing import Sort
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.sorting import Anchor
from postroom.store.tx import Snapshot

MAX_MAILS = 1_000_000
"""Mails of one batch."""
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


class Batches:
    """Batches over the mails that a caller sees."""

    def __init__(self, store: Store, jobs: Jobs, search_folders: SearchFolders) -> None:
        self._store = store
        self._jobs = jobs
        self._search_folders = search_folders

    async def check(self, caller: Caller, action: Action) -> None:
        """Refuse an action that can be done to no mail. Raises: notFound; badParameter; unavailable."""
        async with self._store.read(caller.account_id) as mailbox:
            await check_action(mailbox, action)

    async def start(self, caller: Caller, kind: str, action: Action, *, selection: Selection) -> JobState:
        """Do an action to all mails of a selection; return when it is done, or begun if they are many.

        Raises: notFound, badParameter for a destination or label that there is not; badParameter for too many mails;
            unavailable.
        """
        found: dict[int, Target] = {}
        failed: list[Failed] = []
        async with self._store.read(caller.account_id) as mailbox:
            await check_action(mailbox, action)
            await self._find_ids(caller, mailbox, selection.ids, found=found, failed=failed)
            for wanted in selection.ranges:
                if not is_search_folder(wanted.start.folder):
                    check_sort(selection.sort.field, "sortInfo")
                    await _find_range(
                        caller, mailbox, wanted, sort=selection.sort, found=found, failed=failed
                    )
        # These need a snapshot of their own.
        for wanted in selection.ranges:
            if is_search_folder(wanted.start.folder):
                await self._find_searched(caller, wanted, sort=selection.sort, found=found, failed=failed)
        return await self._jobs.start_batch(caller, kind, action, targets=list(found.values()), failed=failed)

    async def _find_ids(
        self,
        caller: Caller,
        mailbox: Snapshot,
        refs: Sequence[MailRef],
        *,
        found: dict[int, Target],
        failed: list[Failed],
    ) -> None:
        by_folder: dict[FolderId, list[Uid]] = {}
        for ref in dict.fromkeys(refs):
            if ref.owner == caller.account_id:
                by_folder.setdefault(ref.folder, []).append(ref.uid)
            else:
                failed.append(Failed(ref.folder, ref.uid, ref.owner))
        there: dict[FolderId, Mapping[Uid, ItemId]] = {}
        for folder_id, uids in by_folder.items():
            if is_search_folder(folder_id):
                item_ids = [ItemId(uid) for uid in uids]
                places = await self._search_folders.find_places(caller, mailbox, folder_id, item_ids=item_ids)
                there[folder_id] = {Uid(place.item_id): place.item_id for place in places}
            else:
                there[folder_id] = await mailbox.mails.find_item_ids(folder_id, uids)
        for ref in dict.fromkeys(refs):
            if ref.owner != caller.account_id:
                continue
            item_id = there[ref.folder].get(ref.uid)
            if item_id is None:
                failed.append(Failed(ref.folder, ref.uid))
            else:
                found[item_id] = Target(item_id, ref.folder, ref.uid)

    async def _find_searched(
        self,
        caller: Caller,
        wanted: Range,
        *,
        sort: Sort,
        found: dict[int, Target],
        failed: list[Failed],
    ) -> None:
        """Find the rows of a search folder."""
        owner, folder_id, uid = wanted.start
        if owner != caller.account_id:
            failed.append(Failed(folder_id, uid, owner))
            return
        limit = min(wanted.limit, MAX_MAILS + 1)
        item_ids = await self._search_folders.find_range(caller, wanted.start, sort, limit=limit)
        if item_ids is None:
            failed.append(Failed(folder_id, uid))
            return
        for item_id in item_ids:
            found.setdefault(item_id, Target(item_id, folder_id, item_id))
        if len(found) > MAX_MAILS:
            raise bad_parameter("ranges", f"a batch has at most {MAX_MAILS} mails")


async def _find_range(
    caller: Caller,
    mailbox: Snapshot,
    wanted: Range,
    *,
    sort: Sort,
    found: dict[int, Target],
    failed: list[Failed],
) -> None:
    ref = wanted.start
    item = folder = None
    if ref.owner == caller.account_id:
        folder = await mailbox.folders.find(ref.folder)
        item = await mailbox.mails.locate(ref.folder, ref.uid)
    if item is None or folder is None:
        failed.append(Failed(ref.folder, ref.uid, 0 if ref.owner == caller.account_id else ref.owner))
        return
    left = min(wanted.limit, folder.total_items)
    first = Target(item.mail.item_id, ref.folder, ref.uid)
    place = key_of(sort.field, item.keys, ref.uid)
    found.setdefault(first.item_id, first)
    left -= 1
    while left > 0:
        rows, place = await _list_after(mailbox, folder, sort, place=place, limit=min(left, _PAGE))
        for target in rows:
            found.setdefault(target.item_id, target)
        left -= len(rows)
        if len(found) > MAX_MAILS:
            raise bad_parameter("ranges", f"a batch has at most {MAX_MAILS} mails")
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
