"""How servers are spoken to: TLS, passwords, times. One policy for the smart host, one for mail exchangers.

A password leaves only where it cannot be read on its way: through TLS with a valid certificate, to the machine
itself, or where the configuration says that there is to be no TLS.
"""

import functools
import ssl
from dataclasses import dataclass
from typing import NamedTuple

from postroom.config.relay import RelayConfig
from postroom.config.sending import SendingConfig

NONE, OPPORTUNISTIC, REQUIRED, IMPLICIT = "none", "opportunistic", "required", "implicit"


class Endpoint(NamedTuple):
    """A server at one of its addresses."""

    host: str
    """Its name, or the address where there is none."""
    address: str
    port: int


@dataclass(frozen=True)
class Limits:
    """Times, in seconds, and how much goes through a connection."""

    connect_seconds: float = 30
    reply_seconds: float = 300
    data_seconds: float = 600
    attempt_seconds: float = 3600
    idle_seconds: float = 10
    mails_per_connection: int = 100
    slice_seconds: float = 180
    """For each piece of a message to be taken (RFC 5321 §4.5.3.2.5)."""

    @classmethod
    def of(cls, config: SendingConfig) -> "Limits":
        """Return the limits that are configured."""
        return cls(
            connect_seconds=config.connect_timeout_seconds,
            reply_seconds=config.reply_timeout_seconds,
            data_seconds=config.data_timeout_seconds,
            attempt_seconds=config.attempt_timeout_seconds,
            idle_seconds=config.idle_timeout_seconds,
            mails_per_connection=config.mails_per_connection,
        )


@dataclass(frozen=True)
class Policy:
    """How servers of a kind are spoken to."""

    hostname: str
    """What we call ourselves."""
    tls: str = OPPORTUNISTIC
    ca_file: str = ""
    username: str = ""
    password: str = ""
    limits: Limits = Limits()

    @property
    def has_credentials(self) -> bool:
        """There is a password to be sent."""
        return bool(self.username)

    def verifies(self, endpoint: Endpoint) -> bool:
        """Tell whether the server's certificate must be valid."""
        if self.tls == OPPORTUNISTIC:
            return self.has_credentials and not is_here(endpoint)
        return self.tls in {REQUIRED, IMPLICIT}

    def needs_tls(self, endpoint: Endpoint) -> bool:
        """Tell whether nothing may be sent without TLS."""
        return self.tls == REQUIRED or self.verifies(endpoint)

    def get_context(self, endpoint: Endpoint) -> ssl.SSLContext:
        """Return the TLS context for a server."""
        return _make_context(self.ca_file, is_verified=self.verifies(endpoint))


def is_here(endpoint: Endpoint) -> bool:
    """Tell whether a server is on this machine."""
    return endpoint.address.startswith("127.") or endpoint.address == "::1"


def make_relay_policy(relay: RelayConfig, *, hostname: str, limits: Limits) -> Policy:
    """Return the policy for the smart host."""
    return Policy(
        hostname,
        tls=relay.tls,
        ca_file=relay.ca_file,
        username=relay.username,
        password=relay.password,
        limits=limits,
    )


@functools.lru_cache(maxsize=8)
def _make_context(ca_file: str, *, is_verified: bool) -> ssl.SSLContext:
    """Return a context; it is made when it is first needed, since reading all authorities takes a while.

    Raises OSError for a file of authorities that cannot be read.
    """
    if is_verified:
        return ssl.create_default_context(cafile=ca_file or None)
    # Opportunistic TLS (RFC 7435): whoever could put another certificate there could take TLS away as well.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
