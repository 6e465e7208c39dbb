"""How far the indexes of one account are: what is still to be done behind the changes."""

from typing import NamedTuple

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_COUNT = """
SELECT m.total_items,
       (SELECT count(*) FROM extraction e WHERE e.account_id = $1),
       (SELECT coalesce(sum(f.total_items), 0) FROM rethreaded_folder r
        JOIN folder f ON f.account_id = r.account_id AND f.folder_id = r.folder_id WHERE r.account_id = $1),
       (SELECT count(*) FROM rethreaded_folder r WHERE r.account_id = $1)
FROM mailbox m WHERE m.account_id = $1
"""


class Backlog(NamedTuple):
    """What is still to be done for an account.

    Attributes:
        total_items: mails of the account.
        unread_documents: messages whose documents are still to be read for the full-text index.
        unthreaded_items: mails in folders whose mails are still to be joined to conversations, or parted from them.
        unthreaded_folders: those folders.
    """

    total_items: int
    unread_documents: int
    unthreaded_items: int
    unthreaded_folders: int


class IndexingRepo:
    """What is still to be done for one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_backlog(self) -> Backlog | None:
        """Return what is still to be done, None where the account has no mailbox."""
        row = await self._connection.fetch_row(_COUNT, self._account_id)
        return None if row is None else Backlog(*map(int, row))
