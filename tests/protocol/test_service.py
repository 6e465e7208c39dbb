"""``postroom serve`` as a service: what its supervisor hears, renewed certificates, and restarts under load."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from tests.api.test_https import make_certificate
from tests.fixtures.factories import basic, make_message

from postroom.app.supervisor import Supervisor
from postroom.bench.server import add_account, find_free_port, run_postroom

# The server is a process of its own, with the loop of its choice.
one_loop = pytest.mark.asyncio(loop_factories=["uvloop"])

SOON_SECONDS = 30.0
ADDRESS, PASSWORD = "anna@example.test", "correct horse"
UNIT = Path(__file__).parents[2] / "contrib" / "systemd" / "postroom.service"
CONTAINER = Path(__file__).parents[2] / "contrib" / "container" / "Containerfile"
RESTARTS = 3


class Heard:
    """A socket that notifications come to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    async def until(self, line: str) -> None:
        """Wait for a line that has not been waited for."""
        async with asyncio.timeout(SOON_SECONDS):
            while line not in self.lines:
                with contextlib.suppress(BlockingIOError):
                    self.lines += self._socket.recv(4096).decode().split("\n")
                await asyncio.sleep(0.01)
        del self.lines[: self.lines.index(line) + 1]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for unix sockets."""
    made = Path(tempfile.mkdtemp(prefix="service-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


class Service:
    """A server with an account, that is started and ended by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.submission = find_free_port(), find_free_port()
        self.process: asyncio.subprocess.Process
        make_certificate(folder, "first")
        self.config = folder / "postroom.toml"
        self.config.write_text(
            f'data_dir = "{folder}/data"\n[http]\nlisten = "127.0.0.1:{self.http}"\n'
            f'[lmtp]\nlisten = "unix:{folder}/lmtp"\n'
            f'[submission]\nlisten_tls = ["127.0.0.1:{self.submission}"]\n'
            f'certificate = "{folder}/certificate.pem"\nkey = "{folder}/key.pem"\n'
            "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
        )

    def add_account(self) -> None:
        run_postroom("domain", "add", "example.test", config_path=self.config)
        add_account(ADDRESS, PASSWORD, config_path=self.config)

    @asynccontextmanager
    async def running(self, **environ: str) -> AsyncIterator[None]:
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "postroom", "serve", "--config", str(self.config)),
                stderr=log,
                env={**os.environ, **environ},
            )
        try:
            yield
        finally:
            if self.process.returncode is None:
                self.process.terminate()
            async with asyncio.timeout(SOON_SECONDS):
                assert await self.process.wait() == 0

    def try_to_start(self, setting: str) -> tuple[int, str]:
        """Return how a server ends that cannot start, and what it says last."""
        ended = subprocess.run(
            (sys.executable, "-m", "postroom", "serve", "--config", str(self.config), "--set", setting),
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * SOON_SECONDS,
        )
        return ended.returncode, ended.stderr.splitlines()[-1]

    async def get_common_name(self) -> str:
        """Return the name in the certificate of the submission server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", self.submission, ssl=context)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        found = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(found[0].value)


@one_loop
async def test_what_the_supervisor_hears(folder: Path) -> None:
    service = Service(folder)
    heard = Heard(folder / "notify")
    environ = {"NOTIFY_SOCKET": str(heard.path), "WATCHDOG_USEC": "200000"}
    async with service.running(**environ):
        await heard.until("READY=1")
        for _ in range(3):
            await heard.until("WATCHDOG=1")
        assert await service.get_common_name() == "first"
        make_certificate(folder, "second")
        service.process.send_signal(signal.SIGHUP)
        await heard.until("RELOADING=1")
        await heard.until("READY=1")
        assert await service.get_common_name() == "second"
        service.process.terminate()
        await heard.until("STOPPING=1")
    heard.close()


def test_a_process_without_a_supervisor() -> None:
    for environ in ({}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "@nobody-at-all"}):
        supervisor = Supervisor(environ)
        supervisor.tell("READY=1")
        assert supervisor.watchdog_seconds == 0
    assert Supervisor({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog_seconds == 0
    assert Supervisor({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_seconds == 3


# Restarts under load


class Load:
    """Clients that deliver, write and read all the time, and note what was acknowledged."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.numbers = itertools.count(1)
        self.delivered: list[str] = []
        self.made: list[str] = []
        self.reads = 0
        self.half: list[bytes] = []
        self.refused = 0
        self.is_over = False

    def deliver(self) -> None:
        """Deliver mail after mail, in a thread."""
        while not self.is_over:
            subject = f"delivery {next(self.numbers)}"
            try:
                with smtplib.LMTP(str(self.service.folder / "lmtp")) as client:
                    for _ in range(5):
                        subject = f"delivery {next(self.numbers)}"
                        client.sendmail("berta@other.test", [ADDRESS], make_message(subject=subject))
                        self.delivered.append(subject)
            except (OSError, smtplib.SMTPException):
                self.refused += 1

    async def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return status and body, 0 where nothing at all came; notes what comes by halves."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.service.http)
        except OSError:
            return 0, b""
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: application/json\r\nAuthorization: {basic(ADDRESS, PASSWORD)}\r\n\r\n".encode()
            + body
        )
        answer = b""
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                answer += piece
        writer.close()
        if not answer:
            return 0, b""
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")),
            -1,
        )
        if length != len(rest):
            self.half.append(answer[:300])
        return int(head.split()[1]), rest

    async def write(self) -> None:
        while not self.is_over:
            name = f"folder {next(self.numbers)}"
            status, _ = await self.call("POST", "/api/v1/folders", json.dumps({"name": name}).encode())
            if status in {200, 201}:
                self.made.append(name)
            else:
                await asyncio.sleep(0.01)

    async def read(self) -> None:
        while not self.is_over:
            status, _ = await self.call("GET", "/api/v1/mails?folderId=1_2&limit=200")
            self.reads += status == 200
            if status != 200:
                await asyncio.sleep(0.01)

    async def until_something(self) -> None:
        """Wait until each kind of client has had its success once more."""
        before = (len(self.delivered), len(self.made), self.reads)
        async with asyncio.timeout(SOON_SECONDS):
            while any(  # noqa: ASYNC110 (threads are among them)
                new <= old
                for new, old in zip((len(self.delivered), len(self.made), self.reads), before, strict=True)
            ):
                await asyncio.sleep(0.02)


@one_loop
async def test_restarts_under_load(folder: Path) -> None:
    service = Service(folder)
    service.add_account()
    load = Load(service)
    clients = [asyncio.create_task(one()) for one in (load.write, load.write, load.read, load.read)]
    clients += [asyncio.create_task(asyncio.to_thread(load.deliver)) for _ in range(2)]
    try:
        for _ in range(RESTARTS):
            async with service.running():
                await load.until_something()
        load.is_over = True
        await asyncio.gather(*clients)
        async with service.running():
            async with asyncio.timeout(SOON_SECONDS):
                while (await load.call("GET", "/readyz"))[0] != 200:  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.02)
            subjects: set[str] = set()
            while True:
                path = f"/api/v1/mails?folderId=1_2&limit=200&start={len(subjects)}&sort=date"
                page = json.loads((await load.call("GET", path))[1])["items"]
                if not page:
                    break
                subjects |= {mail["subject"] for mail in page}
            folders = json.loads((await load.call("GET", "/api/v1/folders"))[1])["items"]
    finally:
        load.is_over = True
        await asyncio.gather(*clients, return_exceptions=True)
    assert load.half == []
    assert load.refused
    assert set(load.delivered) <= subjects
    assert set(load.made) <= {one["name"] for one in folders}
    assert b"Traceback" not in (folder / "log").read_bytes()


# The unit


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed: apt-get install systemd"
)
def test_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    unit = tmp_path / "postroom.service"
    unit.write_text(text.replace("/opt/postroom/bin/postroom", sys.executable))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_what_is_not_started_again(folder: Path) -> None:
    """A server that somebody must put right first ends with the status that the unit names, all others do not."""
    _, _, prevented = UNIT.read_text("utf-8").partition("\nRestartPreventExitStatus=")
    wrong = int(prevented.partition("\n")[0])
    service = Service(folder)
    status, told = service.try_to_start("lmtp.listen=x")
    assert status == wrong
    assert told.startswith("postroom: lmtp.listen: must be an address such as ")
    assert service.try_to_start("http.no_such=1")[0] == wrong
    assert service.try_to_start(f"http.tls_certificate={folder}/gone.pem")[0] == wrong
    assert service.try_to_start("store.url=postgresql://127.0.0.1:1/postroom")[0] not in {0, wrong}
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"http.listen=127.0.0.1:{other.getsockname()[1]}"
        status, told = service.try_to_start(taken)
    assert status not in {0, wrong}
    assert told.startswith("postroom: cannot listen on 127.0.0.1:")
    (folder / "data" / "server.key").write_text("damaged\n")
    assert service.try_to_start("helpers=0")[0] == wrong


def find_health_check() -> list[str]:
    """Return the command by which a container looks whether its server is well."""
    text = CONTAINER.read_text("utf-8").replace("\\\n", "")
    (line,) = [line for line in text.splitlines() if line.startswith("HEALTHCHECK")]
    program, *arguments = json.loads(line.partition("CMD ")[2])
    assert program == "python"
    return [sys.executable, *arguments]


@one_loop
async def test_the_health_check_of_the_container(folder: Path) -> None:
    """It finds the server at its port, with TLS and without, and finds out that there is none."""
    service = Service(folder)
    certificate = {
        "POSTROOM_HTTP__TLS_CERTIFICATE": f"{folder}/certificate.pem",
        "POSTROOM_HTTP__TLS_KEY": f"{folder}/key.pem",
    }

    async def look(**environ: str) -> int:
        child = await asyncio.create_subprocess_exec(
            *find_health_check(), cwd=folder, env={**os.environ, **environ}, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(SOON_SECONDS):
            return await child.wait()

    assert await look() != 0
    for environ in ({}, certificate):
        heard = Heard(folder / "notify")
        async with service.running(NOTIFY_SOCKET=str(heard.path), **environ):
            await heard.until("READY=1")
            assert await look(**environ) == 0
        heard.close()
        heard.path.unlink()


PR_SET_MDWE = 65


@one_loop
async def test_memory_is_never_writable_and_executable(folder: Path) -> None:
    """What MemoryDenyWriteExecute= forbids, the kernel forbids here: the server runs, helpers and TLS included."""
    service = Service(folder)
    service.add_account()
    program = (
        "import ctypes, os, sys\n"
        f"if ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0): sys.exit(77)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'postroom', *sys.argv[1:]])"
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "serve", "--config", str(service.config))
    )
    try:
        load = Load(service)
        async with asyncio.timeout(SOON_SECONDS):
            while (await load.call("GET", "/readyz"))[0] != 200:
                if child.returncode == 77:
                    pytest.skip("the kernel has no PR_SET_MDWE (Linux 6.3)")
                await asyncio.sleep(0.02)

        def deliver() -> None:
            with smtplib.LMTP(f"{folder}/lmtp") as client:
                message = make_message(body="long lines\r\n" * 50_000)
                client.sendmail("berta@other.test", [ADDRESS], message)

        await asyncio.to_thread(deliver)
        assert len(json.loads((await load.call("GET", "/api/v1/mails?folderId=1_2"))[1])["items"]) == 1
        assert await service.get_common_name() == "first"
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()
