"""What an account has set, and what programs keep with it: one row an account, all of it JSON."""

from typing import NamedTuple

from postroom.model.ids import AccountId
from postroom.store.engine.base import Connection

_FIND = """
SELECT account.class_name, account.language, account_setting.data
FROM account LEFT JOIN account_setting ON account_setting.account_id = account.account_id
WHERE account.account_id = $1
"""
_FIND_UI = "SELECT ui FROM account_setting WHERE account_id = $1"
_FIND_CLIENT = "SELECT client FROM account_setting WHERE account_id = $1"
_PUT = """
INSERT INTO account_setting (account_id, data, ui, client) VALUES ($1, $2, '', '')
ON CONFLICT (account_id) DO UPDATE SET data = excluded.data
"""
_PUT_UI = """
INSERT INTO account_setting (account_id, data, ui, client) VALUES ($1, '', $2, '')
ON CONFLICT (account_id) DO UPDATE SET ui = excluded.ui
"""
_PUT_CLIENT = """
INSERT INTO account_setting (account_id, data, ui, client) VALUES ($1, '', '', $2)
ON CONFLICT (account_id) DO UPDATE SET client = excluded.client
"""


class OwnSettings(NamedTuple):
    """What an account has set, "" if nothing, and what decides on the rest."""

    class_name: str
    language: str
    data: str


class SettingRepo:
    """The settings of one account."""

    def __init__(self, connection: Connection, account_id: AccountId) -> None:
        self._connection = connection
        self._account_id = account_id

    async def find(self) -> OwnSettings | None:
        """Return what the account has set, None if there is no such account."""
        row = await self._connection.fetch_row(_FIND, self._account_id)
        return None if row is None else OwnSettings(row[0], row[1], row[2] or "")

    async def put(self, data: str) -> None:
        """Store what the account has set."""
        await self._connection.execute(_PUT, self._account_id, data)

    async def find_ui(self) -> str:
        """Return what programs keep of their user interface, "" if nothing."""
        return str(await self._connection.fetch_value(_FIND_UI, self._account_id) or "")

    async def put_ui(self, text: str) -> None:
        """Store what a program keeps of its user interface."""
        await self._connection.execute(_PUT_UI, self._account_id, text)

    async def find_client(self) -> str:
        """Return what else programs keep, "" if nothing."""
        return str(await self._connection.fetch_value(_FIND_CLIENT, self._account_id) or "")

    async def put_client(self, text: str) -> None:
        """Store what else a program keeps."""
        await self._connection.execute(_PUT_CLIENT, self._account_id, text)
