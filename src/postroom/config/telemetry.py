"""Section ``[telemetry]``: traces for an OpenTelemetry collector."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from postroom.config.options import option


def _check_endpoint(url: str) -> None:
    if not url:
        return
    wanted = ValueError('must be a URL such as http://127.0.0.1:4318, or ""')
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wanted from None
    if not is_right or parts.query or parts.fragment:
        raise wanted


@dataclass(frozen=True)
class TelemetryConfig:
    """Options of traces."""

    otlp_endpoint: str = option(
        "",
        "Collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318 (/v1/traces is added); "
        '"" for none. Needs the packages of postroom[telemetry].',
        check=_check_endpoint,
    )
    sample_percent: int = option(
        100,
        "How many of the traces that begin here are kept; a call that comes with a traceparent goes by that.",
        unit="percent",
        minimum=0,
        maximum=100,
    )
    service_name: str = option("postroom", "Name of this service in traces.")
