"""Drafts: mails whose content changes, and what they answer or forward.

There is a row for each draft that answers or forwards a mail; it goes with the draft, and stays where that mail goes.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from postroom.model.ids import AccountId, FolderId, ItemId, Uid
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.placeholders import iter_batches, placeholders
from postroom.store.sorting import SortKeys

MANY = 50
"""Drafts looked up by one statement."""

_REWRITE = """
UPDATE mail SET content_id = $3, modseq = $4, replaced_modseq = $5, date = $6, size_bytes = $7, is_unread = $8,
                is_flagged = $9, is_draft = $10, summary = $11, importance = $12, has_attachments = $13,
                sort_subject = $14, sort_from = $15, sort_to = $16, conversation_id = $17
WHERE account_id = $1 AND item_id = $2
"""
_PUT = """
INSERT INTO draft (account_id, item_id, refw_type, refw_item_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, item_id) DO UPDATE SET refw_type = excluded.refw_type, refw_item_id = excluded.refw_item_id
"""
_FIND = "SELECT refw_type, refw_item_id FROM draft WHERE account_id = $1 AND item_id = $2"
_COPY = """
INSERT INTO draft (account_id, item_id, refw_type, refw_item_id)
SELECT account_id, $3, refw_type, refw_item_id FROM draft WHERE account_id = $1 AND item_id = $2
"""
_DELETE = "DELETE FROM draft WHERE account_id = $1 AND item_id = $2"
# The mails of a folder that is gone are removed later, and not to be seen meanwhile. Each mail is looked up by
# itself: a join may read all of an account's.
_REFERRED = """FROM mail JOIN folder ON folder.account_id = mail.account_id AND folder.folder_id = mail.folder_id
     WHERE mail.account_id = $1 AND mail.item_id = draft.refw_item_id"""
_LIST_SHOWN = f"""
SELECT item_id, refw_type, (SELECT mail.folder_id {_REFERRED}), (SELECT mail.uid {_REFERRED})
FROM draft WHERE account_id = $1 AND item_id IN ({placeholders(MANY)})
"""


class Reference(NamedTuple):
    """What a draft does (``re``, ``fw``), and the number of the mail that it does it to."""

    refw_type: str
    refw_item_id: ItemId


class ShownReference(NamedTuple):
    """What a draft does, and where the mail that it does it to is now."""

    refw_type: str
    folder_id: FolderId
    uid: Uid


class DraftRepo:
    """The drafts of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def rewrite(self, mail: Mail, keys: SortKeys) -> None:
        """Store a mail as it is now, but for its place, its labels and what was done with it."""
        await self._connection.execute(
            _REWRITE,
            self._account_id,
            mail.item_id,
            mail.content_id,
            mail.modseq,
            mail.replaced_modseq,
            mail.date,
            mail.size,
            mail.is_unread,
            mail.is_flagged,
            mail.is_draft,
            mail.summary,
            keys.importance,
            keys.has_attachments,
            keys.subject,
            keys.from_,
            keys.to,
            mail.conversation_id,
        )

    async def put(self, item_id: ItemId, reference: Reference) -> None:
        """Store what a draft answers or forwards."""
        await self._connection.execute(_PUT, self._account_id, item_id, *reference)

    async def find(self, item_id: ItemId) -> Reference | None:
        """Return what a draft answers or forwards; that mail may be gone."""
        row = await self._connection.fetch_row(_FIND, self._account_id, item_id)
        return None if row is None else Reference(row[0], ItemId(row[1]))

    async def list_shown(self, item_ids: Sequence[ItemId]) -> dict[ItemId, ShownReference]:
        """Return what those drafts answer or forward of which the mail is there."""
        found: dict[ItemId, ShownReference] = {}
        for numbers in iter_batches(item_ids, MANY, filler=0):
            for item_id, refw_type, folder_id, uid in await self._connection.fetch_all(
                _LIST_SHOWN, self._account_id, *numbers
            ):
                if uid is not None:
                    found[ItemId(item_id)] = ShownReference(refw_type, FolderId(folder_id), Uid(uid))
        return found

    async def copy(self, copies: Iterable[tuple[ItemId, ItemId]]) -> None:
        """Have copies of drafts (pairs of the draft and its copy) answer or forward what those do."""
        await self._connection.execute_many(
            _COPY, [(self._account_id, source, copy) for source, copy in copies]
        )

    async def delete(self, item_ids: Iterable[ItemId]) -> None:
        """Forget drafts that are gone, or that answer and forward nothing any more."""
        await self._connection.execute_many(_DELETE, [(self._account_id, number) for number in item_ids])
