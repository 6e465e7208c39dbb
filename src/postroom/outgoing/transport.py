"""Mail out: a message to the smart host, or to the exchangers of its domain, with an outcome for each recipient.

Algorithm: the message is made ready once (line ends, DKIM signature); the hosts are found; each is tried at its
addresses until every recipient is settled (:mod:`postroom.outgoing.attempt` says what settles one). Sessions are kept
for the next message. Whatever a server does, or does not do, becomes outcomes; the time for all of it is bounded.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from postroom.config.dkim import DKIMConfig
from postroom.config.relay import RelayConfig
from postroom.config.sending import SendingConfig, parse_nameserver
from postroom.model.outgoing import RELAY, Outbound, Outcome, Witness
from postroom.outgoing.attempt import Attempt, Message, UnusableError
from postroom.outgoing.connections import Connections, Slots
from postroom.outgoing.dkim import sign_message
from postroom.outgoing.dkim_keys import DKIMKeys, KeyUnusableError
from postroom.outgoing.exchangers import Exchangers, list_relay_endpoints
from postroom.outgoing.machine_name import get_machine_name
from postroom.outgoing.policies import Endpoint, Limits, Policy, make_relay_policy
from postroom.outgoing.resolver import DNSResolver, Resolver
from postroom.outgoing.transactions import StaleError, hand_over

_LONE_LINE_END: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LARGE_BYTES: Final = 262_144
"""Messages above this are signed in a thread."""


class Signer(Protocol):
    """Returns the header fields to be put in front of a message, "" for none. Raises: KeyUnusableError."""

    def __call__(self, content: bytes, now: float) -> bytes:
        """Return the fields."""


class Transport:
    """Hands messages over to other servers."""

    def __init__(
        self,
        sending: SendingConfig,
        relay: RelayConfig,
        *,
        signer: Signer | None = None,
        resolver: Resolver | None = None,
        limits: Limits | None = None,
        now: Callable[[], float],
    ) -> None:
        hostname = sending.hostname or get_machine_name()
        limits = limits or Limits.of(sending)
        self._limits = limits
        self._sending = sending
        self._relay = relay
        self._signer = signer
        self._now = now
        self._exchangers = Exchangers(
            resolver or DNSResolver([parse_nameserver(text) for text in sending.nameservers]),
            own_name=hostname,
            port=sending.mx_port,
            allow_private=sending.allow_private,
        )
        self.to_relay = Connections(make_relay_policy(relay, hostname=hostname, limits=limits))
        self.to_exchangers = Connections(Policy(hostname, limits=limits))
        self._relay_slots = Slots(relay.connections)
        self._domain_slots = Slots(sending.connections_per_domain)

    async def send(
        self, destination: str, outbound: Outbound, *, witness: Witness | None = None
    ) -> list[Outcome]:
        """Hand a message over; return an outcome for each recipient, in their order. Raises: what the witness does.

        Args:
            destination: RELAY, or a domain or an address literal whose exchangers are tried.
            outbound: the message.
            witness: is told how far it has come.
        """
        slots = self._relay_slots if destination == RELAY else self._domain_slots
        async with slots.hold(destination):
            try:
                attempt = Attempt(Message(outbound, await self._prepare(outbound.content)), witness)
            except KeyUnusableError as error:
                attempt = Attempt(Message(outbound, b""))
                attempt.note(UnusableError(str(error), status="4.3.5"))
                return attempt.finish()
            try:
                async with asyncio.timeout(self._limits.attempt_seconds):
                    await self._try(destination, attempt)
            except TimeoutError:
                answer = f"not done within {self._limits.attempt_seconds:g} seconds"
                attempt.note(UnusableError(answer, status="4.4.7"))
            return attempt.finish()

    async def close(self) -> None:
        """Close all connections; those in use when their message is done."""
        self.to_relay.close()
        self.to_exchangers.close()

    async def _prepare(self, content: bytes) -> bytes:
        """Return a content as it goes on the wire. Raises: KeyUnusableError."""
        if len(content) > _LARGE_BYTES:
            return await asyncio.to_thread(self._prepare_now, content)
        return self._prepare_now(content)

    def _prepare_now(self, content: bytes) -> bytes:
        # A lone LF that one server takes for a line end and the next one does not would be a way to smuggle commands.
        if not content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r"):
            content = _LONE_LINE_END.sub(b"\r\n", content)
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        if self._signer is None:
            return content
        return self._signer(content, self._now()) + content

    async def _try(self, destination: str, attempt: Attempt) -> None:
        """Try all servers of a destination until everything is settled."""
        try:
            hosts = await self._list_hosts(destination)
        except UnusableError as error:
            attempt.note(error)
            return
        connections = self.to_relay if destination == RELAY else self.to_exchangers
        for host in hosts:
            try:
                endpoints = await self._list_endpoints(destination, host)
            except UnusableError as error:
                attempt.note(error)
                continue
            for endpoint in endpoints:
                await _try_endpoint(connections, endpoint, attempt)
                if not attempt.pending:
                    return

    async def _list_hosts(self, destination: str) -> Sequence[str]:
        if destination == RELAY:
            if not self._relay.host:
                raise UnusableError("no relay is configured any more", status="4.3.5")
            return [self._relay.host]
        if not self._sending.direct:
            raise UnusableError("mail to other domains is not sent from here", status="5.7.1")
        return await self._exchangers.list_hosts(destination)

    async def _list_endpoints(self, destination: str, host: str) -> list[Endpoint]:
        if destination == RELAY:
            return await list_relay_endpoints(host, self._relay.port, seconds=self._limits.connect_seconds)
        return await self._exchangers.list_endpoints(host)


async def _try_endpoint(connections: Connections, endpoint: Endpoint, attempt: Attempt) -> None:
    """Offer the message to a server; what it does not settle stays pending, with the failure noted."""
    is_fresh = False
    while attempt.pending:
        await attempt.tell()
        try:
            session = await connections.take(endpoint, fresh=is_fresh)
        except UnusableError as error:
            attempt.note(error)
            return
        try:
            await hand_over(session, attempt)
        except StaleError:
            session.close()
            is_fresh = True
            continue
        except UnusableError as error:
            # A server that said beforehand that it cannot take this message is good for the next one.
            connections.give(session)
            attempt.note(error)
            return
        except BaseException:
            session.wire.abort()
            raise
        connections.give(session)


def make_transport(
    sending: SendingConfig,
    relay: RelayConfig,
    dkim: DKIMConfig,
    *,
    data_dir: Path,
    now: Callable[[], float],
) -> Transport:
    """Return the transport of a server. Raises PostroomError for keys that cannot be used."""
    keys = DKIMKeys(data_dir, selector=dkim.selector)
    keys.check()

    def sign(content: bytes, now: float) -> bytes:
        return sign_message(content, keys, now=now)

    return Transport(sending, relay, signer=sign, now=now)
