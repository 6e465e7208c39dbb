"""Searching: which mails match, newest first, kept as a search folder.

The text is asked for first, of the full-text index, in one look-up. How the mails are found then depends on how many
contents that leaves:

- few: each is looked up, and checked on the way;
- many, or all but some (a negation), or no text was asked for: all mails of each folder are looked at. What is
  asked of flags, sizes and labels is read from the index of each property; where one leaves few, only these are
  looked up.

So nothing is looked at mail by mail but what is few, and the rest is sets of numbers, which are remembered
(:mod:`postroom.domain.search_columns`).

A search that was made before, by the same session and while nothing has changed in the mailbox, is answered with the
search folder that is there: one look-up.

Invariants: what is found is what a list of the folders shows at that instant; another account's mails are never
looked at.
"""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from typing import NamedTuple

from postroom.domain.access import LIST, READ, asker_of, list_readable, require
from postroom.domain.search_columns import (
    Columns,
    Facet,
    Numbers,
    RememberedColumns,
    among,
    both,
    keep,
    turn,
    work,
)
from postroom.domain.search_folders import SearchFolders
from postroom.domain.search_views import list_seen_places
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import ROOT, UNTHREADED_ROLES, Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, LabelId, Modseq
from postroom.model.search_folder import SearchFolder
from postroom.search.query import Masks, Query, fingerprint
from postroom.store import Store
from postroom.store.engine.base import TextMatches
from postroom.store.packing import make_numbers
from postroom.store.tx import Snapshot

FEW = 1000
"""Mails that are looked up one by one whatever else there is."""
_LOOKUP_COST = 8
"""How many mails of a folder are looked at in the time of one look-up."""
_ROW_COST = 150
"""The same of a look-up that needs the whole row."""
_FOLDER_COST = 3000
"""The same of what a folder costs however few mails it has."""
MOST_FOLDERS = 10_000
"""Folders that one call may name."""
_NO_TEXT = TextMatches([], are_excluded=True)


class Found(NamedTuple):
    """What a search found."""

    item_ids: "Numbers[int]"
    """Newest first: by date, then number."""
    modseq: Modseq
    """Where the account's history stood."""
    has_discarded: bool
    """Folders in Spam or Trash were searched, too."""


class Search:
    """Searches of a caller's mails."""

    def __init__(self, store: Store, search_folders: SearchFolders) -> None:
        self._store = store
        self._search_folders = search_folders
        self._remembered = RememberedColumns(store)

    async def open(
        self, caller: Caller, refs: Sequence[FolderRef], query: Query, *, recursive: bool
    ) -> SearchFolder:
        """Return the search folder with what matches; see :meth:`run`.

        Raises: notFound; badParameter; unavailable.
        """
        owner = await self._check_folders(caller, refs)
        reader = () if owner == caller.account_id else (int(caller.account_id),)
        mark = fingerprint(query, sorted(set(refs)), recursive, *reader)
        same = await self._search_folders.find(caller, mark, owner=owner)
        if same is not None:
            return same
        found = await self.run(caller, refs, query, recursive=recursive)
        return await self._search_folders.create(
            caller,
            found.item_ids,
            owner=owner,
            fingerprint=mark,
            modseq=found.modseq,
            shows_discarded=found.has_discarded,
        )

    async def run(self, caller: Caller, refs: Sequence[FolderRef], query: Query, *, recursive: bool) -> Found:
        """Return the mails of some folders that match.

        Args:
            caller: who asks.
            refs: the folders; the folder container stands for what is below it.
            query: what is asked for.
            recursive: also search what is below the folders.

        Raises: notFound for a folder or a label; badParameter; unavailable.
        """
        owner = await self._check_folders(caller, refs)
        async with self._store.read(owner) as mailbox:
            state = await mailbox.mailbox.find()
            if state is None:
                raise not_found("the mailbox")
            tree = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
            wanted = [ref.folder for ref in refs]
            if owner != caller.account_id:
                searched = _Place(mailbox, self._remembered, state.forgotten_modseq)
                folders = _choose(await _list_shown(mailbox, caller, tree), wanted, recursive=recursive)
                item_ids = await _find_as_reader(searched, caller, query, folders=folders)
                return Found(item_ids[::-1], state.modseq, any(_is_discarded(tree, one) for one in folders))
            folders = _choose(tree, wanted, recursive=recursive)
            for label_id in (*query.labels, *query.unwanted_labels):
                if await mailbox.labels.find(LabelId(label_id)) is None:
                    raise not_found("the label")
            looked_at = _Place(mailbox, self._remembered, state.forgotten_modseq)
            item_ids = await _Run(looked_at, query, folders).find()
        return Found(item_ids[::-1], state.modseq, any(_is_discarded(tree, folder) for folder in folders))

    async def _check_folders(self, caller: Caller, refs: Sequence[FolderRef]) -> AccountId:
        """Return whose folders are to be searched.

        Raises: badParameter; notFound, notPermitted for what the caller may not read; unavailable.
        """
        if not refs:
            raise bad_parameter("folderIds", "folderIds is empty")
        if len(refs) > MOST_FOLDERS:
            raise bad_parameter("folderIds", f"folderIds has more than {MOST_FOLDERS} folders")
        owners = dict.fromkeys(ref.owner for ref in refs)
        for owner in owners:
            if owner != caller.account_id:
                await self._check_shared(caller, [ref for ref in refs if ref.owner == owner])
        if len(owners) > 1:
            raise bad_parameter("folderIds", "one search looks into folders of one owner")
        return next(iter(owners))

    async def _check_shared(self, caller: Caller, refs: Sequence[FolderRef]) -> None:
        async with self._store.read(refs[0].owner) as mailbox:
            for folder_id in dict.fromkeys(ref.folder for ref in refs):
                # The container stands for all that may be read of it.
                await require(mailbox, caller, folder_id, needs=LIST if folder_id == ROOT else READ)


async def _list_shown(
    mailbox: Snapshot, caller: Caller, tree: Mapping[FolderId, Folder]
) -> dict[FolderId, Folder]:
    """Return the folders of another's that a caller may read, below the parents that they are shown below."""
    readable = await list_readable(mailbox, asker_of(caller))
    return {
        folder_id: folder._replace(parent_id=folder.parent_id if folder.parent_id in readable else ROOT)
        for folder_id, folder in tree.items()
        if folder_id in readable
    }


async def _find_as_reader(
    place: "_Place", caller: Caller, query: Query, *, folders: Sequence[Folder]
) -> "Numbers[int]":
    """Return the mails of another's that match for a reader: what is unread is his own."""
    if query.labels or query.unwanted_labels:
        # They are the caller's own, which no mail of another's has.
        raise not_found("the label")
    wanted = query.masks.unread
    found = await _Run(
        place, query._replace(masks=query.masks._replace(unread=Masks().unread)), folders
    ).find()
    if wanted == Masks().unread:
        return found
    mailbox = place.mailbox
    where = {one.item_id: (one.folder_id, one.uid) for one in await mailbox.found_mails.find_places(found)}
    seen = await list_seen_places(mailbox, caller.account_id, (folder.folder_id for folder in folders))
    return array("q", [item for item in found if wanted >> int(where[ItemId(item)] not in seen) & 1])


def _choose(tree: dict[FolderId, Folder], wanted: Iterable[FolderId], *, recursive: bool) -> list[Folder]:
    """Return the folders of mails that are to be searched, each once."""
    children: dict[FolderId, list[FolderId]] = {}
    for folder in tree.values():
        children.setdefault(folder.parent_id, []).append(folder.folder_id)
    chosen: dict[FolderId, None] = {}
    waiting: list[FolderId] = []
    for folder_id in wanted:
        if folder_id != ROOT and folder_id not in tree:
            raise not_found("the folder")
        waiting.append(folder_id)
    while waiting:
        folder_id = waiting.pop()
        if folder_id not in chosen:
            chosen[folder_id] = None
            waiting.extend(children.get(folder_id, ()) if recursive else ())
    return [
        tree[folder_id]
        for folder_id in chosen
        if folder_id != ROOT and tree[folder_id].folder_type == "mails" and tree[folder_id].total_items > 0
    ]


def _is_discarded(tree: dict[FolderId, Folder], folder: Folder) -> bool:
    found: Folder | None = folder
    while found is not None:
        if found.role in UNTHREADED_ROLES:
            return True
        found = tree.get(found.parent_id)
    return False


class _Place(NamedTuple):
    """Where a search looks."""

    mailbox: Snapshot
    remembered: RememberedColumns
    forgotten: Modseq
    """Up to where the history no longer tells what left a folder."""


class _Part(NamedTuple):
    """Mails that were found in one folder, by their dates, then numbers."""

    dates: Sequence[int]
    """Not there where only one folder was searched."""
    item_ids: Sequence[int]


class _Test(NamedTuple):
    """What a mail must be among, or must not be among: its uid, or its content."""

    numbers: Collection[int]
    is_wanted: bool
    is_text: bool = False
    facet: Facet | None = None
    """The mails that have a property; ``numbers`` are theirs."""

    def apply(self, columns: Columns) -> bytes:
        """Return 1 for each of the mails that passes, 0 for the others."""
        if self.facet is not None:
            mask = self.facet.find_mask(columns)
        else:
            mask = among(columns.contents if self.is_text else columns.uids, self.numbers)
        return mask if self.is_wanted else turn(mask)


class _Run:
    """One search in one snapshot."""

    def __init__(self, place: _Place, query: Query, folders: Sequence[Folder]) -> None:
        self._place = place
        self._filters = place.mailbox.mail_filters
        self._query = query
        self._folders = folders
        self._labels = frozenset(query.labels)
        self._unwanted_labels = frozenset(query.unwanted_labels)
        self._has_properties = (
            query.sizes != Query().sizes
            or query.masks != Masks()
            or bool(query.labels or query.unwanted_labels)
        )

    async def find(self) -> "Numbers[int]":
        """Return the numbers of the mails by their dates."""
        query = self._query
        if query.is_impossible or not self._folders:
            return array("q")
        text = _NO_TEXT
        if query.text.wanted or query.text.unwanted:
            text = await self._filters.search_text(query.text)
        if not text.are_excluded and self._is_few(len(text.contents)):
            return array("q", await self._find_by_content(text.contents))
        parts = [await self._find_in(folder, text) for folder in self._folders]
        return await work(sum(len(part.item_ids) for part in parts), lambda: _join(parts))

    def _is_few(self, contents: int) -> bool:
        """Tell whether contents are looked up one by one."""
        mails = sum(folder.total_items for folder in self._folders)
        if self._has_properties:
            return contents * _ROW_COST <= mails + len(self._folders) * _FOLDER_COST
        return contents <= FEW or contents * _LOOKUP_COST <= mails

    async def _find_by_content(self, contents: Sequence[int]) -> Sequence[int]:
        found = await self._filters.list_by_content(
            contents,
            [folder.folder_id for folder in self._folders],
            self._query,
            is_filtered=self._has_properties,
        )
        if not self._has_properties:
            return found.item_ids
        pairs = zip(found.item_ids, found.labels, strict=True)
        return [item_id for item_id, labels in pairs if self._fits(labels)]

    async def _find_in(self, folder: Folder, text: TextMatches) -> _Part:
        tests = await self._read_facets(folder)
        fewest = min((test.numbers for test in tests if test.is_wanted), key=len, default=None)
        if fewest is not None and len(fewest) <= FEW:
            return await self._find_by_uid(folder, fewest, text)
        if text.contents or not text.are_excluded:
            tests.append(_Test(text.contents, not text.are_excluded, is_text=True))
        mailbox, remembered, forgotten = self._place
        columns = await remembered.find(mailbox, folder, self._query.dates, forgotten=forgotten)
        has_dates = len(self._folders) > 1
        rows = columns.find_rows(self._query.dates)
        return await work(len(columns.uids), lambda: _pass(columns, rows, tests, has_dates=has_dates))

    async def _find_by_uid(self, folder: Folder, uids: Collection[int], text: TextMatches) -> _Part:
        found = await self._filters.list_by_uid(folder.folder_id, uids, self._query)
        contents = frozenset(text.contents)
        rows = zip(found.dates, found.item_ids, found.labels, found.contents, strict=True)
        passed = [
            (date, item_id)
            for date, item_id, labels, content in rows
            if (content in contents) != text.are_excluded and self._fits(labels)
        ]
        return _Part([date for date, _ in passed], [item_id for _, item_id in passed])

    async def _read_facets(self, folder: Folder) -> list[_Test]:
        """Return what the uids of mails of a folder must be among, and must not be among."""
        query, tests = self._query, []
        for name, mask, every in zip(Masks._fields, query.masks, Masks(), strict=True):
            if mask == every:
                continue
            # Few mails are answered, so that those are asked for, whichever of the two is wanted.
            asked, is_wanted = (every & ~mask, False) if name == "refw" and mask & 1 else (mask, True)
            values = [value for value in range(every.bit_length()) if asked >> value & 1]
            mailbox, remembered = self._place.mailbox, self._place.remembered
            facets = [await remembered.find_with(mailbox, folder, name, value=value) for value in values]
            if len(facets) == 1:
                tests.append(_Test(facets[0].uids, is_wanted, facet=facets[0]))
            else:
                uids = list(chain.from_iterable(facet.uids for facet in facets))
                tests.append(_Test(uids, is_wanted))
        if query.sizes != Query().sizes:
            tests.append(_Test(await self._filters.list_of_size(folder.folder_id, query.sizes), True))
        if self._labels or self._unwanted_labels:
            labelled = await self._filters.list_labelled(folder.folder_id)
            is_wanted = bool(self._labels)
            fitting = [uid for uid, labels in labelled if self._fits(labels) == is_wanted]
            tests.append(_Test(fitting, is_wanted))
        return tests

    def _fits(self, labels: str) -> bool:
        if not self._labels and not self._unwanted_labels:
            return True
        numbers = {int(number) for number in labels.split()}
        return self._labels <= numbers and self._unwanted_labels.isdisjoint(numbers)


def _pass(columns: Columns, rows: slice, tests: Sequence[_Test], *, has_dates: bool) -> _Part:
    """Return those of some rows that pass all tests, and their dates only where others are put between them."""
    dates, item_ids = columns.dates[rows], columns.item_ids[rows]
    if not tests:
        return _Part(dates, item_ids)
    mask = reduce(both, (test.apply(columns) for test in tests))[rows]
    return _Part(keep(dates, mask) if has_dates else (), keep(item_ids, mask))


def _join(parts: Sequence[_Part]) -> "Numbers[int]":
    """Return the mails of several folders by their dates, then numbers."""
    if len(parts) == 1:
        return make_numbers(parts[0].item_ids)
    places = [place for part in parts for place in zip(part.dates, part.item_ids, strict=True)]
    # What is in order already makes this fast: each folder's mails are.
    places.sort()
    return array("q", [item_id for _, item_id in places])
