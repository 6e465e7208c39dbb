"""What a hook is told of a folder that another shares with its account: what a reader sees of it, and no more.

The hook follows the owner's history, so that nothing is written for readers. What an operation did is told as it
looks from within the folder: a mail that came from another one was created in it, one that went to another was
removed. Whether a mail is unread is the reader's own: of the owner's marks the flags alone are told, and beside the
steps of an operation the marks that the reader himself has made by it. Labels, what became of mails that were sent,
and folders that he does not see are the owner's own concern.

Who may not read the folder any more is told nothing more: the permission is looked up for each operation.
"""

import msgspec

from postroom.domain.access import LIST, READ
from postroom.domain.steps import (
    FLAGGED,
    UNREAD,
    Bounce,
    Dispatch,
    DropFolder,
    Insert,
    Label,
    Listed,
    MakeFolder,
    Mark,
    Marked,
    Move,
    Place,
    PlaceFolder,
    Record,
    Remove,
    RemoveFolder,
    Step,
    read_record,
)
from postroom.domain.webhook_messages import Message, list_messages_of
from postroom.model.folder import ROOT
from postroom.model.ids import FolderId, Modseq, Uid
from postroom.model.sharing import Asker
from postroom.model.webhook import Webhook
from postroom.store.sql.operations import Operation
from postroom.store.tx import Snapshot


async def may_read(mailbox: Snapshot, hook: Webhook, asker: Asker) -> bool:
    """Tell whether a hook's account may read the folder that it is told of."""
    rights = await mailbox.grants.find_rights(hook.folder_id, asker)
    return LIST in rights and READ in rights


async def list_shared_messages(
    mailbox: Snapshot, hook: Webhook, operation: Operation, *, asker: Asker
) -> list[Message]:
    """Return the messages of an operation of another's for a hook; a step has the same number at all times."""
    try:
        steps = read_record(operation.data).steps
    except msgspec.MsgspecError:
        steps = Record().steps  # Nothing that can be told.
    seen = [await _see(mailbox, hook, step, asker=asker) for step in steps]
    seen.append(await _list_own_marks(mailbox, hook, operation.modseq))
    return list_messages_of(seen, kinds=frozenset(hook.kinds.split()), folder_id=hook.folder_id)


async def _see(mailbox: Snapshot, hook: Webhook, step: Step, *, asker: Asker) -> Step | None:
    """Return a step as a reader sees it, None if he does not."""
    match step:
        case Move(source=source, target=target, mails=mails):
            if target == hook.folder_id:
                return Insert(target, [Listed(mail.item_id, mail.new_uid) for mail in mails])
            if source == hook.folder_id:
                return Remove(source, [Listed(mail.item_id, mail.old_uid) for mail in mails])
            return None
        case Label() | Dispatch() | Bounce():
            return None
    if step.folder_id != hook.folder_id:
        return None
    match step:
        case Mark():
            return await _see_mark(mailbox, hook, step)
        case PlaceFolder(folder_id=folder_id, before=before, after=after):
            places = [await _see_place(mailbox, asker, place) for place in (before, after)]
            return PlaceFolder(folder_id, *places) if places[0] != places[1] else None
        case MakeFolder() | DropFolder() | RemoveFolder():
            return msgspec.structs.replace(step, place=await _see_place(mailbox, asker, step.place))
    return step


async def _see_mark(mailbox: Snapshot, hook: Webhook, step: Mark) -> Mark | None:
    """Return what the owner has flagged; his marks of what is unread are seen by nobody else."""
    flagged = [mail for mail in step.mails if (mail.before ^ mail.after) & FLAGGED]
    marks = await mailbox.reader_marks.find(
        hook.folder_id, hook.account_id, [Uid(mail.uid) for mail in flagged]
    )
    mails = []
    for mail in flagged:
        mark = marks.get(Uid(mail.uid))
        unread = 0 if mark is not None and mark.is_seen else UNREAD
        mails.append(
            mail._replace(before=mail.before & FLAGGED | unread, after=mail.after & FLAGGED | unread)
        )
    return Mark(step.folder_id, mails) if mails else None


async def _see_place(mailbox: Snapshot, asker: Asker, place: Place) -> Place:
    """Return where a folder is for a reader: in its owner's container, if he does not see its parent."""
    parent_id = FolderId(place.parent_id)
    is_seen = parent_id == ROOT or LIST in await mailbox.grants.find_rights(parent_id, asker)
    return place if is_seen else Place(ROOT, place.name)


async def _list_own_marks(mailbox: Snapshot, hook: Webhook, modseq: Modseq) -> Mark | None:
    """Return the marks that a reader has made at a step, so far as they still hold."""
    found = await mailbox.reader_marks.list_made(hook.folder_id, hook.account_id, modseq)
    mails = []
    for uid, item_id, is_seen, is_flagged in found:
        flagged = FLAGGED if is_flagged else 0
        after = flagged | (0 if is_seen else UNREAD)
        mails.append(Marked(item_id, uid, after ^ UNREAD, after))
    return Mark(hook.folder_id, mails) if mails else None
