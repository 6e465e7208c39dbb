"""Looking up senders' logos behind the deliveries: domains in DNS, and logos by HTTPS.

Two loops, so that slow web servers hold up no names. Each takes what has been due longest, some at a time, claims it
by a lease, and writes what came of it in one transaction; so the work goes on after any crash, in any process. What
fails is tried again later and later, some times; then that there is nothing is believed for a while.

Nobody waits for any of this. What may wait is bounded (:data:`postroom.domain.bimi.MAX_WAITING`), and so is what is
kept: what has expired long ago is forgotten, and of too many keys and logos those that expire first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import structlog

from postroom.config.bimi import BimiConfig
from postroom.domain.bimi import STALE_MS, Bimi, hash_location, with_location
from postroom.domain.bimi_lookup import NoAnswerError, Texts, look_up
from postroom.domain.clock import Clock
from postroom.domain.rewriting import show_anew
from postroom.domain.steps import Listed, Record, Replace, Step
from postroom.errors import Kind, PostroomError
from postroom.model.bimi import NEVER, Indicator, IndicatorKey, Waiting, WantedLogo
from postroom.model.ids import AccountId, ContentId, FolderId
from postroom.sanitise.logo import find_fault
from postroom.store import Store
from postroom.store.sql.mails import Located
from postroom.store.tx import Transaction

PLACES = 8
"""Names, and logos, that are worked on at the same time."""
POLL_SECONDS = 5.0
LOOKUP_SECONDS = 30.0
"""How long all look-ups for a key may take."""
GRACE_SECONDS = 30.0
"""A lease is so much longer than what it is for may take."""
RECORD_WAITS_SECONDS = (30, 300, 1800, 7200)
"""From one look-up that failed to the next; after the last there is taken to be nothing."""
LOGO_WAITS_SECONDS = (60, 600, 3600, 21_600)
NOTHING_MS = 3_600_000
"""How long it is believed that there is nothing, where that could not be found out."""
NO_LOGO_MS = 86_400_000
"""How long it is believed that there is no good logo at a location."""
KEPT_MS = 30 * 86_400_000
"""How long a logo is kept that has expired."""
MAX_KEYS = 100_000
MAX_MAILS = 500
"""Mails of one content that are replaced."""
TIDY_SECONDS = 600
MOST_FORGOTTEN = 5000
"""What is too many, and is forgotten in one go."""
_PAGE = 100
_NAME_LEASE_MS = round((LOOKUP_SECONDS + GRACE_SECONDS) * 1000)

_log = structlog.get_logger("postroom.bimi")


class Fetched(NamedTuple):
    """What came of fetching a file: the file, or why there is none."""

    data: bytes | None
    problem: str = ""
    is_final: bool = False
    """Another attempt would come to the same."""


class Fetcher(Protocol):
    """Fetches files by HTTPS."""

    async def fetch(self, url: str) -> Fetched:
        """Return the file at a URL. Whatever happens is an outcome."""


@dataclass
class BimiStats:
    """What was done since the start."""

    lookups: int = 0
    failed_lookups: int = 0
    logos: int = 0
    bad_logos: int = 0
    failed_fetches: int = 0


class BimiRunner:
    """Looks up what waits, for one process."""

    def __init__(
        self,
        store: Store,
        bimi: Bimi,
        *,
        texts: Texts,
        fetcher: Fetcher,
        config: BimiConfig,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bimi = bimi
        self._texts = texts
        self._fetcher = fetcher
        self._config = config
        self._clock = clock
        self._names_due = asyncio.Event()
        self._logos_due = asyncio.Event()
        self._tidied_at = 0
        self.stats = BimiStats()
        bimi.on_work = self._wake

    def _wake(self) -> None:
        self._names_due.set()
        self._logos_due.set()

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(
            self._repeat(self.look_up_names, self._names_due), self._repeat(self.fetch_logos, self._logos_due)
        )

    async def _repeat(self, work: Callable[[], Awaitable[bool]], due: asyncio.Event) -> None:
        while True:
            due.clear()
            try:
                has_more = True
                while has_more:
                    has_more = await work()
            except PostroomError as error:
                _log.warning("logos wait", error=str(error), private=error.private)
            except Exception:  # noqa: BLE001 - a fault must not end the work for all senders, for good
                _log.exception("logos wait")
            await self._clock.wait(due, POLL_SECONDS)

    # Names

    async def look_up_names(self) -> bool:
        """Look up some keys; tell whether there may be more. Raises: unavailable."""
        now = self._clock.now_ms()
        async with self._store.directory() as directory:
            due = await directory.indicators.list_due(now, limit=_PAGE)
            self._bimi.waiting = await directory.indicators.count_waiting()
        expired = list(self._bimi.expired_keys)[: PLACES - min(len(due), PLACES // 2)]
        for key in expired:
            del self._bimi.expired_keys[key]
        waited = due[: PLACES - len(expired)]
        await _gather(*map(self._serve, waited), *map(self._renew, set(expired) - set(waited)))
        return bool(due or expired)

    async def _serve(self, key: IndicatorKey) -> None:
        """Give those that wait for a key what is found there, or let them wait on. Raises: unavailable."""
        now = self._clock.now_ms()
        async with self._store.directory_transaction() as tx:
            await tx.indicators.move_on(key, due_at=now + _NAME_LEASE_MS)
            indicator = await tx.indicators.find(key)
        if indicator is None or indicator.expires_at <= now - STALE_MS:
            if indicator is None or indicator.due_at <= now:
                try:
                    indicator = await self._look_up(key, indicator)
                except asyncio.CancelledError:
                    # This server ends: the next one need not wait for the end of the lease.
                    await self._move_on(key, due_at=0)
                    raise
            if not indicator.expires_at:
                await self._move_on(key, due_at=indicator.due_at)
                return
        await self._settle_all(key, indicator)

    async def _move_on(self, key: IndicatorKey, *, due_at: int) -> None:
        async with self._store.directory_transaction() as tx:
            await tx.indicators.move_on(key, due_at=due_at)

    async def _renew(self, key: IndicatorKey) -> None:
        """Look up what has expired. Raises: unavailable."""
        now = self._clock.now_ms()
        async with self._store.directory() as directory:
            indicator = await directory.indicators.find(key)
        # Another process may have done it.
        if indicator is None or (indicator.expires_at <= now and indicator.due_at <= now):
            await self._look_up(key, indicator)

    async def _look_up(self, key: IndicatorKey, before: Indicator | None) -> Indicator:
        """Look a key up and store what is known of it then; return that. Raises: unavailable."""
        self.stats.lookups += 1
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await look_up(self._texts, key)
        except (NoAnswerError, TimeoutError) as error:
            self.stats.failed_lookups += 1
            indicator = self._put_off(key, before, problem=str(error) or "it took too long")
        else:
            expires_at = self._clock.now_ms() + self._config.record_hours * 3_600_000
            indicator = Indicator(found.location, int(found.is_enforcing), expires_at, 0, 0)
        async with self._store.directory_transaction() as tx:
            await tx.indicators.put(key, indicator)
            if indicator.location and not indicator.attempts:
                now = self._clock.now_ms()
                await tx.logos.want(hash_location(indicator.location), indicator.location, now=now)
                tx.after_commit(self._logos_due.set)
        self._bimi.forget(key)
        return indicator

    def _put_off(self, key: IndicatorKey, before: Indicator | None, *, problem: str) -> Indicator:
        """Return what is known of a key once its look-up has failed."""
        now = self._clock.now_ms()
        known = before or Indicator("", 0, 0, 0, 0)
        if known.attempts < len(RECORD_WAITS_SECONDS):
            due_at = now + RECORD_WAITS_SECONDS[known.attempts] * 1000
            if known.expires_at <= now - STALE_MS:
                known = known._replace(location="", is_enforcing=0, expires_at=0)
            return known._replace(attempts=known.attempts + 1, due_at=due_at)
        _log.info("a sender's record is given up", domain=key.domain, selector=key.selector, problem=problem)
        return Indicator("", 0, now + NOTHING_MS, 0, 0)

    async def _settle_all(self, key: IndicatorKey, indicator: Indicator) -> None:
        """Show all that wait for a key what was found there. Raises: unavailable."""
        while True:
            async with self._store.directory() as directory:
                page = await directory.indicators.list_waiting(key, limit=_PAGE)
            by_account: dict[AccountId, list[Waiting]] = defaultdict(list)
            for one in page:
                by_account[AccountId(one.account_id)].append(one)
            for account_id, some in by_account.items():
                await self._settle(account_id, some, indicator)
            if not page:
                return

    async def _settle(self, account_id: AccountId, some: list[Waiting], indicator: Indicator) -> None:
        """Show an account's mails that wait what was found, in one transaction. Raises: unavailable."""
        try:
            async with self._store.transaction(account_id) as tx:
                await tx.lock()
                steps: list[Step] = []
                for one in some:
                    content_id = ContentId(one.content_id)
                    is_mine = await tx.bimi_waiting.settle(content_id)
                    if is_mine and indicator.location and (one.is_enforced or indicator.is_enforcing):
                        steps += await _show(tx, content_id, hash_location(indicator.location))
                if steps:
                    await tx.log("mails.logo", Record(steps), modseq=tx.modseq)
        except PostroomError as error:
            # The account has been removed, and all that waits for it goes with it.
            if error.kind is not Kind.NOT_FOUND:
                raise
            async with self._store.directory_transaction() as directory:
                await directory.indicators.remove_waiting(account_id)

    # Logos

    async def fetch_logos(self) -> bool:
        """Fetch some logos; tell whether there may be more. Raises: unavailable."""
        now = self._clock.now_ms()
        expired = list(self._bimi.expired_logos)[:_PAGE]
        for name in expired:
            del self._bimi.expired_logos[name]
        claimed: list[WantedLogo] = []
        lease_ms = round((self._config.timeout_seconds + GRACE_SECONDS) * 1000)
        if expired or await self._has_due_logos(now):
            async with self._store.directory_transaction() as tx:
                for name in expired:
                    await tx.logos.renew(name, now=now)
                while len(claimed) < PLACES:
                    wanted = await tx.logos.claim(now=now, until=now + lease_ms)
                    if wanted is None:
                        break
                    claimed.append(wanted)
        await _gather(*map(self._fetch, claimed))
        if claimed or now - self._tidied_at >= TIDY_SECONDS * 1000:
            await self._tidy(now)
        return bool(claimed)

    async def _has_due_logos(self, now: int) -> bool:
        async with self._store.directory() as directory:
            return await directory.logos.has_due(now)

    async def _fetch(self, wanted: WantedLogo) -> None:
        """Fetch a logo and store what came of it. Raises: unavailable."""
        fetched = await self._fetcher.fetch(wanted.location)
        problem = fetched.problem
        if fetched.data is not None:
            # It takes some milliseconds of a large one.
            problem = await asyncio.to_thread(find_fault, fetched.data)
        now = self._clock.now_ms()
        may_repeat = fetched.data is None and not fetched.is_final
        async with self._store.directory_transaction() as tx:
            if not problem:
                expires_at = now + self._config.logo_days * 86_400_000
                await tx.logos.finish(wanted.location_md5, fetched.data, expires_at=expires_at)
            elif may_repeat and wanted.attempts <= len(LOGO_WAITS_SECONDS):
                due_at = now + LOGO_WAITS_SECONDS[wanted.attempts - 1] * 1000
                await tx.logos.put_off(wanted.location_md5, problem, due_at=due_at)
            else:
                await tx.logos.finish(wanted.location_md5, None, problem=problem, expires_at=now + NO_LOGO_MS)
        self.stats.logos += not problem
        self.stats.failed_fetches += fetched.data is None
        if problem:
            self.stats.bad_logos += fetched.data is not None
            _log.info("a logo cannot be used", location=wanted.location, problem=problem)

    async def _tidy(self, now: int) -> None:
        """Forget what expired long ago, and what is too many. Raises: unavailable."""
        self._tidied_at = now
        async with self._store.directory_transaction() as tx:
            await tx.indicators.purge(now - STALE_MS, limit=_PAGE)
            await tx.logos.purge(now - KEPT_MS, limit=_PAGE)
            # What goes first is what expires first.
            if (excess := await tx.indicators.count() - MAX_KEYS) > 0:
                await tx.indicators.purge(NEVER, limit=min(excess, MOST_FORGOTTEN))
            if (excess := await tx.logos.count() - self._config.max_logos) > 0:
                await tx.logos.purge(NEVER, limit=min(excess, MOST_FORGOTTEN))


async def _show(tx: Transaction, content_id: ContentId, location_md5: str) -> list[Step]:
    """Have the mails of a content show a location; return what was done."""
    item_ids = await tx.bimi_waiting.list_items(content_id, limit=MAX_MAILS)
    by_folder: dict[FolderId, list[Located]] = defaultdict(list)
    located = await tx.mails.locate_items(item_ids)
    for item_id in sorted(located):
        by_folder[located[item_id].mail.folder_id].append(located[item_id])
    steps: list[Step] = []
    for folder_id, items in by_folder.items():
        summaries = [with_location(item.mail.summary, location_md5) for item in items]
        mails = await show_anew(tx, items, summaries)
        steps.append(Replace(folder_id, [Listed(mail.item_id, mail.uid) for mail in mails]))
    return steps


async def _gather(*tasks: Awaitable[None]) -> None:
    """Wait for all of them; raise what one failed with, once all have ended."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
