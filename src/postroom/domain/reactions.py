"""Reactions: what a message brings about where it is delivered, in the transaction that delivers it.

Either an absence notice is sent (:mod:`postroom.domain.vacation`), or it is written down that a mail which was sent
from here has come back (:mod:`postroom.domain.bounces`). No message does both: reports come from the null
reverse-path, which is never answered. What can be found out before the transaction is found out there.
"""

from collections.abc import Mapping

from postroom.domain.bounces import find_report, note_bounces
from postroom.domain.notices import Prepare
from postroom.domain.routing import Routing
from postroom.domain.vacation import Absences, ReadyNotice, send_notice
from postroom.mime.delivery_reports import DeliveryReport
from postroom.mime.raw import Raw
from postroom.model.envelope import Envelope
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.tx import Transaction

Reaction = ReadyNotice | DeliveryReport


class Reactions:
    """Finds out what messages bring about."""

    def __init__(self, store: Store, routing: Routing, *, prepare: Prepare) -> None:
        """``prepare`` makes an absence notice ready to be stored."""
        self._absences = Absences(store, routing, prepare=prepare)

    async def prepare(
        self, envelope: Envelope, content: Raw, *, structure: bytes, now: int
    ) -> Mapping[AccountId, Reaction]:
        """Return what a message that is to be delivered brings about, for those accounts where it does.

        Args:
            envelope: its envelope.
            content: the message.
            structure: its part tree, packed.
            now: the present time in Unix milliseconds.

        Raises: unavailable.
        """
        if envelope.sender:
            return await self._absences.prepare(envelope, content, structure=structure, now=now)
        report = find_report(content, structure)
        return {recipient.account_id: report for recipient in envelope.recipients if report is not None}


def is_answer(reaction: Reaction | None) -> bool:
    """Tell whether somebody would be written to."""
    return isinstance(reaction, ReadyNotice)


async def react(tx: Transaction, reaction: Reaction, *, now: int) -> None:
    """Do what a message brings about that is delivered.

    Args:
        tx: the transaction of the delivery, on the mailbox that got it.
        reaction: what was prepared for that account.
        now: the present time in Unix milliseconds.
    """
    if isinstance(reaction, ReadyNotice):
        await send_notice(tx, reaction, now=now)
    else:
        await note_bounces(tx, reaction)
