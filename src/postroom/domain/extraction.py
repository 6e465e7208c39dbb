"""Reading attached documents behind the deliveries, so that searches find what they say.

A delivery that brings documents leaves a row (``extraction``) in its own transaction, and nothing else of this costs
it anything. Here such rows are claimed one after the other, by a lease, and read in a process that may be killed
(:mod:`postroom.content.extractor`). One transaction then replaces what the index has of the message and removes the
row; it makes a step of the account's history, because searches find more than before. So it goes on after any crash,
in any process, and a message is at worst read twice.

Accounts take turns, so that nobody's documents hold up everybody else's for long. A message whose documents cost the
process is read again some times, for it may have been the machine's fault; what was found is indexed each time. After
MAX_ATTEMPTS it is left as it is. So is one that is read when the server dies, again and again.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from postroom.config.extraction import ExtractionConfig
from postroom.content.extractor import Extractor, Limits, Result
from postroom.domain.clock import Clock
from postroom.domain.steps import Record
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId
from postroom.store import Store
from postroom.store.messages import RawReader
from postroom.store.sql.extractions import Claim
from postroom.store.tx import Transaction

MAX_ATTEMPTS = 3
WAITS_SECONDS = (60, 600)
"""From one attempt to the next."""
POLL_SECONDS = 2.0
RESTS_FOR_WORK, RESTS_WHILE_BUSY = 3.0, 12.0
"""After each turn there is a rest, so many times as long as the turn was, while there is more to do."""
BUSY = 0.5
"""The part of a processor from which on the server counts as busy."""
MOST_REST_SECONDS = 20.0
TURN_MESSAGES = 10
"""Messages of an account that are read before another account has its turn."""
_MESSAGE_DOCUMENTS = 3
"""All documents of a message may take so many times as long as one."""

_log = structlog.get_logger("postroom.extraction")


@dataclass
class ExtractionStats:
    """What was done since the start."""

    messages: int = 0
    read: int = 0
    failed: int = 0
    killed: int = 0
    given_up: int = 0


def make_extractor(config: ExtractionConfig) -> Extractor:
    """Return what reads documents within the limits of a configuration."""
    return Extractor(
        Limits(
            document_seconds=config.timeout_seconds,
            message_seconds=config.timeout_seconds * _MESSAGE_DOCUMENTS,
            memory_bytes=config.max_memory_bytes,
            document_bytes=config.max_document_bytes,
        )
    )


class ExtractionRunner:
    """Reads the documents of all accounts, for one process."""

    def __init__(self, store: Store, extractor: Extractor, *, clock: Clock, is_enabled: bool = True) -> None:
        """Where it is not enabled, nothing is read, and what waits is dropped."""
        self._store = store
        self._extractor = extractor
        self._clock = clock
        self._is_enabled = is_enabled
        self._last = 0
        self.stats = ExtractionStats()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._work()
                await self._clock.wait(asyncio.Event(), POLL_SECONDS)
        finally:
            await self._extractor.close()

    async def _work(self) -> None:
        try:
            has_more = True
            rested, computed = time.monotonic(), time.process_time()
            while has_more:
                started = time.monotonic()
                has_more = await self.take_turn()
                ended = time.monotonic()
                busy = (time.process_time() - computed) / (ended - rested)
                rested, computed = ended, time.process_time()
                await asyncio.sleep(rest_after(ended - started, busy=busy))
            # Nothing is left: the next may be long in coming.
            await self._extractor.close()
        except (PostroomError, OSError) as error:
            _log.warning("documents wait", error=str(error), private=getattr(error, "private", ""))
        except Exception:  # noqa: BLE001 - a fault must not end the work for all messages, for good
            _log.exception("documents wait")

    async def take_turn(self) -> bool:
        """Read some messages of the next account that has any; False if none has. Raises: unavailable; OSError."""
        now = self._clock.now_ms()
        async with self._store.directory() as directory:
            account_id = await directory.extraction_work.find_account(after=self._last, now=now)
            if account_id is None and self._last:
                account_id = await directory.extraction_work.find_account(after=0, now=now)
        if account_id is None:
            return False
        self._last = account_id
        for _ in range(TURN_MESSAGES):
            if not await self._read_next(account_id):
                break
        return True

    async def _read_next(self, account_id: AccountId) -> bool:
        """Read what has been due longest of an account; False if there is nothing."""
        now = self._clock.now_ms()
        until = now + round(self._extractor.worst_seconds * 1000)
        async with self._store.directory_transaction() as tx:
            claim = await tx.extraction_work.claim(account_id, now=now, until=until)
        if claim is None:
            return False
        if not self._is_enabled:
            await self._settle(account_id, lambda tx: _drop(tx, claim))
        elif claim.attempt > MAX_ATTEMPTS:
            await self._give_up(account_id, claim, "reading its documents has failed each time")
        else:
            try:
                await self._read(account_id, claim)
            except asyncio.CancelledError:
                await self._give_back(account_id, claim, wait_seconds=0)
                raise
            except (PostroomError, OSError):
                # The store or the machine is in trouble, which says nothing of the message.
                await self._give_back(account_id, claim, wait_seconds=WAITS_SECONDS[0])
                raise
        return True

    async def _give_back(self, account_id: AccountId, claim: Claim, *, wait_seconds: int) -> None:
        """Let a message wait as if nobody had begun to read it; where that fails, its lease runs out."""
        due_at = self._clock.now_ms() + wait_seconds * 1000 if wait_seconds else 0
        with contextlib.suppress(PostroomError):
            await self._settle(account_id, lambda tx: tx.extractions.give_back(claim, due_at=due_at))

    async def _read(self, account_id: AccountId, claim: Claim) -> None:
        try:
            reader = await self._open(account_id, claim)
            if reader is None:
                await self._settle(account_id, lambda tx: _drop(tx, claim))
                return
            try:
                result = await self._extractor.read(account_id, reader)
            finally:
                reader.close()
        except PostroomError as error:
            if error.kind is Kind.UNAVAILABLE:
                raise
            await self._give_up(account_id, claim, error.message)
            return
        self.stats.messages += 1
        if result is not None:
            self.stats.read += result.read
            self.stats.failed += result.failed
            self.stats.killed += result.killed
        await self._settle(account_id, lambda tx: self._write(tx, claim, result))

    async def _open(self, account_id: AccountId, claim: Claim) -> RawReader | None:
        async with self._store.peek(account_id) as mailbox:
            content = await mailbox.contents.find(claim.content_id)
        return None if content is None else await self._store.messages.open(account_id, content)

    async def _write(self, tx: Transaction, claim: Claim, result: Result | None) -> None:
        """Index what was found, and let the message wait if there may be more another time."""
        again = result is None or result.killed > 0
        if again and claim.attempt < MAX_ATTEMPTS:
            due_at = self._clock.now_ms() + WAITS_SECONDS[claim.attempt - 1] * 1000
            is_mine = await tx.extractions.put_off(claim, due_at=due_at)
        else:
            is_mine = await tx.extractions.finish(claim)
            self.stats.given_up += again
        if not is_mine or result is None or result.terms is None:
            return
        if await tx.contents.find_head(claim.content_id) is None:
            return
        await tx.unindex(claim.content_id)
        await tx.index(claim.content_id, result.terms)
        state = await tx.advance(folders=False)
        await tx.log("index", Record(), modseq=state.modseq)

    async def _give_up(self, account_id: AccountId, claim: Claim, reason: str) -> None:
        self.stats.given_up += 1
        _log.warning(
            "documents are not read", account=account_id, content=int(claim.content_id), reason=reason
        )
        await self._settle(account_id, lambda tx: _drop(tx, claim))

    async def _settle(self, account_id: AccountId, write: Callable[[Transaction], Awaitable[None]]) -> None:
        """Write the end of an attempt, if the account is still there."""
        try:
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                await write(tx)
        except PostroomError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise


def rest_after(seconds: float, *, busy: float) -> float:
    """Return how long to rest after a turn that took ``seconds``: deliveries and calls come first.

    Of a processor that both want this takes a quarter, and less than a tenth while the server is busy. ``busy`` is
    the part of a processor that the server has used since the rest before.
    """
    return min(seconds * (RESTS_WHILE_BUSY if busy > BUSY else RESTS_FOR_WORK), MOST_REST_SECONDS)


async def _drop(tx: Transaction, claim: Claim) -> None:
    await tx.extractions.finish(claim)
