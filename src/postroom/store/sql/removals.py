"""Removal of a whole mailbox, a slice at a time, so that no transaction holds the write lock for long.

The mailbox row goes first: every change of a mailbox begins with it, so that nothing can be added from then on.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId, ContentId
from postroom.store.engine.base import Connection

_FIRST = (
    "DELETE FROM mailbox WHERE account_id = $1",
    "DELETE FROM folder WHERE account_id = $1",
    "DELETE FROM label WHERE account_id = $1",
    "DELETE FROM folder_label WHERE account_id = $1",
    "DELETE FROM folder_past WHERE account_id = $1",
    "DELETE FROM doomed_folder WHERE account_id = $1",
    "DELETE FROM rethreaded_folder WHERE account_id = $1",
    "DELETE FROM doomed_label WHERE account_id = $1",
    "DELETE FROM event_ticket WHERE account_id = $1",
    "DELETE FROM job_slice WHERE job_key IN (SELECT job_key FROM job WHERE account_id = $1)",
    "DELETE FROM job_failure WHERE job_key IN (SELECT job_key FROM job WHERE account_id = $1)",
    "DELETE FROM job WHERE account_id = $1",
    "DELETE FROM account_setting WHERE account_id = $1",
    "DELETE FROM webhook WHERE account_id = $1",
    # They are of others, who are to know why they are told nothing more.
    "UPDATE webhook SET is_enabled = 0, failure = 'switched off: its folder is gone' WHERE owner_id = $1",
    "DELETE FROM draft WHERE account_id = $1",
    "DELETE FROM vacation WHERE account_id = $1",
    "DELETE FROM search_folder WHERE account_id = $1",
    "DELETE FROM search_content WHERE account_id = $1",
    "DELETE FROM search_change WHERE account_id = $1",
    "DELETE FROM profile WHERE account_id = $1",
    "DELETE FROM signature WHERE account_id = $1",
    # Nobody else is to have its addresses soon; they work no more.
    "UPDATE temporary_alias SET account_id = 0 WHERE account_id = $1",
    "DELETE FROM avatar WHERE account_id = $1",
    "DELETE FROM past_password WHERE account_id = $1",
    "DELETE FROM security_method WHERE account_id = $1",
    "DELETE FROM two_factor WHERE account_id = $1",
    "DELETE FROM recovery_code WHERE account_id = $1",
    "DELETE FROM second_step WHERE account_id = $1",
    "DELETE FROM security_token WHERE account_id = $1",
    "DELETE FROM password_recovery WHERE account_id = $1",
    "DELETE FROM access_token WHERE account_id = $1",
    "DELETE FROM security_event WHERE account_id = $1",
    "DELETE FROM security_log WHERE account_id = $1",
    "DELETE FROM known_address WHERE account_id = $1",
    "DELETE FROM bimi_waiting WHERE account_id = $1",
    "DELETE FROM filter_setting WHERE account_id = $1",
    "DELETE FROM folder_grant WHERE account_id = $1",
    "DELETE FROM folder_grant WHERE reader_id = $1",
    "DELETE FROM mailbox_visit WHERE account_id = $1",
    "DELETE FROM history_mark WHERE account_id = $1",
    "DELETE FROM folder_clearing WHERE account_id = $1",
    "DELETE FROM quota_notice WHERE account_id = $1",
)
_MAILS = """
DELETE FROM mail WHERE account_id = $1
AND (folder_id, uid) IN (SELECT folder_id, uid FROM mail WHERE account_id = $1 LIMIT $2)
RETURNING uid
"""
_CONTENTS = """
DELETE FROM content WHERE account_id = $1
AND content_id IN (SELECT content_id FROM content WHERE account_id = $1 LIMIT $2)
RETURNING content_id, sha256, CASE WHEN data IS NULL THEN 1 ELSE 0 END
"""
_UPLOADS = """
DELETE FROM temporary_attachment WHERE account_id = $1
AND (session_id, attachment_id) IN
    (SELECT session_id, attachment_id FROM temporary_attachment WHERE account_id = $1 LIMIT $2)
RETURNING blob_name
"""
_CHUNKS = """
DELETE FROM order_chunk WHERE account_id = $1 AND (folder_id, sort, low_key) IN
(SELECT folder_id, sort, low_key FROM order_chunk WHERE account_id = $1 LIMIT $2)
RETURNING sort
"""
_TOMBSTONES = """
DELETE FROM tombstone WHERE account_id = $1
AND (folder_id, uid) IN (SELECT folder_id, uid FROM tombstone WHERE account_id = $1 LIMIT $2)
RETURNING uid
"""
_OPERATIONS = """
DELETE FROM operation WHERE account_id = $1
AND modseq IN (SELECT modseq FROM operation WHERE account_id = $1 LIMIT $2)
RETURNING modseq
"""
_CALLS = """
DELETE FROM remembered_call WHERE account_id = $1
AND call_key IN (SELECT call_key FROM remembered_call WHERE account_id = $1 LIMIT $2)
RETURNING call_key
"""
_OUTGOING = """
DELETE FROM outgoing WHERE account_id = $1
AND processing_id IN (SELECT processing_id FROM outgoing WHERE account_id = $1 LIMIT $2)
RETURNING processing_id
"""
_OUTGOING_PARTS = (
    "DELETE FROM outgoing_recipient WHERE processing_id = $1",
    "DELETE FROM outgoing_group WHERE processing_id = $1",
)
_CONTACTS = """
DELETE FROM contact WHERE account_id = $1
AND (folder_id, uid) IN (SELECT folder_id, uid FROM contact WHERE account_id = $1 LIMIT $2)
RETURNING uid
"""
_CONTACT_ADDRESSES = """
DELETE FROM contact_address WHERE account_id = $1
AND (address, item_id) IN (SELECT address, item_id FROM contact_address WHERE account_id = $1 LIMIT $2)
RETURNING item_id
"""
_CONTACT_WORDS = """
DELETE FROM contact_word WHERE account_id = $1
AND (item_id, word) IN (SELECT item_id, word FROM contact_word WHERE account_id = $1 LIMIT $2)
RETURNING item_id
"""
_CONTACT_LETTERS = """
DELETE FROM contact_letters WHERE account_id = $1
AND (letters, span) IN (SELECT letters, span FROM contact_letters WHERE account_id = $1 LIMIT $2)
RETURNING span
"""
_CONTACT_AVATARS = """
DELETE FROM contact_avatar WHERE account_id = $1
AND item_id IN (SELECT item_id FROM contact_avatar WHERE account_id = $1 LIMIT $2)
RETURNING item_id
"""
_FILTER_ENTRIES = """
DELETE FROM filter_entry WHERE account_id = $1
AND (list, entry_id) IN (SELECT list, entry_id FROM filter_entry WHERE account_id = $1 LIMIT $2)
RETURNING entry_id
"""
_ANSWERED = """
DELETE FROM vacation_answered WHERE account_id = $1
AND address IN (SELECT address FROM vacation_answered WHERE account_id = $1 LIMIT $2)
RETURNING address
"""
_EXTRACTIONS = """
DELETE FROM extraction WHERE account_id = $1
AND content_id IN (SELECT content_id FROM extraction WHERE account_id = $1 LIMIT $2)
RETURNING content_id
"""
_MARKS = """
DELETE FROM reader_mark WHERE account_id = $1
AND (folder_id, reader_id, uid) IN (SELECT folder_id, reader_id, uid FROM reader_mark WHERE account_id = $1 LIMIT $2)
RETURNING uid
"""
_OWN_MARKS = """
DELETE FROM reader_mark WHERE (account_id, folder_id, reader_id, uid) IN
    (SELECT reader_mark.account_id, reader_mark.folder_id, reader_mark.reader_id, uid
     FROM folder_reader JOIN reader_mark ON reader_mark.account_id = folder_reader.account_id
          AND reader_mark.folder_id = folder_reader.folder_id AND reader_mark.reader_id = folder_reader.reader_id
     WHERE folder_reader.reader_id = $1 LIMIT $2)
RETURNING uid
"""
_READERS = """
DELETE FROM folder_reader WHERE account_id = $1
AND (folder_id, reader_id) IN (SELECT folder_id, reader_id FROM folder_reader WHERE account_id = $1 LIMIT $2)
RETURNING reader_id
"""
_OWN_READERS = """
DELETE FROM folder_reader WHERE reader_id = $1
AND (account_id, folder_id) IN (SELECT account_id, folder_id FROM folder_reader WHERE reader_id = $1 LIMIT $2)
RETURNING reader_id
"""
_CONVERSATIONS = """
DELETE FROM conversation WHERE account_id = $1
AND conversation_id IN (SELECT conversation_id FROM conversation WHERE account_id = $1 LIMIT $2)
RETURNING conversation_id
"""
_PRESENCES = """
DELETE FROM conversation_folder WHERE account_id = $1 AND (folder_id, conversation_id) IN
(SELECT folder_id, conversation_id FROM conversation_folder WHERE account_id = $1 LIMIT $2)
RETURNING conversation_id
"""
_REFERENCES = """
DELETE FROM reference_key WHERE account_id = $1
AND (key, item_id) IN (SELECT key, item_id FROM reference_key WHERE account_id = $1 LIMIT $2)
RETURNING item_id
"""
_SUBJECTS = """
DELETE FROM subject_key WHERE account_id = $1 AND (key, is_reply, date, item_id) IN
(SELECT key, is_reply, date, item_id FROM subject_key WHERE account_id = $1 LIMIT $2)
RETURNING item_id
"""
_OTHERS = (
    _MARKS,
    _OWN_MARKS,
    _READERS,
    _OWN_READERS,
    _EXTRACTIONS,
    _MAILS,
    _CHUNKS,
    _TOMBSTONES,
    _OPERATIONS,
    _CALLS,
    _CONTACTS,
    _CONTACT_ADDRESSES,
    _CONTACT_WORDS,
    _CONTACT_LETTERS,
    _CONTACT_AVATARS,
    _FILTER_ENTRIES,
    _ANSWERED,
    _CONVERSATIONS,
    _PRESENCES,
    _REFERENCES,
    _SUBJECTS,
)


class RemovedContent(NamedTuple):
    """A content whose row is gone."""

    content_id: ContentId
    sha256: bytes
    in_blob_store: bool


class RemovalRepo:
    """The rows of one account, being removed."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def close_mailbox(self) -> None:
        """Remove the mailbox row, the folders and the labels."""
        for statement in _FIRST:
            await self._connection.execute(statement, self._account_id)

    async def remove_contents(self, *, limit: int) -> list[RemovedContent]:
        """Remove up to ``limit`` contents."""
        rows = await self._connection.fetch_all(_CONTENTS, self._account_id, limit)
        return [RemovedContent(ContentId(row[0]), row[1], bool(row[2])) for row in rows]

    async def remove_uploads(self, *, limit: int) -> list[bytes]:
        """Remove up to ``limit`` temporary attachments; return the names of their files."""
        rows = await self._connection.fetch_all(_UPLOADS, self._account_id, limit)
        return [row[0] for row in rows]

    async def remove_rows(self, *, limit: int) -> int:
        """Remove up to ``limit`` rows of one of the other tables; return how many, 0 when none are left."""
        for statement in _OTHERS:
            rows = await self._connection.fetch_all(statement, self._account_id, limit)
            if rows:
                return len(rows)
        return await self._remove_outgoing(limit)

    async def _remove_outgoing(self, limit: int) -> int:
        rows = await self._connection.fetch_all(_OUTGOING, self._account_id, limit)
        for statement in _OUTGOING_PARTS:
            await self._connection.execute_many(statement, rows)
        return len(rows)
