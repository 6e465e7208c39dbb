"""What the store keeps sealed under the server keys, and which keys these are.

The store remembers, in ``meta``, the ids of the keys in use: the one that seals first, behind it those that a
rotation has not replaced everywhere yet. An id follows from its key, so that this is the check that a process has the
right file: one that lacks a key in use does not start.

Sealing is part of a transaction and locks that row, so that a rotation and those who seal take turns: from the moment
at which a rotation has named its key, nothing is sealed under another, whatever a running process has in memory. A
process that meets the id of a key that it does not know reads the file again.

To have secrets of another table rotated, see :mod:`postroom.domain.key_rotation`.
"""

import asyncio
import datetime
import secrets
from pathlib import Path
from typing import Final

import structlog

from postroom.auth.key_file import KeyFile
from postroom.auth.vault import BadSealError, Place, ServerKey, UnknownKeyError, Vault
from postroom.errors import Kind, PostroomError, unavailable
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

META_NAME: Final = "server_keys"
OWN_SECRETS: Final = ("captcha_key", "factor_key", "token_key", "webhook_key")
"""The names in ``meta`` of the server's own secrets."""
_SECRET_BYTES: Final = 32
_LOOKS: Final = 3
"""A rotation may drop a key between a look at the store and one at the file; no two end as quickly."""

_log: Final = structlog.get_logger(__name__)


class ServerSecrets:
    """Seals and opens secrets of a store."""

    def __init__(self, store: Store, file: KeyFile, vault: Vault) -> None:
        self._store = store
        self._file = file
        self._vault = vault

    @classmethod
    async def load(cls, store: Store, data_dir: Path) -> "ServerSecrets":
        """Return the secrets of a store with the keys in a data folder; a new store gets a new key.

        Raises: badKeyFile; serverKeyMissing; unavailable.
        """
        file, lacking = KeyFile(data_dir), list[str]()
        for _ in range(_LOOKS):
            async with store.directory() as directory:
                in_use = await directory.meta.find(META_NAME)
            keys = await asyncio.to_thread(_find_or_make, file, make=in_use is None)
            if keys is not None and in_use is None:
                async with store.directory_transaction() as tx:
                    in_use = await tx.meta.get_or_put(META_NAME, keys[0].key_id)
            needed = (in_use or "").split()
            lacking = Vault(keys).lacks(needed) if keys else needed
            if keys and not lacking:
                return cls(store, file, Vault(keys))
        raise _missing(file, lacking)

    async def get_own(self, name: str) -> bytes:
        """Return a secret of the server itself, one of :data:`OWN_SECRETS`, made when it is first asked for.

        Raises: internalError, unavailable.
        """
        async with self._store.directory() as directory:
            sealed = await directory.meta.find(name)
        if sealed is None:
            async with self._store.directory_transaction() as tx:
                made = await self.seal(tx, secrets.token_bytes(_SECRET_BYTES), Place(name))
                sealed = await tx.meta.get_or_put(name, made)
        return self.unseal(sealed, Place(name))

    async def seal(self, tx: DirectoryTransaction, plain: bytes, place: Place) -> str:
        """Return a secret as it is stored, which is to be done in this transaction.

        It comes before the transaction writes rows that hold secrets: a rotation locks in that order, too.

        Raises: unavailable.
        """
        key_id = await self.lock(tx)
        return self._vault.seal(plain, place, key_id=key_id)

    def unseal(self, sealed: str, place: Place) -> bytes:
        """Return a secret that is stored at a place. Raises: internalError; unavailable."""
        try:
            try:
                return self._vault.open(sealed, place)
            except UnknownKeyError as error:
                self._need(error.key_id)
                return self._vault.open(sealed, place)
        except BadSealError as error:
            raise PostroomError(
                Kind.INTERNAL,
                "internalError",
                f"the store's {place.purpose} cannot be read: it was changed, or stored by a version without keys",
                private=str(error),
            ) from error

    async def lock(self, tx: DirectoryTransaction) -> str:
        """Return the id of the key that seals, which stays that until the end of the transaction.

        Raises: unavailable.
        """
        in_use = await tx.meta.lock(META_NAME)
        if not in_use:
            raise unavailable("the store has lost its server keys", private=f"no {META_NAME} in meta")
        key_id = in_use.split()[0]
        self._need(key_id)
        return key_id

    def reload(self) -> None:
        """Read the file again; keys that cannot be read leave those that are known."""
        try:
            keys = self._file.find()
        except PostroomError as error:
            _log.error("server_keys_not_read", error=error.message)
            return
        if keys is not None:
            self._vault = Vault(keys)
            _log.info("server_keys_read", keys=[key.key_id for key in keys])

    def _need(self, key_id: str) -> None:
        """See to it that a key is known. Raises: unavailable."""
        if not self._vault.lacks([key_id]):
            return
        self.reload()
        if self._vault.lacks([key_id]):
            _log.error("server_key_missing", key=key_id, file=str(self._file.path))
            private = f"the server key {key_id} is not in {self._file.path}: copy the file from where it is"
            raise unavailable("a secret of the store cannot be read just now", private=private)


def _find_or_make(file: KeyFile, *, make: bool) -> list[ServerKey] | None:
    """Return the keys in a file, which is made if there is none. Raises: badKeyFile."""
    keys = file.find()
    if keys is None and make:
        file.create(ServerKey.generate(today()))
        keys = file.find()
    return keys


def today() -> str:
    """Return the date, for people to know keys by."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _missing(file: KeyFile, key_ids: list[str]) -> PostroomError:
    named = f"{'keys' if len(key_ids) > 1 else 'key'} {', '.join(key_ids)}"
    return PostroomError(
        Kind.CONFLICT,
        "serverKeyMissing",
        f"{file.path} does not have the server {named}, which the store's secrets are sealed with: copy the file "
        f"{file.path.name} from the data folder of a server of this store, or from a backup of it",
    )
