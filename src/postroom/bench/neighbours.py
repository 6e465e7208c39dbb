"""Other accounts in the store of the mailbox that is measured, for what it must cost nothing to have beside one.

They are put straight into the store while the server runs, many at a time, with passwords that nobody uses and so
cost little. Their mails have the words of the corpus, so that each word that is searched for is in many of them. Then
the full-text index is merged, as the server would do in its next idle moment.
"""

import asyncio
import secrets
from collections.abc import Iterator, Sequence

from postroom.auth.passwords import PasswordHasher
from postroom.bench.corpus import iter_messages
from postroom.bench.scenarios import Scene
from postroom.config.auth import AuthConfig
from postroom.config.root import Config
from postroom.content.digest import Digest, digest_message
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.filing import Flags, file_mail
from postroom.model.folder import INBOX
from postroom.store import Store, open_store

MAILS_EACH = 5
_LETTERS = 200
_AT_ONCE = 16
_DATE = 1_750_000_000


def add_neighbours(scene: Scene, count: int) -> None:
    """Add accounts with some mails each."""
    asyncio.run(_add_all(scene, count))


async def _add_all(scene: Scene, count: int) -> None:
    digests = list(map(digest_message, iter_messages(_LETTERS, seed=scene.mailbox.seed)))
    store = await open_store(scene.options.store_url, scene.mailbox.data_dir)
    hasher = PasswordHasher(AuthConfig(argon2_time_cost=1, argon2_memory_kib=8))
    try:
        directory = Directory(store, hasher, Config().classes)
        domain = scene.mailbox.address.partition("@")[2]
        addresses = iter([f"beside-{number}-{secrets.token_hex(4)}@{domain}" for number in range(count)])
        await asyncio.gather(
            *(_add_some(store, directory, addresses=addresses, digests=digests) for _ in range(_AT_ONCE))
        )
        while await store.engine.tidy_index():
            pass
    finally:
        hasher.close()
        await store.close()


async def _add_some(
    store: Store, directory: Directory, *, addresses: Iterator[str], digests: Sequence[Digest]
) -> None:
    """Add accounts until there are no more addresses; others take of them, too."""
    for address in addresses:
        account = await directory.add_account(address, AccountSettings(password=secrets.token_urlsafe(16)))
        async with store.transaction(account.account_id) as tx:
            for number in range(MAILS_EACH):
                digest = digests[(account.account_id * MAILS_EACH + number) % len(digests)]
                await file_mail(tx, digest, INBOX, date=_DATE + number, flags=Flags())
