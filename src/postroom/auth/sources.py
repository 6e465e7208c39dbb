"""Where calls come from: addresses, as far as one tells somebody from somebody else.

Behind the address of this machine, of a trusted proxy that did not say for whom it asks, or of what is no IP address
(a unix socket), there are many users. An IPv6 address is told by its network of 64 bits: a subscriber has at least
one of them for himself (RFC 6177).
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from postroom.config.options import IPNetwork

_SUBSCRIBER_BITS = 64


def find_source(client: str, trusted: Sequence[IPNetwork] = ()) -> str | None:
    """Return what an address is counted and remembered as, None where many users share it.

    Args:
        client: the source address.
        trusted: the networks of reverse proxies.
    """
    return _find_source(client, tuple(trusted))


@lru_cache(maxsize=4096)
def _find_source(client: str, trusted: tuple[IPNetwork, ...]) -> str | None:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback or any(address in network for network in trusted):
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False))
