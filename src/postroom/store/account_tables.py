"""The repositories of what an account has besides mail, as a part of what a snapshot of a mailbox gives."""

from functools import cached_property

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection
from postroom.store.sql.contacts import ContactRepo
from postroom.store.sql.filters import FilterRepo
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
    def filters(self) -> FilterRepo:
        """The filters of incoming mail."""
        return FilterRepo(self._connection, self.account_id)

    @cached_property
    def settings(self) -> SettingRepo:
        """The account's settings."""
        return SettingRepo(self._connection, self.account_id)
