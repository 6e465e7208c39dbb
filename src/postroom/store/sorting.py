"""What mails are sorted by, and how a place in a sort order is named."""

from typing import NamedTuple

from postroom.model.conversation import ConversationId
from postroom.model.ids import FolderId, Uid
from postroom.model.listing import SortField

SORT_COLUMNS = {
    SortField.DATE: "date",
    SortField.SUBJECT: "sort_subject",
    SortField.FROM: "sort_from",
    SortField.TO: "sort_to",
    SortField.SIZE: "size_bytes",
    SortField.IS_UNREAD: "is_unread",
    SortField.IS_FLAGGED: "is_flagged",
    SortField.IMPORTANCE: "importance",
    SortField.HAS_ATTACHMENTS: "has_attachments",
}
"""The columns of the orders that folders have."""


def index_columns(field: SortField, number: str) -> list[str]:
    """Return the columns of an order's index behind account and folder; ``number`` is the one that it ends with."""
    return list(dict.fromkeys((SORT_COLUMNS[field], "date", number)))


class SortKeys(NamedTuple):
    """What a mail is sorted by; text keys are compared byte by byte."""

    date: int
    size_bytes: int
    is_unread: int
    is_flagged: int
    importance: int
    has_attachments: int
    subject: bytes
    from_: bytes
    to: bytes


class Anchor(NamedTuple):
    """A place in an index: rows at or after it (ascending), or before it (descending)."""

    value: int | bytes
    date: int
    uid: int

    def values(self, field: SortField) -> tuple[int | bytes, ...]:
        """Return what the index of an order begins with here; the date is not in it twice."""
        return self[1:] if field is SortField.DATE else self


class Presence(NamedTuple):
    """A row of a folder's list of conversations: ``uid`` is that of its last mail there, the date is in ``keys``."""

    folder_id: FolderId
    conversation_id: ConversationId
    total_items: int
    uid: Uid
    keys: SortKeys
