"""Filing: the one place where mails change, and the counters with them.

Whatever puts a mail into a folder, changes its flags or takes it out goes through here. In one transaction these
stay in step: the mail, its content's reference, the folder's and the labels' counters, the mailbox's totals, the
counted chunks of the sort orders, the full-text index, and the tombstone of what is gone.
"""

import time
from typing import NamedTuple

from postroom.content.digest import Digest
from postroom.errors import not_found
from postroom.model.folder import INBOX
from postroom.model.ids import ContentId, FolderId, Uid
from postroom.model.listing import SortField
from postroom.model.mail import Mail
from postroom.store.sorting import SortKeys
from postroom.store.sql.contents import Content
from postroom.store.sql.orders import key_of
from postroom.store.tx import Transaction


class Flags(NamedTuple):
    """The flags a mail is filed with."""

    is_unread: bool = True
    is_flagged: bool = False
    is_draft: bool = False
    is_deleted: bool = False
    refw: int = 0


async def file_mail(
    tx: Transaction,
    digest: Digest,
    folder_id: FolderId,
    *,
    date: int,
    flags: Flags,
    fallback: FolderId = INBOX,
) -> Mail:
    """Put a message into a folder (into ``fallback`` if that folder is gone) and return the new mail.

    Args:
        tx: the transaction of the account.
        digest: the message.
        folder_id: where it goes.
        date: Unix seconds.
        flags: its flags.
        fallback: the folder for mail whose folder is gone; it must exist.

    Raises: notFound where the account or the fallback folder has been removed.
    """
    size = digest.size_bytes
    state = await tx.advance(items=1, size_bytes=size, contents=1)
    content_id = await tx.contents.add(
        Content(state.content_id, digest.sha256, size, 1, digest.structure, digest.data)
    )
    if content_id == state.content_id:
        await tx.index(content_id, digest.index_terms)
    counts = {"items": 1, "unread": int(flags.is_unread), "size_bytes": size, "uids": 1}
    counted = await tx.folders.count(folder_id, **counts, modseq=state.modseq)
    if counted is None:
        folder_id = fallback
        counted = await tx.folders.count(folder_id, **counts, modseq=state.modseq)
    if counted is None:
        raise not_found("the folder")
    mail = Mail(
        folder_id=folder_id,
        uid=counted.first_uid,
        content_id=content_id,
        modseq=state.modseq,
        date=max(date, 0),
        size=size,
        is_unread=int(flags.is_unread),
        is_flagged=int(flags.is_flagged),
        is_draft=int(flags.is_draft),
        is_deleted=int(flags.is_deleted),
        refw=flags.refw,
        labels="",
        summary=digest.summary,
    )
    keys = _sort_keys(digest, mail)
    await tx.mails.insert(mail, keys)
    await tx.orders.added(folder_id, keys, mail.uid, total_items=counted.total_items)
    return mail


def _sort_keys(digest: Digest, mail: Mail) -> SortKeys:
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


async def set_flags(
    tx: Transaction, folder_id: FolderId, uid: Uid, *, is_unread: bool | None, is_flagged: bool | None
) -> tuple[Mail, Mail]:
    """Set flags of a mail; None leaves one as it is. Returns the mail before and after, the same if nothing changed.

    Raises: notFound.
    """
    await tx.lock()
    before = await tx.mails.find(folder_id, uid)
    if before is None:
        raise not_found("the mail")
    after = before._replace(
        is_unread=before.is_unread if is_unread is None else int(is_unread),
        is_flagged=before.is_flagged if is_flagged is None else int(is_flagged),
    )
    if after == before:
        return before, before
    keys = await tx.mails.find_keys(folder_id, uid)
    state = await tx.advance()
    after = after._replace(modseq=state.modseq)
    await tx.mails.set_flags(after)
    unread = after.is_unread - before.is_unread
    counted = await tx.folders.count(
        folder_id, items=0, unread=unread, size_bytes=0, uids=0, modseq=state.modseq
    )
    if counted is None or keys is None:
        raise not_found("the folder")
    for label_id in before.label_ids():
        await tx.labels.count(label_id, items=0, unread=unread, modseq=state.modseq)
    new_keys = keys._replace(is_unread=after.is_unread, is_flagged=after.is_flagged)
    for field in (SortField.IS_UNREAD, SortField.IS_FLAGGED):
        old_key, new_key = key_of(field, keys, uid), key_of(field, new_keys, uid)
        if old_key != new_key:
            await tx.orders.moved(folder_id, field, old=old_key, new=new_key)
    return before, after


async def remove_mail(tx: Transaction, folder_id: FolderId, uid: Uid) -> Mail:
    """Take a mail out of its folder for good, leaving a tombstone; return what it was.

    Its content goes with the last mail that shows it. Raises: notFound.
    """
    await tx.lock()
    mail = await tx.mails.find(folder_id, uid)
    keys = await tx.mails.find_keys(folder_id, uid)
    if mail is None or keys is None:
        raise not_found("the mail")
    state = await tx.advance(items=-1, size_bytes=-mail.size)
    await tx.mails.delete(folder_id, uid)
    await tx.operations.bury(folder_id, uid, modseq=state.modseq, removed_at=int(time.time() * 1000))
    counted = await tx.folders.count(
        folder_id, items=-1, unread=-mail.is_unread, size_bytes=-mail.size, uids=0, modseq=state.modseq
    )
    if counted is not None:
        await tx.orders.removed(folder_id, keys, uid, total_items=counted.total_items)
    for label_id in mail.label_ids():
        await tx.labels.count(label_id, items=-1, unread=-mail.is_unread, modseq=state.modseq)
    await _release(tx, mail.content_id)
    return mail


async def _release(tx: Transaction, content_id: ContentId) -> None:
    if await tx.contents.release(content_id) <= 0:
        await tx.unindex(content_id)
