"""Facts about the store itself: a name and a text each."""

from postroom.store.engine.base import Connection

_GET = "SELECT value FROM meta WHERE name = $1"
_PUT_IF_ABSENT = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
_PUT = """
INSERT INTO meta (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
# Written, and so locked until the end of the transaction, on either engine.
_LOCK = "UPDATE meta SET value = value WHERE name = $1 RETURNING value"
_REMOVE = "DELETE FROM meta WHERE name = $1"
_REPLACE = "UPDATE meta SET value = $3 WHERE name = $1 AND value = $2 RETURNING name"


class MetaRepo:
    """The ``meta`` table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, name: str) -> str | None:
        """Return the value of ``name``, None if it has none."""
        value = await self._connection.fetch_value(_GET, name)
        return None if value is None else str(value)

    async def put(self, name: str, value: str) -> None:
        """Set the value of ``name``."""
        await self._connection.execute(_PUT, name, value)

    async def get_or_put(self, name: str, value: str) -> str:
        """Return the value of ``name``, after setting it to ``value`` if it had none."""
        await self._connection.execute(_PUT_IF_ABSENT, name, value)
        return str(await self._connection.fetch_value(_GET, name))

    async def lock(self, name: str) -> str | None:
        """Return the value of ``name``, which nobody else changes until the end of the transaction."""
        value = await self._connection.fetch_value(_LOCK, name)
        return None if value is None else str(value)

    async def remove(self, name: str) -> None:
        """Forget ``name``."""
        await self._connection.execute(_REMOVE, name)

    async def replace(self, name: str, old: str, new: str) -> bool:
        """Set the value of ``name`` if it is the old one; tell whether it was."""
        return await self._connection.fetch_value(_REPLACE, name, old, new) is not None
