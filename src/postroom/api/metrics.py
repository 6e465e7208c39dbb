"""The metrics, in Prometheus' text format, for clients of the configured networks alone (loopback by default).

Behind a reverse proxy that is not configured every client seems to be on loopback; so each address that
X-Forwarded-For or Forwarded tells must be in the networks too.
"""

from collections.abc import Sequence

from litestar import get
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from postroom.api.call import Call
from postroom.api.proxies import list_told, parse_node
from postroom.api.reply import Headers, Reply
from postroom.api.settings import IPNetwork
from postroom.errors import not_permitted

_NO_STORE: Headers = [(b"cache-control", b"no-store")]


@get("/metrics", include_in_schema=False)
async def get_metrics(request: Call) -> Reply:
    """Show the metrics to those who may read them."""
    told = list_told(request.scope["headers"])
    exchange = request.exchange
    networks = exchange.settings.metrics_networks
    if not all(_is_within(address, networks) for address in [request.client_host, *told]):
        raise not_permitted("metrics are not for this client")
    media_type = CONTENT_TYPE_PLAIN_0_0_4.encode("ascii")
    return Reply(generate_latest(exchange.stats.registry), media_type=media_type, headers=_NO_STORE)


def _is_within(address: str, networks: Sequence[IPNetwork]) -> bool:
    parsed = parse_node(address)
    return parsed is not None and any(parsed in network for network in networks)
