"""Messages of the outgoing queue that are held back after a restore, until an operator releases or cancels them.

They waited when the backup was made, and may have been sent since. What goes to mailboxes here is not held: they
were put back, too, and lack it. A group that is held is one whose next try is at :data:`HELD`, which never comes.
"""

from postroom.model.outgoing import HELD, ProcessingId
from postroom.store.engine.base import Connection

_HOLD = f"""
UPDATE outgoing_group SET next_try_at = {HELD} WHERE processing_id = $1 AND destination <> 'local'
RETURNING processing_id
"""
_RELEASE = f"""
UPDATE outgoing_group SET next_try_at = $2 WHERE processing_id = $1 AND next_try_at = {HELD} RETURNING processing_id
"""
# Tries and notices of delay count from then on.
_RELEASE_MESSAGE = "UPDATE outgoing SET release_at = $2 WHERE processing_id = $1 AND release_at < $2"
_COUNT_RELAY = f"SELECT count(*) FROM outgoing_group WHERE destination = 'relay' AND next_try_at = {HELD}"
_COUNT_ELSEWHERE = f"""
SELECT count(*) FROM outgoing_group WHERE destination NOT IN ('local', 'relay') AND next_try_at = {HELD}
"""


class HeldMessagesRepo:
    """The groups of recipients that are held."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hold(self, processing_id: ProcessingId) -> int:
        """Hold a message back from all who have no mailbox here; return how many groups of recipients that are."""
        return len(await self._connection.fetch_all(_HOLD, processing_id))

    async def release(self, processing_id: ProcessingId, *, at: int) -> int:
        """Have a message go on at a time; return how many groups of recipients were held."""
        released = len(await self._connection.fetch_all(_RELEASE, processing_id, at))
        if released:
            await self._connection.execute(_RELEASE_MESSAGE, processing_id, at)
        return released

    async def count(self) -> int:
        """Return how many groups are held; for metrics."""
        counts = [
            await self._connection.fetch_value(statement) for statement in (_COUNT_RELAY, _COUNT_ELSEWHERE)
        ]
        return sum(int(count) for count in counts)
