"""Where mail for a domain goes: its exchangers in their order (RFC 5321 §5.1), each at its addresses.

A domain without MX records is its own exchanger; one with the null MX (RFC 7505) takes no mail. Where this server is
among the exchangers, only those that are preferred to it are tried, or mail would go in circles. An address literal
is a host of its own. Addresses of the machine itself and of private networks are not connected to: names of others
must not lead there.

IPv4 goes first: a server that takes mail by IPv6 often refuses, for good, a sender whose IPv6 address has no name.
"""

import asyncio
import ipaddress
import random
import socket
from itertools import groupby

from postroom.domain.webhook_urls import find_literal, may_connect
from postroom.outgoing.attempt import UnusableError
from postroom.outgoing.policies import Endpoint
from postroom.outgoing.resolver import Exchanger, LookupFailedError, NoDomainError, Resolver

MAX_HOSTS = 5
MAX_ADDRESSES = 4
"""Tried of a host; RFC 5321 §5.1 asks for two servers at least."""


class Exchangers:
    """Finds the servers of domains. ``own_name`` is this server's."""

    def __init__(self, resolver: Resolver, *, own_name: str, port: int, allow_private: bool) -> None:
        self._resolver = resolver
        self._own_name = own_name.rstrip(".").lower()
        self._port = port
        self._allow_private = allow_private

    async def list_hosts(self, destination: str) -> list[str]:
        """Return the hosts of a domain, or of an address literal, the one to be tried first at the front.

        Raises: UnusableError.
        """
        if destination.startswith("["):
            return [_parse_literal(destination)]
        try:
            records = await self._resolver.find_exchangers(destination)
        except NoDomainError:
            raise UnusableError(f"the domain {destination} does not exist", status="5.1.2") from None
        except LookupFailedError as error:
            raise UnusableError(str(error), status="4.4.3") from error
        if not records:
            return [destination]
        if all(not record.host for record in records):
            raise UnusableError(f"the domain {destination} takes no mail (null MX)", status="5.1.10")
        hosts = self._sort([record for record in records if record.host])
        if not hosts:
            raise UnusableError(f"mail for {destination} would come back to this server", status="5.4.6")
        return hosts[:MAX_HOSTS]

    def _sort(self, records: list[Exchanger]) -> list[str]:
        """Return the hosts by preference, those of the same in any order, and none from ourselves on."""
        hosts: list[str] = []
        for _, group in groupby(sorted(records), key=lambda record: record.preference):
            same = [record.host for record in group]
            if self._own_name in same:
                break
            random.shuffle(same)
            hosts += same
        return list(dict.fromkeys(hosts))

    async def list_endpoints(self, host: str) -> list[Endpoint]:
        """Return the endpoints of a host. Raises: UnusableError."""
        literal = find_literal(host)
        try:
            found = [str(literal)] if literal is not None else await self._resolver.find_addresses(host)
        except NoDomainError:
            raise UnusableError(f"the host {host} does not exist", status="5.4.4", remote=host) from None
        except LookupFailedError as error:
            raise UnusableError(str(error), status="4.4.3", remote=host) from error
        if not found:
            raise UnusableError(f"the host {host} has no address", status="5.4.4", remote=host)
        allowed = [address for address in found if self._is_allowed(address)]
        if not allowed:
            answer = f"the host {host} has only addresses of private networks"
            raise UnusableError(answer, status="5.4.4", remote=host)
        return [Endpoint(host, address, self._port) for address in _take_both_kinds(allowed)]

    def _is_allowed(self, text: str) -> bool:
        address = find_literal(text)
        return address is not None and may_connect(address, allow_private=self._allow_private)


async def list_relay_endpoints(host: str, port: int, *, seconds: float) -> list[Endpoint]:
    """Return the endpoints of the smart host, whose name the system resolves (its file of hosts included).

    Raises: UnusableError.
    """
    if find_literal(host) is not None:
        return [Endpoint(host, host, port)]
    try:
        async with asyncio.timeout(seconds):
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answer = f"the relay {host} cannot be looked up ({getattr(error, 'strerror', None) or 'no answer'})"
        raise UnusableError(answer, status="4.4.3", remote=host) from error
    addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    return [Endpoint(host, address, port) for address in addresses[:MAX_ADDRESSES]]


def _take_both_kinds(addresses: list[str]) -> list[str]:
    """Return as many addresses as are tried, IPv4 first, but some of IPv6 too."""
    new = [address for address in addresses if ":" in address]
    old = [address for address in addresses if ":" not in address]
    return (old[: MAX_ADDRESSES - min(len(new), 1)] + new)[:MAX_ADDRESSES]


def _parse_literal(literal: str) -> str:
    """Return the address in an address literal (RFC 5321 §4.1.3). Raises: UnusableError."""
    inside = literal[1:-1]
    try:
        if inside[:5].upper() == "IPV6:":
            return str(ipaddress.IPv6Address(inside[5:]))
        return str(ipaddress.IPv4Address(inside))
    except ValueError:
        raise UnusableError(f"{literal} is no address", status="5.1.2") from None
