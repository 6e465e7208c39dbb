"""HTTPS of the running server: handshakes, renewed and broken certificates, and what proxies tell it."""

import asyncio
import datetime
import ipaddress
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from postroom.app.services import open_services
from postroom.bench.server import find_free_port
from postroom.cli.server import CONFIGURATION
from postroom.config.root import Config
from postroom.domain.directory import AccountSettings, Directory
from tests.fixtures.factories import CHEAP_AUTH

PATIENCE_SECONDS = 60
PATH = "/healthz"


def make_certificate(folder: Path, name: str) -> None:
    """Write ``certificate.pem`` and ``key.pem``, for 127.0.0.1, under a common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    parts = {
        "key.pem": key.private_bytes(pem, form, serialization.NoEncryption()),
        "certificate.pem": certificate.public_bytes(pem),
    }
    for name_of, text in parts.items():
        temporary = folder / f"{name_of}.new"
        temporary.write_bytes(text)
        temporary.chmod(0o600)
        temporary.replace(folder / name_of)


@dataclass
class Running:
    """``postroom serve`` as a process."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    async def start(self, *settings: str) -> None:
        """Start it."""
        base = [
            f"http.listen=127.0.0.1:{self.port}",
            "lmtp.listen=",
            "helpers=0",
            f"data_dir={self.folder}/data",
        ]
        with (self.folder / "log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "postroom", "serve"),
                *(part for setting in (*base, *settings) for part in ("--set", setting)),
                cwd=self.folder,
                stderr=log,
            )

    async def ready(self) -> None:
        """Wait until it serves."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                assert self.process is not None
                assert self.process.returncode is None, self.log
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                return

    async def logged(self, text: str) -> None:
        """Wait for a line of the log."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.log:  # noqa: ASYNC110 (another process writes it)
                await asyncio.sleep(0.02)

    def tls(self, *settings: str) -> Sequence[str]:
        """Return the settings of HTTPS."""
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        return (f"http.tls_certificate={certificate}", f"http.tls_key={key}", *settings)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server that is not started yet, with a certificate."""
    make_certificate(tmp_path, "first")
    running = Running(tmp_path, find_free_port())
    yield running
    if running.process is not None and running.process.returncode is None:
        running.process.terminate()
        await asyncio.wait_for(running.process.wait(), PATIENCE_SECONDS)


@dataclass
class Client:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def name(self) -> str:
        """The common name in the server's certificate."""
        der = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        found = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value)

    async def get(self, path: str = PATH, **headers: str) -> tuple[int, dict[str, str]]:
        """Return status and headers of a GET."""
        return await self.call("GET", path, b"", **headers)

    async def call(self, method: str, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, str]]:
        """Return status and headers of a call."""
        if body:
            headers["Content_Length"] = str(len(body))
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode() + body)
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)).decode()
        status, *fields = head.rstrip().split("\r\n")
        found = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        await self.reader.readexactly(int(found.get("content-length", "0")))
        return int(status.split()[1]), found


@asynccontextmanager
async def connected(
    server: Running,
    *,
    host: str | None = "127.0.0.1",
    version: ssl.TLSVersion | None = None,
    tls: bool = True,
) -> AsyncIterator[Client]:
    """Open a connection; without a host no server name is told."""
    context: ssl.SSLContext | None = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(server.folder / "certificate.pem")
        context.set_alpn_protocols(["h2", "http/1.1"])
        if version is not None:
            context.minimum_version = context.maximum_version = version
    options = {"server_hostname": host or ""} if tls else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, **options)  # type: ignore[arg-type]
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_https(server: Running) -> None:
    await server.start(*server.tls())
    await server.ready()
    async with connected(server) as client:
        status, headers = await client.get()
        assert (status, headers["strict-transport-security"]) == (200, "max-age=31536000")
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        status, headers = await client.get("/api/v1/mails/counters")
        assert (status, headers["content-security-policy"][:18]) == (401, "default-src 'none'")
    async with connected(server, version=ssl.TLSVersion.TLSv1_2) as client:
        assert (await client.get())[0] == 200
    # What is no TLS gets no answer of HTTP.
    async with connected(server, tls=False) as plain:
        plain.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not (await asyncio.wait_for(plain.reader.read(), PATIENCE_SECONDS)).startswith(b"HTTP")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_old_versions_are_refused(server: Running) -> None:
    await server.start(*server.tls())
    await server.ready()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with connected(server, version=ssl.TLSVersion.TLSv1_1):
            raise AssertionError


@pytest.mark.parametrize("host", ["127.0.0.1", "mail.test", None])
async def test_a_renewed_certificate(server: Running, host: str | None) -> None:
    await server.start(*server.tls())
    await server.ready()
    async with connected(server, host=host) as old:
        assert old.name == "first"
        make_certificate(server.folder, "second")
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        await server.logged("certificate_renewed")
        async with connected(server, host=host) as new:
            assert new.name == "second"
            assert (await new.get())[0] == 200
        # Who was there before goes on.
        assert (await old.get())[0] == 200
        (server.folder / "key.pem").write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        await server.logged("certificate_not_renewed")
        async with connected(server, host=host) as new:
            assert (new.name, (await new.get())[0]) == ("second", 200)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("certificate.pem", "postroom: http.tls_certificate: {path} with the key"),
        ("key.pem", "postroom: http.tls_certificate: "),
    ],
)
async def test_broken_files_refuse_the_start(server: Running, broken: str, told: str) -> None:
    path = server.folder / broken
    path.write_text("broken")
    await server.start(*server.tls())
    assert server.process is not None
    assert await asyncio.wait_for(server.process.wait(), PATIENCE_SECONDS) == CONFIGURATION
    assert told.format(path=path) in server.log
    path.unlink()
    await server.start(*server.tls())
    assert await asyncio.wait_for(server.process.wait(), PATIENCE_SECONDS) == CONFIGURATION
    option = "http.tls_key" if broken == "key.pem" else "http.tls_certificate"
    assert f"postroom: {option}: {path} cannot be read: No such file" in server.log


async def test_plain_http_has_no_transport_header(server: Running) -> None:
    await server.start("http.trusted_proxies=192.0.2.1")
    await server.ready()
    async with connected(server, tls=False) as client:
        for headers in ({}, {"X_Forwarded_Proto": "https", "Forwarded": "proto=https"}):
            status, found = await client.get(**headers)
            assert status == 200
            assert "strict-transport-security" not in found


async def test_a_proxy_tells_of_https(server: Running) -> None:
    await server.start("http.trusted_proxies=127.0.0.1,unix", "http.hsts_seconds=60")
    await server.ready()
    async with connected(server, tls=False) as client:
        _, found = await client.get(X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.7")
        assert found["strict-transport-security"] == "max-age=60"
        _, found = await client.get(Forwarded="for=192.0.2.7;proto=https")
        assert "strict-transport-security" not in found


@pytest.mark.parametrize(
    ("how", "name", "is_secure"),
    [("plain", "postroom", False), ("proxy", "__Host-postroom", True), ("tls", "__Host-postroom", True)],
)
async def test_the_cookie(server: Running, *, how: str, name: str, is_secure: bool) -> None:
    """It goes over plain HTTP on loopback alone, whatever the call says of itself."""
    password = "correct horse"
    config = Config(data_dir=server.folder / "data", auth=CHEAP_AUTH)
    async with open_services(config) as services:
        directory = Directory(services.store, services.hasher, config.classes)
        await directory.add_domain("example.test")
        await directory.add_account("ann@example.test", AccountSettings(password=password))
    settings = {"plain": (), "proxy": ("http.trusted_proxies=192.0.2.0/24",), "tls": server.tls()}[how]
    await server.start(*settings)
    await server.ready()
    body: dict[str, object] = {"username": "ann@example.test", "password": password}
    async with connected(server, tls=how == "tls") as client:
        for lifetime in (None, 30 * 86_400):
            body["rememberLogin"] = lifetime is not None
            status, found = await client.call(
                "POST", "/api/v1/login/cookie", json.dumps(body).encode(), X_Forwarded_Proto="https"
            )
            assert status == 200
            value, *flags = found["set-cookie"].split("; ")
            assert value.partition("=")[0] == name
            expected = {"Path=/", "HttpOnly", "SameSite=Lax"} | ({"Secure"} if is_secure else set())
            assert set(flags) == expected | ({f"Max-Age={lifetime}"} if lifetime else set())


async def test_a_server_without_its_key_does_not_start(server: Running) -> None:
    await server.start()
    await server.ready()
    key = server.folder / "data" / "server.key"
    text = key.read_bytes()
    assert server.process is not None
    server.process.terminate()
    await server.process.wait()
    key.unlink()
    await server.start()
    assert await asyncio.wait_for(server.process.wait(), PATIENCE_SECONDS) == CONFIGURATION
    assert "does not have the server key" in server.log
    assert not key.exists()
    key.write_bytes(text)
    key.chmod(0o644)
    await server.start()
    assert await asyncio.wait_for(server.process.wait(), PATIENCE_SECONDS) == CONFIGURATION
    assert f"chmod 600 {key}" in server.log


async def test_what_the_server_writes_is_its_owners(server: Running) -> None:
    before = os.umask(0)
    try:
        await server.start()
    finally:
        os.umask(before)
    await server.ready()
    paths = [server.folder / "data", *(server.folder / "data").rglob("*")]
    assert len(paths) > 3
    assert {path.name for path in paths if path.stat().st_mode & 0o077} == set()
    assert "exposed_file" not in server.log
    assert server.process is not None
    server.process.terminate()
    await server.process.wait()
    (server.folder / "data").chmod(0o755)
    (server.folder / "data" / "postroom.sqlite").chmod(0o640)
    await server.start()
    await server.ready()
    await server.logged("exposed_file")
    await server.logged(f"chmod 700 {server.folder}/data")
    await server.logged(f"chmod 600 {server.folder}/data/postroom.sqlite")
    assert server.log.count("exposed_file") == 2
