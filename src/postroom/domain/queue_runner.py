"""The runner of the outgoing queue: finds groups that are due, and gives each its turn.

What is done in a turn is told in :mod:`postroom.domain.queue_turns`. Any number of runners, in any number of
processes, share a queue: a group is claimed by one, for the time of its lease.

Nobody waits for those who are slow. Mailboxes here, the smart host, and all other domains together are three lanes,
each with its own places; only as much is claimed as there are places, so that what one process cannot do now is there
for another. Of one domain only a few groups are worked on at the same time: the others that are due are put off, one
behind the other, for about as long as it takes until it is their turn, so that each is put off once or twice however
many there are.

An attempt that nobody saw the end of, because the process died or had to stop, may have handed its message over. It
is repeated, once the process that does so has been up for some time, the longer the more such attempts there were. So
a server that dies again and again does not send a copy each time.

Due groups are found when the first of them is due, when the store tells of one that is due at once, and by looking
each second, since other processes put messages into the queue too.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import structlog

from postroom.domain.clock import Clock
from postroom.domain.queue_leases import Lease, lease_end
from postroom.errors import PostroomError
from postroom.model.ids import AccountId
from postroom.model.outgoing import LOCAL, RELAY, OutgoingGroup, ProcessingId
from postroom.store import Store
from postroom.store.sql.outgoing import ELSEWHERE
from postroom.store.tx import QUEUE

POLL_SECONDS = 1.0
TAKEN_SECONDS = 0.1
"""How long to wait where all that is due is being claimed, settled or removed by others just now."""
BATCH = 50
"""Groups claimed in one transaction."""
BATCHES = 20
"""Claims in one go of a lane; then the others have their turn."""
LOCAL_PLACES = 16
GRACE_SECONDS = 5.0
MAX_PUT_OFF_SECONDS = 600.0
STEADY_SECONDS = (60.0, 300.0, 900.0)
"""How long a process has been up before it repeats an attempt that nobody saw the end of: the first one, the second
one, and all others. The first is about the time in which the lease runs out."""
_USUAL_SECONDS = 0.5
"""How long a turn of a domain takes of which nothing is known."""
_MAX_KNOWN = 10_000
_WEIGHT = 0.2

Wake = Callable[[], None]
_Key = tuple[ProcessingId, str]
_log = structlog.get_logger("postroom.queue")


class TakesTurns(Protocol):
    """Does the work on a group."""

    async def take(self, lease: Lease) -> None:
        """Try a group that is leased, and settle what that came to. Raises: unavailable."""


class News(Protocol):
    """Tells of commits."""

    async def listen(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called from now on, whenever something of an account was committed."""

    def ignore(self, account_id: AccountId, wake: Wake) -> None:
        """Have ``wake`` called no more."""


class Places(NamedTuple):
    """How many groups are worked on at the same time."""

    relay: int = 20
    elsewhere: int = 100
    per_domain: int = 5


class _Lane:
    """A way that mail goes, with places for groups that are worked on."""

    def __init__(self, name: str, places: int) -> None:
        self.name = name
        self.places = places
        self.taken = 0
        self.is_full = False
        """More may be due than there was room for."""


class QueueRunner:
    """Works on the outgoing queue of a store, for one process."""

    def __init__(
        self,
        store: Store,
        turns: TakesTurns,
        *,
        clock: Clock,
        places: Places = Places(),  # noqa: B008 (a constant)
        steady_seconds: Sequence[float] = STEADY_SECONDS,
        news: News | None = None,
    ) -> None:
        """Without ``news`` of commits, what is due at once is noticed when it is looked for."""
        self._store = store
        self._turns = turns
        self._clock = clock
        self._news = news
        self._lanes = [
            _Lane(LOCAL, LOCAL_PLACES),
            _Lane(RELAY, places.relay),
            _Lane(ELSEWHERE, places.elsewhere),
        ]
        self._pacing = _Pacing(places.per_domain)
        self._steady_seconds = steady_seconds
        self._up_since = clock.now_ms()
        self._leases: dict[_Key, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._something = asyncio.Event()

    @property
    def working(self) -> int:
        """Groups that are worked on now."""
        return len(self._leases)

    def wake(self) -> None:
        """Note that something may be due."""
        self._something.set()

    async def run(self) -> None:
        """Work until cancelled; what is being sent then gets a moment to end."""
        try:
            while True:
                self._something.clear()
                seconds = await self._try()
                await self._clock.wait(self._something, seconds)
        finally:
            await self.close()

    async def _try(self) -> float:
        """Look for what is due; where the store cannot be reached, leave it at that."""
        try:
            if self._news is not None:
                await self._news.listen(QUEUE, self.wake)
            return await self.look()
        except PostroomError as error:
            _log.warning("the outgoing queue waits", error=str(error), private=error.private)
        except Exception:  # noqa: BLE001 - a fault must not end the work for all mail, for good
            _log.exception("the outgoing queue waits")
        return POLL_SECONDS

    async def look(self) -> float:
        """Begin with all that is due and has a place; return for how many seconds nothing more will be.

        Raises: unavailable.
        """
        return min([POLL_SECONDS, *[await self._look_at(lane) for lane in self._lanes]])

    async def _look_at(self, lane: _Lane) -> float:
        for _ in range(BATCHES):
            free = lane.places - lane.taken
            lane.is_full = free <= 0
            if lane.is_full:
                return POLL_SECONDS
            async with self._store.directory() as directory:
                due_at = await directory.outgoing.work.find_next_due(lane.name)
            now = self._clock.now_ms()
            if due_at is None:
                return POLL_SECONDS
            if due_at > now:
                return (due_at - now) / 1000
            limit = min(free, BATCH)
            async with self._store.directory_transaction() as tx:
                until = lease_end(self._clock)
                groups = await tx.outgoing.work.claim(lane.name, now=now, until=until, limit=limit)
            if not groups:
                return TAKEN_SECONDS
            await self._begin_with(lane, groups)
        return 0.0

    async def _begin_with(self, lane: _Lane, groups: list[OutgoingGroup]) -> None:
        put_off: list[OutgoingGroup] = []
        now = self._clock.now_ms()
        for group in groups:
            key = (group.processing_id, group.destination)
            if (lease := self._leases.get(key)) is not None:
                # The clock was put forward so that our own lease seemed to be over.
                lease.adopt(group)
            elif lane.name != LOCAL and (steady_at := self._find_steady(group)) > now:
                put_off.append(group._replace(next_try_at=steady_at))
            elif lane.name == ELSEWHERE and self._pacing.is_busy(group.destination):
                next_try_at = self._pacing.book(group.destination, now=now)
                put_off.append(group._replace(next_try_at=next_try_at))
            else:
                self._begin(lane, key, Lease(group))
        if put_off:
            async with self._store.directory_transaction() as tx:
                await tx.outgoing.work.put_off(put_off)

    def _find_steady(self, group: OutgoingGroup) -> int:
        """Return from when on this process may try a group; mailboxes here get a message exactly once anyway."""
        if not group.lapses:
            return 0
        seconds = self._steady_seconds[min(group.lapses, len(self._steady_seconds)) - 1]
        return self._up_since + int(seconds * 1000)

    def _begin(self, lane: _Lane, key: _Key, lease: Lease) -> None:
        lane.taken += 1
        self._leases[key] = lease
        self._pacing.begin(lease.group.destination)
        task = asyncio.create_task(self._work(lane, key, lease))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: _Lane, key: _Key, lease: Lease) -> None:
        started = time.monotonic()
        try:
            await self._turns.take(lease)
        except PostroomError as error:
            # Its lease keeps it waiting for a moment.
            _log.warning("a message waits", message=key[0], error=str(error), private=error.private)
        except asyncio.CancelledError:
            await self._give_back(lease)
            raise
        except Exception:  # noqa: BLE001 - a fault in one is no concern of the others
            _log.exception("a message failed", message=key[0])
        finally:
            self._pacing.end(key[1], time.monotonic() - started)
            del self._leases[key]
            lane.taken -= 1
            # A full lane is filled up again when there is room for some, not for each that ends.
            if lane.is_full and lane.taken <= lane.places * 3 // 4:
                self.wake()

    async def _give_back(self, lease: Lease) -> None:
        """Let others have a group whose turn is broken off: a lapse, if the message may have arrived by then."""
        lapses = lease.group.lapses + lease.may_have_arrived
        group = lease.group._replace(next_try_at=self._clock.now_ms(), lapses=lapses)
        try:
            async with self._store.directory_transaction() as tx:
                await tx.outgoing.work.put_off([group])
        except PostroomError as error:
            _log.warning("a lease is left to run out", error=str(error), private=error.private)

    async def settle(self) -> None:
        """Wait until nothing is being worked on."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def close(self) -> None:
        """End the work: what is being sent gets a moment to end."""
        if self._news is not None:
            self._news.ignore(QUEUE, self.wake)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=GRACE_SECONDS)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class _Pacing:
    """Says of each domain whether it has enough work, and when it will have room for more."""

    def __init__(self, per_domain: int) -> None:
        self._per_domain = per_domain
        self._working: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._booked: dict[str, float] = {}

    def is_busy(self, destination: str) -> bool:
        """Tell whether a domain has as many groups at work as it may have."""
        return self._working[destination] >= self._per_domain

    def book(self, destination: str, *, now: int) -> int:
        """Return when one more group of a busy domain may have its turn, in Unix milliseconds."""
        turn = self._seconds.get(destination, _USUAL_SECONDS) * 1000 / self._per_domain
        booked = min(max(self._booked.get(destination, 0.0), now) + turn, now + MAX_PUT_OFF_SECONDS * 1000)
        _remember(self._booked, destination, booked)
        return int(booked) + 1

    def begin(self, destination: str) -> None:
        """Note that a group is worked on."""
        self._working[destination] += 1

    def end(self, destination: str, seconds: float) -> None:
        """Note that a group is worked on no more, and how long that took."""
        self._working[destination] -= 1
        if not self._working[destination]:
            del self._working[destination]
        known = self._seconds.get(destination, seconds)
        _remember(self._seconds, destination, known + _WEIGHT * (seconds - known))


def _remember(known: dict[str, float], destination: str, value: float) -> None:
    known.pop(destination, None)
    known[destination] = value
    if len(known) > _MAX_KNOWN:
        del known[next(iter(known))]
