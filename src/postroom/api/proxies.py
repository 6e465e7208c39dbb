"""Requests that reverse proxies pass on: for whom they ask, and whether by HTTPS.

A request of a trusted peer tells the way it came by, each proxy having added at the end of the list whom it got it
from. So the list is read from its end, as long as those who have written it are trusted: the first address that is
not a trusted proxy's is the client, and everything before it is only what the client says. A list that is all
trusted proxies was begun by the first of them. Where an entry is no address ("unknown", or a name of the proxy's own
making), the client is not known, and the proxy that told so stands for it.

Only one way of telling is believed, as configured: X-Forwarded-For with X-Forwarded-Proto, or Forwarded (RFC 7239).
A proxy overwrites or extends the header that it knows, and may pass on the other one as its client has sent it.

X-Forwarded-Proto may be a list that goes with the addresses, or one value that the last proxy has set or passed on.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from postroom.api.settings import IPNetwork

MAX_HOPS: Final = 32
"""Proxies that may stand between a client and this server; what came by more is taken to come from the last seen."""
_SCHEMES: Final = frozenset({"http", "https"})
_PORT: Final = re.compile(r"(\[[^\]]*\]|[0-9.]+):[0-9]{1,5}")
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (a token of HTTP)
_PAIR: Final = re.compile(rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")')
_ESCAPED: Final = re.compile(r"\\(.)")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Headers = Iterable[tuple[bytes, bytes]]


class Hop(NamedTuple):
    """What a proxy tells: whom it got the request from, and by which scheme. Both may be ""."""

    node: str
    scheme: str


class Origin(NamedTuple):
    """Where a request comes from. ``address`` or ``scheme`` is "" where nothing better is known than the peer's."""

    address: str
    scheme: str


@dataclass(frozen=True)
class Trust:
    """Which proxies are believed, and where."""

    networks: tuple[IPNetwork, ...]
    unix: bool
    """A peer without an address (a unix socket) is trusted."""
    header: str
    """``x-forwarded`` or ``forwarded``."""

    def includes(self, host: str) -> bool:
        """Tell whether an address, "" for a unix socket, is a trusted proxy's."""
        if not host:
            return self.unix
        address = parse_node(host)
        return address is not None and any(address in network for network in self.networks)


def parse_node(text: str) -> IPAddress | None:
    """Return the address in what a proxy tells, without its port; None if it is no address."""
    with_port = _PORT.fullmatch(text)
    text = with_port[1] if with_port else text
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or (None if address.scope_id else address)
    return address


def find_origin(headers: Headers, trust: Trust) -> Origin:
    """Return where the request of a trusted peer comes from."""
    hops = _parse_forwarded(headers) if trust.header == "forwarded" else _parse_x_forwarded(headers)
    origin = Origin("", "")
    for hop in reversed(hops[-MAX_HOPS:]):
        origin = Origin(origin.address, hop.scheme if hop.scheme in _SCHEMES else "")
        address = parse_node(hop.node)
        if address is None:
            break
        origin = Origin(str(address), origin.scheme)
        if not trust.includes(origin.address):
            break
    return origin


def list_told(headers: Headers) -> list[str]:
    """Return all that any header tells of a request's way, whoever has written it."""
    pairs = list(headers)
    return [hop.node for hop in (*_parse_x_forwarded(pairs), *_parse_forwarded(pairs))]


def _parse_x_forwarded(headers: Headers) -> list[Hop]:
    nodes, schemes = [], []
    for name, value in headers:
        if name == b"x-forwarded-for":
            nodes += _split(value)
        elif name == b"x-forwarded-proto":
            schemes += [one.lower() for one in _split(value)]
    if not nodes:
        return [Hop("", schemes[-1])] if schemes else []
    if len(schemes) != len(nodes):
        # They do not go with the addresses: what the last proxy says counts for all of the way.
        schemes = [schemes[-1] if schemes else ""] * len(nodes)
    return [Hop(node, scheme) for node, scheme in zip(nodes, schemes, strict=True)]


def _split(value: bytes) -> list[str]:
    return [item for one in value.decode("latin-1").split(",") if (item := one.strip())]


def _parse_forwarded(headers: Headers) -> list[Hop]:
    """Return what Forwarded tells, by the last proxies.

    Every comma ends an entry, and every semicolon a part of it, in quotes too: what a proxy adds must not become part
    of a string that its client has begun and not ended, and no address has them in it.
    """
    text = ",".join(value.decode("latin-1") for name, value in headers if name == b"forwarded")
    entries = text.rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    return [_parse_entry(entry) for entry in entries if entry.strip()]


def _parse_entry(entry: str) -> Hop:
    """Return what an entry of Forwarded tells; nothing if it is malformed in any place."""
    told: dict[str, str] = {}
    for text in entry.split(";"):
        pair = _PAIR.fullmatch(text.strip(" \t"))
        if pair is not None:
            told[pair[1].lower()] = _unquote(pair[2])
        elif text.strip():
            return Hop("", "")
    return Hop(told.get("for", ""), told.get("proto", "").lower())


def _unquote(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


class BehindProxies:
    """The ASGI application for a server that has proxies before it."""

    def __init__(self, app: ASGIApp, trust: Trust) -> None:
        self.app = app
        self.trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the client and the scheme into the scope that a trusted proxy tells of."""
        if scope["type"] == ScopeType.HTTP:
            self._apply(scope)
        await self.app(scope, receive, send)

    def _apply(self, scope: HTTPScope) -> None:
        peer = scope.get("client")
        if not self.trust.includes(peer[0] if peer else ""):
            # Ids are the proxies' to give, since what their logs say goes by them.
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"x-request-id"]
            return
        origin = find_origin(scope["headers"], self.trust)
        if origin.address:
            scope["client"] = (origin.address, 0)
        if origin.scheme:
            scope["scheme"] = origin.scheme


def make_trust(networks: Sequence[IPNetwork], *, unix: bool, header: str) -> Trust | None:
    """Return which proxies are believed, None if there are none."""
    return Trust(tuple(networks), unix, header) if networks or unix else None
