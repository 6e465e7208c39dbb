"""Records of conversations: connected mails of an account (see :mod:`postroom.model.thread`)."""

from typing import NamedTuple, NewType

from postroom.model.ids import AccountId, ItemId, Modseq

ConversationId = NewType("ConversationId", int)
"""Number of a conversation within its account; 0: none. It lies in the numbers of mails (ItemId)."""


class ConversationRef(NamedTuple):
    """A conversation, named across accounts."""

    owner: AccountId
    conversation: ConversationId


class Conversation(NamedTuple):
    """A conversation as stored; the counters are those of all its mails."""

    conversation_id: ConversationId
    modseq: Modseq
    """Of the last change of it or of one of its mails."""
    total_items: int
    unread_items: int
    flagged_items: int
    draft_items: int
    attachment_items: int
    high_items: int
    normal_items: int
    first_date: int
    first_item_id: ItemId
