"""The relay: connection, EHLO, TLS and password, as a mail would go, up to where a mail would begin."""

import asyncio
import dataclasses
import time
from email.utils import parsedate_to_datetime
from typing import Final

from postroom.app.doctor.finding import Finding, ok, problem, skipped, warning
from postroom.app.doctor.machine import compare_clocks
from postroom.config.root import Config
from postroom.outgoing.attempt import UnusableError
from postroom.outgoing.exchangers import list_relay_endpoints
from postroom.outgoing.machine_name import get_machine_name
from postroom.outgoing.policies import Endpoint, Limits, Policy, make_relay_policy
from postroom.outgoing.sessions import Session, open_session

STEP_SECONDS: Final = 8.0
LEAVE_SECONDS: Final = 2.0
_GREETING_TOLERANCE_SECONDS: Final = 60.0
"""Dates in greetings are whole seconds, and may have waited."""
_REMEDIES: Final = {
    "4.4.1": "see that relay.host and relay.port are right, the relay runs, and no firewall is between",
    "4.4.2": "see that the relay takes connections from this machine, and that relay.tls suits its port",
    "4.4.3": "correct relay.host, or the machine's name service",
    "4.7.0": "choose a port of the relay that offers AUTH PLAIN or LOGIN (587, 465), or remove relay.username",
    "4.7.5": "see that relay.host is a name in the relay's certificate, and relay.ca_file has its authority",
    "4.7.8": "correct relay.username and relay.password",
    "4.7.10": 'choose a port where the relay offers STARTTLS, or relay.tls = "implicit" for port 465',
}
_ELSE: Final = "see the relay's log for why it refuses this machine"


async def check_relay(config: Config) -> list[Finding]:
    """Go as far as a mail would, at each address of the relay."""
    if not config.relay.host:
        if config.sending.direct:
            return [skipped("relay", "none is configured: mail to other domains goes to their exchangers")]
        text = "there is no relay, and sending.direct is false: mail to other domains fails"
        return [warning("relay", text, "set relay.host, or sending.direct = true")]
    limits = dataclasses.replace(
        Limits.of(config.sending), connect_seconds=STEP_SECONDS, reply_seconds=STEP_SECONDS
    )
    hostname = config.sending.hostname or get_machine_name()
    policy = make_relay_policy(config.relay, hostname=hostname, limits=limits)
    try:
        endpoints = await list_relay_endpoints(config.relay.host, config.relay.port, seconds=STEP_SECONDS)
    except UnusableError as error:
        return [problem("relay", str(error), _REMEDIES["4.4.3"])]
    return [finding for endpoint in endpoints for finding in await _visit(endpoint, policy)]


async def _visit(endpoint: Endpoint, policy: Policy) -> list[Finding]:
    try:
        session = await open_session(endpoint, policy)
    except UnusableError as error:
        remedy = _REMEDIES.get(error.status, _ELSE)
        return [problem("relay", f"{endpoint.host} [{endpoint.address}]: {error}", remedy)]
    found = [ok("relay", _say(session))]
    ahead = _measure(session.greeting)
    if ahead is not None:
        found.append(compare_clocks("the relay", ahead, tolerance=_GREETING_TOLERANCE_SECONDS))
    await _leave(session)
    return found


async def _leave(session: Session) -> None:
    """Close a session, and stay until it is closed: the event loop ends with the check."""
    session.close()
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await session.wire.wait_closed()
    except TimeoutError:
        session.wire.abort()


def _say(session: Session) -> str:
    endpoint = session.endpoint
    how = ["with TLS" if session.is_encrypted else "without TLS"]
    if session.policy.has_credentials:
        how.append("the password is right")
    return f"{endpoint.host} [{endpoint.address}] port {endpoint.port} takes mail, {', '.join(how)}"


def _measure(greeting: str) -> float | None:
    """Return how far our clock is ahead of the date that some servers end their greeting with; None without one."""
    try:
        told = parsedate_to_datetime(greeting.rpartition(";")[2].strip())
        return None if told.tzinfo is None else time.time() - told.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
