"""Sealed secrets for tests of rotations: many of them, in ``meta``, each with a text that tells which it is."""

from typing import Any

from postroom.auth.vault import Place
from postroom.domain.key_rotation import OwnSecrets, Sealed
from postroom.domain.server_secrets import ServerSecrets
from postroom.store import Store
from postroom.store.tx import Directory, DirectoryTransaction

COUNT = 60


def name_of(number: int) -> str:
    return f"secret-{number:04d}"


def place_of(number: int) -> Place:
    return Place("test", 1 + number % 3, number)


class TestSecrets:
    """The first COUNT of them."""

    __test__ = False

    def __init__(self, count: int = COUNT) -> None:
        self.count = count

    async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
        """Return those behind a number."""
        found: list[Sealed] = []
        for number in range(-1 if position is None else position, self.count):
            if number >= 0 and number != position and len(found) < limit:
                text = await directory.meta.find(name_of(number))
                if text is not None:
                    found.append(Sealed(number, place_of(number), text))
        return found

    async def replace(self, tx: DirectoryTransaction, sealed: Sealed, text: str) -> bool:
        """Put a text in the place of a secret."""
        return await tx.meta.replace(name_of(sealed.position), sealed.text, text)


PLACES = (OwnSecrets(), TestSecrets())


async def put(store: Store, secrets: ServerSecrets, number: int, plain: bytes) -> None:
    """Store a secret."""
    async with store.directory_transaction() as tx:
        await tx.meta.put(name_of(number), await secrets.seal(tx, plain, place_of(number)))


async def get(store: Store, secrets: ServerSecrets, number: int) -> bytes:
    """Return a secret."""
    async with store.directory() as directory:
        sealed = await directory.meta.find(name_of(number))
    assert sealed is not None
    return secrets.unseal(sealed, place_of(number))
