"""Absence notices, and whom they have answered. Times are Unix milliseconds."""

from postroom.model.ids import AccountId
from postroom.model.vacation import Vacation
from postroom.store.engine.base import Connection

_COLUMNS = """is_enabled, age_days, applies_always, applies_to_external, applies_to_internal, start_at, end_at,
       subject, body"""
_FIND = f"SELECT {_COLUMNS} FROM vacation WHERE account_id = $1"
_PUT = f"""
INSERT INTO vacation (account_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (account_id) DO UPDATE SET
    is_enabled = excluded.is_enabled, age_days = excluded.age_days, applies_always = excluded.applies_always,
    applies_to_external = excluded.applies_to_external, applies_to_internal = excluded.applies_to_internal,
    start_at = excluded.start_at, end_at = excluded.end_at, subject = excluded.subject, body = excluded.body
"""
_REMEMBER = """
INSERT INTO vacation_answered (account_id, address, answered_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, address) DO UPDATE SET answered_at = excluded.answered_at
WHERE vacation_answered.answered_at <= $4
RETURNING address
"""
_FIND_ANSWERED = "SELECT answered_at FROM vacation_answered WHERE account_id = $1 AND address = $2"
_NTH_NEWEST = """
SELECT answered_at FROM vacation_answered WHERE account_id = $1 ORDER BY answered_at DESC LIMIT 1 OFFSET $2
"""
_FORGET_OLDER = "DELETE FROM vacation_answered WHERE account_id = $1 AND answered_at <= $2"
_FORGET_ALL = "DELETE FROM vacation_answered WHERE account_id = $1"


class VacationRepo:
    """The absence notices of all accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, account_id: AccountId) -> Vacation | None:
        """Return what an account has set, None if nothing ever; one look-up by primary key."""
        row = await self._connection.fetch_row(_FIND, account_id)
        return None if row is None else Vacation(*row)

    async def put(self, account_id: AccountId, vacation: Vacation) -> None:
        """Store what an account sets."""
        await self._connection.execute(_PUT, account_id, *vacation)

    async def remember(self, account_id: AccountId, address: str, *, now: int, before: int) -> bool:
        """Note that an address is answered; False, and nothing noted, if it was answered after ``before``."""
        found = await self._connection.fetch_value(_REMEMBER, account_id, address, now, before)
        return found is not None

    async def find_answered(self, account_id: AccountId, address: str) -> int:
        """Return when an address was last answered, 0 if that is not remembered."""
        return int(await self._connection.fetch_value(_FIND_ANSWERED, account_id, address) or 0)

    async def find_newest(self, account_id: AccountId, number: int) -> int:
        """Return the time of the answer before which there were ``number`` later ones, 0 if there is none."""
        return int(await self._connection.fetch_value(_NTH_NEWEST, account_id, number) or 0)

    async def forget_answered(self, account_id: AccountId, *, before: int | None = None) -> None:
        """Forget whom an account has answered, or only those answered not after ``before``."""
        if before is None:
            await self._connection.execute(_FORGET_ALL, account_id)
        else:
            await self._connection.execute(_FORGET_OLDER, account_id, before)
