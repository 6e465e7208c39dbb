"""The repositories of what an account has besides mail, as a part of what a snapshot of a mailbox gives."""

from functools import cached_property

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection
from postroom.store.sql.bimi import WaitingRepo
from postroom.store.sql.contact_changes import ContactChangeRepo
from postroom.store.sql.contact_words import ContactLettersRepo, ContactWordRepo
from postroom.store.sql.contacts import ContactRepo
from postroom.store.sql.directory import DirectoryRepo
from postroom.store.sql.filters import FilterRepo
from postroom.store.sql.grants import GrantRepo
from postroom.store.sql.maintenance import UpkeepRepo
from postroom.store.sql.profiles import ProfileRepo, SignatureRepo
from postroom.store.sql.reader_marks import ReaderMarkRepo
from postroom.store.sql.reader_recounts import ReaderRecountRepo
from postroom.store.sql.settings import SettingRepo


class AccountTables:
    """The tables of one account's contacts and settings."""

    _connection: Connection
    account_id: AccountId

    @cached_property
    def contacts(self) -> ContactRepo:
        """The contacts."""
        return ContactRepo(self._connection, self.account_id)

    @cached_property
    def accounts(self) -> DirectoryRepo:
        """The accounts: whose mailbox this is, and who reads in it."""
        return DirectoryRepo(self._connection)

    @cached_property
    def grants(self) -> GrantRepo:
        """What others may do in the folders."""
        return GrantRepo(self._connection, self.account_id)

    @cached_property
    def reader_marks(self) -> ReaderMarkRepo:
        """What others have seen of the mails."""
        return ReaderMarkRepo(self._connection, self.account_id)

    @cached_property
    def reader_recounts(self) -> ReaderRecountRepo:
        """What others have seen, counted anew."""
        return ReaderRecountRepo(self._connection, self.account_id)

    @cached_property
    def contact_words(self) -> ContactWordRepo:
        """What contacts are found by."""
        return ContactWordRepo(self._connection, self.account_id)

    @cached_property
    def contact_letters(self) -> ContactLettersRepo:
        """Which contacts have words that begin with some letters."""
        return ContactLettersRepo(self._connection, self.account_id)

    @cached_property
    def contact_changes(self) -> ContactChangeRepo:
        """What changed of the contacts since a position."""
        return ContactChangeRepo(self._connection, self.account_id)

    @cached_property
    def bimi_waiting(self) -> WaitingRepo:
        """The messages that wait for their sender's logo to be known."""
        return WaitingRepo(self._connection, self.account_id)

    @cached_property
    def profile(self) -> ProfileRepo:
        """The contact information and the picture."""
        return ProfileRepo(self._connection, self.account_id)

    @cached_property
    def signatures(self) -> SignatureRepo:
        """The signatures."""
        return SignatureRepo(self._connection, self.account_id)

    @cached_property
    def filters(self) -> FilterRepo:
        """The filters of incoming mail."""
        return FilterRepo(self._connection, self.account_id)

    @cached_property
    def settings(self) -> SettingRepo:
        """The account's settings."""
        return SettingRepo(self._connection, self.account_id)

    @cached_property
    def upkeep(self) -> UpkeepRepo:
        """What is kept to look after the account."""
        return UpkeepRepo(self._connection, self.account_id)
