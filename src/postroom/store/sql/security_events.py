"""What happened to the security of accounts, the notices that tell of it, and where logins came from.

Times are Unix milliseconds. Adding an event keeps the row of the account's log until the transaction ends; so the
numbers of events have no gaps, and a part of the log is a range of them.
"""

from typing import NamedTuple

from postroom.model.ids import AccountId
from postroom.model.security import SecurityEvent, SecurityEventId
from postroom.store.engine.base import Connection

LIST_TOLD_ACCOUNTS = "SELECT account_id FROM security_log WHERE due_at > 0 ORDER BY due_at LIMIT 100"
_TAKE_NUMBER = """
INSERT INTO security_log (account_id, last_event_id, told_event_id, due_at, hour_began_at, told_in_hour)
VALUES ($1, 1, 0, 0, 0, 0)
ON CONFLICT (account_id) DO UPDATE SET last_event_id = security_log.last_event_id + 1
RETURNING last_event_id
"""
_ADD = """
INSERT INTO security_event (account_id, event_id, happened_at, kind, client, details, is_telling)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_COLUMNS = "event_id, happened_at, kind, client, details"
_FORGET = "DELETE FROM security_event WHERE account_id = $1 AND event_id <= $2"
_LIST = f"""
SELECT {_COLUMNS} FROM security_event WHERE account_id = $1 AND event_id <= $2 ORDER BY event_id DESC LIMIT $3
"""
_LAST = "SELECT last_event_id FROM security_log WHERE account_id = $1"
_OLDEST = f"SELECT {_COLUMNS} FROM security_event WHERE account_id = $1 ORDER BY event_id LIMIT 1"
_NEWEST_BEFORE = """
SELECT event_id FROM security_event WHERE account_id = $1 AND happened_at < $2 ORDER BY event_id DESC LIMIT 1
"""
_SET_DUE = """
UPDATE security_log SET due_at = $2 WHERE account_id = $1 AND (due_at = 0 OR due_at > $2)
"""
_PUT_OFF = "UPDATE security_log SET due_at = $2 WHERE account_id = $1 AND due_at > 0 AND due_at < $2"
_NOTICE = """
SELECT last_event_id, told_event_id, due_at, hour_began_at, told_in_hour FROM security_log WHERE account_id = $1
"""
_LIST_UNTOLD = f"""
SELECT {_COLUMNS} FROM security_event
WHERE account_id = $1 AND event_id > $2 AND event_id <= $3 AND is_telling = 1 ORDER BY event_id DESC LIMIT $4
"""
_SET_TOLD = """
UPDATE security_log SET told_event_id = $2, due_at = 0, hour_began_at = $3, told_in_hour = $4
WHERE account_id = $1 AND told_event_id = $5 AND due_at > 0 RETURNING last_event_id
"""
_HAS_OLD_ADDRESSES = "SELECT 1 FROM known_address WHERE account_id = $1 AND last_seen_at < $2 LIMIT 1"
_SEE = """
INSERT INTO known_address (account_id, address, last_seen_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, address) DO NOTHING RETURNING address
"""
_SEE_AGAIN = """
UPDATE known_address SET last_seen_at = $3 WHERE account_id = $1 AND address = $2 AND last_seen_at < $3
"""
_LAST_SEEN = "SELECT last_seen_at FROM known_address WHERE account_id = $1 AND address = $2"
_HAS_ADDRESSES = "SELECT 1 FROM known_address WHERE account_id = $1 LIMIT 1"
_FORGET_ADDRESSES = "DELETE FROM known_address WHERE account_id = $1 AND last_seen_at < $2"
_NTH_ADDRESS = """
SELECT last_seen_at FROM known_address WHERE account_id = $1 ORDER BY last_seen_at DESC LIMIT 1 OFFSET $2
"""


class Span(NamedTuple):
    """The numbers of the oldest event that is kept and of the newest one; there is none where it ends before it."""

    oldest: int
    newest: int

    @property
    def total(self) -> int:
        """How many events there are."""
        return self.newest - self.oldest + 1


class NoticeState(NamedTuple):
    """How far the log of an account was told by mail."""

    last_event_id: int
    told_event_id: int
    due_at: int
    hour_began_at: int
    told_in_hour: int


class SecurityEventRepo:
    """The security logs of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(
        self, account_id: AccountId, event: SecurityEvent, *, is_telling: bool, keep: int
    ) -> SecurityEventId:
        """Add an event, whose number is given to it; of all events the newest ``keep`` are kept."""
        number = int(await self._connection.fetch_value(_TAKE_NUMBER, account_id))
        await self._connection.execute(_ADD, account_id, number, *event[1:], int(is_telling))
        await self._connection.execute(_FORGET, account_id, number - keep)
        return SecurityEventId(number)

    async def find_newest(self, account_id: AccountId) -> int:
        """Return the number of the last event that an account ever had, 0 if it had none."""
        return int(await self._connection.fetch_value(_LAST, account_id) or 0)

    async def find_oldest(self, account_id: AccountId) -> SecurityEvent | None:
        """Return the oldest event of an account that is kept."""
        row = await self._connection.fetch_row(_OLDEST, account_id)
        return None if row is None else SecurityEvent(*row)

    async def list_down(self, account_id: AccountId, number: int, *, limit: int) -> list[SecurityEvent]:
        """Return up to ``limit`` events of an account from a number down, the newest first."""
        rows = await self._connection.fetch_all(_LIST, account_id, number, limit)
        return [SecurityEvent(*row) for row in rows]

    async def forget(self, account_id: AccountId, before: int) -> None:
        """Forget the events of an account of before a time."""
        number = await self._connection.fetch_value(_NEWEST_BEFORE, account_id, before)
        if number is not None:
            await self._connection.execute(_FORGET, account_id, number)

    # Notices

    async def set_due(self, account_id: AccountId, due_at: int) -> None:
        """Have a notice filed from a time on, if none is due before it."""
        await self._connection.execute(_SET_DUE, account_id, due_at)

    async def put_off(self, account_id: AccountId, due_at: int) -> None:
        """Have a notice that is due filed from a later time on."""
        await self._connection.execute(_PUT_OFF, account_id, due_at)

    async def find_notice(self, account_id: AccountId) -> NoticeState | None:
        """Return how far an account was told, None if nothing ever happened."""
        row = await self._connection.fetch_row(_NOTICE, account_id)
        return None if row is None else NoticeState(*row)

    async def list_untold(
        self, account_id: AccountId, state: NoticeState, *, limit: int
    ) -> list[SecurityEvent]:
        """Return up to ``limit`` of the events of which a notice is to tell, the newest first."""
        rows = await self._connection.fetch_all(
            _LIST_UNTOLD, account_id, state.told_event_id, state.last_event_id, limit
        )
        return [SecurityEvent(*row) for row in rows]

    async def set_told(self, account_id: AccountId, state: NoticeState) -> int | None:
        """Note that the events up to the last one of ``state`` were told, and when notices were filed.

        Return the number of the last event there is by now; None if another has told them meanwhile.
        """
        last: int | None = await self._connection.fetch_value(
            _SET_TOLD,
            account_id,
            state.last_event_id,
            state.hour_began_at,
            state.told_in_hour,
            state.told_event_id,
        )
        return last


class KnownAddressRepo:
    """Where the logins of all accounts came from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find_last_seen(self, account_id: AccountId, address: str) -> int | None:
        """Return when an account was last used from an address, None if that is not known."""
        value: int | None = await self._connection.fetch_value(_LAST_SEEN, account_id, address)
        return value

    async def has_any(self, account_id: AccountId) -> bool:
        """Tell whether any address of an account is known."""
        return await self._connection.fetch_value(_HAS_ADDRESSES, account_id) is not None

    async def has_older(self, account_id: AccountId, before: int) -> bool:
        """Tell whether an account has an address that it was not used from since a time."""
        return await self._connection.fetch_value(_HAS_OLD_ADDRESSES, account_id, before) is not None

    async def see(self, account_id: AccountId, address: str, *, now: int, keep: int) -> bool:
        """Note that an account is used from an address; those used last are kept, about ``keep`` of them.

        Return whether it was not known; of several at once, one is told so.
        """
        is_new = await self._connection.fetch_value(_SEE, account_id, address, now) is not None
        if not is_new:
            await self._connection.execute(_SEE_AGAIN, account_id, address, now)
            return False
        oldest = await self._connection.fetch_value(_NTH_ADDRESS, account_id, keep - 1)
        if oldest is not None:
            await self._connection.execute(_FORGET_ADDRESSES, account_id, oldest)
        return True

    async def forget(self, account_id: AccountId, before: int) -> None:
        """Forget the addresses that an account was not used from since a time."""
        await self._connection.execute(_FORGET_ADDRESSES, account_id, before)
