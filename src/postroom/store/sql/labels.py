"""Labels and their maintained counters."""

from typing import NamedTuple

from postroom.model.ids import AccountId, LabelId, Modseq
from postroom.store.engine.base import Connection

_COUNTS = "SELECT label_id, unread_items, total_items FROM label WHERE account_id = $1 ORDER BY label_id"
_COUNT = """
UPDATE label SET total_items = total_items + $3, unread_items = unread_items + $4, modseq = $5
WHERE account_id = $1 AND label_id = $2
"""


class LabelCount(NamedTuple):
    """The counters of one label."""

    label_id: LabelId
    unread_items: int
    total_items: int


class LabelRepo:
    """The labels of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_counts(self) -> list[LabelCount]:
        """Return the counters of all labels, by number."""
        return [LabelCount(*row) for row in await self._connection.fetch_all(_COUNTS, self._account_id)]

    async def count(self, label_id: LabelId, *, items: int, unread: int, modseq: Modseq) -> None:
        """Add to the counters of a label."""
        await self._connection.execute(_COUNT, self._account_id, label_id, items, unread, modseq)
