"""Brand indicators: what domains say of their logos, the logos, and the messages that wait for either.

Who looks something up has claimed it: ``due_at`` was moved on to the end of a lease. Doing it twice harms nothing,
and what waits is settled by whoever removes its row.
"""

from collections.abc import Iterable, Sequence

from postroom.model.bimi import NEVER, Indicator, IndicatorKey, Waiting, WantedLogo
from postroom.model.ids import AccountId, ContentId, ItemId
from postroom.model.mail import Mail
from postroom.store.engine.base import Connection
from postroom.store.placeholders import iter_batches, placeholders

MANY = 20
"""Logos looked up by one statement."""

_FIND = """
SELECT location, is_enforcing, expires_at, attempts, due_at FROM bimi_record WHERE domain = $1 AND selector = $2
"""
_PUT = """
INSERT INTO bimi_record (domain, selector, location, is_enforcing, expires_at, attempts, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (domain, selector) DO UPDATE SET location = excluded.location, is_enforcing = excluded.is_enforcing,
    expires_at = excluded.expires_at, attempts = excluded.attempts, due_at = excluded.due_at
"""
_LIST_EXPIRED = """
SELECT domain, selector FROM bimi_record WHERE expires_at < $1 AND due_at < $1 ORDER BY expires_at LIMIT $2
"""
_FORGET = "DELETE FROM bimi_record WHERE domain = $1 AND selector = $2"
_COUNT = "SELECT count(*) FROM bimi_record"

_ADD_WAITING = """
INSERT INTO bimi_waiting (account_id, content_id, domain, selector, is_enforced, due_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, content_id) DO NOTHING
"""
_SETTLE = "DELETE FROM bimi_waiting WHERE account_id = $1 AND content_id = $2 RETURNING content_id"
_LIST_ITEMS = "SELECT item_id FROM mail WHERE account_id = $1 AND content_id = $2 LIMIT $3"
_SHOW = """
UPDATE mail SET summary = $3, modseq = $4, replaced_modseq = $5 WHERE account_id = $1 AND item_id = $2
"""
_LIST_DUE = "SELECT domain, selector FROM bimi_waiting WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
_MOVE_ON = "UPDATE bimi_waiting SET due_at = $3 WHERE domain = $1 AND selector = $2"
_LIST_WAITING = """
SELECT account_id, content_id, is_enforced FROM bimi_waiting WHERE domain = $1 AND selector = $2
ORDER BY account_id, content_id LIMIT $3
"""
_REMOVE_WAITING = "DELETE FROM bimi_waiting WHERE account_id = $1"
_COUNT_WAITING = "SELECT count(*) FROM bimi_waiting"

_LIST_LOGOS = f"""
SELECT location_md5, logo, expires_at FROM bimi_logo
WHERE location_md5 IN ({placeholders(MANY, first=1)}) AND logo IS NOT NULL
"""
_WANT = """
INSERT INTO bimi_logo (location_md5, location, logo, problem, attempts, due_at, expires_at)
VALUES ($1, $2, NULL, '', 0, $3, $3)
ON CONFLICT (location_md5) DO UPDATE SET due_at = excluded.due_at
WHERE bimi_logo.due_at = $4 AND bimi_logo.expires_at <= excluded.due_at
"""
_RENEW = """
UPDATE bimi_logo SET due_at = $2 WHERE location_md5 = $1 AND due_at = $3 AND expires_at <= $2
"""
_CLAIM = """
UPDATE bimi_logo SET due_at = $2, attempts = attempts + 1 WHERE location_md5 =
    (SELECT location_md5 FROM bimi_logo WHERE due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING location_md5, location, attempts
"""
_HAS_DUE = "SELECT 1 FROM bimi_logo WHERE due_at <= $1 LIMIT 1"
_FINISH = """
UPDATE bimi_logo SET logo = $2, problem = $3, attempts = 0, due_at = $4, expires_at = $5 WHERE location_md5 = $1
"""
_PUT_OFF = "UPDATE bimi_logo SET problem = $2, due_at = $3 WHERE location_md5 = $1"
_LIST_OLD = "SELECT location_md5 FROM bimi_logo WHERE expires_at < $1 ORDER BY expires_at LIMIT $2"
_DELETE = "DELETE FROM bimi_logo WHERE location_md5 = $1"
_COUNT_LOGOS = "SELECT count(*) FROM bimi_logo"


class Logo:
    """A logo that was fetched and found good."""

    __slots__ = ("data", "expires_at", "location_md5")

    def __init__(self, location_md5: str, data: bytes, expires_at: int) -> None:
        self.location_md5 = location_md5
        self.data = data
        self.expires_at = expires_at


class WaitingRepo:
    """The messages of one account that wait."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def add(self, content_id: ContentId, key: IndicatorKey, *, is_enforced: bool, due_at: int) -> None:
        """Have a content wait for what is found at a key."""
        await self._connection.execute(
            _ADD_WAITING, self._account_id, content_id, *key, int(is_enforced), due_at
        )

    async def settle(self, content_id: ContentId) -> bool:
        """Have a content wait no more; False if it does not."""
        found = await self._connection.fetch_value(_SETTLE, self._account_id, content_id)
        return found is not None

    async def list_items(self, content_id: ContentId, *, limit: int) -> list[ItemId]:
        """Return mails of a content."""
        rows = await self._connection.fetch_all(_LIST_ITEMS, self._account_id, content_id, limit)
        return [ItemId(row[0]) for row in rows]

    async def show(self, mails: Iterable[Mail]) -> None:
        """Store what lists show of mails, and since which step they do."""
        await self._connection.execute_many(
            _SHOW,
            [
                (self._account_id, mail.item_id, mail.summary, mail.modseq, mail.replaced_modseq)
                for mail in mails
            ],
        )


class IndicatorRepo:
    """What domains say of their logos, and what waits for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, key: IndicatorKey) -> Indicator | None:
        """Return what was found at a key."""
        row = await self._connection.fetch_row(_FIND, *key)
        return None if row is None else Indicator(*row)

    async def put(self, key: IndicatorKey, indicator: Indicator) -> None:
        """Store what was found at a key."""
        await self._connection.execute(_PUT, *key, *indicator)

    async def purge(self, before: int, *, limit: int) -> None:
        """Forget up to ``limit`` keys that have expired before a time, those first that did so first."""
        rows = await self._connection.fetch_all(_LIST_EXPIRED, before, limit)
        await self._connection.execute_many(_FORGET, rows)

    async def count(self) -> int:
        """Return how many keys are known."""
        return int(await self._connection.fetch_value(_COUNT))

    async def list_due(self, now: int, *, limit: int) -> list[IndicatorKey]:
        """Return keys that are waited for, those due longest first."""
        rows = await self._connection.fetch_all(_LIST_DUE, now, limit)
        return list(dict.fromkeys(IndicatorKey(*row) for row in rows))

    async def move_on(self, key: IndicatorKey, *, due_at: int) -> None:
        """Have all that wait for a key do so until a time."""
        await self._connection.execute(_MOVE_ON, *key, due_at)

    async def list_waiting(self, key: IndicatorKey, *, limit: int) -> list[Waiting]:
        """Return what waits for a key."""
        return [Waiting(*row) for row in await self._connection.fetch_all(_LIST_WAITING, *key, limit)]

    async def remove_waiting(self, account_id: AccountId) -> None:
        """Have nothing of an account wait any more."""
        await self._connection.execute(_REMOVE_WAITING, account_id)

    async def count_waiting(self) -> int:
        """Return how many contents wait, of all accounts."""
        return int(await self._connection.fetch_value(_COUNT_WAITING))


class LogoRepo:
    """The logos."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_good(self, names: Sequence[str]) -> list[Logo]:
        """Return those of the logos that are there."""
        found: list[Logo] = []
        for batch in iter_batches(names, MANY, filler=""):
            rows = await self._connection.fetch_all(_LIST_LOGOS, *batch)
            found += [Logo(row[0], bytes(row[1]), row[2]) for row in rows]
        return found

    async def want(self, location_md5: str, location: str, *, now: int) -> None:
        """Have a logo fetched, unless it is there and has not expired."""
        await self._connection.execute(_WANT, location_md5, location, now, NEVER)

    async def renew(self, location_md5: str, *, now: int) -> None:
        """Have a logo that is known fetched anew, if it has expired."""
        await self._connection.execute(_RENEW, location_md5, now, NEVER)

    async def has_due(self, now: int) -> bool:
        """Tell whether any logo is to be fetched."""
        return await self._connection.fetch_value(_HAS_DUE, now) is not None

    async def claim(self, *, now: int, until: int) -> WantedLogo | None:
        """Claim the logo that has been due longest, until a time."""
        row = await self._connection.fetch_row(_CLAIM, now, until)
        return None if row is None else WantedLogo(*row)

    async def finish(
        self, location_md5: str, logo: bytes | None, *, problem: str = "", expires_at: int
    ) -> None:
        """Store a logo, or why there is none; that holds until it expires."""
        await self._connection.execute(_FINISH, location_md5, logo, problem, NEVER, expires_at)

    async def put_off(self, location_md5: str, problem: str, *, due_at: int) -> None:
        """Have a logo that could not be fetched wait for another attempt."""
        await self._connection.execute(_PUT_OFF, location_md5, problem, due_at)

    async def purge(self, before: int, *, limit: int) -> None:
        """Forget up to ``limit`` logos that have expired before a time, those first that did so first."""
        rows = await self._connection.fetch_all(_LIST_OLD, before, limit)
        await self._connection.execute_many(_DELETE, rows)

    async def count(self) -> int:
        """Return how many logos are known."""
        return int(await self._connection.fetch_value(_COUNT_LOGOS))
