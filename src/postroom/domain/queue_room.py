"""How many messages an account may have waiting in the outgoing queue: so that none fills it for all.

What waits is counted by an index, which takes as long as there is to count. So a count is good for some messages
more: an eighth of those that there was room for. A full account is counted each time, up to its limit.
"""

from collections.abc import Mapping

from postroom.config.classes import AccountClass, class_of
from postroom.errors import Kind, PostroomError
from postroom.model.account import Caller
from postroom.model.ids import AccountId
from postroom.store.tx import Transaction

RETRY_SECONDS = 60
_PART = 8
_MAX_KNOWN = 10_000


class QueueRoom:
    """Knows about how much room accounts have in the queue; each process and each way of sending for itself."""

    def __init__(self, classes: Mapping[str, AccountClass]) -> None:
        self._classes = classes
        self._left: dict[AccountId, int] = {}

    async def take(self, tx: Transaction, caller: Caller) -> None:
        """Make sure that there is room for one more message of a caller.

        Raises: tooManyRequests.
        """
        account_class = class_of(self._classes, caller.class_name)
        limit = account_class.queued_mails
        if not limit:
            return
        left = self._left.pop(caller.account_id, 0)
        if not left:
            waiting = await tx.outgoing.count_unfinished(caller.account_id)
            if waiting >= limit:
                raise PostroomError(
                    Kind.LIMITED,
                    "tooManyRequests",
                    f"as many mails of this account wait to be sent as may, scheduled ones included: {limit}",
                    details={"limit": limit},
                    retry_after_seconds=RETRY_SECONDS,
                )
            left = (limit - waiting) // _PART + 1
        self._left[caller.account_id] = left - 1
        if len(self._left) > _MAX_KNOWN:
            del self._left[next(iter(self._left))]
