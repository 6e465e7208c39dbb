"""Where webhooks may go: URLs that are taken, and addresses that may be connected to.

A server that calls what its users name must not become their way into its own network. A URL is parsed strictly,
once, into the parts that are then used, so that no second reading can differ. The names in it say nothing: what
counts is the address that a connection is made to, and only those of the public internet are allowed.
"""

import ipaddress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import idna

from postroom.errors import bad_parameter
from postroom.patterns import compile_pattern

MAX_URL_CHARS = 2000
_PORTS = {"http": 80, "https": 443}
# RFC 3986, with the host in any script (it becomes ASCII by IDNA).
_CHARACTER = r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_URL = compile_pattern(rf"(?i:https?)://[^/?#\\\s\x00-\x20\x7f]+(?:[/?]{_CHARACTER}*)?")
_HOST = compile_pattern(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?"
)
_BRACKETED = compile_pattern(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_NUMBER = compile_pattern(r"(?:[0-9]+|0x[0-9a-f]*)\.?")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "255.255.255.255/32",
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
"""Networks that are not of the public internet, whatever the tables of the standard library say of them."""
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


class HookURL(NamedTuple):
    """A URL in the parts that are used."""

    scheme: str
    host: str
    """Lower-case ASCII; an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query."""

    @property
    def netloc(self) -> str:
        """Host and port, as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_hook_url(text: str, *, allow_private: bool) -> HookURL:
    """Return the parts of a URL that a hook may have. Raises: badParameter."""
    if len(text) > MAX_URL_CHARS:
        raise bad_parameter("url", f"url must have at most {MAX_URL_CHARS} characters")
    if not _URL.fullmatch(text):
        raise bad_parameter("url", "url must be an absolute URL with http or https, and no fragment")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise bad_parameter("url", "url has no valid host and port") from None
    if "@" in parts.netloc:
        raise bad_parameter("url", "url must not hold a user name or password")
    host = _parse_host(parts)
    address = find_literal(host)
    if address is not None and not may_connect(address, allow_private=allow_private):
        raise bad_parameter("url", "url must not name a private, loopback or otherwise special address")
    if port == 0:
        raise bad_parameter("url", "url has no valid host and port")
    target = parts.path or "/"
    target += f"?{parts.query}" if parts.query else ""
    return HookURL(parts.scheme, host, port or _PORTS[parts.scheme], target)


def _parse_host(parts: SplitResult) -> str:
    """Return the host in lower-case ASCII. Raises: badParameter."""
    wrong = bad_parameter("url", "url has no valid host and port")
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        if not _BRACKETED.fullmatch(parts.netloc):
            raise wrong
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise wrong from None
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise wrong from None
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise wrong
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # 127.1, 2130706433 and 0x7f.1 are addresses to some resolvers: only the usual spelling is taken.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise wrong from None
    return host


def find_literal(host: str) -> IPAddress | None:
    """Return the address that a host of a :class:`HookURL` is; None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def may_connect(address: IPAddress, *, allow_private: bool) -> bool:
    """Tell whether a hook may go to an address; if private ones are allowed, all that single machines have."""
    plain = _without_wrapping(address)
    if allow_private:
        return not (plain.is_multicast or plain.is_unspecified or plain == _BROADCAST)
    if isinstance(plain, ipaddress.IPv6Address) and plain not in _UNICAST:
        return False
    is_special = any(plain.version == network.version and plain in network for network in _NEVER)
    return plain.is_global and not plain.is_multicast and not is_special


def _without_wrapping(address: IPAddress) -> IPAddress:
    """Return the IPv4 address inside of a mapped one (RFC 4291 §2.5.5.2) or one of NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
