"""The repositories of brand indicators (BIMI), as a part of the tables that know all accounts."""

from functools import cached_property

from postroom.store.engine.base import Connection
from postroom.store.sql.bimi import IndicatorRepo, LogoRepo


class BimiTables:
    """What domains say of their logos, and the logos."""

    _connection: Connection

    @cached_property
    def indicators(self) -> IndicatorRepo:
        """What domains say of their logos, and what waits for it."""
        return IndicatorRepo(self._connection)

    @cached_property
    def logos(self) -> LogoRepo:
        """The logos of domains."""
        return LogoRepo(self._connection)
