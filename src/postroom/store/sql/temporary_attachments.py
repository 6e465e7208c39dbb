"""Temporary attachments: files that sessions have uploaded, until the session ends or they are removed.

A row is removed before the file that it names, so that there is never a row without a file; what the statement that
removes rows returns is to be deleted once that is durable.
"""

from collections.abc import Iterable
from typing import NamedTuple

from postroom.model.ids import AccountId, ItemId, SessionId
from postroom.model.upload import TemporaryAttachment, TemporaryAttachmentId
from postroom.store.engine.base import Connection

_COLUMNS = """account_id, attachment_id, session_id, blob_name, name, content_type, content_id, is_inline, size_bytes,
       created_at, draft_item_id"""
_CREATE = f"""
INSERT INTO temporary_attachment ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (account_id, session_id, attachment_id) DO NOTHING RETURNING attachment_id
"""
_FIND = f"""
SELECT {_COLUMNS} FROM temporary_attachment WHERE account_id = $1 AND attachment_id = $2 AND session_id = $3
"""
_MEASURE = """
SELECT count(*), coalesce(sum(size_bytes), 0) FROM temporary_attachment WHERE account_id = $1 AND session_id = $2
"""
_DELETE = """
DELETE FROM temporary_attachment WHERE account_id = $1 AND attachment_id = $2 AND session_id = $3
RETURNING account_id, blob_name
"""
_SAVE_WITH = """
UPDATE temporary_attachment SET draft_item_id = $4 WHERE account_id = $1 AND attachment_id = $2 AND session_id = $3
"""
_FORGET_DRAFT = """
UPDATE temporary_attachment SET draft_item_id = 0 WHERE account_id = $1 AND session_id = $2 AND draft_item_id = $3
"""
_DELETE_OF_DRAFT = """
DELETE FROM temporary_attachment WHERE account_id = $1 AND session_id = $2 AND draft_item_id = $3
RETURNING account_id, blob_name
"""
_DELETE_OF_SESSION = """
DELETE FROM temporary_attachment WHERE account_id = $1 AND session_id = $2 RETURNING account_id, blob_name
"""
_LIST_AFTER = """
SELECT temporary_attachment.account_id, temporary_attachment.session_id, attachment_id, session.expires_at,
       CASE WHEN session.is_remembered = 1 THEN session.expires_at ELSE session.last_used_at END
FROM temporary_attachment LEFT JOIN session ON session.session_id = temporary_attachment.session_id
WHERE (temporary_attachment.account_id, temporary_attachment.session_id, attachment_id) > ($1, $2, $3)
ORDER BY temporary_attachment.account_id, temporary_attachment.session_id, attachment_id LIMIT $4
"""
_HAS_BLOB = "SELECT 1 FROM temporary_attachment WHERE account_id = $1 AND blob_name = $2 LIMIT 1"


class RemovedFile(NamedTuple):
    """A file that no row names any more."""

    account_id: AccountId
    blob_name: bytes


class Place(NamedTuple):
    """The name of a temporary attachment, by which they are in order."""

    account_id: int
    session_id: int
    attachment_id: int


class Holding(NamedTuple):
    """A temporary attachment, and when its session ends and was used last; None where there is no such session."""

    account_id: AccountId
    session_id: SessionId
    attachment_id: TemporaryAttachmentId
    expires_at: int | None
    last_used_at: int | None


class TemporaryAttachmentRepo:
    """The temporary attachments of all sessions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, row: TemporaryAttachment) -> bool:
        """Store a row; False, and nothing stored, if its number is taken."""
        return await self._connection.fetch_value(_CREATE, *row) is not None

    async def find(
        self, account_id: AccountId, session_id: SessionId, attachment_id: TemporaryAttachmentId
    ) -> TemporaryAttachment | None:
        """Return a temporary attachment of a session."""
        row = await self._connection.fetch_row(_FIND, account_id, attachment_id, session_id)
        return None if row is None else TemporaryAttachment(*row)

    async def measure(self, account_id: AccountId, session_id: SessionId) -> tuple[int, int]:
        """Return the number of a session's temporary attachments, and their bytes."""
        row = await self._connection.fetch_row(_MEASURE, account_id, session_id)
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def has_blob(self, account_id: AccountId, blob_name: bytes) -> bool:
        """Tell whether a row names a file."""
        return await self._connection.fetch_value(_HAS_BLOB, account_id, blob_name) is not None

    async def delete(
        self, account_id: AccountId, session_id: SessionId, attachment_id: TemporaryAttachmentId
    ) -> list[RemovedFile]:
        """Remove a temporary attachment of a session; return its file, or nothing if there was none."""
        rows = await self._connection.fetch_all(_DELETE, account_id, attachment_id, session_id)
        return [RemovedFile(*row) for row in rows]

    async def save_with(
        self,
        account_id: AccountId,
        session_id: SessionId,
        *,
        attachment_ids: Iterable[TemporaryAttachmentId],
        draft: ItemId,
    ) -> None:
        """Note that a draft was saved with these temporary attachments of a session, and with no others of it."""
        await self._connection.execute(_FORGET_DRAFT, account_id, session_id, draft)
        await self._connection.execute_many(
            _SAVE_WITH, [(account_id, number, session_id, draft) for number in attachment_ids]
        )

    async def delete_of_draft(
        self, account_id: AccountId, session_id: SessionId, draft: ItemId
    ) -> list[RemovedFile]:
        """Remove what a draft was saved with last, of one session; return the files."""
        rows = await self._connection.fetch_all(_DELETE_OF_DRAFT, account_id, session_id, draft)
        return [RemovedFile(*row) for row in rows]

    async def delete_of_session(self, account_id: AccountId, session_id: SessionId) -> list[RemovedFile]:
        """Remove all temporary attachments of a session; return their files."""
        rows = await self._connection.fetch_all(_DELETE_OF_SESSION, account_id, session_id)
        return [RemovedFile(*row) for row in rows]

    async def list_after(self, place: Place, *, limit: int) -> list[Holding]:
        """Return up to ``limit`` temporary attachments behind one, by account, session and number."""
        rows = await self._connection.fetch_all(_LIST_AFTER, *place, limit)
        return [Holding(*row) for row in rows]
