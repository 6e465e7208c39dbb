"""``postroom doctor``: what it says of a machine that is well, and of each thing that is not."""

import asyncio
import dataclasses
import datetime
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.fixtures.factories import CHEAP_AUTH
from tests.protocol.name_server import Zone, name_serving
from tests.protocol.smtp_peer import CERTIFICATE, server_context, smtp_peer

from postroom.app.doctor import Finding, Level, examine
from postroom.app.doctor import machine as machine_checks
from postroom.app.doctor.examine import CHECKS, Check
from postroom.app.doctor.machine import compare_clocks
from postroom.auth.passwords import PasswordHasher
from postroom.bench.server import ServerProcess, find_free_port
from postroom.cli.app import build_app, run
from postroom.config.http import HTTPConfig
from postroom.config.lmtp import LMTPConfig
from postroom.config.relay import RelayConfig
from postroom.config.root import Config
from postroom.config.sending import SendingConfig
from postroom.config.store import StoreConfig
from postroom.config.submission import SubmissionConfig
from postroom.domain.directory import Directory
from postroom.domain.server_secrets import ServerSecrets
from postroom.outgoing.dkim_keys import DKIMKeys
from postroom.store import open_engine, open_store
from postroom.store.migrations import list_migrations

DOMAIN = "postroom-unit.org"


def make_config(folder: Path, store_url: str = "sqlite:") -> Config:
    return Config(
        data_dir=folder / "data",
        http=HTTPConfig(listen=f"127.0.0.1:{find_free_port()}"),
        lmtp=LMTPConfig(listen=f"unix:{folder}/lmtp"),
        store=StoreConfig(url=store_url),
        auth=CHEAP_AUTH,
    )


async def set_up(config: Config, *domains: str) -> None:
    """Make the store, as ``postroom init`` and ``domain add`` do."""
    store = await open_store(config.store.url, config.data_dir)
    hasher = PasswordHasher(config.auth)
    try:
        await ServerSecrets.load(store, config.data_dir)
        for domain in domains:
            await Directory(store, hasher, config.classes).add_domain(domain)
    finally:
        hasher.close()
        await store.close()


async def find(config: Config, *names: str, seconds: float = 30) -> list[Finding]:
    """Run some checks, as the command does."""
    chosen = {name: CHECKS[name] for name in names}
    report = await asyncio.to_thread(examine, config, seconds=seconds, checks=chosen)
    assert report.is_complete
    for finding in report.findings:
        assert bool(finding.remedy) == finding.is_trouble, finding
    return report.findings


def troubles(findings: list[Finding]) -> list[str]:
    return [f"{finding.level.value}: {finding.what}" for finding in findings if finding.is_trouble]


async def test_all_is_well(tmp_path: Path, store_url: str) -> None:
    config = make_config(tmp_path, store_url)
    await set_up(config, "example.test")
    found = await find(
        config, "permissions", "descriptors", "listeners", "certificates", "database", "blobs", "dns"
    )
    assert troubles(found) == []
    assert [one.check for one in found if one.level is Level.SKIPPED] == ["certificates", "dns"]
    said = {one.check: one.what for one in found}
    assert said["database"].startswith("SQLite 3." if store_url == "sqlite:" else "PostgreSQL ")
    assert ("clock" in said) == (store_url != "sqlite:")
    assert not [path for path in (config.data_dir / "blobs").rglob("*") if path.is_file()]


async def test_nothing_is_there_and_nothing_is_made(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    found = await find(config, "permissions", "database", "blobs", "dns")
    assert [one.check for one in found if one.level is Level.PROBLEM] == ["permissions", "database"]
    assert all("postroom init" in one.remedy for one in found if one.is_trouble)
    assert not config.data_dir.exists()


async def test_files_that_are_open_or_gone(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    await set_up(config)
    DKIMKeys(config.data_dir, selector=config.dkim.selector).generate(DOMAIN, algorithm="ed25519")
    (config.data_dir / "dkim").chmod(0o777)
    (config.data_dir / "server.key").chmod(0o644)
    found = troubles(await find(config, "permissions"))
    assert any("server.key can be read or written by others: chmod 600" in one for one in found)
    assert any("dkim can be written by others" in one for one in found)
    (config.data_dir / "server.key").unlink()
    assert any("server.key is not there" in one for one in troubles(await find(config, "permissions")))
    assert any("server.key lacks the keys" in one for one in troubles(await find(config, "database")))


async def test_a_file_that_goes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the files beside a database of SQLite do, whose last user may be another check."""
    config = make_config(tmp_path)
    await set_up(config)
    listed = [*config.data_dir.iterdir(), config.data_dir / "postroom.sqlite-wal.gone"]
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(listed))
    assert troubles(await find(config, "permissions")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_folder_of_another_user(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    await set_up(config)
    os.chown(config.data_dir, 65534, -1)
    found = await find(config, "permissions", "blobs")
    assert "sudo -u '#65534'" in found[0].remedy
    assert found[-1].level is Level.SKIPPED
    assert not (config.data_dir / "blobs").exists()


async def test_a_database_of_another_version(tmp_path: Path, store_url: str) -> None:
    config = make_config(tmp_path, store_url)
    await set_up(config)
    newest = list_migrations("sqlite" if store_url == "sqlite:" else "postgres")[-1].version
    await execute(config, f"DELETE FROM schema_migration WHERE version = {newest}")  # noqa: S608
    assert any("and this version brings it to" in one for one in troubles(await find(config, "database")))
    await execute(config, "UPDATE schema_migration SET sha256 = 'x' WHERE version = 2")
    (found,) = await find_of(config, "database")
    assert "is not the one of this program" in found.what
    assert "version of Postroom" in found.remedy


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("moved_to", "has moved into another database", "has moved"),
        ("unfinished_copy", "{}", "was interrupted"),
    ],
)
async def test_a_store_that_no_server_opens(
    tmp_path: Path, store_url: str, name: str, value: str, what: str
) -> None:
    config = make_config(tmp_path, store_url)
    await set_up(config)
    await execute(config, f"INSERT INTO meta (name, value) VALUES ('{name}', '{value}')")  # noqa: S608
    (found,) = await find_of(config, "database")
    assert found.level is Level.PROBLEM
    assert what in found.what
    assert "store.url" in found.remedy or "repeat" in found.remedy


async def execute(config: Config, statement: str) -> None:
    engine = await open_engine(config.store.url, config.data_dir)
    async with engine.write() as connection:
        await connection.execute(statement)
    await engine.close()


async def find_of(config: Config, check: str) -> list[Finding]:
    return [one for one in await find(config, check) if one.check == check]


async def test_a_database_that_is_away(tmp_path: Path) -> None:
    config = make_config(tmp_path, f"postgresql://postroom:geheim@127.0.0.1:{find_free_port()}/postroom")
    config.data_dir.mkdir()
    (found,) = await find(config, "database")
    assert found.level is Level.PROBLEM
    assert "store.url" in found.remedy
    assert "geheim" not in found.what


async def test_blobs_that_cannot_be_written(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    await set_up(config)
    (config.data_dir / "blobs").write_text("no folder")
    (found,) = await find(config, "blobs")
    assert (found.level, "cannot be written" in found.what) == (Level.PROBLEM, True)


async def test_listeners(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    assert troubles(await find(config, "listeners")) == []
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(config.http.listen.rpartition(":")[2])))
        other.listen()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{tmp_path}/lmtp")
        listening.close()
        found = await find(config, "listeners")
        assert [one.level for one in found] == [Level.PROBLEM, Level.OK]
        assert "held by another program" in found[0].what
    odd = dataclasses.replace(
        config, http=HTTPConfig(listen="192.0.2.77:8080"), lmtp=LMTPConfig(listen="unix:/nowhere/lmtp")
    )
    found = await find(odd, "listeners")
    assert "no such address" in found[0].remedy
    assert "/nowhere" in found[1].what


async def test_a_server_that_runs(tmp_path: Path) -> None:
    http, lmtp, tls = (f"127.0.0.1:{find_free_port()}" for _ in range(3))
    path = tmp_path / "postroom.toml"
    path.write_text(
        f'data_dir = "{tmp_path}/data"\n[http]\nlisten = "{http}"\n[lmtp]\nlisten = "{lmtp}"\n'
        f'[submission]\nlisten_tls = ["{tls}"]\ncertificate = "{CERTIFICATE}"\n'
        "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
    )
    config = Config(
        data_dir=tmp_path / "data",
        http=HTTPConfig(listen=http),
        lmtp=LMTPConfig(listen=lmtp),
        submission=SubmissionConfig(listen_tls=(tls,), certificate=str(CERTIFICATE)),
    )
    with ServerProcess(path, listen=http, log_path=tmp_path / "log"):
        found = await find(config, "listeners", "database", "blobs", "certificates")
    assert troubles(found) == []
    assert [one.what.partition(" is ")[2] for one in found[:3]] == ["held by a Postroom that runs"] * 3


@pytest.mark.parametrize(
    ("begins", "ends", "level", "word"),
    [
        (-90, 90, Level.OK, "valid until"),
        (-90, 5, Level.WARNING, "in 4 days"),
        (-90, -1, Level.PROBLEM, "expired"),
        (2, 90, Level.PROBLEM, "not valid before"),
    ],
)
async def test_certificates(tmp_path: Path, begins: int, ends: int, level: Level, word: str) -> None:
    make_certificate(tmp_path, begins, ends)
    section = HTTPConfig(tls_certificate=f"{tmp_path}/cert.pem", tls_key=f"{tmp_path}/key.pem")
    (found,) = await find(Config(http=section), "certificates")
    assert (found.level, word in found.what) == (level, True), found


async def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    make_certificate(tmp_path, -1, 90)
    section = HTTPConfig(tls_certificate=f"{tmp_path}/cert.pem", tls_key=str(CERTIFICATE))
    (found,) = await find(Config(http=section), "certificates")
    assert "not that of the certificate" in found.what
    (found,) = await find(Config(http=HTTPConfig(tls_certificate=f"{tmp_path}/none.pem")), "certificates")
    assert "cannot be read" in found.what


def make_certificate(folder: Path, begins: int, ends: int) -> None:
    """Write a certificate that is valid from so many days on, until so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + begins * day)
        .not_valid_after(now + ends * day)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))


# The relay


async def find_of_relay(port: int, **options: Any) -> list[Finding]:
    return await find(Config(relay=RelayConfig(host="127.0.0.1", port=port, **options)), "relay")


async def test_a_relay() -> None:
    greeted = format_datetime(datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1))
    script = {"GREETING": f"220 peer.example.net ESMTP; {greeted}"}
    async with smtp_peer(script, tls=server_context(), login=("ann", "geheim")) as peer:
        found = await find_of_relay(
            peer.port, tls="required", ca_file=str(CERTIFICATE), username="ann", password="geheim"
        )
        assert "with TLS, the password is right" in found[0].what
        assert (found[1].check, "3,60" in found[1].what or "3,59" in found[1].what) == ("clock", True)
        assert peer.commands("MAIL") == []
        await peer.until(lambda: peer.commands("QUIT"))
        found = await find_of_relay(
            peer.port, tls="required", ca_file=str(CERTIFICATE), username="ann", password="mistaken"
        )
        assert (found[0].level, found[0].remedy) == (
            Level.PROBLEM,
            "correct relay.username and relay.password",
        )
        assert "mistaken" not in found[0].what
        found = await find_of_relay(peer.port, tls="required")
        assert "relay.ca_file" in found[0].remedy
        # What was said last still leaves: the loop must not end before.
        await peer.until(lambda: not peer.writers)


async def test_a_relay_whose_date_is_none() -> None:
    for date in ("Mon, 1 Jan 99999999999 00:00:00 +0000", "Mon, 1 Jan 2020 00:00:00 +99999999999999", "soon"):
        async with smtp_peer({"GREETING": f"220 peer.example.net ESMTP; {date}"}) as peer:
            (found,) = await find_of_relay(peer.port)
            assert found.level is Level.OK


async def test_relays_that_cannot_be_used() -> None:
    (found,) = await find_of_relay(find_free_port())
    assert "firewall" in found.remedy
    async with smtp_peer() as peer:
        (found,) = await find_of_relay(peer.port, tls="required")
        assert "STARTTLS" in found.remedy
    async with smtp_peer({"GREETING": "554 go away"}) as peer:
        (found,) = await find_of_relay(peer.port)
        assert "go away" in found.what
    (found,) = await find(Config(sending=SendingConfig(direct=False)), "relay")
    assert found.level is Level.WARNING
    (found,) = await find(Config(), "relay")
    assert found.level is Level.SKIPPED


# DNS

GOOD: Zone = {
    (f"{DOMAIN}.", "MX"): [f"10 mx.{DOMAIN}."],
    (f"mx.{DOMAIN}.", "A"): ["192.0.2.1"],
    (f"{DOMAIN}.", "TXT"): ['"v=spf1 mx -all"', '"something else"'],
    (f"_dmarc.{DOMAIN}.", "TXT"): ['"v=DMARC1; p=quarantine"'],
}


async def look_up(tmp_path: Path, zone: Zone, *domains: str, seconds: float = 30) -> list[Finding]:
    async with name_serving(zone) as (_, port):
        config = dataclasses.replace(
            make_config(tmp_path),
            sending=SendingConfig(nameservers=(f"127.0.0.1:{port}",), hostname=f"mx.{DOMAIN}"),
        )
        await set_up(config, *(domains or (DOMAIN,)))
        return await find(config, "dns", seconds=seconds)


def make_zone(tmp_path: Path, change: Mapping[tuple[str, str], list[str] | dns.rcode.Rcode | None]) -> Zone:
    """Return a zone where all is well, but for what is changed; the domain has a key."""
    key = DKIMKeys(tmp_path / "data", selector="postroom").generate(DOMAIN, algorithm="ed25519")
    merged = {**GOOD, (f"{key.record_name}.", "TXT"): [f'"{key.record}"'], **change}
    return {name: records for name, records in merged.items() if records is not None}


async def test_dns_that_is_well(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    found = await look_up(tmp_path, make_zone(tmp_path, {}), DOMAIN, "example.test")
    assert [(one.level, one.what) for one in found] == [
        (Level.SKIPPED, "example.test: reserved for tests and examples (RFC 6761)"),
        (Level.OK, f"{DOMAIN}: mail comes in at mx.{DOMAIN}, SPF, DKIM, DMARC (quarantine)"),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "records", "level", "words"),
    [
        ("", "MX", [], Level.PROBLEM, "has no MX record"),
        ("", "MX", ["0 ."], Level.PROBLEM, "null MX"),
        ("", "MX", [f"5 gone.{DOMAIN}."], Level.PROBLEM, f"the exchanger gone.{DOMAIN} has no address"),
        ("", "MX", dns.rcode.REFUSED, Level.WARNING, "cannot be looked up"),
        ("", "TXT", [], Level.WARNING, "has no SPF record"),
        ("", "TXT", ['"v=spf1 -all"', '"V=SPF1 mx ~all"'], Level.PROBLEM, "2 SPF records"),
        ("", "TXT", ['"v=spf1 +all"'], Level.WARNING, "lets everybody send"),
        ("", "TXT", ['"v=spf1 mx"'], Level.WARNING, "says nothing of other senders"),
        ("postroom._domainkey.", "TXT", None, Level.PROBLEM, "signatures are not believed"),
        ("postroom._domainkey.", "TXT", ['"v=DKIM1; k=ed25519; p="'], Level.PROBLEM, "is revoked"),
        ("postroom._domainkey.", "TXT", ['"v=DKIM1; k=ed25519; p=AAAA"'], Level.PROBLEM, "another key"),
        ("_dmarc.", "TXT", None, Level.WARNING, "has no DMARC record"),
        ("_dmarc.", "TXT", ['"v=DMARC1"'], Level.PROBLEM, "has no policy"),
        ("_dmarc.", "TXT", ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], Level.PROBLEM, "2 DMARC records"),
    ],
)
async def test_dns_that_is_not(
    tmp_path: Path, *, name: str, kind: str, records: list[str] | None, level: Level, words: str
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    zone = make_zone(tmp_path, {(f"{name}{DOMAIN}.", kind): records})
    (found,) = await look_up(tmp_path, zone)
    assert (found.level, words in found.what) == (level, True), found
    assert DOMAIN in found.what


async def test_a_policy_from_above_and_mail_without_signature(tmp_path: Path) -> None:
    below = f"lists.{DOMAIN}"
    zone = {**GOOD, (f"{below}.", "MX"): [f"10 mx.{DOMAIN}."], (f"{below}.", "TXT"): ['"v=spf1 redirect=x"']}
    (found,) = await look_up(tmp_path, zone, below)
    assert (found.level, found.remedy) == (
        Level.WARNING,
        f"postroom dkim generate {below}, and publish what it prints",
    )


async def test_a_domain_that_is_not_there(tmp_path: Path) -> None:
    found = await look_up(tmp_path, {("x.", "A"): []})
    assert any("does not exist in DNS" in one.what for one in found)
    assert any("which this server calls itself, has no address" in one.what for one in found)


# The machine


async def test_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(tmp_path)
    monkeypatch.setattr(machine_checks, "TOO_LITTLE_BYTES", 1 << 60)
    (found,) = await find(config, "disk")
    assert found.level is Level.PROBLEM
    monkeypatch.undo()
    monkeypatch.setattr(machine_checks, "LITTLE_PART", 1.0)
    assert any("inodes" in one for one in troubles(await find(config, "disk")))


async def test_few_descriptors() -> None:
    (found,) = await find(Config(http=HTTPConfig(max_event_streams=50_000_000)), "descriptors")
    assert (found.level, "LimitNOFILE=50" in found.remedy) == (Level.WARNING, True)


def test_clocks() -> None:
    assert compare_clocks("x", 4).level is Level.OK
    assert compare_clocks("x", -4).level is Level.OK
    assert "90 seconds ahead of that of x" in compare_clocks("x", 90).what
    assert "90 seconds behind that of x" in compare_clocks("x", -90).what


# The command


def test_checks_that_hang_or_fail(tmp_path: Path) -> None:
    async def hang(_: Config) -> list[Finding]:
        await asyncio.sleep(60)
        return []

    async def block(_: Config) -> list[Finding]:
        time.sleep(3)  # noqa: ASYNC251 (it is what must not be done)
        return []

    async def fail(_: Config) -> list[Finding]:
        raise KeyError("odd")

    checks: dict[str, Check] = {"hang": hang, "block": block, "fail": fail}
    started = time.monotonic()
    report = examine(make_config(tmp_path), seconds=0.2, checks=checks)
    assert time.monotonic() - started < 2.5
    assert not report.is_complete
    assert [one.what for one in report.findings] == [
        "not done within 0.2 seconds",
        "not done within 0.2 seconds",
        "the check itself failed: KeyError: 'odd'",
    ]
    assert all(one.level is Level.PROBLEM for one in report.findings)


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postroom.toml").write_text(
        f'[http]\nlisten = "127.0.0.1:{find_free_port()}"\n[lmtp]\nlisten = ""\n'
    )

    def call_command(*arguments: str) -> tuple[int, str, str]:
        return run(build_app(), arguments), *capsys.readouterr()

    return call_command


def test_the_command(call: Call) -> None:
    status, out, _ = call("doctor")
    assert status == 1
    assert "problem  database      there is no database" in out
    assert "\x1b" not in out
    status, out, _ = call("doctor", "--json")
    told = json.loads(out)
    assert (status, told["ok"]) == (1, False)
    assert {"check", "level", "what", "remedy"} == set(told["findings"][0])
    assert {one["check"] for one in told["findings"]} == {"configuration", *CHECKS}


def test_a_configuration_that_cannot_be_read(call: Call, tmp_path: Path) -> None:
    (tmp_path / "postroom.toml").write_text('[http]\nlisten = "x"\nodd = 1\n')
    status, out, _ = call("doctor", "--json")
    told = json.loads(out)
    assert (status, [one["check"] for one in told["findings"]]) == (2, ["configuration"] * 2)
    assert call("doctor", "--timeout", "0")[0] == 2


async def test_colours_on_a_terminal(tmp_path: Path) -> None:
    """The command writes to a terminal, which the test is."""
    ours, its = os.openpty()
    environ = {**os.environ, "TERM": "xterm-256color"}
    environ.pop("NO_COLOR", None)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "postroom", "doctor", "--set", f"data_dir={tmp_path}/data"),
        *("--set", f"http.listen=127.0.0.1:{find_free_port()}", "--set", "lmtp.listen="),
        stdout=its,
        cwd=tmp_path,
        env=environ,
    )
    os.close(its)
    assert await asyncio.wait_for(child.wait(), 60) == 1
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux's way to say that nobody is left
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert b"\x1b[1;31mproblem" in said
