"""Labels and their maintained counters, in all and by folder."""

from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, ItemId, LabelId, Modseq, Uid
from postroom.store.engine.base import Connection

_LIST = "SELECT label_id, name FROM label WHERE account_id = $1 ORDER BY label_id"
_FIND = "SELECT label_id, name FROM label WHERE account_id = $1 AND label_id = $2"
_FIND_NAMED = "SELECT label_id FROM label WHERE account_id = $1 AND name_key = $2"
_CREATE = """
INSERT INTO label (account_id, label_id, name, name_key, total_items, unread_items, modseq)
VALUES ($1, $2, $3, $4, 0, 0, $5)
"""
_RENAME = "UPDATE label SET name = $3, name_key = $4, modseq = $5 WHERE account_id = $1 AND label_id = $2"
_DELETE = "DELETE FROM label WHERE account_id = $1 AND label_id = $2"
_COUNTS = "SELECT label_id, unread_items, total_items FROM label WHERE account_id = $1 ORDER BY label_id"
_COUNT = """
UPDATE label SET total_items = total_items + $3, unread_items = unread_items + $4, modseq = $5
WHERE account_id = $1 AND label_id = $2
"""
_COUNT_IN_FOLDER = """
INSERT INTO folder_label (account_id, folder_id, label_id, total_items, unread_items) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, folder_id, label_id) DO UPDATE
SET total_items = folder_label.total_items + excluded.total_items,
    unread_items = folder_label.unread_items + excluded.unread_items
"""
_LIST_OF_FOLDER = """
SELECT label_id, unread_items, total_items FROM folder_label WHERE account_id = $1 AND folder_id = $2
"""
_LIST_OF_FOLDERS = (
    "SELECT folder_id, label_id, unread_items, total_items FROM folder_label WHERE account_id = $1"
)
_LIST_FOLDERS = """
SELECT folder_id FROM folder_label WHERE account_id = $1 AND label_id = $2 AND total_items > 0
"""
_DELETE_OF_FOLDER = "DELETE FROM folder_label WHERE account_id = $1 AND folder_id = $2"
_DELETE_OF_LABEL = "DELETE FROM folder_label WHERE account_id = $1 AND label_id = $2"
_LIST_LABELLED = """
SELECT uid, item_id, labels FROM mail WHERE account_id = $1 AND folder_id = $2 AND uid > $3 AND labels <> ''
ORDER BY uid LIMIT $4
"""
_DOOM = "INSERT INTO doomed_label (account_id, label_id) VALUES ($1, $2)"
_LIST_DOOMED = "SELECT label_id FROM doomed_label WHERE account_id = $1 ORDER BY label_id"
_UNDOOM = "DELETE FROM doomed_label WHERE account_id = $1 AND label_id = $2"
LIST_ACCOUNTS = "SELECT DISTINCT account_id FROM doomed_label LIMIT 100"


class Label(NamedTuple):
    """A label."""

    label_id: LabelId
    name: str


class Labelled(NamedTuple):
    """A mail's number, and the labels it has."""

    uid: Uid
    item_id: ItemId
    labels: str

    def has(self, label_id: LabelId) -> bool:
        """Tell whether the mail has a label."""
        return str(label_id) in self.labels.split()


class LabelCount(NamedTuple):
    """The counters of one label."""

    label_id: LabelId
    unread_items: int
    total_items: int


class FolderLabelCount(NamedTuple):
    """The counters of one label in one folder."""

    folder_id: FolderId
    label_id: LabelId
    unread_items: int
    total_items: int


class LabelRepo:
    """The labels of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_all(self) -> list[Label]:
        """Return all labels, by number."""
        return [Label(*row) for row in await self._connection.fetch_all(_LIST, self._account_id)]

    async def find(self, label_id: LabelId) -> Label | None:
        """Return a label."""
        row = await self._connection.fetch_row(_FIND, self._account_id, label_id)
        return None if row is None else Label(*row)

    async def find_named(self, name_key: str) -> LabelId | None:
        """Return the label with that name, compared by ``name_key``."""
        value = await self._connection.fetch_value(_FIND_NAMED, self._account_id, name_key)
        return None if value is None else LabelId(value)

    async def create(self, label: Label, *, name_key: str, modseq: Modseq) -> None:
        """Make a label that no mail has."""
        await self._connection.execute(_CREATE, self._account_id, *label, name_key, modseq)

    async def rename(self, label: Label, *, name_key: str, modseq: Modseq) -> None:
        """Give a label another name."""
        await self._connection.execute(_RENAME, self._account_id, *label, name_key, modseq)

    async def delete(self, label_id: LabelId) -> None:
        """Remove a label; what is counted of it by folder stays, until it is off all mails."""
        await self._connection.execute(_DELETE, self._account_id, label_id)

    # Counters

    async def list_counts(self) -> list[LabelCount]:
        """Return the counters of all labels, by number."""
        return [LabelCount(*row) for row in await self._connection.fetch_all(_COUNTS, self._account_id)]

    async def list_folder_counts(self) -> list[FolderLabelCount]:
        """Return the counters of all labels in all folders."""
        rows = await self._connection.fetch_all(_LIST_OF_FOLDERS, self._account_id)
        return [FolderLabelCount(*row) for row in rows]

    async def list_counts_in(self, folder_id: FolderId) -> list[LabelCount]:
        """Return the counters of the labels in a folder."""
        rows = await self._connection.fetch_all(_LIST_OF_FOLDER, self._account_id, folder_id)
        return [LabelCount(*row) for row in rows]

    async def count(self, label_id: LabelId, *, items: int, unread: int, modseq: Modseq) -> None:
        """Add to the counters of a label."""
        await self._connection.execute(_COUNT, self._account_id, label_id, items, unread, modseq)

    async def count_in(self, folder_id: FolderId, counts: Iterable[LabelCount]) -> None:
        """Add to the counters of labels in a folder."""
        await self._connection.execute_many(
            _COUNT_IN_FOLDER,
            [
                (self._account_id, folder_id, count.label_id, count.total_items, count.unread_items)
                for count in counts
            ],
        )

    async def forget_folder(self, folder_id: FolderId) -> None:
        """Remove the counters of a folder that is gone."""
        await self._connection.execute(_DELETE_OF_FOLDER, self._account_id, folder_id)


class DoomedLabelRepo:
    """The labels of one account that are gone, and the mails that still have them."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def add(self, label_id: LabelId) -> None:
        """Note that a label, which is gone, is to be taken off mails."""
        await self._connection.execute(_DOOM, self._account_id, label_id)

    async def list_all(self) -> list[LabelId]:
        """Return the labels that are to be taken off mails."""
        rows = await self._connection.fetch_all(_LIST_DOOMED, self._account_id)
        return [LabelId(row[0]) for row in rows]

    async def list_folders(self, label_id: LabelId) -> list[FolderId]:
        """Return the folders with mails that have a label."""
        rows = await self._connection.fetch_all(_LIST_FOLDERS, self._account_id, label_id)
        return [FolderId(row[0]) for row in rows]

    async def list_labelled(self, folder_id: FolderId, *, after: Uid, limit: int) -> list[Labelled]:
        """Return up to ``limit`` mails of a folder that have any labels, from behind a uid, by uid."""
        rows = await self._connection.fetch_all(_LIST_LABELLED, self._account_id, folder_id, after, limit)
        return [Labelled(*row) for row in rows]

    async def forget(self, label_id: LabelId) -> None:
        """Note that no mail has a label any more."""
        await self._connection.execute(_DELETE_OF_LABEL, self._account_id, label_id)
        await self._connection.execute(_UNDOOM, self._account_id, label_id)
