"""Filters of an account: what is set, the white and the black list, and what is known of the senders of a message."""

from collections.abc import Sequence

from postroom.model.filters import FilterEntry, FilterSetting, ListName, Standing
from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection
from postroom.store.placeholders import iter_batches, placeholders

KEYS = 8
"""Forms of senders looked up by one statement; most messages have four: an address and a domain, twice."""

_COLUMNS = "includes_address_book, excludes_address_book, enabled_filters"
_FIND = f"SELECT {_COLUMNS} FROM filter_setting WHERE account_id = $1"
_PUT = f"""
INSERT INTO filter_setting (account_id, {_COLUMNS}, last_entry_id) VALUES ($1, $2, $3, $4, 0)
ON CONFLICT (account_id) DO UPDATE SET includes_address_book = excluded.includes_address_book,
    excludes_address_book = excluded.excludes_address_book, enabled_filters = excluded.enabled_filters
"""
_TAKE_ENTRY_ID = f"""
INSERT INTO filter_setting (account_id, {_COLUMNS}, last_entry_id) VALUES ($1, $2, $3, $4, 1)
ON CONFLICT (account_id) DO UPDATE SET last_entry_id = filter_setting.last_entry_id + 1
RETURNING last_entry_id
"""
_COUNT = "SELECT COUNT(*) FROM filter_entry WHERE account_id = $1 AND list = $2"
_LIST = """
SELECT entry_id, pattern FROM filter_entry WHERE account_id = $1 AND list = $2
ORDER BY entry_id LIMIT $3 OFFSET $4
"""
_FIND_NUMBER = "SELECT entry_id FROM filter_entry WHERE account_id = $1 AND pattern_key = $3 AND list = $2"
_ADD = """
INSERT INTO filter_entry (account_id, entry_id, list, pattern, pattern_key) VALUES ($1, $2, $3, $4, $5)
"""
_CHANGE = """
UPDATE filter_entry SET pattern = $4, pattern_key = $5
WHERE account_id = $1 AND entry_id = $2 AND list = $3 RETURNING entry_id
"""
_DELETE = "DELETE FROM filter_entry WHERE account_id = $1 AND entry_id = $2 AND list = $3 RETURNING entry_id"
_SETTING, _WHITE, _BLACK, _KNOWN = range(4)
_STANDING = f"""
SELECT {_SETTING}, {_COLUMNS} FROM filter_setting WHERE account_id = $1
UNION ALL
SELECT CASE list WHEN 'white' THEN {_WHITE} ELSE {_BLACK} END, 0, 0, 0 FROM filter_entry
WHERE account_id = $1 AND pattern_key IN ({placeholders(KEYS)})
UNION ALL
SELECT {_KNOWN}, 0, 0, 0 FROM contact_address WHERE account_id = $1 AND address IN ({placeholders(KEYS)})
"""


class FilterRepo:
    """The filters of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self) -> FilterSetting:
        """Return what the account has set, and the defaults for the rest."""
        row = await self._connection.fetch_row(_FIND, self._account_id)
        return FilterSetting() if row is None else FilterSetting(*row)

    async def put(self, setting: FilterSetting) -> None:
        """Store what the account sets."""
        await self._connection.execute(_PUT, self._account_id, *setting)

    async def take_entry_id(self) -> int:
        """Return a number that no entry of the account ever had."""
        return int(await self._connection.fetch_value(_TAKE_ENTRY_ID, self._account_id, *FilterSetting()))

    async def count(self, name: ListName) -> int:
        """Return how many entries a list has."""
        return int(await self._connection.fetch_value(_COUNT, self._account_id, name))

    async def list_entries(self, name: ListName, *, start: int, limit: int) -> list[FilterEntry]:
        """Return entries of a list, oldest first."""
        rows = await self._connection.fetch_all(_LIST, self._account_id, name, limit, start)
        return [FilterEntry(*row) for row in rows]

    async def find_number(self, name: ListName, key: str) -> int | None:
        """Return the number of the entry of a list with this key."""
        number: int | None = await self._connection.fetch_value(_FIND_NUMBER, self._account_id, name, key)
        return number

    async def add(self, name: ListName, entry: FilterEntry, *, key: str) -> None:
        """Store a new entry."""
        await self._connection.execute(_ADD, self._account_id, entry.entry_id, name, entry.pattern, key)

    async def change(self, name: ListName, entry: FilterEntry, *, key: str) -> bool:
        """Give an entry of a list another address; False if there is none."""
        found = await self._connection.fetch_value(
            _CHANGE, self._account_id, entry.entry_id, name, entry.pattern, key
        )
        return found is not None

    async def delete(self, name: ListName, entry_id: int) -> bool:
        """Remove an entry of a list; False if there is none."""
        return await self._connection.fetch_value(_DELETE, self._account_id, entry_id, name) is not None

    async def find_standing(self, keys: Sequence[str]) -> Standing:
        """Return what the account has set, and what it knows of senders by any of their keys.

        One statement for a usual message; each key is a look-up in two indexes.
        """
        setting = FilterSetting()
        found: set[int] = set()
        for some in iter_batches(keys or [""], KEYS, filler=""):
            for kind, *columns in await self._connection.fetch_all(_STANDING, self._account_id, *some):
                if kind == _SETTING:
                    setting = FilterSetting(*columns)
                found.add(kind)
        return Standing(setting, _WHITE in found, _BLACK in found, _KNOWN in found)
