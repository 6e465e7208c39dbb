"""The first attempt of a message: from here on it cannot be taken back.

Undo and the first attempt meet in one row: whoever changes it first wins. A scheduled message lies in the folder of
scheduled mail until then: in the same transaction its copy goes to Sent (or goes, where the account keeps no sent
mail). If the copy is not there any more, its owner has moved or deleted it, and with that unscheduled the message.
"""

from collections.abc import Mapping

from postroom.config.classes import AccountClass
from postroom.domain.actions import move_step
from postroom.domain.filing import move_mails, remove_mails
from postroom.domain.outbox import withdraw
from postroom.domain.queue_leases import Lease, LeaseLostError
from postroom.domain.references import unmark_referred
from postroom.domain.settings import read_settings
from postroom.domain.steps import Listed, Record, Remove, Step
from postroom.model.folder import SCHEDULED as SCHEDULED_FOLDER
from postroom.model.folder import SENT as SENT_FOLDER
from postroom.model.ids import ItemId
from postroom.model.outgoing import SCHEDULED, Outgoing
from postroom.store import Store
from postroom.store.tx import Transaction

RELEASED = "mails.release"
"""The kind of operation by which a scheduled mail leaves its folder."""


async def start(
    store: Store, lease: Lease, message: Outgoing, *, classes: Mapping[str, AccountClass], now: int
) -> bool:
    """Begin with a message, if nobody has; False if it is not to be sent any more.

    Raises: LeaseLostError; notFound where the account has been removed; unavailable.
    """
    if message.started_at:
        return not message.finished_at
    if message.kind == SCHEDULED:
        async with store.transaction(message.account_id) as tx:
            return await _start_scheduled(tx, lease, message, classes=classes, now=now)
    async with store.directory_transaction() as directory:
        started = await directory.outgoing.work.start(message.processing_id, now=now, item_id=message.item_id)
        if not started:
            known = await directory.outgoing.find(message.processing_id)
            return known is not None and not known.finished_at
        if not await directory.outgoing.work.is_held(lease.group):
            raise LeaseLostError
    return True


async def _start_scheduled(
    tx: Transaction, lease: Lease, message: Outgoing, *, classes: Mapping[str, AccountClass], now: int
) -> bool:
    await tx.lock()
    known = await tx.outgoing.lock(message.processing_id)
    if known is None or known.finished_at or known.started_at:
        return known is not None and not known.finished_at
    item_id = await _release_copy(tx, classes, known.item_id)
    if item_id is None:
        await _unschedule(tx, known, now=now)
        return False
    await tx.outgoing.work.start(message.processing_id, now=now, item_id=item_id)
    if not await tx.outgoing.work.is_held(lease.group):
        raise LeaseLostError
    return True


async def _unschedule(tx: Transaction, message: Outgoing, *, now: int) -> None:
    """Withdraw a message, and take back what it has noted of the mail that it answers or forwards."""
    steps: list[Step] = []
    withdrawn = await withdraw(tx, message.processing_id, now=now, released_after=0)
    if withdrawn is not None:
        await unmark_referred(tx, withdrawn, steps)
    if steps:
        await tx.log(RELEASED, Record(steps), modseq=tx.modseq)


async def _release_copy(
    tx: Transaction, classes: Mapping[str, AccountClass], item_id: ItemId
) -> ItemId | None:
    """Move the copy of a scheduled mail to Sent, or remove it; return its number then, None if it is not there."""
    item = (await tx.mails.locate_items([item_id])).get(item_id)
    if item is None or item.mail.folder_id != SCHEDULED_FOLDER:
        return None
    settings = await read_settings(tx, classes)
    if settings.save_to_sent:
        moved = await move_mails(tx, [item], SENT_FOLDER)
        await tx.log(RELEASED, Record([move_step([item], moved)]), modseq=tx.modseq)
        return item_id
    await remove_mails(tx, [item])
    step = Remove(SCHEDULED_FOLDER, [Listed(item_id, item.mail.uid)])
    await tx.log(RELEASED, Record([step]), modseq=tx.modseq)
    return ItemId(0)
