"""The repositories of searches, as a part of what a snapshot of a mailbox gives."""

from functools import cached_property

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection
from postroom.store.sql.extractions import ExtractionRepo
from postroom.store.sql.found_mails import FoundMailRepo
from postroom.store.sql.indexing import IndexingRepo
from postroom.store.sql.mail_filters import MailFilterRepo
from postroom.store.sql.search_folders import SearchFolderRepo


class SearchTables:
    """The tables of one account by which mails are found, and of what was found."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self.account_id = account_id
        self._connection = connection

    @cached_property
    def search_folders(self) -> SearchFolderRepo:
        """What searches have found."""
        return SearchFolderRepo(self._connection)

    @cached_property
    def found_mails(self) -> FoundMailRepo:
        """The mails that searches have found."""
        return FoundMailRepo(self._connection, self.account_id)

    @cached_property
    def mail_filters(self) -> MailFilterRepo:
        """The mails, as searches look at them."""
        return MailFilterRepo(self._connection, self.account_id)

    @cached_property
    def extractions(self) -> ExtractionRepo:
        """The messages whose documents are still to be read."""
        return ExtractionRepo(self._connection, self.account_id)

    @cached_property
    def indexing(self) -> IndexingRepo:
        """How far the indexes are."""
        return IndexingRepo(self._connection, self.account_id)
