"""A submission server over the real domain, certificates made for it, and clients that speak to it.

``Served.client`` is smtplib's, in a thread; ``Served.connect`` plays transcripts (see :mod:`.lmtp_peer`).
"""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from smtplib import SMTP, SMTP_SSL
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import Owner
from tests.protocol.lmtp_peer import Peer

from postroom.config.root import Config
from postroom.delivery.certificate import Certificate
from postroom.delivery.limits import SubmissionLimits
from postroom.delivery.stats import SubmissionStats
from postroom.delivery.submission import SubmissionSettings
from postroom.delivery.submission_server import SubmissionServer, start_submission
from postroom.domain.routing import Routing
from postroom.domain.submission import Submission
from postroom.model.outgoing import Outgoing, OutgoingRecipient

T = TypeVar("T")
HOSTNAME = "mail.example.test"


def make_certificate(directory: Path, *, name: str = HOSTNAME) -> tuple[Path, Path]:
    """Write a self-signed certificate for this machine's loopback, and its key; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "certificate.pem", directory / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paths of a certificate and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@dataclass
class Sent:
    """A message in the outgoing queue."""

    outgoing: Outgoing
    recipients: list[OutgoingRecipient]
    content: bytes

    @property
    def addresses(self) -> list[str]:
        return [recipient.address for recipient in self.recipients]


@dataclass
class Served:
    """A running server: the first address is for STARTTLS, the second for implicit TLS."""

    server: SubmissionServer
    owner: Owner
    trusted: ssl.SSLContext

    def port(self, *, implicit: bool) -> int:
        return int(self.server.addresses[int(implicit)].rpartition(":")[2])

    async def client(self, work: Callable[[SMTP], T], *, implicit: bool = False, login: bool = True) -> T:
        """Do something with a client of the standard library that has begun TLS and logged in."""

        def run() -> T:
            port = self.port(implicit=implicit)
            if implicit:
                made: SMTP = SMTP_SSL("127.0.0.1", port, timeout=20, context=self.trusted)
            else:
                made = SMTP("127.0.0.1", port, timeout=20)
                made.starttls(context=self.trusted)
            with made as client:
                if login:
                    client.login(self.owner.account.address, self.owner.password)
                return work(client)

        return await asyncio.to_thread(run)

    @asynccontextmanager
    async def connect(self, *, tls: bool = False) -> AsyncIterator[Peer]:
        """Open a connection, with TLS and a login if asked for, and close it in the end whatever happens."""
        context = self.trusted if tls else None
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port(implicit=tls), ssl=context))
        try:
            yield peer
        finally:
            peer.writer.close()
            with suppress(OSError):
                await peer.writer.wait_closed()

    async def until_closed(self) -> None:
        """Wait until the server has no connections any more."""
        while self.server._drivers:
            await asyncio.wait(list(self.server._drivers))

    async def queue(self) -> list[Sent]:
        """Return what is in the outgoing queue."""
        store, found = self.owner.store, []
        async with store.directory() as directory:
            for outgoing in await directory.outgoing.list_unfinished(0, limit=1000):
                recipients = await directory.outgoing.list_recipients(outgoing.processing_id)
                async with store.read(outgoing.account_id) as mailbox:
                    content = await mailbox.contents.find(outgoing.content_id)
                assert content is not None
                reader = await store.messages.open(outgoing.account_id, content)
                found.append(Sent(outgoing, recipients, await reader.read(0, content.size_bytes)))
                reader.close()
                assert content.refs == 1
        return found

    async def sent(self) -> Sent:
        """Return the one message in the outgoing queue."""
        (one,) = await self.queue()
        return one


@asynccontextmanager
async def serve_submission(
    owner: Owner,
    config: Config,
    *,
    certificate: tuple[Path, Path],
    limits: SubmissionLimits | None = None,
) -> AsyncIterator[Served]:
    """Run a server for the accounts of the owner's store."""
    spool = config.data_dir / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    clock = TestClock()
    submission = Submission(
        owner.store,
        owner.domain.logins,
        ingest=owner.domain.ingest,
        routing=Routing(owner.store, has_relay=False),
        classes=config.classes,
        clock=clock,
    )
    settings = SubmissionSettings(
        submission=submission,
        certificate=Certificate(*certificate),
        limits=limits or SubmissionLimits(linger_seconds=0.5),
        hostname=HOSTNAME,
        spool_directory=spool,
        clock=clock.now,
        stats=SubmissionStats(),
    )
    trusted = ssl.create_default_context(cafile=str(certificate[0]))
    server = await start_submission(settings, starttls=["127.0.0.1:0"], implicit_tls=["127.0.0.1:0"])
    try:
        yield Served(server, owner, trusted)
    finally:
        await server.close(0.5)
    assert server.stats.faults == 0
    assert server.stats.connections_open == 0
    assert list(spool.glob("tmp*")) == []
