"""What the API is told by the composition root: limits, proxies, and who may read the metrics."""

import ipaddress
from dataclasses import dataclass

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

API_VERSION = "1.0.0"
"""Version of the interface, as ``GET /api/`` tells it (semantic versioning)."""

_LOOPBACK: tuple[IPNetwork, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True)
class APISettings:
    """Limits of the HTTP edge; sizes are bytes."""

    max_json_bytes: int = 4 * 1024 * 1024
    """Largest request body that is not an upload; more is answered with 413."""
    max_upload_bytes: int = 50 * 1024 * 1024
    """Largest upload, all files of it together; more is answered with 413."""
    max_header_bytes: int = 32 * 1024
    """Largest request line and header block; more is answered with 431."""
    metrics_networks: tuple[IPNetwork, ...] = _LOOPBACK
    """Networks whose clients may read /metrics."""
    secure_cookies: bool = True
    """Browsers are to send cookies over HTTPS alone."""
    proxy_networks: tuple[IPNetwork, ...] = ()
    """Networks of reverse proxies that are believed in whom they ask for, and by which scheme."""
    trusts_unix: bool = False
    """What comes in by a unix socket is a trusted proxy's."""
    forwarded_header: str = "x-forwarded"
    """Where proxies say so: ``x-forwarded`` or ``forwarded``."""
    hsts_seconds: int = 31_536_000
    """For how long browsers are told to use HTTPS alone, where they did; 0: they are not."""
    web_client: bool = True
    """Serve the web client at /."""
    log_requests: bool = False
    """Write one structured line per request (at level debug)."""
