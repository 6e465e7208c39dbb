"""Section ``[http]``: where the API listens and what it takes."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from postroom.config.options import (
    IPNetwork,
    TCPAddress,
    check_path_or_none,
    option,
    parse_listen,
    parse_networks,
)

_UNIX = "unix"


def _parse_proxies(texts: tuple[str, ...]) -> tuple[IPNetwork, ...]:
    return parse_networks(tuple(text for text in texts if text != _UNIX))


@dataclass(frozen=True)
class HTTPConfig:
    """Options of the HTTP server."""

    listen: str = option(
        "127.0.0.1:8080", "Address of the API: host:port, [ipv6]:port or unix:/path.", check=parse_listen
    )
    tls_certificate: str = option(
        "",
        "PEM file of the server's certificate and its chain, by its absolute path: the API is HTTPS then; read again "
        "when it is renewed.",
        check=check_path_or_none,
    )
    tls_key: str = option(
        "",
        "PEM file of the certificate's key, without a password; \"\" if it is in the certificate's file.",
        check=check_path_or_none,
    )
    hsts_seconds: int = option(
        31_536_000,
        "For how long browsers are told to use HTTPS alone (Strict-Transport-Security), in answers to requests that "
        "came by HTTPS; 0: they are not.",
        unit="seconds",
        minimum=0,
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
    web_client: bool = option(True, "Serve the web client at /; false: the API alone.")
    metrics_from: tuple[str, ...] = option(
        ("127.0.0.0/8", "::1/128"), "Networks that may read /metrics.", check=parse_networks
    )
    trusted_proxies: tuple[str, ...] = option(
        (),
        "Networks of reverse proxies that are believed in whom they ask for, and whether by HTTPS; unix for what "
        "comes in by a unix socket.",
        check=_parse_proxies,
    )
    forwarded_header: str = option(
        "x-forwarded",
        "Where they say so: in X-Forwarded-For and X-Forwarded-Proto, or in Forwarded (RFC 7239). The other one is "
        "ignored, as proxies pass on what they do not know.",
        choices=("x-forwarded", "forwarded"),
    )

    @property
    def is_plain_on_loopback(self) -> bool:
        """Whether browsers reach the server by plain HTTP, on this machine alone; a proxy may add HTTPS."""
        if self.trusted_proxies or self.tls_certificate:
            return False
        address = parse_listen(self.listen)
        return isinstance(address, TCPAddress) and _is_loopback(address.host)

    @property
    def metrics_networks(self) -> tuple[IPNetwork, ...]:
        """``metrics_from``, parsed."""
        return parse_networks(self.metrics_from)

    @property
    def trusted_proxy_networks(self) -> tuple[IPNetwork, ...]:
        """The networks among ``trusted_proxies``."""
        return _parse_proxies(self.trusted_proxies)

    @property
    def trusts_unix(self) -> bool:
        """Whether what comes in by a unix socket is a trusted proxy's."""
        return _UNIX in self.trusted_proxies

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if self.tls_key and not self.tls_certificate:
            yield "tls_certificate", "must be given where http.tls_key is"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
