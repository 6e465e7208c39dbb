"""Where the logins of an account come from, and that it is told when one comes from somewhere new.

An address is known for :data:`KEPT_DAYS` after it was last used, and of an account the last :data:`MOST_KEPT` are
known; IPv6 addresses by their network (:mod:`postroom.auth.sources`). They are kept as they are: the security log has
them too, and a hash of so few possible values hides nothing. The first address of an account is noted, but no notice
is sent of it.

Whoever was seen in the last day is remembered in the memory of each process, so that a call costs nothing more. The
unread counter's short way does not look: what it tells is a number.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from postroom.auth.sources import find_source
from postroom.config.options import IPNetwork
from postroom.domain.security_log import note
from postroom.model.ids import AccountId
from postroom.model.security import SecurityEventKind
from postroom.store import Store

KEPT_DAYS = 180
MOST_KEPT = 100
MAX_REMEMBERED = 50_000
_DAY_SECONDS = 86_400


class KnownAddresses:
    """The addresses of all accounts, as this process knows them."""

    def __init__(
        self, store: Store, *, trusted: Sequence[IPNetwork] = (), now: Callable[[], float] = time.time
    ) -> None:
        """``trusted`` are the networks of reverse proxies: an address of theirs stands for many users."""
        self._store = store
        self._trusted = trusted
        self._now = now
        self._seen: OrderedDict[tuple[AccountId, str], float] = OrderedDict()

    async def see(self, account_id: AccountId, client: str) -> None:
        """Note that an account has logged in from an address; its log tells of a new one. Raises: unavailable."""
        now, key = self._now(), (account_id, client)
        if self._seen.get(key, 0) > now:
            return
        source = find_source(client, self._trusted)
        if source is not None:
            await self._note(account_id, source, client, now_ms=int(now * 1000))
        self._seen[key] = now + _DAY_SECONDS
        self._seen.move_to_end(key)
        while len(self._seen) > MAX_REMEMBERED:
            self._seen.popitem(last=False)

    async def _note(self, account_id: AccountId, source: str, client: str, *, now_ms: int) -> None:
        async with self._store.directory() as tables:
            last = await tables.known_addresses.find_last_seen(account_id, source)
        if last is not None and last > now_ms - _DAY_SECONDS * 1000:
            return
        async with self._store.directory_transaction() as tx:
            addresses = tx.known_addresses
            await addresses.forget(account_id, now_ms - KEPT_DAYS * _DAY_SECONDS * 1000)
            is_first = not await addresses.has_any(account_id)
            if await addresses.see(account_id, source, now=now_ms, keep=MOST_KEPT):
                kind = SecurityEventKind.LOGIN_FROM_NEW_ADDRESS
                await note(tx, account_id, kind, client=client, now_ms=now_ms, is_quiet=is_first)
