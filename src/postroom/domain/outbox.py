"""The outbox: putting messages into the outgoing queue, and taking them back.

Both happen inside a transaction of the caller, with whatever belongs to them (the copy in Sent, the draft that goes):
all of it, or nothing. A message in the queue holds one reference on its content until it is finished.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from postroom.compose.threads import parse_message_ids
from postroom.content.digest import Digest
from postroom.domain.routing import Route
from postroom.model.ids import ContentId, ItemId
from postroom.model.mail import Summary
from postroom.model.outgoing import SENT, WAITING, Outgoing, OutgoingRecipient, ProcessingId
from postroom.store import Store
from postroom.store.tx import QUEUE, Snapshot, Transaction

_RANDOM_BITS = 12
"""Behind the milliseconds of the clock: a number that a JSON client can hold (below 2**53), never given out twice."""
_decode_summary = msgspec.msgpack.Decoder(Summary).decode


class Addressee(NamedTuple):
    """A recipient of a message to be sent; notify and orcpt are those of RFC 3461, "" where not given."""

    route: Route
    notify: str = ""
    orcpt: str = ""


class Message(NamedTuple):
    """A message to be sent; times in Unix milliseconds.

    ``content_id`` is a content of the transaction's account. ``refw_item_id`` and ``refw`` name the mail of which
    this send has set the answered or forwarded flag, and the bits that were not set before. ``release_at`` is the
    time before which nothing begins.
    """

    sender: str
    content_id: ContentId
    size_bytes: int
    release_at: int
    kind: str = SENT
    item_id: ItemId = ItemId(0)
    refw_item_id: ItemId = ItemId(0)
    refw: int = 0
    needs_smtputf8: bool = False
    is_8bit: bool = False
    ret: str = ""
    envid: str = ""
    message_id: str = ""
    """By which reports about it are recognised, "" where none are awaited."""


async def enqueue(
    tx: Transaction, message: Message, addressees: Sequence[Addressee], *, now: int
) -> ProcessingId:
    """Put a message into the outgoing queue; return its number there.

    Args:
        tx: a transaction of the sender's account.
        message: the message; one more reference is put on its content.
        addressees: at least one; the same address is sent to once.
        now: the present time in Unix milliseconds.
    """
    await tx.contents.share([message.content_id])
    stored = await _create(tx, message, now=now)
    by_address = {addressee.route.address: addressee for addressee in addressees}
    recipients = [
        OutgoingRecipient(
            stored.processing_id,
            number,
            addressee.route.destination,
            addressee.route.address,
            addressee.notify,
            addressee.orcpt,
            WAITING,
        )
        for number, addressee in enumerate(by_address.values(), 1)
    ]
    await tx.outgoing.add_recipients(recipients, message=stored)
    if stored.release_at <= now:
        tx.tell(QUEUE)
    return stored.processing_id


async def _create(tx: Transaction, message: Message, *, now: int) -> Outgoing:
    while True:
        stored = Outgoing(
            processing_id=ProcessingId(now << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)),
            account_id=tx.account_id,
            kind=message.kind,
            sender=message.sender,
            content_id=message.content_id,
            size_bytes=message.size_bytes,
            item_id=message.item_id,
            refw_item_id=message.refw_item_id,
            refw=message.refw,
            needs_smtputf8=int(message.needs_smtputf8),
            is_8bit=int(message.is_8bit),
            ret=message.ret,
            envid=message.envid,
            created_at=now,
            release_at=message.release_at,
            started_at=0,
            delay_told_at=0,
            finished_at=0,
            message_key=find_message_key(message.message_id),
        )
        if await tx.outgoing.create(stored):
            return stored


async def read_content(store: Store, mailbox: Snapshot, message: Outgoing) -> bytes | None:
    """Return a message of the queue as it is stored, None where its content is gone. Raises: unavailable."""
    content = await mailbox.contents.find(message.content_id)
    if content is None:
        return None
    reader = await store.messages.open(message.account_id, content)
    try:
        return await reader.read(0, reader.size_bytes)
    finally:
        reader.close()


def read_message_id(digest: Digest) -> str:
    """Return the Message-ID of a message with its angle brackets, "" if it has none."""
    return next(iter(parse_message_ids(_decode_summary(digest.summary).message_id)), "")


def find_message_key(message_id: str) -> int:
    """Return by what a message with a Message-ID is found, 0 for none."""
    return int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:8]) >> 1 if message_id else 0


async def withdraw(
    tx: Transaction, processing_id: ProcessingId, *, now: int, released_after: int
) -> Outgoing | None:
    """Take a message of which nothing has begun out of the queue, with its reference on its content.

    Args:
        tx: a transaction of the sender's account.
        processing_id: the message.
        now: the present time in Unix milliseconds.
        released_after: it must not be released before or at this time; 0 for any that has not begun.

    Returns None where it is too late, or the account has no such message. The content may be gone then, if nothing
    else shows it: who makes a draft of it has to do so before.
    """
    withdrawn = await tx.outgoing.withdraw(
        processing_id, tx.account_id, now=now, released_after=released_after
    )
    if withdrawn is not None and await tx.contents.release(withdrawn.content_id) <= 0:
        await tx.unindex(withdrawn.content_id)
    return withdrawn
