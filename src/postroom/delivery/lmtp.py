"""LMTP sessions (RFC 2033, with 1870, 2034, 2920, 3030, 6152, 6531): recipients are mailboxes here.

Beside what :mod:`.session` promises: the end of data gets one reply per accepted recipient, in the order of the RCPT
commands (RFC 2033 §4.2), also after ``BDAT … LAST`` (§4.3).
"""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from postroom.delivery import commands
from postroom.delivery.commands import Command, Rcpt
from postroom.delivery.limits import LMTPLimits
from postroom.delivery.ports import Ingest
from postroom.delivery.replies import Reply, render_reply, reply_for
from postroom.delivery.session import Session, SessionSettings
from postroom.delivery.spool import Gatherer, MessageSpool
from postroom.delivery.stats import DELIVERED, LMTPStats
from postroom.delivery.trace import Trace, render_trace
from postroom.delivery.transaction import Transaction
from postroom.delivery.wire import Wire
from postroom.errors import PostroomError
from postroom.model.envelope import Envelope, Recipient

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LMTPSettings(SessionSettings):
    """What all LMTP sessions of one server share."""

    limits: LMTPLimits
    stats: LMTPStats
    ingest: Ingest


class LMTPSession(Session[Recipient]):
    """One connection's session."""

    protocol = "lmtp"
    banner = "LMTP"
    hello = "LHLO"
    grammar = commands.LMTP

    def __init__(self, wire: Wire, settings: LMTPSettings) -> None:
        super().__init__(wire, settings)
        self._ingest = settings.ingest
        self._deliveries = settings.stats.deliveries

    def _extensions(self) -> list[str]:
        return [
            "PIPELINING",
            f"SIZE {self._limits.max_message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
        ]

    async def _obey_own(self, command: Command) -> None:
        raise AssertionError(f"LMTP has no {command!r}")

    async def _resolve(self, command: Rcpt, transaction: Transaction[Recipient]) -> Recipient:
        return await self._ingest.resolve_recipient(command.address, size_bytes=transaction.mail.size_bytes)

    def _gather(self, transaction: Transaction[Recipient], trace: Trace) -> Gatherer:
        return MessageSpool(
            render_trace(trace),
            directory=self._settings.spool_directory,
            memory_bytes=self._limits.spool_above_bytes,
            max_bytes=self._limits.max_message_bytes,
        )

    async def _take_message(self, transaction: Transaction[Recipient], gathered: Gatherer) -> None:
        outcomes: Sequence[PostroomError | None]
        try:
            content = gathered.finish()
            outcomes = await self._hand_over(transaction, content)
        except Exception as error:  # noqa: BLE001 - whatever it is, each recipient gets a reply
            outcomes = [self._as_postroom_error(error, "delivery_failed")] * len(transaction.recipients)
        _log.debug(
            "lmtp_message",
            id=transaction.message_id,
            client=self._wire.client,
            sender=transaction.mail.sender,
            size_bytes=gathered.size_bytes,
            outcomes=[DELIVERED if outcome is None else outcome.code for outcome in outcomes],
        )
        delivered = render_reply(Reply(250, "2.0.0", f"Delivered, id {transaction.message_id}"))
        for outcome in outcomes:
            self._deliveries[DELIVERED if outcome is None else outcome.code] += 1
            self._wire.send(delivered if outcome is None else render_reply(reply_for(outcome)))

    async def _hand_over(
        self, transaction: Transaction[Recipient], content: bytes | mmap.mmap
    ) -> Sequence[PostroomError | None]:
        mail = transaction.mail
        envelope = Envelope(
            sender=mail.sender,
            recipients=tuple(transaction.recipients),
            client=self._wire.client,
            helo=self._helo,
            smtputf8=mail.smtputf8,
            body_8bit=mail.body_8bit,
        )
        self._stats.messages += 1
        self._stats.message_bytes += len(content)
        outcomes = await self._ingest.deliver(envelope, content)
        if len(outcomes) != len(envelope.recipients):
            raise RuntimeError(f"{len(outcomes)} outcomes for {len(envelope.recipients)} recipients")
        return outcomes
