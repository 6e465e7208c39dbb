"""Examining one mailbox: every number that is maintained is counted anew and compared.

:func:`examine` works on a snapshot, so that what it compares belongs together even while mail comes in.
:func:`repair_faults` looks again inside a transaction and sets right what can be derived; counters it corrects move
the account's history on, so that clients see the correction.
"""

import time
from typing import NamedTuple

from postroom.content.digest import digest_message
from postroom.domain.contact_check import find_faults as find_contact_faults
from postroom.domain.contact_check import repair_contacts
from postroom.domain.reader_check import find_reader_faults, repair_readers
from postroom.domain.steps import Record
from postroom.domain.thread_check import find_faults as find_thread_faults
from postroom.domain.thread_check import repair_conversations
from postroom.errors import Kind, PostroomError, not_found
from postroom.model.folder import Folder
from postroom.model.ids import ContentId, FolderId, LabelId, Modseq
from postroom.store.messages import MessageStore
from postroom.store.sql.labels import LabelCount
from postroom.store.sql.recounts import FolderRecount
from postroom.store.tx import Snapshot, Transaction


class Fault(NamedTuple):
    """Something wrong: what kind, whose, in words, and whether it was repaired.

    Kinds: ``counter``, ``reference``, ``tombstone``, ``order``, ``fulltext``, ``conversation``, ``contact``,
    ``reader``, ``mailbox``, ``content``, ``blob``, ``upload``, ``queue``, ``database``.
    """

    kind: str
    account: str
    what: str
    repaired: bool


class _Recount(NamedTuple):
    folders: dict[FolderId, FolderRecount]
    references: dict[ContentId, int]
    """The mails that show a content."""
    queued: dict[ContentId, int]
    """The messages in the outgoing queue that are a content."""
    contacts: dict[FolderId, int]
    """The contacts in each folder that has some."""

    def folder(self, folder_id: FolderId) -> FolderRecount:
        """Return what a folder really holds."""
        return self.folders.get(folder_id) or FolderRecount(folder_id, self.contacts.get(folder_id, 0), 0, 0)

    def refs(self, content_id: ContentId) -> int:
        """Return the references that a content should have."""
        return self.references.get(content_id, 0) + self.queued.get(content_id, 0)

    @property
    def total_items(self) -> int:
        return sum(folder.total_items for folder in self.folders.values())

    @property
    def size_bytes(self) -> int:
        return sum(folder.size_bytes for folder in self.folders.values())


async def examine(mailbox: Snapshot, account: str) -> tuple[int, list[Fault]]:
    """Return the number of mails, and what is wrong; ``account`` is the address for the words.

    Raises: notFound where the account has no mailbox; unavailable.
    """
    recount = await _recount(mailbox)
    faults = [
        *await _examine_counters(mailbox, account, recount),
        *await _examine_labels(mailbox, account),
        *await _examine_references(mailbox, account, recount),
        *await _examine_orders(mailbox, account),
        *await _examine_index(mailbox, account, recount),
        *[Fault("conversation", account, line, False) for line in await find_thread_faults(mailbox)],
        *[Fault("contact", account, line, False) for line in await find_contact_faults(mailbox)],
        *[Fault("reader", account, line, False) for line in await find_reader_faults(mailbox)],
    ]
    faults += [
        Fault("queue", account, f"message {number}: nobody waits for it, and it is not finished", False)
        for number in await mailbox.recounts.list_stranded()
    ]
    for folder_id, uid in await mailbox.operations.list_buried_alive():
        what = f"folder {folder_id}: mail {uid} is there, and has a tombstone"
        faults.append(Fault("tombstone", account, what, False))
    return recount.total_items, faults


async def _recount(mailbox: Snapshot) -> _Recount:
    # The mails of folders that were removed go by and by; their contents are there until then.
    doomed = set(await mailbox.traces.list_doomed())
    counted = await mailbox.recounts.recount_folders()
    folders = {folder.folder_id: folder for folder in counted if folder.folder_id not in doomed}
    recounts = mailbox.recounts
    return _Recount(
        folders,
        await recounts.recount_contents(),
        await recounts.recount_queued(),
        await recounts.recount_contacts(),
    )


async def _examine_counters(mailbox: Snapshot, account: str, recount: _Recount) -> list[Fault]:
    state = await mailbox.mailbox.find()
    if state is None:
        raise not_found("the mailbox")
    faults: list[Fault] = []
    if (state.total_items, state.size_bytes) != (recount.total_items, recount.size_bytes):
        what = (
            f"mailbox: {state.total_items} mails and {state.size_bytes} bytes counted, "
            f"{recount.total_items} and {recount.size_bytes} are there"
        )
        faults.append(Fault("counter", account, what, False))
    folders = await mailbox.folders.list_all()
    faults += [
        Fault("counter", account, _describe(folder, recount.folder(folder.folder_id)), False)
        for folder in folders
        if _is_off(folder, recount.folder(folder.folder_id))
    ]
    lost = recount.folders.keys() - {folder.folder_id for folder in folders}
    faults += [
        Fault("mailbox", account, f"folder {number}: it is gone, its mails are there", False)
        for number in lost
    ]
    return faults


def _is_off(folder: Folder, counted: FolderRecount) -> bool:
    return (folder.total_items, folder.unread_items, folder.size_bytes) != counted[1:]


def _describe(folder: Folder, counted: FolderRecount) -> str:
    return (
        f"folder {folder.folder_id} ({folder.name}): {folder.total_items} mails, {folder.unread_items} unread, "
        f"{folder.size_bytes} bytes counted; {counted.total_items}, {counted.unread_items}, {counted.size_bytes} "
        "are there"
    )


async def _examine_labels(mailbox: Snapshot, account: str) -> list[Fault]:
    counted: dict[int, list[int]] = {}
    by_folder: dict[tuple[FolderId, LabelId], list[int]] = {}
    for folder_id, _, labels, is_unread in await mailbox.recounts.list_labelled():
        for label in (LabelId(int(number)) for number in labels.split()):
            for numbers in (
                counted.setdefault(label, [0, 0]),
                by_folder.setdefault((folder_id, label), [0, 0]),
            ):
                numbers[0] += is_unread
                numbers[1] += 1
    known = await mailbox.labels.list_counts()
    faults = [
        Fault("counter", account, f"label {label.label_id}: its counters are off", False)
        for label in known
        if [label.unread_items, label.total_items] != counted.get(label.label_id, [0, 0])
    ]
    maintained = {
        (count.folder_id, count.label_id): [count.unread_items, count.total_items]
        for count in await mailbox.labels.list_folder_counts()
    }
    numbers_of = {label.label_id for label in known}
    return faults + [
        Fault("counter", account, f"label {place[1]}: its counters in folder {place[0]} are off", False)
        for place in sorted(maintained.keys() | by_folder.keys())
        if place[1] in numbers_of and maintained.get(place, [0, 0]) != by_folder.get(place, [0, 0])
    ]


async def _examine_references(mailbox: Snapshot, account: str, recount: _Recount) -> list[Fault]:
    faults: list[Fault] = []
    known: set[ContentId] = set()
    for content_id, refs in await mailbox.contents.list_references():
        known.add(content_id)
        there = recount.refs(content_id)
        if refs != there:
            what = f"content {content_id}: {refs} references counted, {there} are there"
            faults.append(Fault("reference", account, what, False))
    for content_ids, who in ((recount.references, "mails show it"), (recount.queued, "it is to be sent")):
        faults += [
            Fault("content", account, f"content {number}: it is gone, {who}", False)
            for number in content_ids.keys() - known
        ]
    return faults


async def _examine_orders(mailbox: Snapshot, account: str) -> list[Fault]:
    faults: list[Fault] = []
    doomed = set(await mailbox.traces.list_doomed())
    for folder_id in set(await mailbox.orders.list_folders()) - doomed:
        lines = await mailbox.orders.find_faults(folder_id)
        faults += [Fault("order", account, f"folder {folder_id}: sort order {line}", False) for line in lines]
    return faults


async def _examine_index(mailbox: Snapshot, account: str, recount: _Recount) -> list[Fault]:
    indexed = await mailbox.recounts.list_indexed()
    shown = {int(content_id) for content_id in recount.references}
    # What only waits to be sent may be in the index: it was a mail, or will be one.
    unseen = indexed - shown - {int(content_id) for content_id in recount.queued}
    missing = [_not_indexed(number) for number in sorted(shown - indexed)]
    extra = [f"content {number} is in the full-text index, no mail shows it" for number in sorted(unseen)]
    return [Fault("fulltext", account, what, False) for what in (*missing, *extra)]


def _not_indexed(number: int) -> str:
    return f"content {number} is not in the full-text index"


# Repairing


async def repair_faults(tx: Transaction, account: str, messages: MessageStore) -> list[Fault]:
    """Look again with the account's writers held, set right what can be derived, and return what was wrong.

    Raises: notFound where the account has been removed; unavailable.
    """
    await tx.lock()
    _, faults = await examine(tx, account)
    kinds = {fault.kind for fault in faults}
    if stranded := await tx.recounts.list_stranded():
        kinds |= {"reference", "fulltext"}  # With the end of a message goes its hold on the content.
    for number in stranded:
        await tx.outgoing.work.finish(number, now=int(time.time() * 1000))
    recount = await _recount(tx)
    if "reference" in kinds:
        await _repair_references(tx, recount)
    if "counter" in kinds:
        await _repair_counters(tx, recount)
    for folder_id in await tx.orders.list_folders() if "order" in kinds else ():
        await tx.orders.rebuild(folder_id, total_items=recount.folder(folder_id).total_items)
    for folder_id, uid in await tx.operations.list_buried_alive():
        await tx.operations.unbury(folder_id, uid)
    if "conversation" in kinds:
        state = await tx.advance()
        await repair_conversations(tx)
        if "counter" not in kinds:
            await tx.log("repair", Record(), modseq=state.modseq)
    unread = await _repair_what_finds(tx, kinds, recount, messages=messages)
    _, left = await examine(tx, account)
    # What was put into the index in this transaction is not always visible in it yet.
    still = {fault.what for fault in left if fault.kind != "fulltext"} | {
        _not_indexed(number) for number in unread
    }
    return [fault._replace(repaired=fault.what not in still) for fault in faults]


async def _repair_readers(tx: Transaction, kinds: set[str]) -> None:
    if "reader" not in kinds:
        return
    await repair_readers(tx)
    if tx.modseq and not kinds & {"counter", "conversation"}:
        await tx.log("repair", Record(), modseq=tx.modseq)


async def _repair_what_finds(
    tx: Transaction, kinds: set[str], recount: _Recount, *, messages: MessageStore
) -> list[int]:
    """Set right what contacts and messages are found by; return the messages that cannot be read."""
    if "contact" in kinds:
        await repair_contacts(tx)
    await _repair_readers(tx, kinds)
    return await _repair_index(tx, recount, messages) if "fulltext" in kinds else []


async def _repair_counters(tx: Transaction, recount: _Recount) -> None:
    state = await tx.advance()
    await tx.mailbox.set_usage(total_items=recount.total_items, size_bytes=recount.size_bytes)
    for folder in await tx.folders.list_all():
        counted = recount.folder(folder.folder_id)
        if _is_off(folder, counted):
            await tx.folders.set_counters(
                folder.folder_id,
                items=counted.total_items,
                unread=counted.unread_items,
                size_bytes=counted.size_bytes,
                modseq=state.modseq,
            )
    await tx.contact_changes.note_change(state.modseq)
    await _repair_labels(tx, state.modseq)
    await tx.log("repair", Record(), modseq=state.modseq)


async def _repair_labels(tx: Transaction, modseq: Modseq) -> None:
    rows = await tx.recounts.list_labelled()
    for label in await tx.labels.list_counts():
        mine = [
            (folder_id, is_unread)
            for folder_id, _, numbers, is_unread in rows
            if str(label.label_id) in numbers.split()
        ]
        unread = sum(is_unread for _, is_unread in mine)
        off_by = {"items": len(mine) - label.total_items, "unread": unread - label.unread_items}
        if any(off_by.values()):
            await tx.labels.count(label.label_id, **off_by, modseq=modseq)
        counts = {
            count.folder_id: count
            for count in await tx.labels.list_folder_counts()
            if count.label_id == label.label_id
        }
        for folder_id in counts.keys() | {folder_id for folder_id, _ in mine}:
            here = [is_unread for place, is_unread in mine if place == folder_id]
            known = counts.get(folder_id)
            items = len(here) - (known.total_items if known else 0)
            unread_here = sum(here) - (known.unread_items if known else 0)
            if items or unread_here:
                await tx.labels.count_in(folder_id, [LabelCount(label.label_id, unread_here, items)])


async def _repair_references(tx: Transaction, recount: _Recount) -> None:
    wrong = [
        (content_id, recount.refs(content_id))
        for content_id, refs in await tx.contents.list_references()
        if refs != recount.refs(content_id)
    ]
    for content_id, refs in wrong:
        if refs:
            await tx.contents.set_refs(content_id, refs)
        else:
            await tx.contents.delete(content_id)


async def _repair_index(tx: Transaction, recount: _Recount, messages: MessageStore) -> list[int]:
    indexed = await tx.recounts.list_indexed()
    shown = {int(content_id) for content_id in recount.references}
    for number in indexed - shown - {int(content_id) for content_id in recount.queued}:
        await tx.unindex(number)
    return [number for number in shown - indexed if not await index_again(tx, ContentId(number), messages)]


async def index_again(tx: Transaction, content_id: ContentId, messages: MessageStore) -> bool:
    """Put a message into the full-text index that is not in it; its documents are read later.

    Returns False where it is damaged or missing. Raises: unavailable.
    """
    content = await tx.contents.find(content_id)
    if content is None:
        return False
    try:
        reader = await messages.open(tx.account_id, content)
        try:
            raw = await reader.read(0, reader.size_bytes)
        finally:
            reader.close()
    except PostroomError as error:
        if error.kind is Kind.UNAVAILABLE:
            raise
        return False
    digest = digest_message(raw)
    await tx.index(content_id, digest.index_terms)
    if digest.has_documents:
        await tx.extractions.add(content_id)
    return True
