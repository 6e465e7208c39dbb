"""The outgoing queue's runner put together: the domain's part, the transport, and what metrics are made of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postroom.app.background import in_background
from postroom.app.services import Services
from postroom.config.root import Config
from postroom.domain.queue_runner import Places, QueueRunner
from postroom.domain.queue_turns import QueueParts, Turns
from postroom.errors import PostroomError
from postroom.model.outgoing import DELIVERED, FAILED, RELAYED, WAITING, Outbound, Outcome, Witness
from postroom.outgoing.machine_name import get_machine_name

if TYPE_CHECKING:
    from postroom.app.telemetry import Telemetry
    from postroom.outgoing.transport import Transport

COUNT_SECONDS = 60
"""How often what waits is counted for the metrics."""


class LazyTransport:
    """Loads what it takes to send by SMTP when the first message leaves, or where keys are to be looked at."""

    def __init__(self, config: Config, now: Callable[[], float]) -> None:
        """Raises PostroomError for keys of DKIM that cannot be used."""
        self._config = config
        self._now = now
        self._transport: Transport | None = None
        if (config.data_dir / "dkim").exists():
            self._load()

    def _load(self) -> "Transport":
        if self._transport is None:
            # Servers that send nothing need not pay for name resolution, signatures and TLS.
            from postroom.outgoing.transport import make_transport  # noqa: PLC0415

            config = self._config
            self._transport = make_transport(
                config.sending, config.relay, config.dkim, data_dir=config.data_dir, now=self._now
            )
        return self._transport

    async def send(self, destination: str, outbound: Outbound, *, witness: Witness) -> list[Outcome]:
        """Try to hand a message over; whatever the other side does is an outcome."""
        return await self._load().send(destination, outbound, witness=witness)

    async def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            await self._transport.close()


class QueueCollector(Collector):
    """Reads what the runner has done when somebody asks, and what waited when it was counted last."""

    def __init__(self, runner: QueueRunner, turns: Turns) -> None:
        self._runner = runner
        self._turns = turns
        self.waiting = 0
        """Groups of recipients that wait, in all processes."""
        self.held = 0
        """Those of them that are held since a restore."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        stats = self._turns.stats
        yield GaugeMetricFamily("postroom_queue_waiting", "Groups of recipients that wait.", self.waiting)
        yield GaugeMetricFamily(
            "postroom_queue_held", "Groups of recipients that are held since a restore.", self.held
        )
        yield GaugeMetricFamily(
            "postroom_queue_working", "Groups of recipients that are being tried now.", self._runner.working
        )
        yield CounterMetricFamily("postroom_queue_attempts", "Groups of recipients tried.", stats.attempts)
        outcomes = CounterMetricFamily(
            "postroom_queue_outcomes", "Outcomes of attempts, by recipient.", labels=("outcome",)
        )
        for state in (DELIVERED, FAILED, RELAYED, WAITING):
            outcomes.add_metric((state,), stats.recipients[state])
        yield outcomes
        yield CounterMetricFamily("postroom_queue_reports", "Reports to senders.", stats.notices)
        yield CounterMetricFamily(
            "postroom_queue_lost_leases", "Groups of recipients taken away at work.", stats.lost_leases
        )


@asynccontextmanager
async def running_queue(
    config: Config, services: Services, *, telemetry: "Telemetry | None" = None
) -> AsyncIterator[QueueCollector]:
    """Work on the outgoing queue for the time of a block; gives its metrics.

    Raises PostroomError for keys of DKIM that cannot be used.
    """
    transport = LazyTransport(config, services.clock.now)
    domain = services.domain
    turns = Turns(
        QueueParts(
            store=services.store,
            ingest=domain.ingest,
            transport=transport,
            classes=config.classes,
            sending=config.sending,
            clock=services.clock,
            hostname=config.sending.hostname or get_machine_name(),
        )
    )
    places = Places(
        relay=config.relay.connections,
        elsewhere=config.sending.deliveries,
        per_domain=config.sending.connections_per_domain,
    )
    traced = turns if telemetry is None else telemetry.around_turns(turns)
    runner = QueueRunner(services.store, traced, clock=services.clock, places=places, news=domain.news)
    collector = QueueCollector(runner, turns)
    try:
        async with in_background(runner.run(), _count(services, collector)):
            yield collector
    finally:
        await transport.close()


async def _count(services: Services, collector: QueueCollector) -> None:
    """Keep the number of those that wait up to date."""
    while True:
        with contextlib.suppress(PostroomError):
            async with services.store.directory() as directory:
                collector.waiting = await directory.outgoing.count_waiting()
                collector.held = await directory.held_messages.count()
        await services.clock.wait(asyncio.Event(), COUNT_SECONDS)
