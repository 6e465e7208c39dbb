"""Conversations, made anew from the mails: what a check compares, and what a repair sets right.

Everything that is kept of conversations follows from the mails, what their contents are joined by, and which folders
are threaded; only the numbers are given. A number is kept by the conversation that has the oldest of the mails with
it, and of several it has a conversation keeps the lowest. That a subject key was left out is right where it was when
the mail came: the account may have had other addresses then.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from postroom.domain.components import find_components
from postroom.domain.conversation_rows import NO_COUNTS, State, presences_of, row_of
from postroom.domain.threads import find_own
from postroom.model.conversation import Conversation, ConversationId
from postroom.model.ids import FolderId, ItemId, Modseq
from postroom.model.mail import IMPORTANCE_HIGH, IMPORTANCE_NORMAL
from postroom.model.thread import Threading
from postroom.store.sorting import Presence
from postroom.store.sql.conversations import First, Last
from postroom.store.sql.thread_recounts import ThreadedMail
from postroom.store.sql.threads import Keyed
from postroom.store.tx import Directory, Snapshot, Transaction

_threading = msgspec.msgpack.Decoder(Threading)


@dataclass
class Survey:
    """All that is kept of conversations, and what the mails say."""

    mails: dict[ItemId, ThreadedMail]
    keyed: dict[ItemId, Keyed]
    """Those that are to have a conversation, with the keys that they should have."""
    stale: list[Keyed]
    """Keys that should not be there."""
    missing: list[Keyed]
    """Keys that should be there."""
    conversations: dict[ConversationId, Conversation]
    presences: dict[tuple[FolderId, ConversationId], Presence]
    counts: dict[FolderId, int]
    """The number of conversations that each folder says it has."""

    def find_parts(self) -> list[list[ItemId]]:
        """Return which mails belong together."""
        return [[mail.item_id for mail in part] for part in find_components(list(self.keyed.values()))]

    def find_misplaced(self, parts: Iterable[list[ItemId]]) -> list[ItemId]:
        """Return a mail of each conversation that is not one, and those that have one and should have none."""
        misplaced = [
            number for number, mail in self.mails.items() if mail.conversation_id and number not in self.keyed
        ]
        seen: set[ConversationId] = set()
        for part in parts:
            numbers = {self.mails[item_id].conversation_id for item_id in part}
            if len(numbers) > 1 or 0 in numbers or numbers & seen:
                misplaced.append(part[0])
            seen |= numbers
        return misplaced

    def expect(
        self, number_of: dict[ItemId, ConversationId]
    ) -> tuple[dict[ConversationId, Conversation], dict[tuple[FolderId, ConversationId], Presence]]:
        """Return what should be kept of conversations, given the number of each mail; their modseq is 0."""
        members: dict[ConversationId, list[ThreadedMail]] = {}
        for item_id, number in number_of.items():
            members.setdefault(number, []).append(self.mails[item_id])
        states = {number: _state(mails) for number, mails in members.items()}
        rows = {number: row_of(number, Modseq(0), state) for number, state in states.items()}
        presences = {
            (row.folder_id, row.conversation_id): row
            for number, state in states.items()
            for row in presences_of(number, state)
        }
        return rows, presences


def _state(mails: list[ThreadedMail]) -> State:
    counts = list(NO_COUNTS)
    items: dict[FolderId, int] = {}
    lasts: dict[FolderId, Last] = {}
    for mail in mails:
        for index, value in enumerate(
            (
                1,
                mail.is_unread,
                mail.is_flagged,
                mail.is_draft,
                mail.has_attachments,
                int(mail.importance == IMPORTANCE_HIGH),
                int(mail.importance == IMPORTANCE_NORMAL),
            )
        ):
            counts[index] += value
        folder_id = mail.folder_id
        items[folder_id] = items.get(folder_id, 0) + 1
        last = Last(mail.date, mail.uid, mail.sort_from, mail.sort_to)
        lasts[folder_id] = max(lasts.get(folder_id, last), last)
    first = min(First(mail.date, mail.item_id, mail.sort_subject) for mail in mails)
    return State(tuple(counts), first, {number: (count, lasts[number]) for number, count in items.items()})


async def survey(mailbox: Snapshot, *, own: set[str] | None = None) -> Survey:
    """Read all that is kept of conversations, and what they are made of.

    ``own``: the participants that are the account itself, who have no subject keys; without it those have none that
    have none now.
    """
    recounts = mailbox.thread_recounts
    folders = await mailbox.folders.list_all()
    threaded = {folder.folder_id for folder in folders if folder.is_threaded}
    # Their mails are as they were until they are come to.
    waiting = {*await mailbox.traces.list_rethreaded(), *await mailbox.traces.list_doomed()}
    mails = {mail.item_id: mail for mail in await recounts.list_mails()}
    threadings = await recounts.list_threadings()
    references, subjects = await recounts.list_references(), await recounts.list_subjects()
    by_item: dict[ItemId, set[int]] = {}
    for key, is_reply, date, item_id in subjects:
        mail = mails.get(item_id)
        if mail is not None and mail.date == date and is_reply in {0, 1}:
            by_item.setdefault(item_id, set()).add(key)
    keyed: dict[ItemId, Keyed] = {}
    for mail in mails.values():
        is_joined = mail.conversation_id > 0 if mail.folder_id in waiting else mail.folder_id in threaded
        if is_joined and mail.content_id in threadings:
            keyed[mail.item_id] = _expect_keys(
                mail, threadings[mail.content_id], stored=by_item.get(mail.item_id, set()), own=own
            )
    wanted = {(key, mail.item_id) for mail in keyed.values() for key in mail.references}
    wanted_subjects = {
        (key, int(mail.is_reply), mail.date, mail.item_id) for mail in keyed.values() for key in mail.subjects
    }
    return Survey(
        mails,
        keyed,
        [
            *(Keyed(item_id, 0, (key,), (), False) for key, item_id in references - wanted),
            *(
                Keyed(item_id, date, (), (key,), bool(is_reply))
                for key, is_reply, date, item_id in subjects - wanted_subjects
            ),
        ],
        [
            *(Keyed(item_id, 0, (key,), (), False) for key, item_id in wanted - references),
            *(
                Keyed(item_id, date, (), (key,), bool(is_reply))
                for key, is_reply, date, item_id in wanted_subjects - subjects
            ),
        ],
        await recounts.list_conversations(),
        {(row.folder_id, row.conversation_id): row for row in await recounts.list_presences()},
        {folder.folder_id: folder.conversations for folder in folders},
    )


def _expect_keys(mail: ThreadedMail, threading: bytes, *, stored: set[int], own: set[str] | None) -> Keyed:
    """Return a mail with the keys that it should have."""
    read = _threading.decode(threading)
    subjects = [
        each.key
        for each in read.participants
        if (each.key in stored if own is None else each.address not in own)
    ]
    return Keyed(mail.item_id, mail.date, read.references, tuple(subjects), read.is_reply)


async def find_faults(mailbox: Snapshot, tables: Directory | None = None) -> list[str]:
    """Return a line for everything that is wrong with an account's conversations; reads all mails.

    With ``tables`` the addresses that the account has now count, not those that it had when each mail came.
    """
    own = None
    if tables is not None:
        threadings = await mailbox.thread_recounts.list_threadings()
        own = await find_own(tables, mailbox.account_id, map(_threading.decode, threadings.values()))
    found = await survey(mailbox, own=own)
    faults = [
        f"mail {item_id}: keys of its conversation are {what}"
        for what, keys in (("missing", found.missing), ("left over", found.stale))
        for item_id in sorted({keyed.item_id for keyed in keys})
    ]
    faults += [
        f"mail {item_id}: it is not in the conversation where it belongs"
        for item_id in found.find_misplaced(found.find_parts())
    ]
    rows, presences = found.expect(
        {number: mail.conversation_id for number, mail in found.mails.items() if mail.conversation_id}
    )
    for number in sorted(rows.keys() | found.conversations.keys()):
        kept = found.conversations.get(number)
        if kept is None or kept._replace(modseq=Modseq(0)) != rows.get(number):
            faults.append(f"conversation {number}: its counters are off")
    for place in sorted(presences.keys() | found.presences.keys()):
        if presences.get(place) != found.presences.get(place):
            faults.append(f"conversation {place[1]}: its row in folder {place[0]} is off")
    shown = _count(presences)
    for folder_id, count in sorted(found.counts.items()):
        if count != shown.get(folder_id, 0):
            there = shown.get(folder_id, 0)
            faults.append(f"folder {folder_id}: {count} conversations counted, {there} are there")
    for folder_id in await mailbox.conversation_orders.list_folders():
        lines = await mailbox.conversation_orders.find_faults(folder_id) if folder_id in found.counts else ()
        faults += [f"folder {folder_id}: sort order of conversations {line}" for line in lines]
    return faults


def _count(presences: Iterable[tuple[FolderId, ConversationId]]) -> dict[FolderId, int]:
    counts: dict[FolderId, int] = {}
    for folder_id, _ in presences:
        counts[folder_id] = counts.get(folder_id, 0) + 1
    return counts


# Repairing


async def repair_conversations(tx: Transaction) -> None:
    """Set right all that is wrong with an account's conversations; the transaction has made its step of history."""
    threadings = await tx.thread_recounts.list_threadings()
    found = await survey(
        tx, own=await find_own(tx.tables, tx.account_id, map(_threading.decode, threadings.values()))
    )
    await tx.threads.remove(found.stale)
    await tx.threads.add(found.missing)
    number_of = await _number(tx, found)
    changed = [
        (item_id, number_of.get(item_id, ConversationId(0)))
        for item_id, mail in found.mails.items()
        if mail.conversation_id != number_of.get(item_id, 0)
    ]
    await tx.conversations.assign(changed, modseq=tx.modseq)
    for folder_id in {found.mails[item_id].folder_id for item_id, _ in changed}:
        await tx.folders.count(folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=tx.modseq)
    rows, presences = found.expect(number_of)
    await tx.conversations.save(
        [
            row._replace(modseq=tx.modseq)
            for number, row in rows.items()
            if (kept := found.conversations.get(number)) is None or kept._replace(modseq=Modseq(0)) != row
        ]
    )
    await tx.conversations.delete(found.conversations.keys() - rows.keys())
    await tx.conversations.save_presences(
        [(None, row) for place, row in presences.items() if found.presences.get(place) != row]
    )
    await tx.conversations.delete_presences(
        [row for place, row in found.presences.items() if place not in presences]
    )
    counts = _count(presences)
    for folder_id in found.counts:
        count = counts.get(folder_id, 0)
        await tx.thread_recounts.set_count(folder_id, count, modseq=tx.modseq)
        await tx.conversation_orders.rebuild(folder_id, total_items=count)


async def _number(tx: Transaction, found: Survey) -> dict[ItemId, ConversationId]:
    """Return the number of each mail's conversation."""
    parts = found.find_parts()
    owner: dict[ConversationId, int] = {}
    kept: dict[int, ConversationId] = {}
    # The parts come in the order of their oldest mails, but a number goes with the oldest mail that has it.
    ranked = sorted(
        (found.mails[item_id].date, item_id, index) for index, part in enumerate(parts) for item_id in part
    )
    for _, item_id, index in ranked:
        number = found.mails[item_id].conversation_id
        if number and owner.setdefault(number, index) == index:
            kept[index] = min(kept.get(index, number), number)
    taken = set(kept.values())
    number_of: dict[ItemId, ConversationId] = {}
    for index, part in enumerate(parts):
        number = kept.get(index, ConversationId(part[0]))
        if index not in kept:
            if number in taken:
                number = ConversationId((await tx.advance(item_ids=1, mails=0)).item_id)
            taken.add(number)
        number_of.update(dict.fromkeys(part, number))
    return number_of
