"""Routing: which way a recipient's mail goes (RFC 5321 §3.6, §5).

Mail for domains of this server stays here, whether the mailbox exists or not: an address that nobody answers to fails
at the first attempt and is told of as any other failure. Other mail goes to the smart host if one is configured, else
to the exchangers of its domain.
"""

from typing import NamedTuple

from postroom.domain.addresses import normalise_domain
from postroom.errors import PostroomError, bad_parameter
from postroom.model.outgoing import LOCAL, RELAY
from postroom.store import Store
from postroom.store.sql.directory import DomainRepo


class Route(NamedTuple):
    """A recipient's address as it goes on the wire (the domain as A-labels), and its destination."""

    address: str
    destination: str


class Routing:
    """Finds destinations. ``has_relay``: a smart host takes all mail that is not local."""

    def __init__(self, store: Store, *, has_relay: bool) -> None:
        self._store = store
        self._has_relay = has_relay

    async def find(self, address: str, *, domains: DomainRepo | None = None) -> Route:
        """Return the route of an address (``local-part@domain``, quoted where it must be).

        ``domains`` are those of a transaction: who is inside of one must not wait for a second connection.

        Raises: badParameter for a domain that is none; unavailable.
        """
        local_part, _, name = address.rpartition("@")
        if name.startswith("[") and name.endswith("]"):
            return Route(address, RELAY if self._has_relay else name)
        try:
            domain = normalise_domain(name)
        except PostroomError:
            raise bad_parameter("recipient", f"{address} has no valid domain") from None
        if domains is None:
            async with self._store.directory() as directory:
                is_local = await directory.directory.domains.find(domain) is not None
        else:
            is_local = await domains.find(domain) is not None
        destination = LOCAL if is_local else RELAY if self._has_relay else _as_destination(domain)
        return Route(f"{local_part}@{domain}", destination)


def _as_destination(domain: str) -> str:
    """Return a domain as a destination: one that is called like a way of ours has the dot of the root at its end."""
    return f"{domain}." if domain in (LOCAL, RELAY) else domain
