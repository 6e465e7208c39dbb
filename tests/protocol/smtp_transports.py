"""Transports to servers of tests, and certificates."""

import contextlib
import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.fixtures.outbound import KnownNames, outbound
from tests.protocol.smtp_peer import SMTPPeer

from postroom.config.relay import RelayConfig
from postroom.config.sending import SendingConfig
from postroom.model.outgoing import RELAY, Outbound, Outcome
from postroom.outgoing.policies import Limits
from postroom.outgoing.transport import Transport

QUICK = Limits(connect_seconds=5, reply_seconds=5, data_seconds=5, slice_seconds=5, attempt_seconds=20)
IMPATIENT = Limits(
    connect_seconds=0.3, reply_seconds=0.2, data_seconds=0.2, slice_seconds=0.2, attempt_seconds=5
)


@contextlib.asynccontextmanager
async def relaying(
    peer: SMTPPeer, *, limits: Limits = QUICK, host: str = "127.0.0.1", **relay: Any
) -> AsyncIterator[Transport]:
    """Open a transport with the peer as its smart host."""
    transport = Transport(
        SendingConfig(hostname="client.example.org"),
        RelayConfig(host=host, port=peer.port, **relay),
        limits=limits,
        now=lambda: 0.0,
    )
    try:
        yield transport
    finally:
        await transport.close()


async def send(peer: SMTPPeer, message: Outbound | None = None, **relay: Any) -> list[Outcome]:
    async with relaying(peer, **relay) as transport:
        return await transport.send(RELAY, message or outbound())


def states(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.status) for outcome in outcomes]


@contextlib.asynccontextmanager
async def direct(peer: SMTPPeer, names: KnownNames, **sending: Any) -> AsyncIterator[Transport]:
    """Open a transport that looks up exchangers, all of which have the peer's port."""
    options = {"allow_private": True, "mx_port": peer.port, "hostname": "client.example.org", **sending}
    transport = Transport(
        SendingConfig(**options), RelayConfig(), resolver=names, limits=QUICK, now=lambda: 0.0
    )
    try:
        yield transport
    finally:
        await transport.close()


def make_certificate(path: Path, name: str) -> Path:
    """Write a certificate for a name, of its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, form, encryption) + certificate.public_bytes(pem))
    return path
