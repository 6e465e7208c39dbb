"""The metrics of everything but HTTP: deliveries, submissions, commits, remembered logins, counter drift."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from postroom.app.services import Services
from postroom.delivery.stats import LMTPStats, SubmissionStats
from postroom.store.stats import CommitStats


class ServiceCollector(Collector):
    """Reads the counters of the services when somebody asks."""

    def __init__(self, services: Services, lmtp: LMTPStats) -> None:
        self._services = services
        self._lmtp = lmtp
        self.counter_drift = 0
        """Counters that the last ``postroom check`` found wrong."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        yield from self._deliveries()
        yield from _commits(self._services.commits)
        yield from self._filters()
        yield from self._logins()
        helpers = self._services.helpers
        yield GaugeMetricFamily("postroom_helpers", "Helper processes now.", helpers.running)
        yield CounterMetricFamily("postroom_helper_tasks", "Tasks given to helpers.", helpers.tasks)
        yield GaugeMetricFamily(
            "postroom_counter_drift", "Counters that the last postroom check found wrong.", self.counter_drift
        )

    def _deliveries(self) -> Iterator[Metric]:
        deliveries = CounterMetricFamily(
            "postroom_lmtp_deliveries", "Outcomes of deliveries, by recipient.", labels=("outcome",)
        )
        for outcome, count in sorted(self._lmtp.deliveries.items()):
            deliveries.add_metric((outcome,), count)
        refused = CounterMetricFamily(
            "postroom_lmtp_refused", "Recipients refused at RCPT.", labels=("code",)
        )
        for code, count in sorted(self._lmtp.recipients_refused.items()):
            refused.add_metric((code,), count)
        yield deliveries
        yield refused
        yield CounterMetricFamily("postroom_lmtp_messages", "Messages taken.", self._lmtp.messages)
        yield CounterMetricFamily("postroom_lmtp_bytes", "Bytes of messages taken.", self._lmtp.message_bytes)
        yield CounterMetricFamily("postroom_lmtp_connections", "Connections.", self._lmtp.connections)
        yield GaugeMetricFamily("postroom_lmtp_connections_open", "Open now.", self._lmtp.connections_open)

    def _filters(self) -> Iterator[Metric]:
        moved = CounterMetricFamily(
            "postroom_filtered_mails", "Mails that filters have put into Spam.", labels=("filter",)
        )
        filters, learning = self._services.domain.ingest.filters, self._services.domain.learning
        for name, count in sorted(filters.moved.items() if filters is not None else ()):
            moved.add_metric((name,), count)
        yield moved
        yield CounterMetricFamily("postroom_taught_mails", "Marked mails taught to rspamd.", learning.taught)

    def _logins(self) -> Iterator[Metric]:
        remembered = self._services.domain.logins.remembered
        yield GaugeMetricFamily("postroom_auth_cache_entries", "Logins remembered.", len(remembered))
        yield CounterMetricFamily("postroom_auth_cache_hits", "Logins found remembered.", remembered.hits)
        yield CounterMetricFamily("postroom_auth_cache_misses", "Logins not remembered.", remembered.misses)


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


def _commits(commits: CommitStats) -> Iterator[Metric]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*map(str, commits.BUCKETS), "+Inf"], commits.groups, strict=True):
        total += count
        buckets.append((bound, total))
    group = HistogramMetricFamily("postroom_commit_transactions", "Transactions made durable by one commit.")
    group.add_metric((), buckets=buckets, sum_value=commits.transactions)
    yield group
