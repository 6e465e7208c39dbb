"""A turn for a group of the outgoing queue: it is tried once, and what that came to is settled.

1. The message is read, and begun with if nobody has (:mod:`postroom.domain.queue_start`).
2. Mail for mailboxes here needs no attempt: it is filed where it is settled. Other mail goes to the transport, while
   the lease is renewed. A message that has gone through too many servers goes nowhere: it is in a loop.
3. The verdict is found (:mod:`postroom.domain.queue_verdicts`), with the reports that it asks for, and settled in one
   transaction (:mod:`postroom.domain.queue_settling`).

A crash before that transaction leaves the group as it was, and it is tried again when its lease has run out: the
mail is lost never, and sent again only where a server's last reply was not yet written down. Once more, that is: what
was repeated so, and of which nobody has seen the reply then either (:mod:`postroom.domain.queue_watch`), is reported
to its sender instead.

A destination that cannot be reached rests for a moment: what else is due for it counts as tried. So a queue of
thousands for a server that is down costs no thousands of connections that time out. A large message for which there
is no room in memory (:mod:`postroom.domain.queue_memory`) is put off before anything of it has begun.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import structlog

from postroom.compose.outbound import without_bcc
from postroom.config.classes import AccountClass
from postroom.config.sending import SendingConfig
from postroom.content.digest import Digest
from postroom.domain.clock import Clock
from postroom.domain.ingest import Arrival, Ingest
from postroom.domain.queue_leases import Lease, LeaseLostError, keep_while
from postroom.domain.queue_local import add_trace, delivered, make_envelope, refusal, resolve_all
from postroom.domain.queue_memory import QueueMemory
from postroom.domain.queue_notices import render_notices
from postroom.domain.queue_settling import OtherwiseError, Settlement, Settling
from postroom.domain.queue_start import start
from postroom.domain.queue_verdicts import EXPIRED, Verdict, find_deadline, judge
from postroom.domain.queue_watch import Watch
from postroom.errors import Kind, PostroomError
from postroom.model.envelope import Recipient
from postroom.model.outgoing import (
    FAILED,
    LOCAL,
    RELAYED,
    WAITING,
    Outbound,
    Outcome,
    Outgoing,
    OutgoingRecipient,
    Witness,
)
from postroom.store import Store

MAX_HOPS = 50
"""Received fields that a message may have: RFC 5321 §6.3 suggests 100, but only loops have half as many."""
REST_SECONDS = 10
_UNREACHED = ("4.4.1", "4.4.3")
"""No server answered; its name could not be looked up."""
MAX_RESTING = 10_000
SETTLE_AGAIN_SECONDS = 2.0
_ROUNDS = 5
_REPEATED = (
    "sent twice, and twice this server ended before it had seen the reply: it has probably arrived, "
    "and is not sent again"
)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")

_log = structlog.get_logger("postroom.queue")


class Transport(Protocol):
    """Hands messages to other servers."""

    async def send(self, destination: str, outbound: Outbound, *, witness: Witness) -> list[Outcome]:
        """Try to hand a message over; whatever the other side does is an outcome."""


@dataclass
class QueueStats:
    """What was done, for metrics."""

    attempts: int = 0
    recipients: Counter[str] = field(default_factory=Counter)
    """Outcomes by their state."""
    notices: int = 0
    lost_leases: int = 0


class QueueParts(NamedTuple):
    """What turns are made with."""

    store: Store
    ingest: Ingest
    transport: Transport
    classes: Mapping[str, AccountClass]
    sending: SendingConfig
    clock: Clock
    hostname: str


class _Job(NamedTuple):
    message: Outgoing
    recipients: Sequence[OutgoingRecipient]
    """Who waits in the group."""
    content: bytes
    """As it leaves; empty where it cannot be read."""
    problem: str = ""
    """Why it cannot be tried now."""


class Turns:
    """Takes turns for groups."""

    def __init__(self, parts: QueueParts) -> None:
        self._parts = parts
        self._settling = Settling(parts.store, parts.ingest)
        self._resting: dict[str, tuple[int, str]] = {}
        self.memory = QueueMemory()
        self.stats = QueueStats()

    async def take(self, lease: Lease) -> None:
        """Try a group that is leased, and settle what that came to. Raises: unavailable."""
        number = lease.group.processing_id
        try:
            message = await self._find(lease)
            if message is None:
                return
            try:
                await self._try_to_end(lease, message)
            finally:
                self.memory.give_back(message.size_bytes)
        except LeaseLostError:
            self.stats.lost_leases += 1
            _log.info("a group of the queue was taken away", message=number)
        except PostroomError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise
            _log.info("the sender of a message in the queue is gone", message=number)

    # Beginning

    async def _find(self, lease: Lease) -> Outgoing | None:
        """Return the message whose turn it is, with room in memory; None if it has to wait, or is not there."""
        parts, group = self._parts, lease.group
        async with parts.store.directory() as directory:
            message = await directory.outgoing.find(group.processing_id)
        if message is None:
            return None
        now = parts.clock.now_ms()
        if now < message.release_at:  # Not a time to begin, whoever has asked for it.
            wait_until = message.release_at
        elif self.memory.take(message.size_bytes):
            return message
        else:
            wait_until = self.memory.book(now=now)
        async with parts.store.directory_transaction() as tx:
            await tx.outgoing.work.put_off([group._replace(next_try_at=wait_until)])
        return None

    async def _try_to_end(self, lease: Lease, message: Outgoing) -> None:
        job = await self._begin(lease, message)
        if job is None:
            return
        if not job.recipients:
            await self._settle(lease, job, [])
            return
        self.stats.attempts += 1
        if lease.group.destination == LOCAL and not job.problem:
            await self._deliver(lease, job)
        else:
            await self._relay(lease, job)

    async def _begin(self, lease: Lease, message: Outgoing) -> _Job | None:
        """Return what is to be tried, None if there is nothing."""
        parts, group = self._parts, lease.group
        now = parts.clock.now_ms()
        if not await start(parts.store, lease, message, classes=parts.classes, now=now):
            return None
        async with parts.store.directory() as directory:
            recipients = await directory.outgoing.list_recipients(group.processing_id)
        mine = [
            recipient
            for recipient in recipients
            if recipient.destination == group.destination and recipient.state == WAITING
        ]
        return await self._read(message._replace(started_at=message.started_at or now), mine)

    async def _read(self, message: Outgoing, recipients: Sequence[OutgoingRecipient]) -> _Job:
        """Return a message with its content as it leaves."""
        store = self._parts.store
        async with store.peek(message.account_id) as mailbox:
            content = await mailbox.contents.find(message.content_id)
        if content is None:
            return _Job(message, recipients, b"", "the message cannot be read")
        try:
            reader = await store.messages.open(message.account_id, content)
            try:
                raw = await reader.read(0, reader.size_bytes)
            finally:
                reader.close()
        except PostroomError as error:
            _log.error("a message in the queue cannot be read", error=str(error), private=error.private)
            return _Job(message, recipients, b"", "the message cannot be read")
        return _Job(message, recipients, without_bcc(bytes(raw)))

    # Other servers

    async def _relay(self, lease: Lease, job: _Job) -> None:
        watch = Watch(self._parts.store, self._settling, lease, job.message, clock=self._parts.clock)
        outcomes = await self._try(lease, job, watch)
        while True:
            try:
                await self._settle_or_note(lease, job, outcomes, watch=watch)
            except PostroomError as error:
                # Forgotten, what was taken on would be sent again: it is written down when the store is back.
                if error.kind is not Kind.UNAVAILABLE or all(one.state != RELAYED for one in outcomes):
                    raise
                _log.warning("an outcome waits", error=str(error), private=error.private)
            else:
                return
            await self._parts.clock.wait(asyncio.Event(), SETTLE_AGAIN_SECONDS)

    async def _settle_or_note(
        self, lease: Lease, job: _Job, outcomes: Sequence[Outcome], *, watch: Watch
    ) -> None:
        try:
            await self._settle(lease, job, outcomes, noted=watch.noted)
        except LeaseLostError:
            await self._settling.note_relayed(job.message, outcomes)
            raise

    async def _try(self, lease: Lease, job: _Job, watch: Watch) -> list[Outcome]:
        """Return the outcome for each recipient of a group."""
        if lease.group.lapses and self._is_over(job.message):
            # A message that ends whoever sends it is given up in its time, too.
            return _all_of(job, WAITING, status=EXPIRED, answer=lease.group.failure)
        repeated = [recipient for recipient in job.recipients if recipient.is_repeated]
        rest = job._replace(recipients=[one for one in job.recipients if not one.is_repeated])
        known = _all_of(job._replace(recipients=repeated), FAILED, status="4.4.2", answer=_REPEATED)
        known += await self._try_rest(lease, rest, watch) if rest.recipients else []
        by_number = {outcome.number: outcome for outcome in known}
        return [by_number[recipient.number] for recipient in job.recipients]

    def _is_over(self, message: Outgoing) -> bool:
        return self._parts.clock.now_ms() >= find_deadline(message, self._parts.sending)

    async def _try_rest(self, lease: Lease, job: _Job, watch: Watch) -> list[Outcome]:
        if job.problem:
            return _all_of(job, WAITING, status="4.3.0", answer=job.problem)
        if is_looping(job.content):
            return _loop(job)
        destination = lease.group.destination
        until, failure = self._resting.get(destination, (0, ""))
        if until > self._parts.clock.now_ms():
            return _all_of(job, WAITING, status="4.4.1", answer=failure)
        found = await self._send(lease, job, watch)
        outcomes = [
            found.get(recipient.number)
            or Outcome(recipient.number, WAITING, "4.3.0", "the transport said nothing of it", "")
            for recipient in job.recipients
        ]
        self._note_reached(destination, outcomes)
        return outcomes

    async def _send(self, lease: Lease, job: _Job, watch: Watch) -> dict[int, Outcome]:
        parts, message = self._parts, job.message
        try:
            sending = self._hand_over(lease.group.destination, job, watch)
            outcomes = await keep_while(lease, sending, store=parts.store, clock=parts.clock)
        except (LeaseLostError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 - a fault there must not stop the mail from being given up some day
            _log.exception("the transport failed", message=message.processing_id)
            outcomes = _all_of(job, WAITING, status="4.3.0", answer="internal error")
        return {outcome.number: outcome for outcome in outcomes}

    async def _hand_over(self, destination: str, job: _Job, watch: Watch) -> list[Outcome]:
        """Give a message to the transport; twice, where some recipients alone need SMTPUTF8 (those in Bcc)."""
        message = job.message
        if message.needs_smtputf8:
            batches = [list(job.recipients)]
        else:
            batches = [
                [one for one in job.recipients if one.address.isascii() is is_ascii]
                for is_ascii in (True, False)
            ]
        outcomes: list[Outcome] = []
        for recipients in filter(None, batches):
            await watch.after_some(outcomes)
            outbound = Outbound(
                sender=message.sender,
                recipients=tuple(recipients),
                content=job.content,
                needs_smtputf8=bool(message.needs_smtputf8) or not recipients[0].address.isascii(),
                is_8bit=bool(message.is_8bit),
                ret=message.ret,
                envid=message.envid,
            )
            outcomes += await self._parts.transport.send(destination, outbound, witness=watch)
        return outcomes

    def _note_reached(self, destination: str, outcomes: Sequence[Outcome]) -> None:
        """Let a destination rest of which no server was reached."""
        self._resting.pop(destination, None)
        if any(outcome.state != WAITING or outcome.status not in _UNREACHED for outcome in outcomes):
            return
        until = self._parts.clock.now_ms() + REST_SECONDS * 1000
        self._resting[destination] = (until, outcomes[0].answer)
        if len(self._resting) > MAX_RESTING:
            del self._resting[next(iter(self._resting))]

    # Mailboxes here

    async def _deliver(self, lease: Lease, job: _Job) -> None:
        """File a message in mailboxes here, and settle that; who refuses it then is settled as refusing."""
        refused: dict[int, Outcome] = {}
        if is_looping(job.content):
            await self._settle(lease, job, _loop(job))
            return
        now = self._parts.clock.now()
        content = add_trace(job.content, job.message, hostname=self._parts.hostname, now=now)
        resolved = await resolve_all(self._parts.ingest, job.recipients, size_bytes=len(content))
        refused.update((recipient.number, outcome) for recipient, outcome in resolved.refused)
        for _ in range(_ROUNDS):
            places = [place for place in resolved.places if place[0].number not in refused]
            arrival = await self._receive(job, content, [place for _, place in places])
            outcomes = [refused.get(one.number) or delivered(one) for one in job.recipients]
            try:
                await self._settle(lease, job, outcomes, arrival=arrival)
            except OtherwiseError as otherwise:
                for (recipient, _), error in zip(places, otherwise.refusals, strict=False):
                    if error is not None:
                        refused[recipient.number] = refusal(recipient, error)
            else:
                return
        _log.warning("a message could not be settled", message=job.message.processing_id)

    async def _receive(self, job: _Job, content: bytes, places: Sequence[Recipient]) -> Arrival | None:
        if not places:
            return None
        return await self._parts.ingest.receive(make_envelope(job.message, places), content)

    # The end

    async def _settle(
        self,
        lease: Lease,
        job: _Job,
        outcomes: Sequence[Outcome],
        *,
        arrival: Arrival | None = None,
        noted: Collection[int] = (),
    ) -> None:
        """Settle outcomes. Raises: OtherwiseError where mailboxes refuse ``arrival``."""
        parts, message = self._parts, job.message
        attempt = list(zip(job.recipients, outcomes, strict=True))
        for _ in range(_ROUNDS):
            now = parts.clock.now_ms()
            verdict = judge(message, lease.group, attempt, sending=parts.sending, now=now)
            notices = await self._make_notices(job, verdict, now=now)
            try:
                settlement = Settlement(message, verdict, notices, arrival, noted)
                await self._settling.settle(lease, settlement, now=now)
            except OtherwiseError as otherwise:
                if otherwise.refusals:
                    raise
                message = await self._look_again(message)
            else:
                self.stats.recipients.update(outcome.state for outcome in verdict.outcomes)
                self.stats.notices += len(notices)
                return
        _log.warning("a message could not be settled", message=message.processing_id)

    async def _make_notices(self, job: _Job, verdict: Verdict, *, now: int) -> list[Digest]:
        """Return the reports for the sender, ready to be filed."""
        if not verdict.failures and not verdict.successes and not verdict.delays:
            return []
        parts, message = self._parts, job.message
        try:
            raws = await asyncio.to_thread(
                render_notices,
                message,
                verdict,
                job.content,
                hostname=parts.hostname,
                sending=parts.sending,
                now=now // 1000,
            )
        except PostroomError as error:  # The reverse-path is none that can be written to.
            _log.warning("a report could not be made", message=message.processing_id, error=str(error))
            return []
        return [await parts.ingest.prepare(raw, [message.account_id]) for raw in raws]

    async def _look_again(self, message: Outgoing) -> Outgoing:
        async with self._parts.store.directory() as directory:
            found = await directory.outgoing.find(message.processing_id)
        if found is None:
            raise LeaseLostError
        return found


def is_looping(content: bytes) -> bool:
    """Tell whether a message has gone through so many servers that it must be in a loop (RFC 5321 §6.3)."""
    match = _HEADER_END.search(content)
    header = content[: match.start()] if match else content
    return len(_RECEIVED.findall(header)) > MAX_HOPS


def _loop(job: _Job) -> list[Outcome]:
    answer = "the message has gone through too many servers; it is in a loop"
    return _all_of(job, FAILED, status="5.4.6", answer=answer)


def _all_of(job: _Job, state: str, *, status: str, answer: str) -> list[Outcome]:
    return [Outcome(recipient.number, state, status, answer, "") for recipient in job.recipients]
