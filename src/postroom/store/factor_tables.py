"""The repositories of second steps and recovery, as a part of what the directory gives."""

from functools import cached_property

from postroom.store.engine.base import Connection
from postroom.store.sql.factors import MethodRepo, TwoFactorRepo
from postroom.store.sql.security_tokens import RecoveryRepo, SecurityTokenRepo


class FactorTables:
    """The tables of second steps of all accounts."""

    _connection: Connection

    @cached_property
    def methods(self) -> MethodRepo:
        """The methods."""
        return MethodRepo(self._connection)

    @cached_property
    def two_factor(self) -> TwoFactorRepo:
        """2-step verification."""
        return TwoFactorRepo(self._connection)

    @cached_property
    def security_tokens(self) -> SecurityTokenRepo:
        """Security tokens."""
        return SecurityTokenRepo(self._connection)

    @cached_property
    def recoveries(self) -> RecoveryRepo:
        """What was sent to who forgot a password."""
        return RecoveryRepo(self._connection)
