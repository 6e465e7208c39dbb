"""The conversations of search folders: those that have a mail among what a search has found.

A conversation is shown as a whole, as in the list of a folder; its place by ``date``, ``from`` and ``to``, and its
``date`` and ``snippet``, are those of the last of its mails that was found, the other orders follow the whole. The
store keeps rows of them for folders, but not for searches, so they are made when they are asked for, and remembered:

* *groups*: which conversations there are, and the last found mail of each. They follow the mails found, so they
  hold for as long as the state of the view does (:mod:`postroom.domain.search_views`).
* *states*: what a conversation is as a whole. They hold for a position of the account's history.
* *orders*: those asked for; they are kept where what they are made of is the same.

Those found in another's folders are made in the same way. But their states, and the orders that follow these, are of
conversations as a whole, of which a reader may see a part; so of these only the last change is used, and what he sees
is put together, and in order, by :mod:`postroom.domain.shared_conversations`.

Invariants: what is returned is what the snapshot shows; what a joined transaction sees of its own changes is
remembered by nobody; the memory for all of it is bounded.
"""

import asyncio
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from postroom.domain.memory import Memory
from postroom.domain.search_folders import Opened, SearchFolders
from postroom.domain.search_views import View, cut_page, folder_of, sort_rows
from postroom.domain.shared_conversations import find_state
from postroom.model.account import Caller
from postroom.model.conversation import Conversation, ConversationId
from postroom.model.folder import Folder
from postroom.model.ids import AccountId, FolderId, FolderRef, ItemId, Modseq
from postroom.model.listing import Sort, SortField
from postroom.model.mail import IMPORTANCE_HIGH, IMPORTANCE_LOW, IMPORTANCE_NORMAL
from postroom.store import Store
from postroom.store.engine.base import Row
from postroom.store.sql.conversation_lists import ListedConversation
from postroom.store.tx import Snapshot

MOST_REMEMBERED = 2_000_000
"""Numbers remembered in memory, of eight bytes each; about."""
_IN_A_TURN = 500
"""Rows read before others have their turn."""
_BEFORE_ALL = (-(1 << 63), 0)
_OF_MAILS = frozenset({SortField.DATE, SortField.FROM, SortField.TO})
"""Orders that follow the mails found alone."""

Numbers = array  # of 64 bits each


class Groups(NamedTuple):
    """Conversations, the last found mail of each, and its date."""

    numbers: "Numbers[int]"
    lasts: "Numbers[int]"
    dates: "Numbers[int]"


class States(NamedTuple):
    """Of each conversation, in the same order: its last change, how many mails it has, its first mail, its marks."""

    modseqs: "Numbers[int]"
    totals: "Numbers[int]"
    firsts: "Numbers[int]"
    marks: "dict[SortField, Numbers[int]]"


@dataclass(frozen=True)
class Threads:
    """The conversations of a search folder at a position of the account's history."""

    modseq: int
    mails_state: int
    """The state of the mails found."""
    changed_modseq: int
    """When it was last noticed that mails have gone or are back."""
    groups: Groups
    states: States
    orders: "dict[SortField, Numbers[int]]" = field(default_factory=dict)
    """Places in the groups, by those orders that were asked for, ascending."""

    @property
    def state(self) -> int:
        """The position of the last visible change.

        A conversation that has gone leaves no trace among the others, but for the mails that have gone with it. Where
        the search shows Spam and Trash, a mail that goes there has not gone, so that all changes of mails count.
        """
        return max(self.changed_modseq, max(self.states.modseqs, default=0))

    @property
    def weight(self) -> int:
        """Numbers that may be held in memory for it, about."""
        return 16 * len(self.groups.numbers) + 100


class FoundPage(NamedTuple):
    """A page of a search folder's conversations, as rows, and the row of the one asked for; -1 if it is not there."""

    folder: Folder
    rows: Sequence[ListedConversation]
    active_row: int


class FoundConversations:
    """The conversations of the search folders that a caller has."""

    def __init__(self, store: Store, search_folders: SearchFolders) -> None:
        self._search_folders = search_folders
        self._known = Memory[tuple[AccountId, FolderId], Threads](store, most=MOST_REMEMBERED)

    async def folder_state(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return what stands for the search folder of a list. Raises: notFound; unavailable."""
        async with self._search_folders.opened(caller, ref) as opened:
            return await _see_folder(opened, await self._find(opened))

    async def find_page(
        self,
        opened: Opened,
        sort: Sort,
        *,
        start: int,
        limit: int,
        active: ConversationId | None = None,
    ) -> FoundPage:
        """Return a page of the conversations of an opened search folder."""
        threads = await self._find(opened)
        order = await _order(opened.mailbox, threads, sort.field)
        places = cut_page(order, sort, start=start, limit=limit)
        row = -1 if active is None else _find_row(threads, order, sort, number=active)
        folder = await _see_folder(opened, threads)
        return FoundPage(folder, [_row_of(threads, place) for place in places], row)

    async def find_range(
        self, caller: Caller, ref: FolderRef, start: ConversationId, *, sort: Sort, limit: int
    ) -> list[ConversationId] | None:
        """Return the conversations of a list from one on; None if that is not there.

        Raises: notFound for the search folder; unavailable.
        """
        async with self._search_folders.opened(caller, ref) as opened:
            threads = await self._find(opened)
            order = await _order(opened.mailbox, threads, sort.field)
        row = _find_row(threads, order, sort, number=start)
        if row < 0:
            return None
        places = cut_page(order, sort, start=row, limit=limit)
        return [ConversationId(threads.groups.numbers[place]) for place in places]

    async def _find(self, opened: Opened) -> Threads:
        view = opened.view
        key = (view.folder.account_id, view.folder.search_id)
        known = self._known.find(key)
        if known is not None and (known.modseq, known.mails_state) == (view.modseq, view.state):
            return known
        threads = await _advance(opened.mailbox, view, known)
        self._known.keep(key, threads)
        return threads


async def _advance(mailbox: Snapshot, view: View, known: Threads | None) -> Threads:
    """Return the conversations at the position of a view, with what still holds of those known."""
    orders: dict[SortField, Numbers[int]] = {}
    if known is not None and known.mails_state == view.state:
        groups = known.groups
        states = await _read_states(mailbox, groups)
        orders = {by: order for by, order in known.orders.items() if _is_kept(by, known.states, states)}
    else:
        groups = await _group(mailbox, view)
        states = await _read_states(mailbox, groups)
    found = view.folder
    changed = view.state if found.shows_discarded else found.changed_modseq
    return Threads(view.modseq, view.state, changed, groups, states, orders)


def _is_kept(by: SortField, old: States, new: States) -> bool:
    if by in _OF_MAILS:
        return True
    # The subject is that of the first mail, which is another one or another draft of it.
    return old == new if by is SortField.SUBJECT else old.marks[by] == new.marks[by]


async def _group(mailbox: Snapshot, view: View) -> Groups:
    """Return the conversations of the mails that are there, by number."""
    lasts: dict[int, tuple[int, int]] = {}
    items = [ItemId(item) for item in view.present()]
    for start in range(0, len(items), _IN_A_TURN):
        for item_id, number, date in await mailbox.conversations.find_numbers(
            items[start : start + _IN_A_TURN]
        ):
            if number and (date, item_id) > lasts.get(number, _BEFORE_ALL):
                lasts[number] = (date, item_id)
        await asyncio.sleep(0)
    numbers = sorted(lasts)
    return Groups(
        array("q", numbers),
        array("q", [lasts[number][1] for number in numbers]),
        array("q", [lasts[number][0] for number in numbers]),
    )


async def _read_states(mailbox: Snapshot, groups: Groups) -> States:
    rows: list[Conversation] = []
    for start in range(0, len(groups.numbers), _IN_A_TURN):
        numbers = [ConversationId(number) for number in groups.numbers[start : start + _IN_A_TURN]]
        found = await mailbox.conversations.find(numbers)
        rows += [found[number] for number in numbers]
        await asyncio.sleep(0)
    return States(
        modseqs=array("q", [row.modseq for row in rows]),
        totals=array("q", [row.total_items for row in rows]),
        firsts=array("q", [row.first_item_id for row in rows]),
        marks={
            SortField.IS_UNREAD: array("q", [row.unread_items > 0 for row in rows]),
            SortField.IS_FLAGGED: array("q", [row.flagged_items > 0 for row in rows]),
            SortField.HAS_ATTACHMENTS: array("q", [row.attachment_items > 0 for row in rows]),
            SortField.IMPORTANCE: array("q", [_importance_of(row) for row in rows]),
        },
    )


def _importance_of(row: Conversation) -> int:
    if row.high_items:
        return IMPORTANCE_HIGH
    return IMPORTANCE_NORMAL if row.normal_items else IMPORTANCE_LOW


async def _order(mailbox: Snapshot, threads: Threads, by: SortField) -> "Numbers[int]":
    """Return the places of the conversations in an ascending order; ties break by date, then number."""
    order = threads.orders.get(by)
    if order is None:
        order = threads.orders[by] = await _make_order(mailbox, threads, by)
    return order


async def _make_order(mailbox: Snapshot, threads: Threads, by: SortField) -> "Numbers[int]":
    groups, states = threads.groups, threads.states
    values: Sequence[object]
    if by is SortField.DATE:
        values = groups.dates
    elif by in states.marks:
        values = states.marks[by]
    else:
        items = states.firsts if by is SortField.SUBJECT else groups.lasts
        keys = {item: value for item, value, _ in await mailbox.found_mails.list_keys(by, items)}
        values = [keys.get(item, b"") for item in items]
    # Groups are in the order of their numbers, so a place stands for one.
    rows: list[Row] = list(zip(values, groups.dates, range(len(groups.dates)), strict=True))
    return await sort_rows(rows)


def _find_row(threads: Threads, order: "Numbers[int]", sort: Sort, *, number: int) -> int:
    """Return the row of a conversation in a list; -1 if it is not there."""
    if number not in threads.groups.numbers:
        return -1
    row = order.index(threads.groups.numbers.index(number))
    return len(order) - 1 - row if sort.descending else row


def _row_of(threads: Threads, place: int) -> ListedConversation:
    # What is shown of it depends on the mails found, too.
    modseq = max(threads.states.modseqs[place], threads.mails_state)
    number = ConversationId(threads.groups.numbers[place])
    return ListedConversation(number, Modseq(modseq), threads.states.totals[place])


def _folder_of(view: View, threads: Threads) -> Folder:
    """Return what stands for a search folder where a list of conversations asks for a folder."""
    return folder_of(view)._replace(
        conversations=len(threads.groups.numbers), conversations_modseq=Modseq(threads.state)
    )


async def _see_folder(opened: Opened, threads: Threads) -> Folder:
    """Return what stands for a search folder; to a reader it moves on with what he is given and has marked, too."""
    folder, reader_id = _folder_of(opened.view, threads), opened.view.folder.reader_id
    if reader_id:
        state = await find_state(opened.mailbox, reader_id)
        folder = folder._replace(conversations_modseq=max(folder.conversations_modseq, state))
    return folder


def is_found(view: View, item_id: ItemId) -> bool:
    """Tell whether a mail is in a search folder."""
    return item_id not in view.noted.gone and view.holds(item_id)
