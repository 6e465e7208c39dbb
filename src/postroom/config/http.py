"""Section ``[http]``: where the API listens and what it takes."""

import ipaddress
from dataclasses import dataclass

from postroom.config.options import IPNetwork, TCPAddress, option, parse_listen, parse_networks


@dataclass(frozen=True)
class HTTPConfig:
    """Options of the HTTP server."""

    listen: str = option(
        "127.0.0.1:8080", "Address of the API: host:port, [ipv6]:port or unix:/path.", check=parse_listen
    )
    max_json_bytes: int = option(
        4_194_304, "Largest JSON request body; bigger ones get 413.", unit="bytes", minimum=1024
    )
    max_upload_bytes: int = option(
        52_428_800,
        "Largest upload, all files of it together; bigger ones get 413.",
        unit="bytes",
        minimum=1024,
    )
    max_header_bytes: int = option(
        32_768, "Largest block of request headers; bigger ones get 431.", unit="bytes", minimum=1024
    )
    max_event_streams_per_account: int = option(
        100, "Event streams and waiting calls of an account at the same time; more get 429.", minimum=1
    )
    max_event_streams: int = option(10_000, "The same for all accounts together, in one process.", minimum=1)
    metrics_from: tuple[str, ...] = option(
        ("127.0.0.0/8", "::1/128"), "Networks that may read /metrics.", check=parse_networks
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        "Networks of reverse proxies, whose X-Forwarded-For is believed.",
        check=parse_networks,
    )

    @property
    def is_plain_on_loopback(self) -> bool:
        """Whether browsers reach the server by plain HTTP, on this machine alone; a proxy may add HTTPS."""
        address = parse_listen(self.listen)
        return not self.trusted_proxies and isinstance(address, TCPAddress) and _is_loopback(address.host)

    @property
    def metrics_networks(self) -> tuple[IPNetwork, ...]:
        """``metrics_from``, parsed."""
        return parse_networks(self.metrics_from)

    @property
    def trusted_proxy_networks(self) -> tuple[IPNetwork, ...]:
        """``trusted_proxies``, parsed."""
        return parse_networks(self.trusted_proxies)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
