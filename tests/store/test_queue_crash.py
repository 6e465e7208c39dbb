# ruff: noqa: S311
"""``kill -9`` at any step of sending: nothing is lost, and sent again is only what was not known to have arrived."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fixtures.crashes import Parent, crash_parent, work_to_the_end, work_until_killed
from tests.fixtures.factories import Owner, make_message, open_owner
from tests.protocol.smtp_peer import Deed, SMTPPeer, Taken, smtp_peer
from tests.store.queue_crash_child import CHUNK_CAPACITY, ShiftedClock
from tests.store.queue_world import QueueWorld

from postroom.domain.examination import examine
from postroom.domain.messages import read_summary
from postroom.domain.queue_leases import LEASE_SECONDS
from postroom.model.folder import INBOX, SCHEDULED, SENT
from postroom.model.ids import FolderId
from postroom.model.listing import Sort
from postroom.model.outgoing import FAILED, RELAYED, WAITING, ProcessingId
from postroom.model.outgoing import SCHEDULED as SCHEDULED_KIND
from postroom.model.outgoing import SENT as SENT_KIND
from postroom.store import Store, open_store
from postroom.store.sql import orders

REFUSED = "nobody@other.test"
MAILS_PER_LIFE = 4
SIGN_SECONDS = 1.0
STAGES = (
    *((stage, Deed.HANG) for stage in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT")),
    *[("DOT", Deed.HANG_AFTER)] * 3,
)
"""Where the server says nothing any more; it has taken the mail at the last ones."""
CAREFUL, EAGER = 2.0, 0.0
"""How long a process is up before it repeats what may have been sent: longer than those live that are killed, or not
at all, so that they die at repeating, too."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CAPACITY", CHUNK_CAPACITY)


@pytest.fixture
def killed() -> Iterator[Parent]:
    """The process whose children are killed."""
    with crash_parent("tests.store.queue_crash_child") as process:
        yield process


class Place(NamedTuple):
    """Where the store is."""

    url: str
    folder: Path

    async def open(self) -> Store:
        return await open_store(self.url, self.folder)


class Life:
    """A store, a relay, and what is known of the mails that were sent."""

    def __init__(self, killed: Parent, place: Place, peer: SMTPPeer, *, seed: int, steady: float) -> None:
        self.killed = killed
        self.place = place
        self.peer = peer
        self.chance = random.Random(seed)
        self.steady = steady
        self.lives = 0
        self.signs = 0
        self._longest = 0.08
        self.numbers: dict[str, ProcessingId] = {}
        self.known: set[tuple[str, str]] = set()
        """Mails and recipients of which our side knows that they have arrived."""
        self.copies: Counter[tuple[str, str]] = Counter()
        peer.on_taken = self._take
        self._taken: list[tuple[str, str]] = []

    def _take(self, mail: Taken) -> None:
        subject = next(line for line in mail.content.split(b"\r\n") if line.startswith(b"Subject: "))
        self._taken += [(subject[9:].decode(), recipient) for recipient in mail.recipients]

    @property
    def seconds(self) -> float:
        """How far the clock of this life is put forward."""
        return self.lives * (LEASE_SECONDS + 1)

    async def enqueue(self, owner: Owner) -> None:
        """Put some mails into the queue; each goes to the relay and to a mailbox here, some are refused."""
        world = QueueWorld(owner.store, clock=ShiftedClock(self.seconds))
        for _ in range(MAILS_PER_LIFE):
            subject = f"Letter {len(self.numbers)}"
            is_scheduled = self.chance.random() < 0.3
            recipients = ["berta@other.test", "anna@example.test"]
            if self.chance.random() < 0.3:
                recipients.append(REFUSED)
            self.numbers[subject] = await world.send(
                owner,
                recipients,
                raw=make_message(subject=subject, body="x\r\n" * self.chance.choice((1, 1000))),
                has_relay=True,
                kind=SCHEDULED_KIND if is_scheduled else SENT_KIND,
                folder_id=SCHEDULED if is_scheduled else SENT,
            )

    async def live(self) -> None:
        """Let a child work, and kill it at some time, or at some stage of what it says to the server."""
        sign, stage = self._choose_stage()
        wait = SIGN_SECONDS if stage else self.chance.uniform(0, self._longest)
        done = await asyncio.to_thread(work_until_killed, self.killed, self._task(), seconds=wait, sign=sign)
        await self._mourn()
        self.peer.script.pop(stage, None)
        self.signs += sign.is_set()
        if not stage:
            # Some are done and some are not, however quick the machine and the store are.
            self._longest = min(max(self._longest * (0.85 if done else 1.1), 0.01), SIGN_SECONDS)

    def _choose_stage(self) -> tuple[threading.Event, str]:
        """Have the server say nothing any more at some stage, and give a sign then; or not, in half of the lives."""
        sign = threading.Event()
        self.peer.on_hang = sign.set
        if self.chance.random() < 0.5:
            return sign, ""
        stage, deed = self.chance.choice(STAGES)
        self.peer.script[stage] = [deed]
        return sign, stage

    async def live_on(self) -> bool:
        """Let a child work until it has nothing left to do; return whether that was so."""
        done = await asyncio.to_thread(work_to_the_end, self.killed, self._task())
        await self._mourn()
        return done

    def _task(self) -> str:
        return f"{self.place.url}\t{self.place.folder}\t{self.peer.port}\t{self.seconds}\t{self.steady}"

    async def _mourn(self) -> None:
        self.lives += 1
        # What the child had written to its sockets arrives after its death.
        while self.peer.writers:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def check(self, store: Store) -> None:
        """Nothing arrived twice in this life, and nothing that was known to have arrived before it."""
        taken, self._taken = self._taken, []
        assert len(set(taken)) == len(taken)
        assert self.known.isdisjoint(taken)
        self.copies.update(taken)
        async with store.directory() as directory:
            for subject in {subject for subject, _ in self.copies}:
                for recipient in await directory.outgoing.list_recipients(self.numbers[subject]):
                    if recipient.state == RELAYED:
                        assert (subject, recipient.address) in self.copies
                        self.known.add((subject, recipient.address))


async def subjects(owner: Owner, folder_id: FolderId) -> Counter[str]:
    async with owner.store.read(owner.account_id) as mailbox:
        mails = await mailbox.mails.list_page(folder_id, Sort(), anchor=None, skip=0, limit=1_000_000)
    return Counter(read_summary(mail).subject for mail in mails)


async def check_all(life: Life, owner: Owner) -> None:
    """All have arrived, here exactly once; who was refused was told of once; nothing is left over."""
    sent = Counter(dict.fromkeys(life.numbers, 1))
    inbox = await subjects(owner, INBOX)
    reported = 0
    async with owner.store.directory() as directory:
        assert await directory.outgoing.count_waiting() == 0
        for subject, number in life.numbers.items():
            message = await directory.outgoing.find(number)
            assert message is not None
            assert message.finished_at
            recipients = await directory.outgoing.list_recipients(number)
            states = {recipient.address: recipient.state for recipient in recipients}
            assert WAITING not in states.values()
            assert states.get(REFUSED, FAILED) == FAILED
            reported += FAILED in states.values()
            # However many die, it comes twice at most.
            copies = life.copies[subject, "berta@other.test"]
            assert copies <= 2
            if life.steady == CAREFUL or states["berta@other.test"] == RELAYED:
                assert copies >= 1
            else:  # Two died where it may have been sent: its sender is told.
                assert states["berta@other.test"] == FAILED
    assert inbox.pop("Undelivered Mail Returned to Sender", 0) == reported
    assert inbox == sent
    assert await subjects(owner, SENT) == sent
    assert not await subjects(owner, SCHEDULED)
    async with owner.store.read(owner.account_id) as mailbox:
        _, faults = await examine(mailbox, "anna")
    assert faults == []
    assert await owner.store.engine.find_damage() == []


async def crash(killed: Parent, place: Place, *, rounds: int, seed: int, steady: float) -> None:
    """Kill whoever works on the queue again and again."""
    owner = await open_owner(place.folder, place.url)
    async with smtp_peer({f"RCPT {REFUSED}": "550 5.1.1 unknown"}) as peer:
        life = Life(killed, place, peer, seed=seed, steady=steady)
        for _ in range(rounds):
            await life.enqueue(owner)
            await owner.store.close()
            await life.live()
            owner = Owner(await place.open(), owner.domain, owner.account, "")
            await life.check(owner.store)
        await owner.store.close()
        assert await life.live_on()
        owner = Owner(await place.open(), owner.domain, owner.account, "")
        await life.check(owner.store)
        await check_all(life, owner)
        await owner.store.close()
    # Else nobody was killed where it matters.
    assert life.signs > rounds // 10
    assert any(copies > 1 for copies in life.copies.values())


@pytest.mark.parametrize("steady", [CAREFUL, EAGER], ids=["careful", "eager"])
async def test_killed_at_any_step(killed: Parent, store_url: str, tmp_path: Path, steady: float) -> None:
    await crash(killed, Place(store_url, tmp_path), rounds=30, seed=1, steady=steady)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("steady", [CAREFUL, EAGER], ids=["careful", "eager"])
@pytest.mark.parametrize("seed", range(10, 14))
async def test_killed_many_times(
    killed: Parent, store_url: str, tmp_path: Path, seed: int, steady: float
) -> None:
    await crash(killed, Place(store_url, tmp_path), rounds=150, seed=seed, steady=steady)
