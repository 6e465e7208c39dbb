"""Looking up names: mail exchangers, addresses and texts, by dnspython, which keeps what it learns as long as it may.

:class:`Resolver` is what the rest asks for, so that tests bring their own. Answers are used as they come: what a name
server says decides where mail goes, but never by itself that a connection is made to this machine or its network
(:mod:`postroom.outgoing.exchangers`).
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from postroom.config.options import TCPAddress

CACHED_NAMES = 10_000
LOOKUP_SECONDS = 20.0


class NoDomainError(Exception):
    """There is no such name."""


class LookupFailedError(Exception):
    """The name servers cannot say just now; the message says why."""


class Exchanger(NamedTuple):
    """An MX record. The host "" is the null MX (RFC 7505)."""

    preference: int
    host: str


class Resolver(Protocol):
    """Looks up names."""

    async def find_exchangers(self, domain: str) -> Sequence[Exchanger]:
        """Return the MX records of a domain, none if it has none.

        Raises: NoDomainError, LookupFailedError.
        """

    async def find_addresses(self, host: str) -> Sequence[str]:
        """Return the IP addresses of a host (IPv4 first), none if it has none.

        Raises: NoDomainError, LookupFailedError.
        """


class DNSResolver:
    """Asks the name servers of the system, or those that are given."""

    def __init__(self, servers: Sequence[TCPAddress] = (), *, lookup_seconds: float | None = None) -> None:
        """``lookup_seconds``: how long a look-up may take; :data:`LOOKUP_SECONDS`, if it is not given."""
        self._servers = servers
        self._lookup_seconds = lookup_seconds
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def find_exchangers(self, domain: str) -> Sequence[Exchanger]:
        """Return the MX records of a domain. Raises: NoDomainError, LookupFailedError."""
        answer = await self._ask(domain, "MX")
        return [
            Exchanger(record.preference, record.exchange.to_text(omit_final_dot=True).rstrip(".").lower())
            for record in answer
        ]

    async def find_addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of a host; what one of A and AAAA gives is enough.

        Raises: NoDomainError, LookupFailedError.
        """
        results = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"), return_exceptions=True)
        found: list[str] = []
        failures: list[BaseException] = []
        for result in results:
            if isinstance(result, BaseException):
                failures.append(result)
            else:
                found += [str(record.address) for record in result]
        if failures and not found:
            # A failure that may pass counts more than one that stays.
            raise next((error for error in failures if isinstance(error, LookupFailedError)), failures[0])
        return found

    async def find_texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, none if it has none. Raises: NoDomainError, LookupFailedError."""
        answer = await self._ask(name, "TXT")
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer:
        """Return the records of a kind. Raises: NoDomainError, LookupFailedError."""
        try:
            if self._resolver is None:
                self._resolver = _make_resolver(self._servers)
            return await self._resolver.resolve(
                dns.name.from_text(name),
                kind,
                raise_on_no_answer=False,
                search=False,
                lifetime=self._lookup_seconds or LOOKUP_SECONDS,
            )
        except dns.resolver.NXDOMAIN:
            raise NoDomainError(f"{name} does not exist") from None
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise LookupFailedError(f"{name} cannot be looked up ({type(error).__name__})") from error


def _make_resolver(servers: Sequence[TCPAddress]) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(address.host, address.port) for address in servers
        ]
    resolver.cache = dns.resolver.LRUCache(CACHED_NAMES)
    return resolver
