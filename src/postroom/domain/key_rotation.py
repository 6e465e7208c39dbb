"""Rotation: a new server key, and everything in the store sealed under it; the old keys go when nothing uses them.

Algorithm:
1. The new key is written to the file, as the first. (It may have been prepared before: then that one is taken.)
2. The store names it as the key that seals, with those it replaces behind it. From then on nothing is sealed under
   an old key, by whomever (:mod:`postroom.domain.server_secrets`).
3. All sealed secrets are gone through, a slice in each transaction; what is under another key is sealed anew.
4. The store forgets the old keys. Only then they are dropped from the file.

Whatever is interrupted, at any step, is gone on with by the next call; until step 4 both file and store have all keys
that anything is sealed with. Running servers need no restart: they read the file when they meet a key that they do
not know.

A table that keeps sealed secrets is made known by a :class:`SealedPlaces` in :data:`ALL_PLACES`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from postroom.auth.key_file import KeyFile
from postroom.auth.vault import BadSealError, Place, ServerKey, key_id_of
from postroom.domain.server_secrets import META_NAME, OWN_SECRETS, ServerSecrets, today
from postroom.errors import Kind, PostroomError
from postroom.model.factor import PURPOSE
from postroom.store import Store
from postroom.store.tx import Directory, DirectoryTransaction

SLICE: Final = 100
"""Secrets sealed anew in one transaction."""


class Sealed(NamedTuple):
    """A sealed secret in the store."""

    position: Any
    """What the next slice of its table starts after."""
    place: Place
    text: str


class SealedPlaces(Protocol):
    """A table with sealed secrets."""

    async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
        """Return those behind a position (None: the first ones), in an order that does not change."""

    async def replace(self, tx: DirectoryTransaction, sealed: Sealed, text: str) -> bool:
        """Put ``text`` in the place of a secret if it is still that; tell whether it was."""


class OwnSecrets:
    """The server's own secrets, in ``meta``."""

    async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
        """Return those behind a name."""
        found: list[Sealed] = []
        for name in sorted(OWN_SECRETS):
            if (position is None or name > position) and len(found) < limit:
                text = await directory.meta.find(name)
                if text is not None:
                    found.append(Sealed(name, Place(name), text))
        return found

    async def replace(self, tx: DirectoryTransaction, sealed: Sealed, text: str) -> bool:
        """Put ``text`` in the place of a secret if it is still that."""
        return await tx.meta.replace(sealed.place.purpose, sealed.text, text)


class MethodTargets:
    """The addresses, numbers and secrets of methods, those that are being set up included."""

    async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
        """Return those behind an account and method."""
        rows = await directory.methods.list_sealed(position or (-1, -1), limit=limit)
        return [
            Sealed((account_id, method_id), Place(PURPOSE, account_id, method_id), text)
            for account_id, method_id, text in rows
        ]

    async def replace(self, tx: DirectoryTransaction, sealed: Sealed, text: str) -> bool:
        """Put ``text`` in the place of a target if it is still that."""
        account_id, method_id = sealed.position
        return await tx.methods.reseal(account_id, method_id, sealed.text, new=text)


ALL_PLACES: Final[Sequence[SealedPlaces]] = (OwnSecrets(), MethodTargets())
"""Every table that keeps sealed secrets."""


class Rotated(NamedTuple):
    """What a rotation has done."""

    key_id: str
    """The key that seals now."""
    resealed: int
    dropped: list[str]
    was_resumed: bool
    """It has gone on with a rotation that was interrupted, and made no key."""


class KeyFacts(NamedTuple):
    """What is known of a key."""

    key_id: str
    made_on: str
    state: str
    """``seals``, ``being replaced``, ``prepared``, ``not used`` or ``missing``."""
    secrets: int
    """How many are sealed under it."""


async def prepare(data_dir: Path) -> ServerKey:
    """Write a new key to the file, for the next rotation to take; nothing is sealed under it yet.

    Raises: badKeyFile; conflict.
    """
    file = KeyFile(data_dir)
    with file.locked():
        key = ServerKey.generate(today())
        await asyncio.to_thread(file.replace, [key, *_get(file)])
    return key


async def rotate(
    store: Store, data_dir: Path, *, places: Sequence[SealedPlaces] = ALL_PLACES, slice_size: int = SLICE
) -> Rotated:
    """Make a new key, or take the one that is prepared, and have everything sealed under it.

    Raises: badKeyFile; serverKeyMissing; conflict; unavailable.
    """
    file = KeyFile(data_dir)
    await ServerSecrets.load(store, data_dir)
    with file.locked():
        async with store.directory() as directory:
            in_use = (await directory.meta.find(META_NAME) or "").split()
        was_resumed = len(in_use) > 1
        if not was_resumed:
            in_use = await _begin(store, file, in_use)
        secrets = await ServerSecrets.load(store, data_dir)
        resealed = 0
        for table in places:
            async for count in _reseal(store, secrets, table, slice_size=slice_size):
                resealed += count
        await _move(store, in_use, in_use[:1])
        dropped = await _drop(file, in_use[0])
    return Rotated(in_use[0], resealed, dropped, was_resumed)


async def list_keys(
    store: Store, data_dir: Path, *, places: Sequence[SealedPlaces] = ALL_PLACES
) -> list[KeyFacts]:
    """Return all keys that the file has or the store needs, newest first. Raises: badKeyFile; unavailable."""
    keys = await asyncio.to_thread(KeyFile(data_dir).find) or []
    async with store.directory() as directory:
        in_use = (await directory.meta.find(META_NAME) or "").split()
    counts = await _count(store, places)
    made = {key.key_id: key.made_on for key in keys}
    ids = list(made)
    sealing = ids.index(in_use[0]) if in_use and in_use[0] in made else 0
    missing = [key_id for key_id in dict.fromkeys([*in_use, *counts]) if key_id not in made]
    found = [
        KeyFacts(key_id, made[key_id], _state(key_id, in_use, is_newer=index < sealing), counts[key_id])
        for index, key_id in enumerate(ids)
    ]
    return found + [KeyFacts(key_id, "", "missing", counts[key_id]) for key_id in missing]


def _state(key_id: str, in_use: list[str], *, is_newer: bool) -> str:
    if key_id in in_use:
        return "seals" if key_id == in_use[0] else "being replaced"
    return "prepared" if is_newer else "not used"


async def _begin(store: Store, file: KeyFile, in_use: list[str]) -> list[str]:
    """Have the store name the next key; return the keys then in use."""
    keys = _get(file)
    ids = [key.key_id for key in keys]
    prepared = ids[: ids.index(in_use[0])]
    if not prepared:
        key = ServerKey.generate(today())
        await asyncio.to_thread(file.replace, [key, *keys])
        prepared = [key.key_id]
    after = [prepared[0], *in_use]
    await _move(store, in_use, after)
    return after


async def _move(store: Store, before: list[str], after: list[str]) -> None:
    async with store.directory_transaction() as tx:
        if not await tx.meta.replace(META_NAME, " ".join(before), " ".join(after)):
            message = "another rotation has changed the server keys meanwhile: see postroom keys list"
            raise PostroomError(Kind.CONFLICT, "conflict", message)


async def _reseal(
    store: Store, secrets: ServerSecrets, table: SealedPlaces, *, slice_size: int
) -> AsyncIterator[int]:
    """Go through a table; yield how many of each slice were sealed anew."""
    position: Any = None
    while True:
        async with store.directory_transaction() as tx:
            # First the lock, then the secrets: those that are read are the last ones under another key.
            key_id = await secrets.lock(tx)
            found = await table.list_after(tx, position, limit=slice_size)
            count = 0
            for sealed in found:
                if _find_key(sealed) != key_id:
                    plain = secrets.unseal(sealed.text, sealed.place)
                    count += await table.replace(tx, sealed, await secrets.seal(tx, plain, sealed.place))
        yield count
        if len(found) < slice_size:
            return
        position = found[-1].position


async def _drop(file: KeyFile, sealing: str) -> list[str]:
    """Take the keys behind the one that seals out of the file; return their ids."""
    keys = _get(file)
    end = [key.key_id for key in keys].index(sealing) + 1
    if keys[end:]:
        await asyncio.to_thread(file.replace, keys[:end])
    return [key.key_id for key in keys[end:]]


async def _count(store: Store, places: Sequence[SealedPlaces]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for table in places:
        position: Any = None
        while True:
            async with store.directory() as directory:
                found = await table.list_after(directory, position, limit=SLICE)
            for sealed in found:
                counts[_find_key(sealed)] += 1
            if len(found) < SLICE:
                break
            position = found[-1].position
    return counts


def _find_key(sealed: Sealed) -> str:
    """Return the id of the key that a secret is sealed under, "none" for what is not sealed."""
    try:
        return key_id_of(sealed.text)
    except BadSealError:
        return "none"


def _get(file: KeyFile) -> list[ServerKey]:
    """Return the keys in the file. Raises: badKeyFile."""
    keys = file.find()
    if keys is None:
        raise PostroomError(Kind.CONFLICT, "badKeyFile", f"{file.path} is not there: see postroom init")
    return keys
