"""More of the repositories that know all accounts, as a part of what the directory gives."""

from functools import cached_property

from postroom.store.engine.base import Connection
from postroom.store.sql.maintenance import VisitRepo


class DirectoryTables:
    """The tables of what is done for all accounts."""

    _connection: Connection

    @cached_property
    def visits(self) -> VisitRepo:
        """When mailboxes are looked after."""
        return VisitRepo(self._connection)
