"""Whether the server can do its work just now."""

from postroom.store import Store


class Health:
    """The health of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ready(self) -> None:
        """Return if the store answers. Raises: unavailable."""
        async with self._store.directory() as directory:
            await directory.meta.find("ready")
