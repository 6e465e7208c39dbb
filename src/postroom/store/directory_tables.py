"""More of the repositories that know all accounts, as a part of what the directory gives."""

from functools import cached_property

from postroom.store.engine.base import Connection
from postroom.store.sql.access_tokens import AccessTokenRepo
from postroom.store.sql.failed_logins import FailedLoginRepo, UsedCaptchaRepo
from postroom.store.sql.held_messages import HeldMessagesRepo
from postroom.store.sql.maintenance import VisitRepo
from postroom.store.sql.security_events import KnownAddressRepo, SecurityEventRepo


class DirectoryTables:
    """The tables of what is done for all accounts."""

    _connection: Connection

    @cached_property
    def access_tokens(self) -> AccessTokenRepo:
        """App passwords and badge tokens."""
        return AccessTokenRepo(self._connection)

    @cached_property
    def held_messages(self) -> HeldMessagesRepo:
        """What of the outgoing queue is held back after a restore."""
        return HeldMessagesRepo(self._connection)

    @cached_property
    def visits(self) -> VisitRepo:
        """When mailboxes are looked after."""
        return VisitRepo(self._connection)

    @cached_property
    def security_events(self) -> SecurityEventRepo:
        """What happened to the security of all accounts."""
        return SecurityEventRepo(self._connection)

    @cached_property
    def known_addresses(self) -> KnownAddressRepo:
        """Where the logins of all accounts came from."""
        return KnownAddressRepo(self._connection)

    @cached_property
    def failed_logins(self) -> FailedLoginRepo:
        """The failed logins by name."""
        return FailedLoginRepo(self._connection)

    @cached_property
    def used_captchas(self) -> UsedCaptchaRepo:
        """The captchas that were tried."""
        return UsedCaptchaRepo(self._connection)
