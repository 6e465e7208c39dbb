"""What a draft or a sent mail answers or forwards: the flags of that mail, and taking them back."""

from postroom.compose.finishing import read_fields
from postroom.domain.filing import Change, set_refw
from postroom.domain.steps import Marked, Refer, Step
from postroom.model.ids import ItemId
from postroom.model.mail import REFW_FORWARDED, REFW_REPLIED
from postroom.model.outgoing import Outgoing
from postroom.store.sql.drafts import Reference
from postroom.store.tx import Transaction

_BITS = {"re": REFW_REPLIED, "fw": REFW_FORWARDED}


async def mark_referred(tx: Transaction, reference: Reference | None, steps: list[Step]) -> int:
    """Note that a mail is answered or forwarded, if it is still there; add the step.

    Returns the bits that were not set before.
    """
    if reference is None or reference.refw_type not in _BITS:
        return 0
    bit = _BITS[reference.refw_type]
    item_id = reference.refw_item_id
    item = (await tx.mails.locate_items([item_id])).get(item_id)
    if item is None or item.mail.refw & bit:
        return 0
    _add_step(await set_refw(tx, item, item.mail.refw | bit), steps)
    return bit


async def unmark_referred(tx: Transaction, message: Outgoing, steps: list[Step]) -> None:
    """Take back what sending a message has noted of the mail that it answers or forwards; add the step."""
    item_id = ItemId(message.refw_item_id)
    if not message.refw or not item_id:
        return
    item = (await tx.mails.locate_items([item_id])).get(item_id)
    if item is not None:
        _add_step(await set_refw(tx, item, item.mail.refw & ~message.refw), steps)


async def restore_reference(tx: Transaction, message: Outgoing, draft_id: ItemId, *, raw: bytes) -> None:
    """Have a draft answer or forward again what a message did that it was sent as."""
    if not message.refw_item_id:
        return
    word = next((word for word, bit in _BITS.items() if bit == message.refw), "")
    if not word:  # The flag was set before. An answer says so itself; what forwards has References alone.
        word = "re" if "in-reply-to" in read_fields(raw) else "fw"
    await tx.drafts.put(draft_id, Reference(word, ItemId(message.refw_item_id)))


def _add_step(change: Change | None, steps: list[Step]) -> None:
    if change is not None:
        before, after = change
        steps.append(Refer(after.folder_id, [Marked(after.item_id, after.uid, before.refw, after.refw)]))
