"""What the HTTP edge counts of itself, shown at /metrics.

Counting happens on every request, so it is a bisection and two additions; the Prometheus form is made when somebody
asks. Labels are bounded: routes are templates, methods and statuses come from closed sets.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Series:
    """Requests of one method, route and status: how many took how long."""

    __slots__ = ("counts", "total_seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_SECONDS) + 1)
        self.total_seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one request."""
        self.counts[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.total_seconds += seconds


class APIStats(Collector):
    """Counts and latencies of requests, in a registry that other parts add their own collectors to."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self.requests_open = 0
        self._series: dict[tuple[str, str, int], Series] = {}
        self.registry.register(self)

    def get_series(self, method: str, route: str, status: int) -> Series:
        """Return the series to add a request to."""
        key = (method if method in _METHODS else "other", route, status)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series()
        return found

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics in Prometheus' terms."""
        requests = CounterMetricFamily(
            "postroom_http_requests", "Requests answered.", labels=("method", "route", "status")
        )
        seconds = HistogramMetricFamily(
            "postroom_http_request_seconds", "Time from request to the end of the answer.", labels=("route",)
        )
        for (method, route, status), series in sorted(self._series.items()):
            requests.add_metric((method, route, str(status)), sum(series.counts))
        for route, merged in self._by_route().items():
            seconds.add_metric((route,), buckets=_cumulate(merged.counts), sum_value=merged.total_seconds)
        yield requests
        yield seconds
        yield GaugeMetricFamily("postroom_http_requests_open", "Requests being answered.", self.requests_open)

    def _by_route(self) -> dict[str, Series]:
        merged: dict[str, Series] = {}
        for (_, route, _), series in sorted(self._series.items()):
            into = merged.setdefault(route, Series())
            into.counts = [a + b for a, b in zip(into.counts, series.counts, strict=True)]
            into.total_seconds += series.total_seconds
        return merged


def _cumulate(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip([*map(str, BUCKETS_SECONDS), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
