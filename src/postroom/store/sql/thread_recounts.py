"""All that is kept of an account's conversations, and what it is made of: for checks alone, which read it all."""

from typing import NamedTuple

from postroom.model.conversation import Conversation, ConversationId
from postroom.model.ids import AccountId, ContentId, FolderId, ItemId, Modseq, Uid
from postroom.store.engine.base import Connection
from postroom.store.sorting import Presence, SortKeys

_LIST_MAILS = """
SELECT folder_id, uid, item_id, content_id, conversation_id, date, is_unread, is_flagged, is_draft, importance,
       has_attachments, sort_subject, sort_from, sort_to
FROM mail WHERE account_id = $1
"""
_LIST_THREADINGS = "SELECT content_id, threading FROM content WHERE account_id = $1"
_LIST_REFERENCES = "SELECT key, item_id FROM reference_key WHERE account_id = $1"
_LIST_SUBJECTS = "SELECT key, is_reply, date, item_id FROM subject_key WHERE account_id = $1"
_LIST_CONVERSATIONS = """
SELECT conversation_id, modseq, total_items, unread_items, flagged_items, draft_items, attachment_items, high_items,
       normal_items, first_date, first_item_id
FROM conversation WHERE account_id = $1
"""
_LIST_PRESENCES = """
SELECT folder_id, conversation_id, total_items, uid, date, is_unread, is_flagged, importance, has_attachments,
       sort_subject, sort_from, sort_to
FROM conversation_folder WHERE account_id = $1
"""
_SET_COUNT = """
UPDATE folder SET conversations = $3, conversations_modseq = $4 WHERE account_id = $1 AND folder_id = $2
"""
_SET_THREADING = "UPDATE content SET threading = $3 WHERE account_id = $1 AND content_id = $2"


class ThreadedMail(NamedTuple):
    """What of a mail its conversation is made of."""

    folder_id: FolderId
    uid: Uid
    item_id: ItemId
    content_id: ContentId
    conversation_id: ConversationId
    date: int
    is_unread: int
    is_flagged: int
    is_draft: int
    importance: int
    has_attachments: int
    sort_subject: bytes
    sort_from: bytes
    sort_to: bytes


class ThreadRecountRepo:
    """The conversations of one account, and its mails."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def list_mails(self) -> list[ThreadedMail]:
        """Return all mails, those of folders that are gone too."""
        return [ThreadedMail(*row) for row in await self._connection.fetch_all(_LIST_MAILS, self._account_id)]

    async def list_threadings(self) -> dict[ContentId, bytes]:
        """Return what all contents are joined by."""
        return dict(await self._connection.fetch_all(_LIST_THREADINGS, self._account_id))

    async def list_references(self) -> set[tuple[int, ItemId]]:
        """Return all reference keys with their mails."""
        return set(await self._connection.fetch_all(_LIST_REFERENCES, self._account_id))

    async def list_subjects(self) -> set[tuple[int, int, int, ItemId]]:
        """Return all subject keys: key, whether it is a reply's, date, mail."""
        return set(await self._connection.fetch_all(_LIST_SUBJECTS, self._account_id))

    async def list_conversations(self) -> dict[ConversationId, Conversation]:
        """Return all conversations as they are kept."""
        rows = await self._connection.fetch_all(_LIST_CONVERSATIONS, self._account_id)
        return {row[0]: Conversation(*row) for row in rows}

    async def list_presences(self) -> list[Presence]:
        """Return what all folders show of conversations."""
        rows = await self._connection.fetch_all(_LIST_PRESENCES, self._account_id)
        return [Presence(row[0], row[1], row[2], row[3], SortKeys(row[4], 0, *row[5:])) for row in rows]

    # Repairing

    async def set_count(self, folder_id: FolderId, conversations: int, *, modseq: Modseq) -> None:
        """Correct the number of a folder's conversations."""
        await self._connection.execute(_SET_COUNT, self._account_id, folder_id, conversations, modseq)

    async def set_threading(self, content_id: ContentId, threading: bytes) -> None:
        """Correct what a content is joined by."""
        await self._connection.execute(_SET_THREADING, self._account_id, content_id, threading)
