"""The mailbox row of an account: its position in history, its counters of numbers, what it holds in all.

Every write takes this row first, which makes the writers of one account take turns on either engine.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId, FolderId, ItemId, LabelId, Modseq
from postroom.store.engine.base import Connection

_CREATE = """
INSERT INTO mailbox (account_id, modseq, folders_modseq, labels_modseq, next_folder_id, next_label_id,
                     next_content_id, next_item_id, forgotten_modseq, total_items, size_bytes)
VALUES ($1, 1, 1, 1, $2, 1, 1, 1, 0, 0, 0)
"""
_GET = (
    "SELECT modseq, folders_modseq, labels_modseq, forgotten_modseq, total_items, size_bytes FROM mailbox "
    "WHERE account_id = $1"
)
_ADVANCE = """
UPDATE mailbox SET modseq = modseq + $2,
                   folders_modseq = CASE WHEN $7 = 1 THEN modseq + $2 ELSE folders_modseq END,
                   total_items = total_items + $3, size_bytes = size_bytes + $4,
                   next_content_id = next_content_id + $5, next_item_id = next_item_id + $6
WHERE account_id = $1
RETURNING modseq, next_content_id, next_item_id, total_items, size_bytes
"""
_TAKE_FOLDER_ID = """
UPDATE mailbox SET next_folder_id = next_folder_id + 1 WHERE account_id = $1 RETURNING next_folder_id - 1
"""
_TAKE_LABEL_ID = """
UPDATE mailbox SET next_label_id = next_label_id + 1 WHERE account_id = $1 RETURNING next_label_id - 1
"""
_LABELS_CHANGED = "UPDATE mailbox SET labels_modseq = $2 WHERE account_id = $1"
_FORGET = """
UPDATE mailbox SET forgotten_modseq = $2 WHERE account_id = $1 AND forgotten_modseq < $2
"""
_SET_USAGE = "UPDATE mailbox SET total_items = $2, size_bytes = $3 WHERE account_id = $1"


class MailboxState(NamedTuple):
    """Where the account's history stands, and what it holds."""

    modseq: Modseq
    folders_modseq: Modseq
    labels_modseq: Modseq
    forgotten_modseq: Modseq
    """Removals up to here may be forgotten."""
    total_items: int
    size_bytes: int


class Advance(NamedTuple):
    """The state after a change; the first of the numbers reserved, if some were asked for."""

    modseq: Modseq
    content_id: ContentId
    item_id: ItemId
    total_items: int
    size_bytes: int


class MailboxRepo:
    """The ``mailbox`` row of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def create(self, *, next_folder_id: int) -> None:
        """Make the row of a new account, at modseq 1."""
        await self._connection.execute(_CREATE, self._account_id, next_folder_id)

    async def find(self) -> MailboxState | None:
        """Return the state, None where the account has no mailbox."""
        row = await self._connection.fetch_row(_GET, self._account_id)
        return None if row is None else MailboxState(*row)

    async def advance(
        self, *, step: int, items: int, size_bytes: int, contents: int, item_ids: int, folders: int = 1
    ) -> Advance | None:
        """Move the history on by ``step`` steps, add to the totals and reserve numbers.

        ``folders``: 1 where a folder or what is in it changes. Returns None where the account has no mailbox (it was
        removed meanwhile).
        """
        row = await self._connection.fetch_row(
            _ADVANCE, self._account_id, step, items, size_bytes, contents, item_ids, folders
        )
        if row is None:
            return None
        return Advance(
            Modseq(row[0]), ContentId(row[1] - contents), ItemId(row[2] - item_ids), row[3], row[4]
        )

    async def take_folder_id(self) -> FolderId:
        """Return a number for a new folder, never given out before."""
        return FolderId(await self._connection.fetch_value(_TAKE_FOLDER_ID, self._account_id))

    async def take_label_id(self) -> LabelId:
        """Return a number for a new label, never given out before."""
        return LabelId(await self._connection.fetch_value(_TAKE_LABEL_ID, self._account_id))

    async def labels_changed(self, modseq: Modseq) -> None:
        """Note that the list of labels changed."""
        await self._connection.execute(_LABELS_CHANGED, self._account_id, modseq)

    async def forget(self, modseq: Modseq) -> None:
        """Note that removals up to ``modseq`` are forgotten."""
        await self._connection.execute(_FORGET, self._account_id, modseq)

    async def set_usage(self, *, total_items: int, size_bytes: int) -> None:
        """Correct the totals; for repairs alone."""
        await self._connection.execute(_SET_USAGE, self._account_id, total_items, size_bytes)
