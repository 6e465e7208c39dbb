"""Measurement of the outgoing queue by its length: what a mail costs its runner, from the claim to the end.

The queue belongs to a store of its own, in the process of the benchmark, and is as long as the mailbox that is being
measured. Its mails are put straight into the tables, since it is not their coming in that is measured; a transport
takes each at once. Processor time is counted, which other programs hardly change.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from postroom.auth.passwords import PasswordHasher
from postroom.bench.results import make_figure
from postroom.bench.scenarios import Scene
from postroom.config.auth import AuthConfig
from postroom.config.classes import AccountClass
from postroom.config.sending import SendingConfig
from postroom.content.digest import digest_message
from postroom.domain.clock import Clock
from postroom.domain.contents import hold_content
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.ingest import Ingest
from postroom.domain.queue_runner import QueueRunner
from postroom.domain.queue_turns import QueueParts, Turns
from postroom.errors import Kind, PostroomError
from postroom.model.ids import AccountId, ContentId, ItemId
from postroom.model.outgoing import (
    RELAY,
    RELAYED,
    SENT,
    Outbound,
    Outcome,
    Outgoing,
    OutgoingRecipient,
    ProcessingId,
    Witness,
)
from postroom.store import Store, open_store

_MEASURED = 500
_SHORT = 100
_BATCH = 2000
_HOST = "bench.test"
_MESSAGE = (
    b"From: a@bench.test\r\nTo: b@elsewhere.test\r\nSubject: Waiting\r\n\r\n" + b"words " * 300 + b"\r\n"
)


def measure_queue(scene: Scene) -> None:
    """Take mails out of a queue that is as long as the mailbox."""
    with tempfile.TemporaryDirectory(prefix="postroom-queue-") as folder:
        seconds = asyncio.run(_measure(Path(folder), scene.mailbox.size))
    scene.take(
        make_figure(
            "sending",
            "a mail of a queue that is as long",
            unit="µs CPU",
            repeats=[one * 1_000_000 for one in seconds],
            note="from the claim to the end, the transport left out",
        )
    )


async def _measure(folder: Path, length: int) -> list[float]:
    store = await open_store("sqlite:", folder)
    try:
        await _fill(store, length)
        classes = {"default": AccountClass()}
        sending, clock = SendingConfig(), Clock()
        ingest = Ingest(store, classes, now=clock.now)
        turns = Turns(QueueParts(store, ingest, _Taking(), classes, sending, clock, _HOST))
        runner = QueueRunner(store, turns, clock=clock)
        # A short queue is at its end at once.
        repeats = 3 if length >= _SHORT else 1
        return [await _take(runner, turns, min(_MEASURED, length // 10)) for _ in range(repeats)]
    finally:
        await store.close()


async def _take(runner: QueueRunner, turns: Turns, count: int) -> float:
    """Return the processor time of a mail, over ``count`` or some more of them."""
    before, started = turns.stats.attempts, time.process_time()
    done = 0
    while done < count:
        await runner.look()
        await runner.settle()
        if turns.stats.attempts == before + done:
            raise PostroomError(Kind.INTERNAL, "benchmarkFailed", "the queue is at its end too early")
        done = turns.stats.attempts - before
    return (time.process_time() - started) / done


class _Taking:
    """A transport to a server that takes everything."""

    async def send(self, destination: str, outbound: Outbound, *, witness: Witness) -> list[Outcome]:
        """Say that all recipients have got it."""
        await witness.before_end(outbound.recipients)
        return [Outcome(one.number, RELAYED, "2.0.0", "250 taken", _HOST) for one in outbound.recipients]


async def _fill(store: Store, length: int) -> None:
    hasher = PasswordHasher(AuthConfig(argon2_time_cost=1, argon2_memory_kib=8))
    directory = Directory(store, hasher, {"default": AccountClass()})
    await directory.add_domain(_HOST)
    account = await directory.add_account(f"a@{_HOST}", AccountSettings(password="unused"))  # noqa: S106
    hasher.close()
    now = Clock().now_ms()
    for start in range(1, length + 1, _BATCH):
        numbers = range(start, min(start + _BATCH, length + 1))
        async with store.transaction(account.account_id) as tx:
            content_id = await hold_content(tx, digest_message(_MESSAGE))
            await tx.contents.share([content_id] * (len(numbers) - 1))
            for number in numbers:
                due_at = now - length + number
                message = _make_message(ProcessingId(number), account.account_id, content_id, due_at=due_at)
                await tx.outgoing.create(message)
                recipient = OutgoingRecipient(message.processing_id, 1, RELAY, "b@elsewhere.test", "", "")
                await tx.outgoing.add_recipients([recipient], message=message)


def _make_message(
    number: ProcessingId, account_id: AccountId, content_id: ContentId, *, due_at: int
) -> Outgoing:
    return Outgoing(
        processing_id=number,
        account_id=account_id,
        kind=SENT,
        sender=f"a@{_HOST}",
        content_id=content_id,
        size_bytes=len(_MESSAGE),
        item_id=ItemId(0),
        refw_item_id=ItemId(0),
        refw=0,
        needs_smtputf8=0,
        is_8bit=0,
        ret="",
        envid="",
        created_at=due_at,
        release_at=due_at,
        started_at=0,
        delay_told_at=0,
        finished_at=0,
        message_key=number,
    )
