"""Rewriting: a mail gets another message or date, and stays the mail that it is.

As all of :mod:`postroom.domain.filing`, this keeps in step what depends on the mails. A mail that was rewritten is
parted from its conversation and finds its place anew.
"""

from collections.abc import Sequence

from postroom.content.digest import Digest
from postroom.domain.contents import add_contents, release_contents
from postroom.domain.conversation_rows import Tally
from postroom.domain.filing import Flags, move_mails, sort_keys_of
from postroom.domain.threads import NO_CONVERSATION, enter, leave, read_keys, refresh
from postroom.errors import not_found
from postroom.model.folder import DRAFTS
from postroom.model.mail import Mail
from postroom.store.sorting import SortKeys
from postroom.store.sql.labels import LabelCount
from postroom.store.sql.mails import Located
from postroom.store.sql.orders import Entry
from postroom.store.tx import Transaction


async def replace_mail(tx: Transaction, item: Located, digest: Digest, *, date: int, flags: Flags) -> Mail:
    """Give a mail another message, and return it as it is then; its place, labels and number stay.

    Args:
        tx: the transaction of the account.
        item: the mail.
        digest: the message.
        date: Unix seconds.
        flags: its flags, all but ``is_deleted`` and ``refw``, which stay.
    """
    [item] = await refresh(tx, [item])
    before = item.mail
    state = await tx.advance(size_bytes=digest.size_bytes - before.size, contents=1)
    [content_id] = await add_contents(tx, [digest], state.content_id)
    after = before._replace(
        content_id=content_id,
        modseq=state.modseq,
        replaced_modseq=state.modseq,
        date=max(date, 0),
        size=digest.size_bytes,
        is_unread=int(flags.is_unread),
        is_flagged=int(flags.is_flagged),
        is_draft=int(flags.is_draft),
        summary=digest.summary,
    )
    after = await _rewrite(tx, item, after, keys=sort_keys_of(digest, after))
    await release_contents(tx, [before])
    return after


async def show_anew(tx: Transaction, items: Sequence[Located], summaries: Sequence[bytes]) -> list[Mail]:
    """Have lists show something else of mails of one folder, whose messages stay; return them as they are then.

    For those who follow changes, the mails are replaced: they look at all that is shown of them.
    """
    items = await refresh(tx, items)
    state = await tx.advance(mails=len(items))
    mails = [
        item.mail._replace(summary=summary, modseq=modseq, replaced_modseq=modseq)
        for item, summary, modseq in zip(items, summaries, tx.stamp(len(items)), strict=True)
    ]
    await tx.bimi_waiting.show(mails)
    # The folder's content has changed, though none of its counters has.
    await tx.folders.count(mails[0].folder_id, items=0, unread=0, size_bytes=0, uids=0, modseq=state.modseq)
    tally = Tally(tx)
    for mail in mails:
        if mail.conversation_id:
            tally.touch(mail.conversation_id)
    await tally.settle()
    return mails


async def make_draft(tx: Transaction, item: Located, *, date: int) -> Mail:
    """Move a mail to Drafts, where it is a draft of that date (Unix seconds); return it as it is then."""
    [item] = await refresh(tx, [item])
    mail = item.mail
    if mail.folder_id != DRAFTS:
        [mail] = await move_mails(tx, [item], DRAFTS)
    state = await tx.advance()
    after = mail._replace(modseq=state.modseq, date=max(date, 0), is_draft=1)
    keys = item.keys._replace(date=after.date)
    return await _rewrite(tx, Located(mail, item.keys), after, keys=keys)


async def _rewrite(tx: Transaction, item: Located, after: Mail, *, keys: SortKeys) -> Mail:
    """Store a mail anew in its place, and count what that changes; the mailbox's size is the caller's to count.

    Returns it as it is then: it may be of another conversation. The content that it had must still be there.
    """
    before, folder_id = item.mail, after.folder_id
    await tx.drafts.rewrite(after._replace(conversation_id=NO_CONVERSATION), keys)
    unread = after.is_unread - before.is_unread
    counted = await tx.folders.count(
        folder_id,
        items=0,
        unread=unread,
        size_bytes=after.size - before.size,
        uids=0,
        modseq=after.modseq,
    )
    if counted is None:
        raise not_found("the folder")
    labels = [LabelCount(label_id, unread, 0) for label_id in after.label_ids()] if unread else []
    await tx.labels.count_in(folder_id, labels)
    for label in labels:
        await tx.labels.count(label.label_id, items=0, unread=unread, modseq=after.modseq)
    if keys != item.keys:
        total = counted.total_items
        await tx.orders.removed(folder_id, [Entry(item.keys, after.uid)], total_items=total - 1)
        await tx.orders.added(folder_id, [Entry(keys, after.uid)], total_items=total)
    return await _thread_anew(tx, item, Located(after, keys), is_threaded=counted.is_threaded)


async def _thread_anew(tx: Transaction, item: Located, new: Located, *, is_threaded: int) -> Mail:
    """Part a mail that was stored anew from its conversation, and have it find where it belongs now."""
    tally = Tally(tx)
    if item.mail.conversation_id:
        await leave(tx, tally, [item], keys=await read_keys(tx, [item.mail]))
        await tally.settle()
    [after] = await enter(
        tx,
        tally,
        [new.mail._replace(conversation_id=NO_CONVERSATION)],
        is_threaded=is_threaded,
        preferred=item.mail.conversation_id,
    )
    if after.conversation_id:
        await tx.conversations.assign([(after.item_id, after.conversation_id)], modseq=after.modseq)
        tally.add(Located(after, new.keys))
    await tally.settle()
    return after
