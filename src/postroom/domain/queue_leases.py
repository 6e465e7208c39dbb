"""Leases of the outgoing queue: who works on a group keeps it, and notices when it is taken away.

A lease runs out by itself, so that a process that died leaves nothing claimed for longer than :data:`LEASE_SECONDS`.
Whoever lives renews it while it works. When that fails (an operator has cancelled the message, the store could not
be reached for too long) the work is broken off: from then on the group may be somebody else's.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from postroom.domain.clock import Clock
from postroom.errors import PostroomError
from postroom.model.outgoing import OutgoingGroup
from postroom.store import Store

LEASE_SECONDS = 60
_RENEWALS = 3
"""How often a lease is renewed before it would have run out."""

T = TypeVar("T")
_log = structlog.get_logger("postroom.queue")


class LeaseLostError(Exception):
    """The group is no longer ours."""


class Lease:
    """A group that is being worked on, as it was taken or renewed last."""

    def __init__(self, group: OutgoingGroup) -> None:
        self.group = group
        self.may_have_arrived = False
        """Another server may have taken the message, and it is not written down how that ended."""

    def adopt(self, group: OutgoingGroup) -> None:
        """Go on under a lease that this same process was given instead: the first one ran out unnoticed."""
        self.group = group


def lease_end(clock: Clock) -> int:
    """Return until when a lease holds that is taken now, in Unix milliseconds."""
    return clock.now_ms() + LEASE_SECONDS * 1000


async def keep_while(lease: Lease, work: Awaitable[T], *, store: Store, clock: Clock) -> T:
    """Do some work, and renew the lease meanwhile; return what the work returns.

    Raises: LeaseLostError, with the work broken off; what the work raises.
    """
    ended = asyncio.Event()
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda _: ended.set())
    try:
        while not task.done():
            await clock.wait(ended, LEASE_SECONDS / _RENEWALS)
            if not task.done() and not await _renew(lease, store, clock):
                raise LeaseLostError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _renew(lease: Lease, store: Store, clock: Clock) -> bool:
    """Renew a lease; False if it is lost. While the store cannot be reached it is ours until it runs out."""
    group, until = lease.group, lease_end(clock)
    if until <= group.leased_until:  # The clock was put back.
        return True
    try:
        async with store.directory_transaction() as tx:
            renewed = await tx.outgoing.work.renew(group, until=until)
    except PostroomError as error:
        _log.warning("a lease could not be renewed", error=str(error), private=error.private)
        return clock.now_ms() < group.leased_until
    if renewed and lease.group is group:
        lease.adopt(group._replace(leased_until=until, next_try_at=until))
    return renewed or lease.group is not group
