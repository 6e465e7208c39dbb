"""Searching: which mails match, newest first, kept as a search folder.

The text is asked for first, of the full-text index, in one look-up. How the mails are found then depends on how many
contents that leaves:

- few: each is looked up, and checked on the way;
- many, or all but some (a negation), or no text was asked for: each folder is read from its newest mail on. What is
  asked of flags, sizes and labels is read from the index of each property; where one leaves few, only these are
  looked up.

So nothing is looked at mail by mail but what is few, and the rest is sets of numbers.

A search that was made before, by the same session and while nothing has changed in the mailbox, is answered with the
search folder that is there: one look-up.

Invariants: what is found is what a list of the folders shows at that instant; another account's mails are never
looked at.
"""

import asyncio
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from itertools import compress, islice
from typing import NamedTuple, TypeVar

from postroom.domain.access import require_own
from postroom.domain.search_folders import SearchFolders
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import ROOT, UNTHREADED_ROLES, Folder
from postroom.model.ids import FolderId, FolderRef, LabelId, Modseq
from postroom.model.search_folder import SearchFolder
from postroom.search.query import Masks, Query, fingerprint
from postroom.store import Store
from postroom.store.engine.base import TextMatches
from postroom.store.sql.mail_filters import Candidates
from postroom.store.tx import Snapshot

FEW = 1000
"""Mails that are looked up one by one whatever else there is."""
_LOOKUP_COST = 8
"""How many mails of a folder are read, newest first, in the time of one look-up."""
_LARGE = 20_000
"""Numbers from which on sets are worked on in a thread, so that others have their turn."""
MOST_FOLDERS = 10_000
"""Folders that one call may name."""
_NO_TEXT = TextMatches([], are_excluded=True)

Numbers = AbstractSet[int]
T = TypeVar("T")


class Found(NamedTuple):
    """What a search found."""

    item_ids: Sequence[int]
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

    async def open(
        self, caller: Caller, refs: Sequence[FolderRef], query: Query, *, recursive: bool
    ) -> SearchFolder:
        """Return the search folder with what matches; see :meth:`run`.

        Raises: notFound; badParameter; unavailable.
        """
        _check_folders(caller, refs)
        mark = fingerprint(query, sorted(set(refs)), recursive)
        same = await self._search_folders.find(caller, mark)
        if same is not None:
            return same
        found = await self.run(caller, refs, query, recursive=recursive)
        return await self._search_folders.create(
            caller,
            found.item_ids,
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
        _check_folders(caller, refs)
        async with self._store.read(caller.account_id) as mailbox:
            state = await mailbox.mailbox.find()
            if state is None:
                raise not_found("the mailbox")
            tree = {folder.folder_id: folder for folder in await mailbox.folders.list_all()}
            folders = _choose(tree, [ref.folder for ref in refs], recursive=recursive)
            for label_id in (*query.labels, *query.unwanted_labels):
                if await mailbox.labels.find(LabelId(label_id)) is None:
                    raise not_found("the label")
            item_ids = await _Run(mailbox, query, folders).find()
        return Found(item_ids, state.modseq, any(_is_discarded(tree, folder) for folder in folders))


def _check_folders(caller: Caller, refs: Sequence[FolderRef]) -> None:
    if not refs:
        raise bad_parameter("folderIds", "folderIds is empty")
    if len(refs) > MOST_FOLDERS:
        raise bad_parameter("folderIds", f"folderIds has more than {MOST_FOLDERS} folders")
    for ref in refs:
        require_own(caller, ref.owner, "the folder")


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


class _Run:
    """One search in one snapshot."""

    def __init__(self, mailbox: Snapshot, query: Query, folders: Sequence[Folder]) -> None:
        self._mailbox = mailbox
        self._query = query
        self._folders = folders
        self._labels = frozenset(query.labels)
        self._unwanted_labels = frozenset(query.unwanted_labels)
        self._has_properties = (
            query.sizes != Query().sizes
            or query.masks != Masks()
            or bool(query.labels or query.unwanted_labels)
        )

    async def find(self) -> Sequence[int]:
        """Return the numbers of the mails, newest first."""
        query = self._query
        if query.is_impossible or not self._folders:
            return []
        text = _NO_TEXT
        if query.text.wanted or query.text.unwanted:
            text = await self._mailbox.mail_filters.search_text(query.text)
        if not text.are_excluded:
            count = len(text.contents)
            if count <= FEW or count * _LOOKUP_COST <= sum(folder.total_items for folder in self._folders):
                return await self._find_by_content(text.contents)
        contents = await _work(len(text.contents), lambda: frozenset(text.contents))
        parts = [await self._find_in(folder, contents, text) for folder in self._folders]
        return await _work(sum(len(part.item_ids) for part in parts), lambda: _merge(parts))

    async def _find_by_content(self, contents: Sequence[int]) -> Sequence[int]:
        found = await self._mailbox.mail_filters.list_by_content(
            contents,
            [folder.folder_id for folder in self._folders],
            self._query,
            is_filtered=self._has_properties,
        )
        if not self._has_properties:
            return found.item_ids
        return _keep(found, [self._fits(labels) for labels in found.labels]).item_ids

    async def _find_in(self, folder: Folder, contents: frozenset[int], text: TextMatches) -> Candidates:
        filters, query = self._mailbox.mail_filters, self._query
        asks_text = bool(contents) or not text.are_excluded
        if not asks_text and not self._has_properties:
            return await filters.list_folder(folder.folder_id, query.dates, is_whole=False)
        wanted, unwanted = await self._read_facets(folder)
        fewest = min(wanted, key=len, default=None)
        if fewest is not None and len(fewest) <= FEW:
            found = await filters.list_by_uid(folder.folder_id, fewest, query)
            return _keep(
                found,
                _among(found.contents, contents, is_wanted=not text.are_excluded),
                map(self._fits, found.labels),
            )
        found = await filters.list_folder(folder.folder_id, query.dates, is_whole=True)
        tests = [_among(found.uids, uids, is_wanted=True) for uids in wanted]
        tests += [_among(found.uids, uids, is_wanted=False) for uids in unwanted]
        if asks_text:
            tests.append(_among(found.contents, contents, is_wanted=not text.are_excluded))
        return await _work(len(found.item_ids), lambda: _keep(found, *tests))

    async def _read_facets(self, folder: Folder) -> tuple[list[Numbers], list[Numbers]]:
        """Return the uids of a folder that a mail must be among, and those that it must not be among."""
        filters, query = self._mailbox.mail_filters, self._query
        wanted: list[Numbers] = []
        unwanted: list[Numbers] = []
        for name, mask, every in zip(Masks._fields, query.masks, Masks(), strict=True):
            if mask == every:
                continue
            # Few mails are answered, so that those are asked for, whichever of the two is wanted.
            asked, is_wanted = (every & ~mask, False) if name == "refw" and mask & 1 else (mask, True)
            uids: set[int] = set()
            for value in range(every.bit_length()):
                if asked >> value & 1:
                    uids.update(await filters.list_with(folder.folder_id, name, value))
            (wanted if is_wanted else unwanted).append(uids)
        if query.sizes != Query().sizes:
            wanted.append(frozenset(await filters.list_of_size(folder.folder_id, query.sizes)))
        if self._labels or self._unwanted_labels:
            labelled = await filters.list_labelled(folder.folder_id)
            if self._labels:
                wanted.append({uid for uid, labels in labelled if self._fits(labels)})
            else:
                unwanted.append({uid for uid, labels in labelled if not self._fits(labels)})
        return wanted, unwanted

    def _fits(self, labels: str) -> bool:
        if not self._labels and not self._unwanted_labels:
            return True
        numbers = {int(number) for number in labels.split()}
        return self._labels <= numbers and self._unwanted_labels.isdisjoint(numbers)


def _among(column: Iterable[int], numbers: Numbers, *, is_wanted: bool) -> Iterator[bool]:
    """Tell of each number of a column whether it is among some, or, if these are not wanted, is not."""
    found = map(numbers.__contains__, column)
    return found if is_wanted else map(operator.not_, found)


def _keep(found: Candidates, *tests: Iterable[bool]) -> Candidates:
    """Return those of the candidates that pass all tests; there is one at least."""
    passed = list(reduce(lambda one, other: map(operator.and_, one, other), tests))
    return Candidates(list(compress(found.dates, passed)), list(compress(found.item_ids, passed)))


def _merge(parts: Sequence[Candidates]) -> Sequence[int]:
    """Return the mails of several folders, newest first."""
    if len(parts) == 1:
        return _settle_ties(parts[0])
    places = [place for part in parts for place in zip(part.dates, part.item_ids, strict=True)]
    places.sort(reverse=True)
    return [item_id for _, item_id in places]


def _settle_ties(part: Candidates) -> list[int]:
    """Return mails that are in the order of their dates, with those of the same second by their numbers."""
    dates, item_ids = part.dates, part.item_ids
    same_as_before = map(operator.eq, dates, islice(dates, 1, None))
    start = end = 0
    for row in compress(range(1, len(dates)), same_as_before):
        if row != end:
            item_ids[start:end] = sorted(item_ids[start:end], reverse=True)
            start = row - 1
        end = row + 1
    item_ids[start:end] = sorted(item_ids[start:end], reverse=True)
    return item_ids


async def _work(numbers: int, work: Callable[[], T]) -> T:
    """Return what ``work`` returns; on very many numbers it is done in a thread."""
    return work() if numbers < _LARGE else await asyncio.to_thread(work)
