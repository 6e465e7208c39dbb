"""Filing: the one place where mails change, and the counters with them.

Whatever puts mails into a folder, moves, marks or removes them goes through here. In one transaction these stay in
step: the mails, their contents' references, the counters of folders and labels, the mailbox's totals, the counted
chunks of the sort orders, the full-text index, the conversations, and the tombstones of what is gone.

Functions take mails of one folder, one or some hundred: what concerns a folder or a label is then counted once. They
move the transaction's history on by its one step, and log nothing: what was done as a whole is the caller's to tell.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from postroom.content.digest import Digest
from postroom.domain.contents import add_contents, release_contents
from postroom.domain.conversation_rows import Tally
from postroom.domain.threads import NO_CONVERSATION, enter, follow, refresh
from postroom.errors import not_found
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId, ItemId, LabelId, Modseq, Uid
from postroom.model.listing import SortField
from postroom.model.mail import Mail
from postroom.store.order_keys import key_of
from postroom.store.sorting import SortKeys
from postroom.store.sql.folders import Counted
from postroom.store.sql.labels import LabelCount
from postroom.store.sql.mailboxes import Advance
from postroom.store.sql.mails import Located
from postroom.store.sql.operations import Grave
from postroom.store.sql.orders import Entry
from postroom.store.tx import Transaction


class Flags(NamedTuple):
    """The flags a mail is filed with."""

    is_unread: bool = True
    is_flagged: bool = False
    is_draft: bool = False
    is_deleted: bool = False
    refw: int = 0


class Change(NamedTuple):
    """A mail before and after it was marked."""

    before: Mail
    after: Mail


async def locate_mail(tx: Transaction, folder_id: FolderId, uid: Uid) -> Located:
    """Return a mail that is to be changed, with the writers of its account held off. Raises: notFound."""
    await tx.lock()
    item = await tx.mails.locate(folder_id, uid)
    if item is None:
        raise not_found("the mail")
    return item


# New mails


class Filing(NamedTuple):
    """A message on its way into a folder, with the Unix seconds and the flags that its mail is to have."""

    digest: Digest
    date: int
    flags: Flags = Flags()


async def file_mail(
    tx: Transaction,
    digest: Digest,
    folder_id: FolderId,
    *,
    date: int,
    flags: Flags,
    fallback: FolderId = INBOX,
) -> Mail:
    """Put a message into a folder and return the new mail; see :func:`file_mails`."""
    [mail] = await file_mails(tx, [Filing(digest, date, flags)], folder_id, fallback=fallback)
    return mail


async def file_mails(
    tx: Transaction, filings: Sequence[Filing], folder_id: FolderId, *, fallback: FolderId = INBOX
) -> list[Mail]:
    """Put messages into a folder (into ``fallback`` if that folder is gone); return the new mails in their order.

    Raises: notFound where the account or the fallback folder has been removed.
    """
    count = len(filings)
    state = await tx.advance(
        items=count,
        size_bytes=sum(filing.digest.size_bytes for filing in filings),
        contents=count,
        item_ids=count,
        mails=count,
    )
    counted = await _count_new(tx, folder_id, filings)
    if counted is None:
        folder_id = fallback
        counted = await _count_new(tx, folder_id, filings)
    if counted is None:
        raise not_found("the folder")
    mails = _make_mails(tx, filings, folder_id, state=state, counted=counted)
    digests = [filing.digest for filing in filings]
    contents = await add_contents(tx, digests, state.content_id)
    mails = [mail._replace(content_id=content_id) for mail, content_id in zip(mails, contents, strict=True)]
    tally = Tally(tx)
    mails = await enter(
        tx,
        tally,
        mails,
        is_threaded=counted.is_threaded,
        threadings=[digest.threading for digest in digests],
        are_new=True,
    )
    items = [Located(mail, sort_keys_of(digest, mail)) for mail, digest in zip(mails, digests, strict=True)]
    await tx.mails.insert(items)
    await tx.orders.added(folder_id, _entries(items, mails), total_items=counted.total_items)
    for item in items:
        if item.mail.conversation_id:
            tally.add(item)
    await tally.settle()
    return mails


async def _count_new(tx: Transaction, folder_id: FolderId, filings: Sequence[Filing]) -> Counted | None:
    """Count new mails in a folder, and take uids for them; None if the folder is gone."""
    return await tx.folders.count(
        folder_id,
        items=len(filings),
        unread=sum(filing.flags.is_unread for filing in filings),
        size_bytes=sum(filing.digest.size_bytes for filing in filings),
        uids=len(filings),
        modseq=tx.modseq,
    )


def _make_mails(
    tx: Transaction, filings: Sequence[Filing], folder_id: FolderId, *, state: Advance, counted: Counted
) -> list[Mail]:
    """Return new mails with the numbers reserved for them; their contents are not known yet."""
    return [
        Mail(
            folder_id=folder_id,
            uid=Uid(counted.first_uid + number),
            item_id=ItemId(state.item_id + number),
            content_id=state.content_id,
            modseq=modseq,
            entered_modseq=modseq,
            replaced_modseq=Modseq(0),
            date=max(filing.date, 0),
            size=filing.digest.size_bytes,
            is_unread=int(filing.flags.is_unread),
            is_flagged=int(filing.flags.is_flagged),
            is_draft=int(filing.flags.is_draft),
            is_deleted=int(filing.flags.is_deleted),
            refw=filing.flags.refw,
            labels="",
            summary=filing.digest.summary,
            conversation_id=NO_CONVERSATION,
        )
        for number, (filing, modseq) in enumerate(zip(filings, tx.stamp(len(filings)), strict=True))
    ]


def sort_keys_of(digest: Digest, mail: Mail) -> SortKeys:
    """Return what a mail of a message is sorted by."""
    return SortKeys(
        date=mail.date,
        size_bytes=mail.size,
        is_unread=mail.is_unread,
        is_flagged=mail.is_flagged,
        importance=digest.importance,
        has_attachments=int(digest.has_attachments),
        subject=digest.sort_subject,
        from_=digest.sort_from,
        to=digest.sort_to,
    )


async def copy_mails(tx: Transaction, items: Sequence[Located], target: FolderId) -> list[Mail]:
    """Put copies of mails of one folder into a folder; return them in the same order.

    Flags, labels and date are those of the originals. Raises: notFound where the target is gone.
    """
    items = await refresh(tx, items)
    mails = [item.mail for item in items]
    state = await tx.advance(
        items=len(mails),
        size_bytes=sum(mail.size for mail in mails),
        item_ids=len(mails),
        mails=len(mails),
    )
    counted = await _enter(tx, target, mails, modseq=state.modseq)
    copies = [
        mail._replace(
            folder_id=target,
            uid=Uid(counted.first_uid + number),
            item_id=ItemId(state.item_id + number),
            modseq=modseq,
            entered_modseq=modseq,
            replaced_modseq=Modseq(0),
        )
        for number, (mail, modseq) in enumerate(zip(mails, tx.stamp(len(mails)), strict=True))
    ]
    tally = Tally(tx)
    copies = await enter(tx, tally, copies, is_threaded=counted.is_threaded, are_new=True)
    await tx.mails.copy(zip([mail.item_id for mail in mails], copies, strict=True))
    pairs = zip(mails, copies, strict=True)
    await tx.drafts.copy([(mail.item_id, copy.item_id) for mail, copy in pairs if mail.is_draft])
    await tx.contents.share(mail.content_id for mail in mails)
    for count in _count_labels(mails, 1):
        await tx.labels.count(
            count.label_id, items=count.total_items, unread=count.unread_items, modseq=state.modseq
        )
    await tx.orders.added(target, _entries(items, copies), total_items=counted.total_items)
    for item, copy in zip(items, copies, strict=True):
        if copy.conversation_id:
            tally.add(Located(copy, item.keys))
    await tally.settle()
    return copies


# Moving


async def move_mails(tx: Transaction, items: Sequence[Located], target: FolderId) -> list[Mail]:
    """Move mails of one folder to another; return them as they are then, in the same order.

    Flags, labels and date stay. Raises: notFound where the target is gone.
    """
    items = await refresh(tx, items)
    mails = [item.mail for item in items]
    state = await tx.advance(mails=len(mails))
    counted = await _enter(tx, target, mails, modseq=state.modseq)
    moved = [
        mail._replace(
            folder_id=target,
            uid=Uid(counted.first_uid + number),
            modseq=modseq,
            entered_modseq=modseq,
        )
        for number, (mail, modseq) in enumerate(zip(mails, tx.stamp(len(mails)), strict=True))
    ]
    tally = Tally(tx)
    moved = await enter(tx, tally, moved, is_threaded=counted.is_threaded)
    await tx.mails.move(moved)
    await _leave(tx, items)
    await tx.orders.added(target, _entries(items, moved), total_items=counted.total_items)
    await follow(tx, tally, before=items, after=moved)
    await tally.settle()
    return moved


async def _enter(tx: Transaction, target: FolderId, mails: Sequence[Mail], *, modseq: Modseq) -> Counted:
    """Count mails that come into a folder, and take uids for them."""
    counted = await tx.folders.count(
        target,
        items=len(mails),
        unread=sum(mail.is_unread for mail in mails),
        size_bytes=sum(mail.size for mail in mails),
        uids=len(mails),
        modseq=modseq,
    )
    if counted is None:
        raise not_found("the folder")
    await tx.labels.count_in(target, _count_labels(mails, 1))
    return counted


def _entries(items: Sequence[Located], mails: Sequence[Mail]) -> list[Entry]:
    """Return the places of mails that have come into a folder; ``items`` are what they were before."""
    return [Entry(item.keys, mail.uid) for item, mail in zip(items, mails, strict=True)]


async def _leave(tx: Transaction, items: Sequence[Located]) -> None:
    """Count mails that have gone out of their folder, and leave tombstones."""
    mails = [item.mail for item in items]
    source = mails[0].folder_id
    await tx.operations.bury(
        [
            Grave(source, mail.uid, mail.entered_modseq, modseq)
            for mail, modseq in zip(mails, tx.stamp(len(mails)), strict=True)
        ],
        removed_at=int(time.time() * 1000),
    )
    counted = await tx.folders.count(
        source,
        items=-len(mails),
        unread=-sum(mail.is_unread for mail in mails),
        size_bytes=-sum(mail.size for mail in mails),
        uids=0,
        modseq=tx.modseq,
    )
    if counted is None:
        return
    await tx.labels.count_in(source, _count_labels(mails, -1))
    if counted.is_shared:
        await tx.reader_marks.leave(source, [mail.uid for mail in mails])
    entries = [Entry(item.keys, item.mail.uid) for item in items]
    await tx.orders.removed(source, entries, total_items=counted.total_items)


def _count_labels(mails: Iterable[Mail], sign: int) -> list[LabelCount]:
    """Return what mails add to the counters of labels, or take from them."""
    items: Counter[LabelId] = Counter()
    unread: Counter[LabelId] = Counter()
    for mail in mails:
        for label_id in mail.label_ids():
            items[label_id] += sign
            unread[label_id] += sign * mail.is_unread
    return [LabelCount(label_id, unread[label_id], items[label_id]) for label_id in sorted(items)]


# Removing


async def remove_mails(tx: Transaction, items: Sequence[Located]) -> list[Mail]:
    """Remove mails of one folder for good, leaving tombstones; a content goes with the last mail that shows it.

    Returns the mails as they were, with the step of their removal.
    """
    items = await refresh(tx, items)
    mails = [item.mail for item in items]
    state = await tx.advance(
        items=-len(mails), size_bytes=-sum(mail.size for mail in mails), mails=len(mails)
    )
    await tx.mails.delete(mail.item_id for mail in mails)
    await tx.drafts.delete([mail.item_id for mail in mails if mail.is_draft])
    await _leave(tx, items)
    for count in _count_labels(mails, -1):
        await tx.labels.count(
            count.label_id, items=count.total_items, unread=count.unread_items, modseq=state.modseq
        )
    await part_mails(tx, items)
    await release_contents(tx, mails)
    return [mail._replace(modseq=modseq) for mail, modseq in zip(mails, tx.stamp(len(mails)), strict=True)]


async def part_mails(tx: Transaction, items: Sequence[Located]) -> None:
    """Part mails whose rows are gone from their conversations; their contents must still be there."""
    tally = Tally(tx)
    gone = [item.mail._replace(conversation_id=NO_CONVERSATION) for item in items]
    await follow(tx, tally, before=items, after=gone)
    await tally.settle()


# Marking


async def set_flags(
    tx: Transaction, items: Sequence[Located], *, is_unread: bool | None, is_flagged: bool | None
) -> list[Change]:
    """Set flags of mails of one folder; None leaves one as it is. Returns what changed."""

    def mark(mail: Mail) -> Mail:
        return mail._replace(
            is_unread=mail.is_unread if is_unread is None else int(is_unread),
            is_flagged=mail.is_flagged if is_flagged is None else int(is_flagged),
        )

    return await mark_mails(tx, items, mark)


async def mark_mails(tx: Transaction, items: Sequence[Located], mark: Callable[[Mail], Mail]) -> list[Change]:
    """Give mails of one folder the unread and flagged state that ``mark`` says. Returns what changed."""
    items = await refresh(tx, items)
    marked = [(item, after) for item in items if (after := mark(item.mail)) != item.mail]
    if not marked:
        return []
    state = await tx.advance(mails=len(marked))
    changes = [
        Change(item.mail, after._replace(modseq=modseq))
        for (item, after), modseq in zip(marked, tx.stamp(len(marked)), strict=True)
    ]
    await tx.mails.set_flags(change.after for change in changes)
    folder_id = changes[0].after.folder_id
    await _count_unread(tx, folder_id, changes, modseq=state.modseq)
    for field in (SortField.IS_UNREAD, SortField.IS_FLAGGED):
        places = []
        for item, after in marked:
            keys = item.keys._replace(is_unread=after.is_unread, is_flagged=after.is_flagged)
            old, new = key_of(field, item.keys, after.uid), key_of(field, keys, after.uid)
            if old != new:
                places.append((old, new))
        if places:
            await tx.orders.moved(folder_id, field, places)
    tally = Tally(tx)
    for item, after in marked:
        if after.conversation_id:
            tally.remove(item)
            keys = item.keys._replace(is_unread=after.is_unread, is_flagged=after.is_flagged)
            tally.add(Located(after, keys))
    await tally.settle()
    return changes


async def set_refw(tx: Transaction, item: Located, refw: int) -> Change | None:
    """Set whether a mail was answered or forwarded (its bits as a whole). Returns what changed, if something did."""
    [item] = await refresh(tx, [item])
    before = item.mail
    if before.refw == refw:
        return None
    state = await tx.advance()
    after = before._replace(refw=refw, modseq=state.modseq)
    await tx.mails.set_flags([after])
    # The folder's content has changed, though none of its counters has.
    await tx.folders.count(after.folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    await _touch_conversations(tx, [after])
    return Change(before, after)


async def _touch_conversations(tx: Transaction, mails: Iterable[Mail]) -> None:
    """Note that something of mails has changed that their conversations show, but do not count."""
    tally = Tally(tx)
    for mail in mails:
        if mail.conversation_id:
            tally.touch(mail.conversation_id)
    await tally.settle()


async def _count_unread(
    tx: Transaction, folder_id: FolderId, changes: Sequence[Change], *, modseq: Modseq
) -> None:
    """Count what was read or unread in its folder and its labels."""
    unread: Counter[LabelId] = Counter()
    for before, after in changes:
        for label_id in after.label_ids():
            unread[label_id] += after.is_unread - before.is_unread
    total = sum(after.is_unread - before.is_unread for before, after in changes)
    if await tx.folders.count(folder_id, items=0, unread=total, size_bytes=0, uids=0, modseq=modseq) is None:
        raise not_found("the folder")
    counts = [LabelCount(label_id, count, 0) for label_id, count in sorted(unread.items()) if count]
    await tx.labels.count_in(folder_id, counts)
    for count in counts:
        await tx.labels.count(count.label_id, items=0, unread=count.unread_items, modseq=modseq)


async def set_label(
    tx: Transaction, items: Sequence[Located], label_id: LabelId, *, is_on: bool
) -> list[Change]:
    """Put a label, which is there, on mails of one folder, or take it off. Returns what changed."""
    marked: list[Change] = []
    for item in await refresh(tx, items):
        labels = set(item.mail.label_ids())
        if (label_id in labels) == is_on:
            continue
        after = item.mail._replace(labels=" ".join(map(str, sorted(labels ^ {label_id}))))
        marked.append(Change(item.mail, after))
    if not marked:
        return []
    state = await tx.advance(mails=len(marked))
    changes = [
        Change(before, after._replace(modseq=modseq))
        for (before, after), modseq in zip(marked, tx.stamp(len(marked)), strict=True)
    ]
    await tx.mails.set_labels(change.after for change in changes)
    folder_id = changes[0].after.folder_id
    # The folder's content has changed, though none of its own counters has.
    await tx.folders.count(folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    sign = 1 if is_on else -1
    unread = sign * sum(change.after.is_unread for change in changes)
    await tx.labels.count_in(folder_id, [LabelCount(label_id, unread, sign * len(changes))])
    await tx.labels.count(label_id, items=sign * len(changes), unread=unread, modseq=state.modseq)
    await _touch_conversations(tx, [change.after for change in changes])
    return changes
