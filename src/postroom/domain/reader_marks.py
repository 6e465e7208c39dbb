"""Marking mails of another's folder as seen: a reader's own state, which nobody else sees.

It is a step of the owner's history, so that it has a place in the order of the folder's changes; but nothing of the
folder changes with it, and only the reader's own tokens move.
"""

from collections.abc import Sequence

from postroom.model.ids import AccountId
from postroom.model.mail import Mail
from postroom.store.tx import Transaction


async def mark_seen(tx: Transaction, reader_id: AccountId, mails: Sequence[Mail], *, is_unread: bool) -> bool:
    """Mark mails of one folder for a reader; return whether that changed anything."""
    folder_id = mails[0].folder_id
    marks = await tx.reader_marks.find(folder_id, reader_id, [mail.uid for mail in mails])
    changed = [mail.uid for mail in mails if bool(mail.uid in marks and marks[mail.uid].is_seen) == is_unread]
    if not changed:
        return False
    state = await tx.advance(folders=False)
    is_seen = int(not is_unread)
    await tx.reader_marks.put(folder_id, reader_id, changed, is_seen=is_seen, modseq=state.modseq)
    return True
