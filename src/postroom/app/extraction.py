"""The reading of attached documents put together: the runner of a server's process, and its metrics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postroom.app.background import in_background
from postroom.app.services import Services
from postroom.config.extraction import ExtractionConfig
from postroom.domain.extraction import ExtractionRunner, ExtractionStats, make_extractor
from postroom.errors import PostroomError

COUNT_SECONDS = 60
"""How often what waits is counted for the metrics."""
START_SECONDS = 5
"""How long a server that has just started reads no documents: first come those who waited for it."""


class ExtractionCollector(Collector):
    """Reads what the runner has done when somebody asks, and what waited when it was counted last."""

    def __init__(self, stats: ExtractionStats) -> None:
        self._stats = stats
        self.waiting = 0
        """Messages whose documents are still to be read, by all processes."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        stats = self._stats
        yield GaugeMetricFamily(
            "postroom_extraction_waiting", "Messages whose documents wait to be read.", self.waiting
        )
        yield CounterMetricFamily(
            "postroom_extraction_messages", "Messages whose documents were read.", stats.messages
        )
        documents = CounterMetricFamily(
            "postroom_extraction_documents", "Documents, by what came of them.", labels=("outcome",)
        )
        for outcome, count in (("read", stats.read), ("failed", stats.failed), ("killed", stats.killed)):
            documents.add_metric((outcome,), count)
        yield documents
        yield CounterMetricFamily(
            "postroom_extraction_given_up", "Messages with documents that were given up.", stats.given_up
        )


@asynccontextmanager
async def running_extraction(
    config: ExtractionConfig, services: Services
) -> AsyncIterator[ExtractionCollector]:
    """Read documents for the time of a block; gives the metrics."""
    runner = ExtractionRunner(
        services.store, make_extractor(config), clock=services.clock, is_enabled=config.enabled
    )
    collector = ExtractionCollector(runner.stats)
    async with in_background(_run(services, runner), _count(services, collector)):
        yield collector


async def _run(services: Services, runner: ExtractionRunner) -> None:
    await services.clock.wait(asyncio.Event(), START_SECONDS)
    await runner.run()


async def _count(services: Services, collector: ExtractionCollector) -> None:
    """Keep the number of those that wait up to date."""
    while True:
        with contextlib.suppress(PostroomError):
            async with services.store.directory() as directory:
                collector.waiting = await directory.extraction_work.count_waiting()
        await services.clock.wait(asyncio.Event(), COUNT_SECONDS)
