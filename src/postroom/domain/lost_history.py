"""Going on after the last part of history is lost: no number of it is given out a second time.

:mod:`postroom.store.sql.lost_history` tells how. Mail that is on its way to others is held, since it may have left
already (:mod:`postroom.store.sql.held_messages`). A store that is opened again after it had moved is such a case,
too: what came into the other one is lost.
"""

from typing import Final

from postroom.domain.clock import Clock
from postroom.store.engine.base import Engine
from postroom.store.sql.held_messages import HeldMessagesRepo
from postroom.store.sql.lost_history import LostHistoryRepo
from postroom.store.sql.outgoing import OutgoingRepo

_AT_ONCE: Final = 100


async def begin_anew(engine: Engine) -> int:
    """Have a store go on that has lost the last part of its history; return how many messages are held.

    Nobody else may have it open. It may be interrupted and repeated. Raises: unavailable.
    """
    await _leap_all(engine)
    return await _hold_queue(engine)


async def _leap_all(engine: Engine) -> None:
    """Have all mailboxes go on with numbers that were never given out."""
    now_ms, last = Clock().now_ms(), 0
    while True:
        async with engine.write() as connection:
            repo = LostHistoryRepo(connection)
            accounts = await repo.list_mailboxes(last, limit=_AT_ONCE)
            for account_id in accounts:
                await repo.leap(account_id, now_ms=now_ms)
            if len(accounts) < _AT_ONCE:
                await repo.leap_accounts(now_ms=now_ms)
                return
        last = accounts[-1]


async def _hold_queue(engine: Engine) -> int:
    last = held = 0
    while True:
        async with engine.write() as connection:
            messages = await OutgoingRepo(connection).list_unfinished(last, limit=_AT_ONCE)
            queue = HeldMessagesRepo(connection)
            held += sum([await queue.hold(message.processing_id) > 0 for message in messages])
        if len(messages) < _AT_ONCE:
            return held
        last = messages[-1].processing_id
