"""An attempt to hand over a message: what has become of each recipient so far.

A recipient is settled once, by the first thing that decides it. What is not settled when a server fails is tried at
the next server, and in the end gets the outcome of the failure: a temporary one if there was any, since that server
may take the message later.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.outgoing import (
    FAILED,
    RELAYED,
    WAITING,
    Outbound,
    Outcome,
    OutgoingRecipient,
    Witness,
)
from postroom.outgoing.replies import MAX_TEXT_CHARS, Reply


class Message(NamedTuple):
    """A message as it goes on the wire."""

    outbound: Outbound
    content: bytes
    """Signed, with CRLF as the only line end, and with one at its end."""


class UnusableError(Exception):
    """A server, or the way to it, is of no use for what is not settled yet."""

    def __init__(self, answer: str, *, status: str, remote: str = "") -> None:
        super().__init__(answer)
        self.answer = answer[:MAX_TEXT_CHARS]
        self.status = status
        """Its first digit says whether trying again can help."""
        self.remote = remote

    @property
    def is_permanent(self) -> bool:
        """Trying again does not help."""
        return self.status.startswith("5")


class Attempt:
    """What has become of the recipients of a message."""

    def __init__(self, message: Message, witness: Witness | None = None) -> None:
        """``witness`` is told how far it has come."""
        self.message = message
        self._witness = witness
        self._told: set[int] = set()
        self._outcomes: dict[int, Outcome] = {}
        self._failure: UnusableError | None = None

    @property
    def pending(self) -> list[OutgoingRecipient]:
        """Recipients that are not settled."""
        recipients = self.message.outbound.recipients
        return [recipient for recipient in recipients if recipient.number not in self._outcomes]

    def settle(
        self,
        recipients: Iterable[OutgoingRecipient],
        reply: Reply,
        *,
        remote: str,
        passes_dsn: bool = False,
    ) -> None:
        """Settle recipients by a server's reply."""
        state = RELAYED if reply.is_positive else FAILED if reply.is_permanent else WAITING
        for recipient in recipients:
            self.put(
                Outcome(
                    recipient.number,
                    state,
                    status=reply.status,
                    answer=str(reply),
                    remote=remote,
                    passes_dsn=passes_dsn and state == RELAYED,
                )
            )

    def settle_unseen(self, recipients: Iterable[OutgoingRecipient], answer: str, *, remote: str) -> None:
        """Settle recipients of a message that the server may have taken without our seeing it say so."""
        for recipient in recipients:
            self.put(Outcome(recipient.number, WAITING, status="4.4.2", answer=answer, remote=remote))

    def put(self, outcome: Outcome) -> None:
        """Settle a recipient, unless it is settled."""
        self._outcomes.setdefault(outcome.number, outcome)

    async def before_end(self, recipients: Sequence[OutgoingRecipient]) -> None:
        """Tell that the message is about to be ended for recipients. What is raised forbids it."""
        if self._witness is not None:
            await self._witness.before_end(recipients)

    async def tell(self) -> None:
        """Tell who has got the message, before it is handed over for others."""
        relayed = [
            outcome
            for outcome in self._outcomes.values()
            if outcome.state == RELAYED and outcome.number not in self._told
        ]
        if relayed and self._witness is not None:
            self._told.update(outcome.number for outcome in relayed)
            await self._witness.after_some(relayed)

    def note(self, failure: UnusableError) -> None:
        """Note that a server was of no use; the last temporary failure counts, else the last one."""
        if self._failure is None or self._failure.is_permanent or not failure.is_permanent:
            self._failure = failure

    def finish(self) -> list[Outcome]:
        """Return the outcome of each recipient; what is not settled gets that of the failure."""
        failure = self._failure or UnusableError("no server was reached", status="4.4.1")
        state = FAILED if failure.is_permanent else WAITING
        for recipient in self.pending:
            self.put(
                Outcome(
                    recipient.number,
                    state,
                    status=failure.status,
                    answer=failure.answer,
                    remote=failure.remote,
                )
            )
        return [self._outcomes[recipient.number] for recipient in self.message.outbound.recipients]
