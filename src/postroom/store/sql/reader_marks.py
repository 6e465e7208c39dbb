"""Marks of readers: which mails of another's folder each has seen.

A mail is unread by a reader until he marks it, so that nothing is written when one is delivered, however many readers
there are. A mark stays when it is taken back, so that a delta can tell of it; it goes when the mail leaves the
folder. The order of changes is that of the folder itself: marks are steps of the owner's history.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, Modseq, Uid
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.mail_columns import JOINED_COLUMNS
from postroom.store.placeholders import iter_batches, placeholders

MANY = 50
"""Mails looked up by one statement."""

_FIND_STATE = """
SELECT seen_items, modseq FROM folder_reader WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3
"""
_LIST_STATES = """
SELECT folder_id, seen_items, modseq FROM folder_reader WHERE reader_id = $2 AND account_id = $1
"""
_LIST_SEEN = f"""
SELECT uid, modseq, is_seen FROM reader_mark
WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3 AND uid IN ({placeholders(MANY, first=4)})
"""
_LIST_MARKS = """
SELECT uid, modseq, is_seen FROM reader_mark WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3
"""
_PUT = """
INSERT INTO reader_mark (account_id, folder_id, reader_id, uid, is_seen, modseq) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (account_id, folder_id, reader_id, uid) DO UPDATE SET is_seen = excluded.is_seen, modseq = excluded.modseq
"""
_COUNT = """
INSERT INTO folder_reader (account_id, folder_id, reader_id, seen_items, modseq) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, folder_id, reader_id)
DO UPDATE SET seen_items = folder_reader.seen_items + excluded.seen_items, modseq = excluded.modseq
"""
_LEAVE = f"""
DELETE FROM reader_mark WHERE account_id = $1 AND folder_id = $2 AND uid IN ({placeholders(MANY, first=3)})
RETURNING reader_id, is_seen
"""
_UNCOUNT = """
UPDATE folder_reader SET seen_items = seen_items - $4 WHERE account_id = $1 AND folder_id = $2 AND reader_id = $3
"""
_LIST_CHANGED = f"""
SELECT {JOINED_COLUMNS}, reader_mark.is_seen
FROM mail LEFT JOIN reader_mark ON reader_mark.account_id = mail.account_id
     AND reader_mark.folder_id = mail.folder_id AND reader_mark.reader_id = $3 AND reader_mark.uid = mail.uid
WHERE mail.account_id = $1 AND mail.folder_id = $2 AND (mail.modseq, mail.uid) > ($4, $5)
  AND (reader_mark.modseq IS NULL OR reader_mark.modseq <= mail.modseq)
ORDER BY mail.modseq, mail.uid LIMIT $6
"""
_LIST_MARKED = f"""
SELECT {JOINED_COLUMNS.replace("mail.modseq", "reader_mark.modseq")}, reader_mark.is_seen
FROM reader_mark JOIN mail ON mail.account_id = reader_mark.account_id AND mail.folder_id = reader_mark.folder_id
     AND mail.uid = reader_mark.uid
WHERE reader_mark.account_id = $1 AND reader_mark.folder_id = $2 AND reader_mark.reader_id = $3
  AND (reader_mark.modseq, reader_mark.uid) > ($4, $5) AND reader_mark.modseq > mail.modseq
ORDER BY reader_mark.modseq, reader_mark.uid LIMIT $6
"""
_LIST_MADE = """
SELECT mail.uid, mail.item_id, reader_mark.is_seen, mail.is_flagged
FROM reader_mark JOIN mail ON mail.account_id = reader_mark.account_id AND mail.folder_id = reader_mark.folder_id
     AND mail.uid = reader_mark.uid
WHERE reader_mark.account_id = $1 AND reader_mark.folder_id = $2 AND reader_mark.reader_id = $3
  AND reader_mark.modseq = $4
ORDER BY reader_mark.uid
"""
_DELETE_OF_FOLDER = "DELETE FROM folder_reader WHERE account_id = $1 AND folder_id = $2"


class ReaderState(NamedTuple):
    """How many mails of a folder a reader has seen, and when he last marked one."""

    seen_items: int
    modseq: int


class Mark(NamedTuple):
    """Whether a reader has seen a mail, and when he said so."""

    uid: Uid
    modseq: Modseq
    is_seen: int


class Made(NamedTuple):
    """A mark, with what else a mail is marked with."""

    uid: int
    item_id: int
    is_seen: int
    is_flagged: int


NOTHING_SEEN = ReaderState(0, 0)


class ReaderMarkRepo:
    """What readers have seen in the folders of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find_state(self, folder_id: FolderId, reader_id: AccountId) -> ReaderState:
        """Return how much of a folder a reader has seen; one look-up."""
        row = await self._connection.fetch_row(_FIND_STATE, self._account_id, folder_id, reader_id)
        return NOTHING_SEEN if row is None else ReaderState(*row)

    async def list_states(self, reader_id: AccountId) -> dict[FolderId, ReaderState]:
        """Return how much a reader has seen of each folder in which he has marked a mail."""
        rows = await self._connection.fetch_all(_LIST_STATES, self._account_id, reader_id)
        return {FolderId(row[0]): ReaderState(*row[1:]) for row in rows}

    async def find(self, folder_id: FolderId, reader_id: AccountId, uids: Sequence[Uid]) -> dict[Uid, Mark]:
        """Return the marks that a reader has made on mails of a folder."""
        found: dict[Uid, Mark] = {}
        for batch in iter_batches(uids, MANY, filler=0):
            rows = await self._connection.fetch_all(
                _LIST_SEEN, self._account_id, folder_id, reader_id, *batch
            )
            found |= {Uid(row[0]): Mark(*row) for row in rows}
        return found

    async def list_marks(self, folder_id: FolderId, reader_id: AccountId) -> list[Mark]:
        """Return all marks of a reader on mails of a folder."""
        rows = await self._connection.fetch_all(_LIST_MARKS, self._account_id, folder_id, reader_id)
        return [Mark(*row) for row in rows]

    async def list_made(self, folder_id: FolderId, reader_id: AccountId, modseq: Modseq) -> list[Made]:
        """Return the marks that a reader has made at a step and not changed since, on mails that are there."""
        place = (self._account_id, folder_id, reader_id, modseq)
        return [Made(*row) for row in await self._connection.fetch_all(_LIST_MADE, *place)]

    async def put(
        self, folder_id: FolderId, reader_id: AccountId, uids: Iterable[Uid], *, is_seen: int, modseq: Modseq
    ) -> None:
        """Store that a reader has marked mails of a folder, each of which he had otherwise before."""
        marked = [(self._account_id, folder_id, reader_id, uid, is_seen, modseq) for uid in uids]
        await self._connection.execute_many(_PUT, marked)
        seen = len(marked) if is_seen else -len(marked)
        await self._connection.execute(_COUNT, self._account_id, folder_id, reader_id, seen, modseq)

    async def leave(self, folder_id: FolderId, uids: Sequence[Uid]) -> None:
        """Remove the marks of all readers on mails that have left a folder."""
        seen: dict[int, int] = {}
        for batch in iter_batches(uids, MANY, filler=0):
            for reader_id, is_seen in await self._connection.fetch_all(
                _LEAVE, self._account_id, folder_id, *batch
            ):
                seen[reader_id] = seen.get(reader_id, 0) + is_seen
        for reader_id, count in sorted(seen.items()):
            await self._connection.execute(_UNCOUNT, self._account_id, folder_id, reader_id, count)

    async def forget_folder(self, folder_id: FolderId) -> None:
        """Remove the counts of a folder that is gone; the marks go with the mails."""
        await self._connection.execute(_DELETE_OF_FOLDER, self._account_id, folder_id)

    # Deltas

    async def list_changed(
        self, folder_id: FolderId, reader_id: AccountId, *, after: tuple[int, int], limit: int
    ) -> list[Mail]:
        """Return up to ``limit`` mails that changed for a reader after (modseq, uid), in that order, as he has them.

        Where his mark is newer than the mail, their modseq is that of the mark.
        """
        place = (self._account_id, folder_id, reader_id, *after, limit)
        changed = await self._connection.fetch_all(_LIST_CHANGED, *place)
        marked = await self._connection.fetch_all(_LIST_MARKED, *place)
        mails = [Mail(*row[:-1])._replace(is_unread=1 - (row[-1] or 0)) for row in (*changed, *marked)]
        return sorted(mails, key=lambda mail: (mail.modseq, mail.uid))[:limit]
