"""Lists of conversations, and the mails of conversations: the reading side.

A folder's list of conversations is made of its rows in ``conversation_folder``; there is an index for every sort
order, ending in (date, conversation number). As with mails, a page deep in a long list starts at an anchor found by
the counted chunks of :mod:`postroom.store.sql.orders`, so that no page costs more than any other.

Mails of a folder that is gone are parted from their conversations later, and are not to be seen meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroom.model.conversation import Conversation, ConversationId
from postroom.model.ids import AccountId, FolderId, ItemId, Modseq, Uid
from postroom.model.listing import Sort, SortField
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.mail_columns import COLUMNS, VISIBLE
from postroom.store.pages import PageSpan, Way, fetch_page, iter_ways, page_statement
from postroom.store.placeholders import iter_batches, placeholders
from postroom.store.sorting import SORT_COLUMNS, Anchor, SortKeys

MANY = 50
"""Conversations looked up by one statement."""

_FIND = """
SELECT conversation_id, modseq, total_items, unread_items, flagged_items, draft_items, attachment_items, high_items,
       normal_items, first_date, first_item_id
FROM conversation WHERE account_id = $1 AND conversation_id = $2
"""
_FIND_KEYS = """
SELECT date, 0, is_unread, is_flagged, importance, has_attachments, sort_subject, sort_from, sort_to
FROM conversation_folder WHERE account_id = $1 AND folder_id = $2 AND conversation_id = $3
"""
# What is told twice of the numbers lets the planner see that the index, which leaves out 0, has them all.
_OF_CONVERSATIONS = (
    f"account_id = $1 AND conversation_id IN ({placeholders(MANY)}) AND conversation_id > 0 AND {VISIBLE}"
)
_MAILS = f"""
SELECT {COLUMNS} FROM mail WHERE {_OF_CONVERSATIONS}
"""
_MEMBERS = f"SELECT conversation_id, date, item_id, folder_id, uid FROM mail WHERE {_OF_CONVERSATIONS}"

# Of what is skipped only the index is read.
_MEMBER_PAGE = """
SELECT item_id, folder_id, uid FROM mail WHERE account_id = $1 AND conversation_id = $2 AND conversation_id > 0
ORDER BY date, item_id LIMIT $3 OFFSET $4
"""


def _page_statement(way: Way, *, shown: str) -> str:
    return page_statement(way, table="conversation_folder", number="conversation_id", shown=shown)


def _shown_statement(way: Way) -> str:
    """Return the statement of a page; only of the rows that are in it the conversations are looked up."""
    return f"""SELECT page.conversation_id,
       (SELECT conversation.modseq FROM conversation
        WHERE conversation.account_id = $1 AND conversation.conversation_id = page.conversation_id),
       (SELECT conversation.total_items FROM conversation
        WHERE conversation.account_id = $1 AND conversation.conversation_id = page.conversation_id)
FROM ({_page_statement(way, shown="conversation_id")}) AS page"""


_WAYS = tuple(iter_ways(without=SortField.SIZE))
_PAGES = {way: _shown_statement(way) for way in _WAYS}
_ID_PAGES = {
    (sort, anchored): _page_statement(
        (sort, anchored), shown=f"conversation_id, {SORT_COLUMNS[sort.field]}, date"
    )
    for sort, anchored in _WAYS
}


class ListedConversation(NamedTuple):
    """A conversation as a list finds it: when it last changed, and how many mails it has."""

    conversation_id: ConversationId
    modseq: Modseq
    total_items: int


class MemberPlace(NamedTuple):
    """A mail of a conversation, and where it is."""

    item_id: ItemId
    folder_id: FolderId
    uid: Uid


class ConversationListRepo:
    """The lists of one account's conversations."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self, conversation_id: ConversationId) -> Conversation | None:
        """Return a conversation."""
        row = await self._connection.fetch_row(_FIND, self._account_id, conversation_id)
        return None if row is None else Conversation(*row)

    async def find_keys(self, folder_id: FolderId, conversation_id: ConversationId) -> SortKeys | None:
        """Return the sort keys of a conversation in a folder, None if it has no mail there."""
        row = await self._connection.fetch_row(_FIND_KEYS, self._account_id, folder_id, conversation_id)
        return None if row is None else SortKeys(*row)

    async def list_page(
        self, folder_id: FolderId, sort: Sort, *, anchor: Anchor | None, skip: int, limit: int
    ) -> list[ListedConversation]:
        """Return up to ``limit`` conversations in the order of ``sort``, from ``skip`` rows behind ``anchor``."""
        rows = await fetch_page(
            self._connection,
            _PAGES,
            sort,
            folder=(self._account_id, folder_id),
            span=PageSpan(anchor, skip, limit),
        )
        return [ListedConversation(*row) for row in rows]

    async def list_places(
        self, folder_id: FolderId, sort: Sort, *, anchor: Anchor | None, skip: int, limit: int
    ) -> list[Anchor]:
        """Return the places of the conversations that :meth:`list_page` would return; their uids are the numbers."""
        rows = await fetch_page(
            self._connection,
            _ID_PAGES,
            sort,
            folder=(self._account_id, folder_id),
            span=PageSpan(anchor, skip, limit),
        )
        return [Anchor(value, date, number) for number, value, date in rows]

    async def list_mails(
        self, conversation_ids: Sequence[ConversationId]
    ) -> dict[ConversationId, list[Mail]]:
        """Return the mails of those of the conversations that are there, each's oldest first."""
        found: dict[ConversationId, list[Mail]] = {}
        for numbers in iter_batches(conversation_ids, MANY, filler=0):
            for row in await self._connection.fetch_all(_MAILS, self._account_id, *numbers):
                mail = Mail(*row)
                found.setdefault(mail.conversation_id, []).append(mail)
        for mails in found.values():
            mails.sort(key=_age)
        return found

    async def list_some(self, conversation_id: ConversationId, *, skip: int, limit: int) -> list[MemberPlace]:
        """Return a part of the mails of a conversation, oldest first; those of folders that are gone count too."""
        rows = await self._connection.fetch_all(_MEMBER_PAGE, self._account_id, conversation_id, limit, skip)
        return [MemberPlace(*row) for row in rows]

    async def list_members(
        self, conversation_ids: Sequence[ConversationId]
    ) -> dict[ConversationId, list[MemberPlace]]:
        """Return which mails those of the conversations have that are there, each's oldest first."""
        found: dict[ConversationId, list[tuple[int, ...]]] = {}
        for numbers in iter_batches(conversation_ids, MANY, filler=0):
            for number, *member in await self._connection.fetch_all(_MEMBERS, self._account_id, *numbers):
                found.setdefault(number, []).append(tuple(member))
        return {
            number: [
                MemberPlace(ItemId(item_id), FolderId(folder_id), Uid(uid))
                for _, item_id, folder_id, uid in sorted(members)
            ]
            for number, members in found.items()
        }


def _age(mail: Mail) -> tuple[int, int]:
    return mail.date, mail.item_id
