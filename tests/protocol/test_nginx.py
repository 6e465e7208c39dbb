"""contrib/nginx/postroom.conf in a real nginx before a real server: addresses, scheme, ids, events, uploads."""

import contextlib
import json
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.api.test_https import make_certificate
from tests.fixtures.factories import basic, make_message

from postroom.bench.server import ServerProcess, add_account, find_free_port, run_postroom

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
EXAMPLE = Path(__file__).parents[2] / "contrib" / "nginx" / "postroom.conf"
ADDRESS, PASSWORD = "anna@example.test", "correct horse"
SOON_SECONDS = 20.0

pytestmark = [
    pytest.mark.nginx,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light"),
]


@dataclass
class Site:
    """A server behind nginx."""

    folder: Path
    port: int
    plain_port: int

    def find(self, request_id: str) -> dict[str, object]:
        """Return the line of a request in the server's log, which comes behind the answer."""
        until = time.monotonic() + SOON_SECONDS
        while True:
            for line in (self.folder / "postroom.log").read_text().splitlines():
                if request_id in line:
                    found: dict[str, object] = json.loads(line)
                    return found
            assert time.monotonic() < until
            time.sleep(0.02)

    def client(self, local_address: str = "127.0.0.1") -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        transport = httpx.HTTPTransport(verify=context, local_address=local_address)
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            transport=transport,
            headers={"Authorization": basic(ADDRESS, PASSWORD)},
        )


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The example, with nothing changed but ports and paths."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-", dir="/tmp"))
    backend, tls, plain = (find_free_port() for _ in range(3))
    make_certificate(folder, "mail.example.com")
    (folder / "postroom.toml").write_text(
        f'data_dir = "{folder}/data"\n[http]\nlisten = "127.0.0.1:{backend}"\n'
        f'trusted_proxies = ["127.0.0.1"]\n[lmtp]\nlisten = "unix:{folder}/lmtp"\n[logging]\nlevel = "debug"\n'
        "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
    )
    _write_nginx(folder, backend=backend, tls=tls, plain=plain)
    run_postroom("domain", "add", "example.test", config_path=folder / "postroom.toml")
    add_account(ADDRESS, PASSWORD, config_path=folder / "postroom.toml")
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with ServerProcess(
        folder / "postroom.toml", listen=f"127.0.0.1:{backend}", log_path=folder / "postroom.log"
    ):
        nginx = subprocess.Popen(command)
        try:
            made = Site(folder, tls, plain)
            _wait_until_ready(made)
            yield made
        finally:
            nginx.terminate()
            nginx.wait(20)
    shutil.rmtree(folder)


def _write_nginx(folder: Path, *, backend: int, tls: int, plain: int) -> None:
    text = EXAMPLE.read_text("utf-8")
    changes = {
        "server 127.0.0.1:8080": f"server 127.0.0.1:{backend}",
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "listen 443": f"listen 127.0.0.1:{tls}",
        "/var/log/nginx/postroom.log": f"{folder}/postroom-access.log",
        "/etc/letsencrypt/live/mail.example.com/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/letsencrypt/live/mail.example.com/privkey.pem": f"{folder}/key.pem",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/access.log;\n{paths}\n{text}\n}}\n"
    )


def _wait_until_ready(site: Site) -> None:
    until = time.monotonic() + SOON_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError), site.client() as client:
            assert client.get("/readyz").status_code == 200
            return
        assert time.monotonic() < until
        time.sleep(0.05)


def test_addresses_scheme_and_ids(site: Site) -> None:
    forged = {
        "X-Forwarded-For": "192.0.2.99",
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=192.0.2.99",
        "X-Request-Id": "forged",
    }
    with site.client("127.0.0.5") as client:
        answer = client.get("/api/v1/folders", headers=forged)
    assert answer.status_code == 200
    assert "strict-transport-security" in answer.headers
    request_id = answer.headers["x-request-id"]
    assert len(request_id) == 32
    line = site.find(request_id)
    assert (line["client"], line["path"]) == ("127.0.0.5", "/api/v1/folders")


def test_plain_http_and_figures(site: Site) -> None:
    answer = httpx.get(
        f"http://127.0.0.1:{site.plain_port}/api/v1/folders", headers={"Host": "mail.example.com"}
    )
    assert (answer.status_code, answer.headers["location"]) == (
        308,
        "https://mail.example.com/api/v1/folders",
    )
    with site.client() as client:
        assert client.get("/metrics").status_code == 404


def test_sessions_are_not_logged(site: Site) -> None:
    with site.client() as client:
        client.get("/api/v1/folders", params={"_h": "a-session"})
    # The line comes behind the answer.
    until = time.monotonic() + SOON_SECONDS
    while "GET /api/v1/folders HTTP" not in (lines := (site.folder / "postroom-access.log").read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert "a-session" not in lines
    # What the whole of nginx logs has nothing of this server.
    assert (site.folder / "access.log").read_text() == ""


def test_uploads(site: Site) -> None:
    with site.client() as client:
        session = {"X-Axigen-Session": client.post("/api/v1/login").json()["sessid"]}
        large = {"file": ("large.bin", b"x" * 20_000_000, "application/octet-stream")}
        assert client.post("/api/v1/temporaryAttachments", files=large, headers=session).status_code == 200
        huge = {"file": ("huge.bin", b"x" * 53_000_000, "application/octet-stream")}
        answer = client.post("/api/v1/temporaryAttachments", files=huge, headers=session, timeout=60)
        # It is Postroom that says so, in its own form.
        assert (answer.status_code, answer.json()["errorCode"]) == (413, "payloadTooLarge")


def test_events_come_at_once(site: Site) -> None:
    with site.client() as client, client.stream("GET", "/api/v1/events", timeout=SOON_SECONDS) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if '"unreadCount":' in line)
        _deliver(site)
        assert next(line for line in lines if '"totalItems":' in line)


def _deliver(site: Site) -> None:
    with smtplib.LMTP(f"{site.folder}/lmtp") as client:
        client.sendmail("berta@other.test", [ADDRESS], make_message())
