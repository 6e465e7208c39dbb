"""The submission server in the composition root: from its section of the configuration to a running server."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postroom.app.services import Services
from postroom.config.root import Config
from postroom.config.submission import SubmissionConfig
from postroom.delivery.certificate import Certificate
from postroom.delivery.limits import SubmissionLimits
from postroom.delivery.stats import SubmissionStats
from postroom.delivery.submission import SubmissionSettings
from postroom.delivery.submission_server import SubmissionServer, start_submission
from postroom.domain.routing import Routing
from postroom.domain.submission import Submission


async def start_submission_server(
    config: Config, services: Services, stats: SubmissionStats, *, hostname: str
) -> SubmissionServer | None:
    """Return the running submission server, None where none is configured; ``hostname`` is the default.

    Raises: badCertificate; badListenAddress; badHostname; addressInUse.
    """
    section = config.submission
    if not section.is_on:
        return None
    settings = SubmissionSettings(
        submission=make_submission(config, services),
        certificate=Certificate(Path(section.certificate), Path(section.key) if section.key else None),
        limits=_limits(section),
        hostname=section.hostname or hostname,
        spool_directory=config.data_dir / "spool",
        clock=services.clock.now,
        stats=stats,
    )
    return await start_submission(settings, starttls=section.listen, implicit_tls=section.listen_tls)


def make_submission(config: Config, services: Services) -> Submission:
    """Return the use cases of mail programs that send."""
    domain = services.domain
    return Submission(
        services.store,
        domain.logins,
        ingest=domain.ingest,
        routing=Routing(services.store, has_relay=bool(config.relay.host)),
        classes=config.classes,
        clock=services.clock,
    )


def _limits(section: SubmissionConfig) -> SubmissionLimits:
    return SubmissionLimits(
        max_message_bytes=section.max_message_bytes,
        max_connections=section.max_connections,
        max_connections_per_client=section.max_connections_per_client,
        login_timeout_seconds=section.login_timeout_seconds,
        command_timeout_seconds=section.command_timeout_seconds,
        data_timeout_seconds=section.data_timeout_seconds,
    )


class SubmissionCollector(Collector):
    """Reads the counters of the submission server when somebody asks."""

    def __init__(self, stats: SubmissionStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        stats = self._stats
        by_code = (
            ("logins", "Logins, by outcome.", stats.logins),
            ("senders_refused", "Senders refused at MAIL, by error code.", stats.senders_refused),
            ("recipients_refused", "Recipients refused at RCPT, by error code.", stats.recipients_refused),
            ("messages", "Messages taken, or refused after the data, by outcome.", stats.submissions),
        )
        for name, text, counts in by_code:
            family = CounterMetricFamily(f"postroom_submission_{name}", text, labels=("outcome",))
            for outcome, count in sorted(counts.items()):
                family.add_metric((outcome,), count)
            yield family
        yield CounterMetricFamily("postroom_submission_bytes", "Bytes of messages.", stats.message_bytes)
        yield CounterMetricFamily("postroom_submission_connections", "Connections.", stats.connections)
        yield CounterMetricFamily(
            "postroom_submission_handshakes_failed", "TLS handshakes that failed.", stats.handshakes_failed
        )
        yield GaugeMetricFamily("postroom_submission_connections_open", "Open now.", stats.connections_open)
