"""The watch over an attempt: what is written down while a message is handed over, so that few copies arrive.

Between the final dot and the server's reply nobody here can know whether the message was taken. Whoever dies then
leaves a lapse: the message has to be sent again, for it may be lost, and may arrive twice. To send it again and again
that way would make a copy each time. So before the final dot of whatever is sent after a lapse its recipients are
marked as repeated, durably; the mark goes with the next outcome that is written down. Where a turn finds the mark,
the message was sent twice and no reply was seen: it is sent no more.

The first attempt is not marked, so that ordinary mail costs no transaction for it: its death is found by its lease.

A message that is handed over in several transactions of SMTP is noted for those who have got it before the next one
begins. Nothing is ended under a lease that has run out: somebody else may be at it.
"""

from collections.abc import Sequence

import structlog

from postroom.domain.clock import Clock
from postroom.domain.queue_leases import Lease, LeaseLostError
from postroom.domain.queue_settling import Settling
from postroom.errors import PostroomError
from postroom.model.outgoing import RELAYED, Outcome, Outgoing, OutgoingRecipient
from postroom.store import Store

_log = structlog.get_logger("postroom.queue")


class Watch:
    """Watches one attempt."""

    def __init__(
        self, store: Store, settling: Settling, lease: Lease, message: Outgoing, *, clock: Clock
    ) -> None:
        self.noted: set[int] = set()
        """Recipients of whom it is written down that they have got the message."""
        self._store = store
        self._settling = settling
        self._lease = lease
        self._message = message
        self._clock = clock

    async def before_end(self, recipients: Sequence[OutgoingRecipient]) -> None:
        """Note that the message is about to be ended for these recipients. Raises: LeaseLostError; unavailable."""
        group = self._lease.group
        if self._clock.now_ms() >= group.leased_until:
            raise LeaseLostError
        if group.lapses:
            async with self._store.directory_transaction() as tx:
                if not await tx.outgoing.work.is_held(group):
                    raise LeaseLostError
                numbers = [recipient.number for recipient in recipients]
                await tx.outgoing.work.note_repeated(group.processing_id, numbers)
        self._lease.may_have_arrived = True

    async def after_some(self, outcomes: Sequence[Outcome]) -> None:
        """Write down who has got the message; what fails at that is made up for when the attempt is settled."""
        relayed = [one for one in outcomes if one.state == RELAYED and one.number not in self.noted]
        if not relayed:
            return
        try:
            await self._settling.note_relayed(self._message, relayed)
        except PostroomError as error:
            _log.warning("an outcome waits", error=str(error), private=error.private)
        else:
            self.noted.update(outcome.number for outcome in relayed)
