"""Temporary aliases: addresses that users make for a while, to give them to somebody they do not trust.

An alias works from the moment it was made, wherever an address of the account does: mail to it is delivered, and it
may be sent from. It ends by itself or when it is deleted, and works no more from that moment on: every look-up
compares the time, so that nothing has to be removed first. It is no name to log in by.

An address that is over stays with its account for a year (:data:`KEPT_DAYS`, the last :data:`MOST_KEPT` of an
account) and nobody else is given it meanwhile, not even by an administrator, and not even if the account is removed;
so what comes late for one user never reaches another. Later, that an address is made again is one chance in more
than a thousand million.

Addresses and temporary aliases lie in two tables. What gives one out holds the domain's lock, so that no address is
ever in both.
"""

import asyncio
from collections.abc import Mapping

from postroom.config.classes import AccountClass, class_of
from postroom.domain.access import require_own
from postroom.domain.clock import Clock
from postroom.domain.numbers import take_number
from postroom.domain.readable_names import make_name
from postroom.errors import not_found, not_permitted, unavailable
from postroom.model.account import Caller
from postroom.model.profile import AliasId, AliasRef, TemporaryAlias
from postroom.store import Store
from postroom.store.tx import DirectoryTransaction

KEPT_DAYS = 365
MOST_KEPT = 1000
SLICE = 500
_ATTEMPTS = 20
_DAY_SECONDS = 86_400


class TemporaryAliases:
    """The temporary aliases of callers."""

    def __init__(self, store: Store, classes: Mapping[str, AccountClass], *, clock: Clock) -> None:
        self._store = store
        self._classes = classes
        self._clock = clock

    async def list(self, caller: Caller) -> list[TemporaryAlias]:
        """Return the aliases that work, by their end. Raises: unavailable."""
        async with self._store.directory() as tables:
            aliases = tables.directory.temporary_aliases
            return await aliases.list_active(caller.account_id, now=self._clock.now_ms())

    async def create(self, caller: Caller) -> TemporaryAlias:
        """Make an alias in the domain of the account; return it. Raises: notPermitted; notFound; unavailable."""
        account_class = class_of(self._classes, caller.class_name)
        policy = account_class.restrictions.temporary_aliases
        if not policy.enabled:
            raise not_permitted("this account may not make temporary aliases")
        domain = caller.address.rpartition("@")[2]
        async with self._store.directory_transaction() as tx:
            await tx.directory.domains.lock(domain)
            number = await take_number(tx.mailbox(caller.account_id))
            now, aliases = self._clock.now_ms(), tx.directory.temporary_aliases
            if len(await aliases.list_active(caller.account_id, now=now)) >= policy.max_number_of_aliases:
                most = policy.max_number_of_aliases
                raise not_permitted(f"an account has at most {most} temporary aliases")
            # It is told in whole seconds, and ends when it is told to end.
            expires_at = (now // 1000 + policy.days * _DAY_SECONDS) * 1000
            made = TemporaryAlias(await _find_free(tx, domain), AliasId(number), expires_at)
            await aliases.create(caller.account_id, made)
            await aliases.drop_beyond(caller.account_id, now=now, keep=MOST_KEPT)
        return made

    async def delete(self, caller: Caller, ref: AliasRef) -> None:
        """End an alias: mail to it is refused from now on. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the temporary alias")
        async with self._store.directory_transaction() as tx:
            now = self._clock.now_ms()
            if not await tx.directory.temporary_aliases.end(ref.owner, ref.alias, now=now):
                raise not_found("the temporary alias")


async def _find_free(tx: DirectoryTransaction, domain: str) -> str:
    for _ in range(_ATTEMPTS):
        address = f"{make_name()}@{domain}"
        is_taken = await tx.directory.find_owner(address) is not None
        if not is_taken and not await tx.directory.temporary_aliases.has(address):
            return address
    raise unavailable("no free address was found just now")


async def forget_expired(store: Store, *, now_ms: int) -> int:
    """Forget addresses that were over long ago; return how many. Raises: unavailable."""
    before, forgotten, count = now_ms - KEPT_DAYS * _DAY_SECONDS * 1000, 0, SLICE
    while count == SLICE:
        async with store.directory_transaction() as tx:
            count = await tx.directory.temporary_aliases.purge(before=before, limit=SLICE)
        forgotten += count
        await asyncio.sleep(0)
    return forgotten
