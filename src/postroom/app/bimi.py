"""The looking up of senders' logos put together: the domain's part, name resolution, HTTPS, and metrics."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postroom.app.background import in_background
from postroom.app.services import Services
from postroom.config.bimi import BimiConfig
from postroom.config.root import Config
from postroom.config.sending import SendingConfig, parse_nameserver
from postroom.domain.bimi import Bimi
from postroom.domain.bimi_lookup import NoAnswerError
from postroom.domain.bimi_runner import BimiRunner, BimiStats, Fetched, Fetcher

if TYPE_CHECKING:
    from postroom.outgoing.resolver import DNSResolver


class LazyNames:
    """Looks names up as outgoing mail does, by the same name servers; loads what that takes when first asked."""

    def __init__(self, sending: SendingConfig) -> None:
        self._sending = sending
        self._resolver: DNSResolver | None = None

    def _load(self) -> "DNSResolver":
        if self._resolver is None:
            from postroom.outgoing.resolver import DNSResolver  # noqa: PLC0415

            self._resolver = DNSResolver([parse_nameserver(text) for text in self._sending.nameservers])
        return self._resolver

    async def find_texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, none if there are none. Raises: NoAnswerError."""
        from postroom.outgoing.resolver import LookupFailedError, NoDomainError  # noqa: PLC0415

        try:
            return await self._load().find_texts(name)
        except NoDomainError:
            return []
        except LookupFailedError as error:
            raise NoAnswerError(str(error)) from error

    async def find_addresses(self, host: str, _: int) -> list[str]:
        """Return the addresses of a host. Raises: OSError."""
        from postroom.outgoing.resolver import LookupFailedError, NoDomainError  # noqa: PLC0415

        try:
            return list(await self._load().find_addresses(host))
        except (NoDomainError, LookupFailedError) as error:
            raise OSError(str(error)) from error


class LazyFetcher:
    """Loads what it takes to fetch by HTTPS when the first logo is due."""

    def __init__(self, config: BimiConfig, names: LazyNames) -> None:
        self._config = config
        self._names = names
        self._fetcher: Fetcher | None = None

    async def fetch(self, url: str) -> Fetched:
        """Return the file at a URL. Whatever happens is an outcome."""
        if self._fetcher is None:
            from postroom.app.logo_http import LogoFetcher  # noqa: PLC0415

            self._fetcher = LogoFetcher(
                self._names.find_addresses,
                max_bytes=self._config.max_logo_bytes,
                seconds=self._config.timeout_seconds,
                allow_private=self._config.allow_private,
            )
        return await self._fetcher.fetch(url)


class BimiCollector(Collector):
    """Reads what was done when somebody asks."""

    def __init__(self, bimi: Bimi, stats: BimiStats) -> None:
        self._bimi = bimi
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        stats = self._stats
        yield GaugeMetricFamily(
            "postroom_bimi_waiting", "Messages that wait for their sender's logo.", self._bimi.waiting
        )
        lookups = CounterMetricFamily(
            "postroom_bimi_lookups", "Look-ups of senders' records.", labels=("outcome",)
        )
        lookups.add_metric(("done",), stats.lookups - stats.failed_lookups)
        lookups.add_metric(("failed",), stats.failed_lookups)
        yield lookups
        logos = CounterMetricFamily("postroom_bimi_logos", "Logos fetched.", labels=("outcome",))
        for outcome, count in (
            ("good", stats.logos),
            ("bad", stats.bad_logos),
            ("failed", stats.failed_fetches),
        ):
            logos.add_metric((outcome,), count)
        yield logos


@asynccontextmanager
async def running_bimi(config: Config, services: Services) -> AsyncIterator[BimiCollector]:
    """Look logos up for the time of a block, if that is enabled; gives the metrics."""
    names = LazyNames(config.sending)
    bimi = services.domain.bimi
    runner = BimiRunner(
        services.store,
        bimi,
        texts=names,
        fetcher=LazyFetcher(config.bimi, names),
        config=config.bimi,
        clock=services.clock,
    )
    async with in_background(*([runner.run()] if bimi.is_enabled else [])):
        yield BimiCollector(bimi, runner.stats)
