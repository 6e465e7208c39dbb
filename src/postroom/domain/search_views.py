"""Views: which mails of a search folder are there, and in which order, at a position of the account's history.

What a search has found is a fixed list of mails. A mail has gone from it when it is removed; and, unless the search
looked there itself, when it is moved to Spam or Trash: who deletes what was found does not want to find it still. It
is back when it is taken out of there.

A view knows for every mail where it is and when it changed last. Made anew, it looks all of them up. From one
position to the next only what changed is read: mails by the order of change of their folders, and those that left by
the tombstones. The present state of the folders decides over the rest. Nothing of a view is changed once it is made.

That a mail has gone, or is back, is in no history of mails, so it is noted with the position at which it was first
noticed (:class:`Noted`), for all processes alike. The state of a view is the position of its last visible change: it
depends on what is stored alone.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from postroom.domain.access import list_readable
from postroom.mime.summary import sort_key
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, ItemId, Modseq, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.search_folder import SearchFolder
from postroom.model.sharing import Asker
from postroom.store.engine.base import Row
from postroom.store.packing import make_numbers, pack_numbers, unpack_numbers
from postroom.store.sql.found_mails import Place
from postroom.store.sql.search_folders import Change
from postroom.store.tx import Snapshot

MOST_CHANGES = 2000
"""Changes of a folder that are followed one by one; where there are more, all mails are looked up."""
_SORTED_INLINE = 5000
_NOWHERE = Place(ItemId(0), FolderId(0), Uid(0), Modseq(0), 0, Modseq(0))
_CHANGEABLE = frozenset({SortField.IS_UNREAD, SortField.IS_FLAGGED, SortField.FOLDER_NAME})
"""What can change of a mail whose content stays."""

Numbers = array  # of 64 bits each
News = list[tuple[int, Place]]
"""Where mails are now, by their place in what was found."""


class Rows(NamedTuple):
    """Of each mail that was found, in that order: where it is (folder 0 for nowhere) and when it changed last."""

    folders: "Numbers[int]"
    uids: "Numbers[int]"
    modseqs: "Numbers[int]"
    dates: "Numbers[int]"


class Noted(NamedTuple):
    """Mails that have gone, and such as are back, with the position at which that was noticed."""

    gone: Mapping[int, int]
    back: Mapping[int, int]


class Changed(NamedTuple):
    """The mails in the order of their last change: two lists, one for the positions and one for the numbers."""

    modseqs: "Numbers[int]"
    items: "Numbers[int]"


@dataclass(frozen=True)
class View:
    """A search folder at a position of its account's history."""

    folder: SearchFolder
    modseq: int
    items: "Numbers[int]"
    """All that was found, the newest first."""
    noted: Noted
    rows: Rows | None = None
    """None where nothing was looked up: nothing has changed since the search."""
    state: int = 0
    visible: frozenset[int] = frozenset()
    """The folders whose mails are shown, where rows are known."""
    orders: "dict[SortField, Numbers[int]]" = field(default_factory=dict)
    """The mails that are there by those orders that were asked for, ascending."""
    memo: "dict[str, Numbers[int]]" = field(default_factory=dict)

    @property
    def total_items(self) -> int:
        """How many mails are there."""
        return len(self.items) - len(self.noted.gone)

    @property
    def weight(self) -> int:
        """Numbers that may be held in memory for it, about: what was found, where it is, some orders of it."""
        return 12 * len(self.items) + 100

    def holds(self, item_id: int) -> bool:
        """Tell whether a mail was found."""
        known = self.memo.get("sorted")
        if known is None:
            known = self.memo["sorted"] = array("q", sorted(self.items))
        place = bisect_left(known, item_id)
        return place < len(known) and known[place] == item_id

    def present(self) -> Iterator[int]:
        """Yield the mails that are there, the newest found first."""
        gone = self.noted.gone
        return (item for item in self.items if item not in gone) if gone else iter(self.items)


def make_view(folder: SearchFolder, items: Iterable[int], changes: Sequence[Change] = ()) -> View:
    """Return the view of the position at which it was searched; with what was noted since, it is true of none."""
    return View(
        folder, folder.modseq, make_numbers(items), _note(Noted({}, {}), changes), state=folder.modseq
    )


def with_notes(view: View, folder: SearchFolder, changes: Sequence[Change]) -> View:
    """Return a view with all that was noted in the meantime; it is to be advanced."""
    noted = _note(Noted({}, {}), changes)
    return View(folder, view.modseq, view.items, noted, view.rows, view.state, memo=_lasting(view))


def _note(noted: Noted, changes: Iterable[Change]) -> Noted:
    gone, back = dict(noted.gone), dict(noted.back)
    for change in changes:
        for item in unpack_numbers(change.gone):
            gone[item] = change.modseq
            back.pop(item, None)
        for item in unpack_numbers(change.back):
            back[item] = change.modseq
            gone.pop(item, None)
    return Noted(gone, back)


def _lasting(view: View) -> "dict[str, Numbers[int]]":
    """Return what was remembered of a view that is the same at all positions."""
    return {name: known for name, known in view.memo.items() if name == "sorted"}


def find_visible(folder: SearchFolder, folders: Iterable[Folder]) -> frozenset[int]:
    """Return the folders whose mails a search folder shows."""
    return frozenset(one.folder_id for one in folders if is_visible(folder, one))


def is_visible(folder: SearchFolder, where: Folder) -> bool:
    """Tell whether a search folder shows the mails that are in a folder."""
    return where.folder_type == "mails" and bool(folder.shows_discarded or where.is_threaded)


# From one position to another


async def advance_view(
    mailbox: Snapshot, view: View, modseq: Modseq, *, reader: Asker | None = None
) -> tuple[View, Change | None]:
    """Return the view of the present position, and what is to be noted before it is true.

    ``reader`` is who has searched another's folders. He sees what he may read now, and what he has marked himself; so
    his view is made anew.
    """
    folders = await mailbox.folders.list_all()
    if reader is not None:
        readable = await list_readable(mailbox, reader)
        folders = [folder for folder in folders if folder.folder_id in readable]
    visible = find_visible(view.folder, folders)
    news = await _find_news(mailbox, view, folders) if reader is None else None
    is_renamed = any(one.modseq > view.modseq for one in folders)
    if news is None or is_renamed or visible != view.visible:
        rows = await _look_up(mailbox, view.items) if news is None else _merge(view.rows, news)
        if reader is not None:
            rows = await _with_marks(mailbox, rows, visible, reader_id=reader.account_id)
        absent = _find_absent(view.items, rows, visible)
        gone = view.noted.gone
        went = [item for item in absent if item not in gone]
        back = [item for item in gone if item not in absent]
        state = _find_state(view.folder, rows, visible, folders=folders)
    else:
        rows = _merge(view.rows, news)
        went, back = _find_moves(view, news)
        state = max(view.state, *(place.modseq for _, place in news if place.folder_id in visible), 0)
    folder, noted, change = view.folder, view.noted, None
    if went or back:
        change = Change(modseq, pack_numbers(went), pack_numbers(back))
        folder, noted, state = folder._replace(changed_modseq=modseq), _note(noted, [change]), modseq
    orders: dict[SortField, Numbers[int]] = {}
    if news is not None and not back:
        orders = _keep_orders(view, news, went=went, is_renamed=is_renamed)
    memo = view.memo if news == [] and change is None else _lasting(view)
    return View(folder, modseq, view.items, noted, rows, state, visible, orders, memo), change


def _find_absent(items: "Numbers[int]", rows: Rows, visible: frozenset[int]) -> set[int]:
    pairs = zip(items, rows.folders, strict=True)
    return {item for item, folder_id in pairs if folder_id not in visible}


def _find_moves(view: View, news: "News") -> tuple[list[int], list[int]]:
    """Return what went and what is back, where the folders that are shown are the same as before."""
    went: list[int] = []
    back: list[int] = []
    for number, place in news:
        item = view.items[number]
        is_there = place.folder_id in view.visible
        if is_there == (item in view.noted.gone):
            (back if is_there else went).append(item)
    return went, back


def _keep_orders(
    view: View, news: "News", *, went: Sequence[int], is_renamed: bool
) -> "dict[SortField, Numbers[int]]":
    """Return the orders that are still true, without the mails that went."""
    rows = view.rows
    moved = [(number, place) for number, place in news if place.folder_id]
    if rows is None or any(
        place.replaced_modseq > view.modseq or place.date != rows.dates[number] for number, place in moved
    ):
        return {}
    stale = _CHANGEABLE if moved else frozenset({SortField.FOLDER_NAME} if is_renamed else ())
    lost = frozenset(went)
    return {
        by: array("q", [item for item in order if item not in lost]) if lost else order
        for by, order in view.orders.items()
        if by not in stale
    }


def _find_state(
    folder: SearchFolder, rows: Rows, visible: frozenset[int], *, folders: Sequence[Folder]
) -> int:
    """Return the position of the last visible change; the name of a folder is visible where a mail is in it."""
    used = visible.intersection(rows.folders)
    renamed = (one.modseq for one in folders if one.folder_id in used)
    shown = (
        modseq for modseq, folder_id in zip(rows.modseqs, rows.folders, strict=True) if folder_id in visible
    )
    return max(folder.changed_modseq, max(renamed, default=0), max(shown, default=0))


async def with_rows(mailbox: Snapshot, view: View) -> View:
    """Return a view that knows of every mail where it is."""
    if view.rows is not None:
        return view
    return replace(view, rows=await _look_up(mailbox, view.items))


async def _find_news(mailbox: Snapshot, view: View, folders: Sequence[Folder]) -> "News | None":
    """Return what has changed of the rows; None where it is too much, or not known."""
    state = await mailbox.mailbox.find()
    if view.rows is None or state is None or state.forgotten_modseq > view.modseq:
        return None
    changed: dict[int, Place] = {}
    left: set[tuple[int, int]] = set()
    for one in folders:
        if one.content_modseq <= view.modseq:
            continue
        after = view.modseq
        places = await mailbox.found_mails.list_changed(one.folder_id, after=after, limit=MOST_CHANGES)
        uids = await mailbox.found_mails.list_left(one.folder_id, after=after, limit=MOST_CHANGES)
        if MOST_CHANGES in {len(places), len(uids)}:
            return None
        changed.update((place.item_id, place) for place in places)
        left.update((one.folder_id, uid) for uid in uids)
    news: News = []
    if changed:
        news = [(number, changed[item]) for number, item in enumerate(view.items) if item in changed]
    if left:
        # Those that are not in another folder are nowhere.
        places_before = zip(view.items, view.rows.folders, view.rows.uids, strict=True)
        news += [
            (number, _NOWHERE)
            for number, (item, folder_id, uid) in enumerate(places_before)
            if (folder_id, uid) in left and item not in changed
        ]
    return news


def _merge(rows: Rows | None, news: "News") -> Rows:
    """Return rows with what has changed; the same ones where nothing has."""
    if rows is None:
        raise ValueError("there are no rows to be changed")
    if not news:
        return rows
    folders, uids, modseqs, dates = (array("q", column) for column in rows)
    for number, place in news:
        folders[number], uids[number] = place.folder_id, place.uid
        modseqs[number], dates[number] = place.modseq, place.date
    return Rows(folders, uids, modseqs, dates)


async def _look_up(mailbox: Snapshot, items: "Numbers[int]") -> Rows:
    places = {int(place.item_id): place for place in await mailbox.found_mails.find_places(items)}
    found = [places.get(item, _NOWHERE) for item in items]
    return Rows(
        array("q", [place.folder_id for place in found]),
        array("q", [place.uid for place in found]),
        array("q", [place.modseq for place in found]),
        array("q", [place.date for place in found]),
    )


async def _with_marks(
    mailbox: Snapshot, rows: Rows, visible: frozenset[int], *, reader_id: AccountId
) -> Rows:
    """Return rows in which a mail has changed when a reader has last marked it, if that was later."""
    marked = {
        (folder_id, mark.uid): int(mark.modseq)
        for folder_id in visible.intersection(rows.folders)
        for mark in await mailbox.reader_marks.list_marks(FolderId(folder_id), reader_id)
    }
    places = zip(rows.folders, rows.uids, rows.modseqs, strict=True)
    modseqs = [max(modseq, marked.get((folder, Uid(uid)), 0)) for folder, uid, modseq in places]
    return rows._replace(modseqs=array("q", modseqs))


# Orders


async def order_view(mailbox: Snapshot, view: View, by: SortField) -> "Numbers[int]":
    """Return the mails that are there in an ascending order; ties break by date, then number."""
    order = view.orders.get(by)
    if order is None:
        order = view.orders[by] = await _make_order(mailbox, view, by)
    return order


async def _make_order(mailbox: Snapshot, view: View, by: SortField) -> "Numbers[int]":
    if by is SortField.DATE:
        if view.rows is None:
            return view.items[::-1]
        gone = view.noted.gone
        pairs = zip(view.rows.dates, view.items, strict=True)
        return await sort_rows([(date, item) for date, item in pairs if item not in gone])
    if by is SortField.IS_UNREAD and view.folder.reader_id:
        return await _order_by_marks(mailbox, view)
    if by is SortField.FOLDER_NAME:
        names = {one.folder_id: sort_key(one.name) for one in await mailbox.folders.list_all()}
        places = await mailbox.found_mails.find_places(list(view.present()))
        return await sort_rows([(names.get(one.folder_id, b""), one.date, one.item_id) for one in places])
    rows = await mailbox.found_mails.list_keys(by, list(view.present()))
    return await sort_rows([(value, date, item) for item, value, date in rows])


async def _order_by_marks(mailbox: Snapshot, view: View) -> "Numbers[int]":
    """Return the mails by whether a reader has seen them."""
    reader_id = view.folder.reader_id
    places = await mailbox.found_mails.find_places(list(view.present()))
    seen = await list_seen_places(mailbox, reader_id, {place.folder_id for place in places})
    return await sort_rows(
        [((place.folder_id, place.uid) not in seen, place.date, place.item_id) for place in places]
    )


async def list_seen_places(
    mailbox: Snapshot, reader_id: AccountId, folders: Iterable[FolderId]
) -> set[tuple[FolderId, Uid]]:
    """Return what a reader has seen of some folders."""
    return {
        (folder_id, mark.uid)
        for folder_id in folders
        for mark in await mailbox.reader_marks.list_marks(folder_id, reader_id)
        if mark.is_seen
    }


async def sort_rows(rows: list[Row]) -> "Numbers[int]":
    """Return the last of each row, a number, by the order of the rows."""
    if len(rows) > _SORTED_INLINE:
        await asyncio.to_thread(rows.sort)
    else:
        rows.sort()
    return array("q", [row[-1] for row in rows])


def cut_page(order: "Numbers[int]", sort: Sort, *, start: int, limit: int) -> list[int]:
    """Return a page of an order, in the direction of ``sort``."""
    if not sort.descending:
        return list(order[start : start + limit])
    end = max(len(order) - start, 0)
    return list(order[max(end - limit, 0) : end][::-1])


# Changes


def list_changed(view: View, after: tuple[int, int], *, limit: int) -> list[tuple[int, int]]:
    """Return up to ``limit`` mails that changed after a place, as (modseq, number), in that order.

    A mail that is back has changed when that was noticed. The view must have rows.
    """
    changed = _by_change(view)
    place = bisect_left(changed.modseqs, after[0])
    end = bisect_right(changed.modseqs, after[0])
    place = bisect_right(changed.items, after[1], place, end)
    pairs = zip(changed.modseqs[place : place + limit], changed.items[place : place + limit], strict=True)
    return list(pairs)


def _by_change(view: View) -> Changed:
    if "changed" not in view.memo:
        rows, noted = view.rows, view.noted
        modseqs: Sequence[int] = () if rows is None else rows.modseqs
        pairs = sorted(
            (max(modseq, noted.back.get(item, 0)), item)
            for item, modseq in zip(view.items, modseqs, strict=True)
            if item not in noted.gone
        )
        view.memo["changed"] = array("q", [modseq for modseq, _ in pairs])
        view.memo["changed items"] = array("q", [item for _, item in pairs])
    return Changed(view.memo["changed"], view.memo["changed items"])


def list_gone(view: View, after: tuple[int, int], *, limit: int) -> list[tuple[int, int]]:
    """Return up to ``limit`` mails that went after a place, as (position, number), in that order."""
    found = ((modseq, item) for item, modseq in view.noted.gone.items() if (modseq, item) > after)
    return sorted(found)[:limit]


def folder_of(view: View) -> Folder:
    """Return what stands for a search folder where a folder is asked for: its mails have no folder of their own."""
    found = view.folder
    return Folder(
        account_id=found.account_id,
        folder_id=FolderId(found.search_id),
        parent_id=FolderId(0),
        name="",
        role="",
        folder_type="mails",
        is_special=1,
        takes_subfolders=0,
        uid_validity=found.created_at // 1000,
        total_items=view.total_items,
        unread_items=0,
        size_bytes=0,
        created_modseq=found.modseq,
        modseq=found.modseq,
        content_modseq=Modseq(view.state),
        is_threaded=0,
        conversations=0,
        conversations_modseq=found.modseq,
    )
