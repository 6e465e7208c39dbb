"""Search folders: what searches have found, by the session that asked.

What was found is written once, packed into one value, however many mails it is; so that a search costs one row more
and not one for each mail. What goes from it later is noted in further rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, SessionId
from postroom.model.search_folder import SearchFolder
from postroom.store.engine.base import Connection, Row

_COLUMNS = """search_folder.account_id, search_id, session_id, search_folder.modseq, changed_modseq,
       search_folder.total_items, shows_discarded, created_at, expires_at, reader_id"""
_FIND = f"""
SELECT {_COLUMNS}, mailbox.modseq FROM search_folder JOIN mailbox ON mailbox.account_id = search_folder.account_id
WHERE search_folder.account_id = $1 AND search_id = $2
"""
_FIND_SAME = f"""
SELECT {_COLUMNS},
       (SELECT count(*) FROM search_folder AS newer
        WHERE newer.account_id = $1 AND newer.session_id = $2 AND newer.turn > search_folder.turn)
FROM search_folder JOIN mailbox ON mailbox.account_id = search_folder.account_id
WHERE search_folder.account_id = $1 AND session_id = $2 AND fingerprint = $3
  AND mailbox.modseq = search_folder.modseq AND mailbox.modseq = changed_modseq
  AND (expires_at = 0 OR expires_at > $4)
"""
_NEXT_TURN = """
(SELECT coalesce(max(turn), 0) + 1 FROM search_folder WHERE account_id = $1 AND session_id = $3)
"""
_CREATE = f"""
INSERT INTO search_folder (account_id, search_id, session_id, modseq, changed_modseq, total_items, shows_discarded,
                           created_at, expires_at, reader_id, fingerprint, turn)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, {_NEXT_TURN})
ON CONFLICT (account_id, search_id) DO NOTHING RETURNING search_id
"""
_PUT_CONTENT = "INSERT INTO search_content (account_id, search_id, items) VALUES ($1, $2, $3)"
_RENEW = f"""
UPDATE search_folder SET expires_at = $4, turn = {_NEXT_TURN} WHERE account_id = $1 AND search_id = $2
"""
_READ_CONTENT = "SELECT items FROM search_content WHERE account_id = $1 AND search_id = $2"
_LIST_CHANGES = """
SELECT modseq, gone, back FROM search_change WHERE account_id = $1 AND search_id = $2 ORDER BY modseq
"""
_NOTE_CHANGE = """
UPDATE search_folder SET changed_modseq = $4 WHERE account_id = $1 AND search_id = $2 AND changed_modseq = $3
RETURNING search_id
"""
_ADD_CHANGE = """
INSERT INTO search_change (account_id, search_id, modseq, gone, back) VALUES ($1, $2, $3, $4, $5)
"""
_LIST_BEYOND = """
SELECT search_id FROM search_folder WHERE account_id = $1 AND session_id = $2 AND reader_id = $4
ORDER BY turn DESC LIMIT 1000 OFFSET $3
"""
_DELETE = (
    "DELETE FROM search_folder WHERE account_id = $1 AND search_id = $2",
    "DELETE FROM search_content WHERE account_id = $1 AND search_id = $2",
    "DELETE FROM search_change WHERE account_id = $1 AND search_id = $2",
)
_LIST_AFTER = """
SELECT search_folder.account_id, search_id, search_folder.session_id, search_folder.expires_at, session.expires_at,
       CASE WHEN session.is_remembered = 1 THEN session.expires_at ELSE session.last_used_at END
FROM search_folder LEFT JOIN session ON session.session_id = search_folder.session_id
WHERE (search_folder.account_id, search_id) > ($1, $2) ORDER BY search_folder.account_id, search_id LIMIT $3
"""


_NO_READER = AccountId(0)


class Standing(NamedTuple):
    """A search folder, and where its account's history stands."""

    folder: SearchFolder
    mailbox_modseq: Modseq


class Same(NamedTuple):
    """A search folder of the same question and the same state, and how many its session has asked for since."""

    folder: SearchFolder
    newer: int


class Change(NamedTuple):
    """When mails were noticed to have gone from a search folder, or to be back; packed."""

    modseq: Modseq
    gone: bytes
    back: bytes


class Holding(NamedTuple):
    """A search folder, and when it and its session end; None where there is no such session."""

    account_id: AccountId
    search_id: FolderId
    session_id: SessionId
    expires_at: int
    session_expires_at: int | None
    session_used_at: int | None


class SearchFolderRepo:
    """The search folders of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, account_id: AccountId, search_id: FolderId) -> Standing | None:
        """Return a search folder, be it over or not."""
        row = await self._connection.fetch_row(_FIND, account_id, search_id)
        return None if row is None else Standing(SearchFolder(*row[:-1]), row[-1])

    async def find_same(
        self, account_id: AccountId, session_id: SessionId, fingerprint: bytes, *, now_ms: int
    ) -> Same | None:
        """Return the search folder of a session with that question, if the mailbox is still as it was searched."""
        row = await self._connection.fetch_row(_FIND_SAME, account_id, session_id, fingerprint, now_ms)
        return None if row is None else Same(SearchFolder(*row[:-1]), row[-1])

    async def create(self, folder: SearchFolder, fingerprint: bytes, items: bytes) -> bool:
        """Store a search folder as its session's newest; False, and nothing stored, if its number is taken."""
        if await self._connection.fetch_value(_CREATE, *folder, fingerprint) is None:
            return False
        await self._connection.execute(_PUT_CONTENT, folder.account_id, folder.search_id, items)
        return True

    async def renew(self, folder: SearchFolder, *, expires_at: int) -> None:
        """Make a search folder its session's newest."""
        await self._connection.execute(
            _RENEW, folder.account_id, folder.search_id, folder.session_id, expires_at
        )

    async def read_items(self, account_id: AccountId, search_id: FolderId) -> bytes:
        """Return the numbers of what was found, packed; b"" if it is not there."""
        return bytes(await self._connection.fetch_value(_READ_CONTENT, account_id, search_id) or b"")

    async def list_changes(self, account_id: AccountId, search_id: FolderId) -> list[Change]:
        """Return what has gone and come back since, the oldest first."""
        rows = await self._connection.fetch_all(_LIST_CHANGES, account_id, search_id)
        return [Change(*row) for row in rows]

    async def add_change(self, folder: SearchFolder, change: Change) -> bool:
        """Note what has gone and come back; False, and nothing noted, if another has noted something meanwhile."""
        account = (folder.account_id, folder.search_id)
        known = folder.changed_modseq
        if await self._connection.fetch_value(_NOTE_CHANGE, *account, known, change.modseq) is None:
            return False
        await self._connection.execute(_ADD_CHANGE, *account, *change)
        return True

    async def delete_beyond(
        self, account_id: AccountId, session_id: SessionId, *, keep: int, reader_id: AccountId = _NO_READER
    ) -> list[FolderId]:
        """Remove a session's oldest search folders in an account, but for ``keep``; return which."""
        rows = await self._connection.fetch_all(_LIST_BEYOND, account_id, session_id, keep, reader_id)
        await self._delete([(account_id, row[0]) for row in rows])
        return [FolderId(row[0]) for row in rows]

    async def delete_of_session(self, account_id: AccountId, session_id: SessionId) -> None:
        """Remove all search folders of a session."""
        await self.delete_beyond(account_id, session_id, keep=0)

    async def delete(self, folders: Sequence[tuple[AccountId, FolderId]]) -> None:
        """Remove search folders."""
        await self._delete(folders)

    async def _delete(self, folders: Sequence[Row]) -> None:
        if folders:
            for statement in _DELETE:
                await self._connection.execute_many(statement, folders)

    async def list_after(self, account_id: AccountId, search_id: FolderId, *, limit: int) -> list[Holding]:
        """Return up to ``limit`` search folders behind one, by account and number."""
        rows = await self._connection.fetch_all(_LIST_AFTER, account_id, search_id, limit)
        return [Holding(*row) for row in rows]
