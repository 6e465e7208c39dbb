"""Checking what readers have seen of an account's folders: figures against marks, and marks against mails."""

from postroom.store.sql.reader_recounts import SeenCount
from postroom.store.tx import Snapshot, Transaction


async def find_reader_faults(mailbox: Snapshot) -> list[str]:
    """Return what is wrong, in words."""
    faults = [
        f"folder {wrong.folder_id}: reader {wrong.reader_id} has {was} mails counted as seen, "
        f"{wrong.seen_items} are"
        for wrong, was in await _list_wrong(mailbox)
    ]
    strayed = await mailbox.reader_recounts.list_strayed()
    faults += [
        f"folder {folder_id}: mail {uid} is not there, and has readers' marks" for folder_id, uid in strayed
    ]
    return faults


async def _list_wrong(mailbox: Snapshot) -> list[tuple[SeenCount, int]]:
    """Return the right figures where there are wrong ones, with these."""
    recounted = await mailbox.reader_recounts.recount()
    return [
        (count._replace(seen_items=seen), count.seen_items)
        for count in await mailbox.reader_recounts.list_counted()
        if (seen := recounted.get((count.folder_id, count.reader_id), 0)) != count.seen_items
    ]


async def repair_readers(tx: Transaction) -> None:
    """Set right what is wrong."""
    for folder_id, uid in await tx.reader_recounts.list_strayed():
        await tx.reader_marks.leave(folder_id, [uid])
    wrong = await _list_wrong(tx)
    if wrong:
        state = await tx.advance(folders=False)
        for count, _ in wrong:
            await tx.reader_recounts.set_seen(count, modseq=state.modseq)
