"""Changing mails in folders of others: the same actions, as far as the permissions go.

What an action needs of a folder is checked where it is done, in its transaction, for each folder that it concerns.
What is done to a mail shows it, so that reading is needed too; a mail leaves its folder by ``t`` and ``e``, and comes
into one by ``i``. The flag "unread" is the reader's own (:mod:`postroom.domain.reader_marks`). There is no way to
another's Trash, Archive or Spam: a mail goes for good, or into a folder that is named. Labels belong to their owner
alone.

What was done is in the owner's history, and on nobody's undo stack.
"""

from collections.abc import Mapping, Sequence

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import INSERT, READ, SEEN, TAKE, WRITE, require
from postroom.domain.actions import (
    Action,
    Archive,
    CopyTo,
    Delete,
    MoveTo,
    Outcome,
    Policy,
    SetFlags,
    SetLabel,
    group_by_folder,
    is_within,
    perform,
)
from postroom.domain.history import write_down
from postroom.domain.quota import Quota
from postroom.domain.reader_marks import mark_seen
from postroom.domain.settings import read_settings
from postroom.domain.steps import Record, Step
from postroom.errors import not_found, not_permitted
from postroom.model.account import Caller
from postroom.model.ids import AccountId, FolderId
from postroom.model.sharing import Asker
from postroom.store.sql.mails import Located
from postroom.store.tx import Snapshot, Transaction


def needs_of(action: Action) -> str:
    """Return what an action needs in the folder of a mail."""
    match action:
        case SetFlags(is_unread=is_unread, is_flagged=is_flagged):
            seen = "" if is_unread is None else SEEN
            return READ + seen + ("" if is_flagged is None else WRITE)
        case MoveTo():
            return READ + TAKE
        case Delete():
            return TAKE
        case SetLabel():
            return READ + WRITE
        case CopyTo() | Archive():
            return READ


async def check_shared_action(mailbox: Snapshot, asker: Caller | Asker, action: Action) -> None:
    """Refuse what can be done to no mail of another's. Raises: notFound; notPermitted."""
    if isinstance(action, MoveTo | CopyTo) and action.folder_id:
        folder_id = FolderId(action.folder_id)
        await require(mailbox, asker, folder_id, needs=INSERT, what="the destination folder")
    if isinstance(action, SetLabel):
        # It is either the caller's, which no mail of another's has, or not his to know of.
        raise not_found("the label")


async def perform_for(
    tx: Transaction, asker: Caller | Asker, action: Action, *, items: Sequence[Located], policy: Policy
) -> Outcome:
    """Do an action to mails of another's, which may lie in several folders.

    ``policy`` has the asker's wish where a mail goes that is deleted, and the owner's quota.
    Raises: notFound; notPermitted; badParameter; messageQuotaExceeded; sizeQuotaExceeded.
    """
    outcome = Outcome([], {item.mail.item_id: item.mail for item in items})
    for group in group_by_folder(items):
        folder_id = group[0].mail.folder_id
        await require(tx, asker, folder_id, needs=needs_of(action), what="the mail")
        await check_shared_action(tx, asker, action)
        match action:
            case SetFlags():
                await _set_flags(tx, asker.account_id, action, items=group, outcome=outcome)
            case Archive():
                raise not_permitted("another's mail can be moved, but not archived")
            case Delete():
                if not action.permanent:
                    await _check_deleted(tx, folder_id, policy)
                _add(outcome, await perform(tx, Delete(permanent=True), group, policy=policy))
            case CopyTo(folder_id=0):
                await require(tx, asker, folder_id, needs=INSERT)
                _add(outcome, await perform(tx, action, group, policy=policy))
            case _:
                _add(outcome, await perform(tx, action, group, policy=policy))
    return outcome


def _add(outcome: Outcome, done: Outcome) -> None:
    outcome.steps.extend(done.steps)
    outcome.mails.update(done.mails)


async def _check_deleted(tx: Transaction, folder_id: FolderId, policy: Policy) -> None:
    """Refuse to delete what would go to Trash. Raises: notPermitted."""
    if not policy.delete_to_trash:
        return
    trash = await tx.folders.find_role("trash")
    if trash is None or not await is_within(tx, folder_id, trash):
        raise not_permitted("another's mail cannot be moved to Trash; it can be deleted for good")


async def _set_flags(
    tx: Transaction,
    reader_id: AccountId,
    action: SetFlags,
    *,
    items: Sequence[Located],
    outcome: Outcome,
) -> None:
    if action.is_unread is not None and items[0].mail.folder_id not in action.sparing:
        await mark_seen(tx, reader_id, [item.mail for item in items], is_unread=action.is_unread)
    if action.is_flagged is not None:
        flags = SetFlags(None, action.is_flagged)
        _add(outcome, await perform(tx, flags, items, policy=Policy()))


async def read_policy_for(
    mailbox: Snapshot, reader_id: AccountId, classes: Mapping[str, AccountClass]
) -> Policy:
    """Return what a reader's actions go by in another's mailbox: his own wishes, and the owner's quota."""
    owner = await mailbox.accounts.find(mailbox.account_id)
    settings = await read_settings(mailbox.at(reader_id), classes)
    name = "" if owner is None else owner.class_name
    return Policy(
        delete_to_trash=settings.delete_to_trash,
        quota=Quota.of(class_of(classes, name)),
    )


async def write_down_shared(tx: Transaction, kind: str, steps: list[Step], *, folder_id: FolderId) -> None:
    """Write down what was done in another's mailbox, also where it was nothing but a reader's marks."""
    if steps:
        await write_down(tx, kind, steps, folder_id=folder_id)
    elif tx.modseq:
        await tx.log("mails.seen", Record(), modseq=tx.modseq)
