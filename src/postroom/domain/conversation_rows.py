"""The rows of conversations, kept in step with the mails.

A :class:`Tally` collects what becomes of mails in one call of filing: which conversations they leave and enter, and
what they count there. :meth:`Tally.settle` then reads the rows of these conversations once, adds up, and writes what
is different: the conversations, their rows in folders, the counted chunks of the folders' lists, and the folders'
numbers. No mail is read for it, with one exception: where the first mail of a conversation leaves it, or the last one
in a folder, the one that follows is looked up.

Where the mails are is not asked here: a mail of a folder that is gone counts until it is parted from its
conversation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from postroom.model.conversation import Conversation, ConversationId
from postroom.model.ids import FolderId, ItemId, Modseq, Uid
from postroom.model.listing import SortField
from postroom.model.mail import IMPORTANCE_HIGH, IMPORTANCE_LOW, IMPORTANCE_NORMAL
from postroom.store.order_keys import key_of
from postroom.store.sorting import Presence, SortKeys
from postroom.store.sql.conversations import First, Last
from postroom.store.sql.mails import Located
from postroom.store.sql.orders import Entry
from postroom.store.tx import Snapshot, Transaction

NO_COUNTS = (0,) * 7
"""What counts in a conversation, nothing of it: mails, and those unread, flagged, drafts, with attachments, of high
and of normal importance."""
_MARKS = (SortField.IS_UNREAD, SortField.IS_FLAGGED, SortField.IMPORTANCE, SortField.HAS_ATTACHMENTS)


def _counts_of(item: Located) -> tuple[int, ...]:
    """Return what a mail counts in each counter of a conversation."""
    mail, keys = item
    return (
        1,
        mail.is_unread,
        mail.is_flagged,
        mail.is_draft,
        keys.has_attachments,
        int(keys.importance == IMPORTANCE_HIGH),
        int(keys.importance == IMPORTANCE_NORMAL),
    )


def _sum(one: Sequence[int], other: Sequence[int], sign: int = 1) -> tuple[int, ...]:
    return tuple(left + sign * right for left, right in zip(one, other, strict=True))


@dataclass
class _Delta:
    """What becomes of one conversation."""

    counts: tuple[int, ...] = NO_COUNTS
    firsts: set[First] = field(default_factory=set)
    gone_firsts: set[ItemId] = field(default_factory=set)
    items: dict[FolderId, int] = field(default_factory=dict)
    lasts: dict[FolderId, set[Last]] = field(default_factory=dict)
    gone_lasts: dict[FolderId, set[Uid]] = field(default_factory=dict)
    taken_in: list[ConversationId] = field(default_factory=list)
    is_new: bool = False
    is_recounted: bool = False


class State(NamedTuple):
    """A conversation as it is after a change: its counters, its first mail, and what each folder has of it."""

    counts: tuple[int, ...]
    first: First
    shares: dict[FolderId, tuple[int, Last]]


class _Was(NamedTuple):
    """What is stored of a conversation, and of those that it takes in."""

    rows: list[Conversation]
    presences: list[Presence]


class Tally:
    """What becomes of conversations in a transaction, until it is settled."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._deltas: dict[ConversationId, _Delta] = {}
        self._taken_in: dict[ConversationId, ConversationId] = {}

    def _of(self, number: ConversationId) -> _Delta:
        number = self.resolve(number)
        delta = self._deltas.get(number)
        if delta is None:
            delta = self._deltas[number] = _Delta()
        return delta

    def resolve(self, number: ConversationId) -> ConversationId:
        """Return the conversation whose mails those of a conversation are now."""
        while number in self._taken_in:
            number = self._taken_in[number]
        return number

    # Collecting

    def found(self, number: ConversationId) -> None:
        """Note a conversation that is new."""
        self._of(number).is_new = True

    def add(self, item: Located) -> None:
        """Note a mail that has come into its conversation."""
        mail, keys = item
        delta = self._of(mail.conversation_id)
        delta.counts = _sum(delta.counts, _counts_of(item))
        delta.firsts.add(First(mail.date, mail.item_id, keys.subject))
        folder_id = mail.folder_id
        delta.items[folder_id] = delta.items.get(folder_id, 0) + 1
        delta.lasts.setdefault(folder_id, set()).add(Last(mail.date, mail.uid, keys.from_, keys.to))

    def remove(self, item: Located) -> None:
        """Note a mail that is no longer in the conversation that it says."""
        mail = item.mail
        delta = self._of(mail.conversation_id)
        delta.counts = _sum(delta.counts, _counts_of(item), -1)
        delta.gone_firsts.add(mail.item_id)
        folder_id = mail.folder_id
        delta.items[folder_id] = delta.items.get(folder_id, 0) - 1
        delta.gone_lasts.setdefault(folder_id, set()).add(mail.uid)

    def touch(self, number: ConversationId) -> None:
        """Note that something has changed that is not counted."""
        self._of(number)

    def take_in(self, number: ConversationId, others: Iterable[ConversationId]) -> None:
        """Note that the mails of other conversations are now of this one, which is there."""
        for other in others:
            past = self._deltas.pop(other, None)
            self._taken_in[other] = number
            delta = self._of(number)
            delta.taken_in.append(other)
            if past is not None:
                delta.taken_in += past.taken_in
                self._add_delta(delta, past)

    @staticmethod
    def _add_delta(delta: _Delta, past: _Delta) -> None:
        delta.counts = _sum(delta.counts, past.counts)
        delta.firsts |= past.firsts
        delta.gone_firsts |= past.gone_firsts
        for folder_id, items in past.items.items():
            delta.items[folder_id] = delta.items.get(folder_id, 0) + items
        for folder_id, lasts in past.lasts.items():
            delta.lasts.setdefault(folder_id, set()).update(lasts)
        for folder_id, uids in past.gone_lasts.items():
            delta.gone_lasts.setdefault(folder_id, set()).update(uids)
        delta.is_recounted = delta.is_recounted or past.is_recounted

    def recount(self, number: ConversationId) -> None:
        """Note that a conversation is to be counted anew from its mails."""
        self._of(number).is_recounted = True

    # Settling

    async def settle(self) -> None:
        """Write what has become of the conversations. The rows of the mails must have been written before."""
        if not self._deltas:
            return
        conversations = self._tx.conversations
        numbers = [
            number
            for known, delta in self._deltas.items()
            for number in ([*delta.taken_in] if delta.is_new else [known, *delta.taken_in])
        ]
        rows = await conversations.find(numbers) if numbers else {}
        presences: dict[ConversationId, list[Presence]] = {}
        for presence in await conversations.list_presences(numbers) if numbers else ():
            presences.setdefault(presence.conversation_id, []).append(presence)
        saved: list[Conversation] = []
        shown: list[Presence] = []
        for number, delta in self._deltas.items():
            ids = (number, *delta.taken_in)
            was = _Was(
                [rows[one] for one in ids if one in rows],
                [row for one in ids for row in presences.get(one, ())],
            )
            state = await self._find_state(number, delta, was=was)
            if state is not None:
                saved.append(row_of(number, self._tx.modseq, state))
                shown += presences_of(number, state)
        self._deltas = {}
        await conversations.save(saved)
        kept = {row.conversation_id for row in saved}
        if emptied := [number for number in rows if number not in kept]:
            await conversations.delete(emptied)
        await self._show([row for some in presences.values() for row in some], shown)

    async def _find_state(self, number: ConversationId, delta: _Delta, *, was: _Was) -> State | None:
        """Return a conversation as it is now, None if it has no mail any more."""
        counts = delta.counts
        for row in was.rows:
            counts = _sum(counts, row[2:9])
        if not delta.is_recounted and counts[0] <= 0:
            return None
        if delta.is_recounted or not (first := await self._find_first(number, delta, was)):
            return await recount_conversation(self._tx, number)
        shares: dict[FolderId, tuple[int, Last]] = {}
        for folder_id in dict.fromkeys([row.folder_id for row in was.presences] + list(delta.items)):
            here = [row for row in was.presences if row.folder_id == folder_id]
            items = sum(row.total_items for row in here) + delta.items.get(folder_id, 0)
            if items > 0 and (last := await self._find_last(number, folder_id, delta=delta, here=here)):
                shares[folder_id] = (items, last)
        return State(counts, first, shares)

    async def _find_first(self, number: ConversationId, delta: _Delta, was: _Was) -> First | None:
        subjects = {row.conversation_id: row.keys.subject for row in was.presences}
        firsts, lost = set(delta.firsts), []
        for row in was.rows:
            first = First(row.first_date, row.first_item_id, subjects.get(row.conversation_id, b""))
            if row.first_item_id in delta.gone_firsts:
                lost.append(first)
            else:
                firsts.add(first)
        if firsts and (not lost or min(firsts)[:2] <= min(lost)[:2]):
            return min(firsts)
        return await self._tx.conversations.find_first(number)

    async def _find_last(
        self, number: ConversationId, folder_id: FolderId, *, delta: _Delta, here: Sequence[Presence]
    ) -> Last | None:
        gone = delta.gone_lasts.get(folder_id, set())
        lasts, lost = set(delta.lasts.get(folder_id, ())), []
        for row in here:
            last = Last(row.keys.date, row.uid, row.keys.from_, row.keys.to)
            if row.uid in gone:
                lost.append(last)
            else:
                lasts.add(last)
        if lasts and (not lost or max(lasts)[:2] >= max(lost)[:2]):
            return max(lasts)
        return await self._tx.conversations.find_last(number, folder_id)

    async def _show(self, old: Sequence[Presence], new: Sequence[Presence]) -> None:
        """Write the rows in folders, the folders' numbers, and the chunks of their orders."""
        was = {(row.folder_id, row.conversation_id): row for row in old}
        now = {(row.folder_id, row.conversation_id): row for row in new}
        await self._tx.conversations.save_presences(
            [(was.get(place), row) for place, row in now.items() if was.get(place) != row]
        )
        if left := [row for place, row in was.items() if place not in now]:
            await self._tx.conversations.delete_presences(left)
        for folder_id in dict.fromkeys(row.folder_id for row in (*old, *new)):
            changes = [
                (was.get(place), now.get(place))
                for place in dict.fromkeys([*was, *now])
                if place[0] == folder_id
            ]
            total = await self._tx.folders.count_conversations(
                folder_id,
                items=sum((after is not None) - (before is not None) for before, after in changes),
                modseq=self._tx.modseq,
            )
            if total is not None:
                await self._count(folder_id, changes, total=total)

    async def _count(
        self,
        folder_id: FolderId,
        changes: Sequence[tuple[Presence | None, Presence | None]],
        *,
        total: int,
    ) -> None:
        """Count conversations in the chunks of a folder's orders."""
        orders = self._tx.conversation_orders
        changed = [
            (before, after)
            for before, after in changes
            if before is None or after is None or before.keys != after.keys
        ]
        marked = [
            (before, after) for before, after in changed if before and after and _is_marked(before, after)
        ]
        if marked and len(marked) == len(changed):
            for sort in _MARKS:
                moves = [
                    (
                        key_of(sort, before.keys, before.conversation_id),
                        key_of(sort, after.keys, after.conversation_id),
                    )
                    for before, after in marked
                ]
                if moves := [move for move in moves if move[0] != move[1]]:
                    await orders.moved(folder_id, sort, moves)
            return
        # The chunks of an order are only cut once all of its rows are counted.
        removed = [_entry(before) for before, _ in changed if before is not None]
        added = [_entry(after) for _, after in changed if after is not None]
        if removed:
            await orders.removed(folder_id, removed, total_items=total - len(added))
        if added:
            await orders.added(folder_id, added, total_items=total)


async def recount_conversation(mailbox: Snapshot, number: ConversationId) -> State | None:
    """Return what the mails of a conversation say, None if it has none."""
    shares = await mailbox.conversations.recount(number)
    first = await mailbox.conversations.find_first(number)
    if first is None:
        return None
    counts: tuple[int, ...] = NO_COUNTS
    found: dict[FolderId, tuple[int, Last]] = {}
    for share in shares:
        counts = _sum(counts, share[1:])
        last = await mailbox.conversations.find_last(number, share.folder_id)
        if last is not None:
            found[share.folder_id] = (share.total_items, last)
    return State(counts, first, found)


def row_of(number: ConversationId, modseq: Modseq, state: State) -> Conversation:
    """Return the row of a conversation."""
    total, unread, flagged, drafts, attachments, high, normal = state.counts
    return Conversation(
        conversation_id=number,
        modseq=modseq,
        total_items=total,
        unread_items=unread,
        flagged_items=flagged,
        draft_items=drafts,
        attachment_items=attachments,
        high_items=high,
        normal_items=normal,
        first_date=state.first.date,
        first_item_id=state.first.item_id,
    )


def presences_of(number: ConversationId, state: State) -> list[Presence]:
    """Return the rows of a conversation in folders."""
    _, unread, flagged, _, attachments, high, normal = state.counts
    importance = IMPORTANCE_HIGH if high > 0 else IMPORTANCE_NORMAL if normal > 0 else IMPORTANCE_LOW
    return [
        Presence(
            folder_id,
            number,
            items,
            last.uid,
            SortKeys(
                date=last.date,
                size_bytes=0,
                is_unread=int(unread > 0),
                is_flagged=int(flagged > 0),
                importance=importance,
                has_attachments=int(attachments > 0),
                subject=state.first.sort_subject,
                from_=last.sort_from,
                to=last.sort_to,
            ),
        )
        for folder_id, (items, last) in state.shares.items()
    ]


def _is_marked(before: Presence, after: Presence) -> bool:
    """Tell whether nothing but marks has changed: the place among others of the same mark has not."""
    return (before.keys.date, *before.keys[6:]) == (after.keys.date, *after.keys[6:])


def _entry(presence: Presence) -> Entry:
    return Entry(presence.keys, presence.conversation_id)
