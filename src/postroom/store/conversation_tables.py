"""The repositories of conversations, as a part of what a snapshot of a mailbox gives."""

from functools import cached_property

from postroom.model.ids import AccountId
from postroom.store.chunk_edges import ChunkEdges
from postroom.store.engine.base import Connection
from postroom.store.sql.conversation_lists import ConversationListRepo
from postroom.store.sql.conversations import ConversationRepo
from postroom.store.sql.orders import CONVERSATION_ORDERS, OrderRepo
from postroom.store.sql.thread_recounts import ThreadRecountRepo
from postroom.store.sql.threads import ThreadRepo


class ConversationTables:
    """The tables of one account's conversations."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self.account_id = account_id
        self._connection = connection
        self._edges: ChunkEdges | None = None

    @cached_property
    def conversation_lists(self) -> ConversationListRepo:
        """The lists of conversations, and their mails."""
        return ConversationListRepo(self._connection, self.account_id)

    @cached_property
    def conversation_orders(self) -> OrderRepo:
        """The counted chunks of the sort orders of conversations."""
        return OrderRepo(self._connection, self.account_id, CONVERSATION_ORDERS, edges=self._edges)

    @cached_property
    def conversations(self) -> ConversationRepo:
        """The conversations, as they are kept."""
        return ConversationRepo(self._connection, self.account_id)

    @cached_property
    def threads(self) -> ThreadRepo:
        """The keys by which mails find each other."""
        return ThreadRepo(self._connection, self.account_id)

    @cached_property
    def thread_recounts(self) -> ThreadRecountRepo:
        """All of the conversations and what they are made of."""
        return ThreadRecountRepo(self._connection, self.account_id)
