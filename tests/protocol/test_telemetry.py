"""Traces: what a collector on loopback gets of requests, deliveries, transactions and attempts to send."""

import http.server
import json
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fixtures.factories import basic, make_message

from postroom.app import telemetry
from postroom.app.telemetry import open_telemetry
from postroom.bench.server import ServerProcess, add_account, find_free_port, run_postroom
from postroom.config.load import ConfigError, load
from postroom.config.telemetry import TelemetryConfig
from postroom.errors import PostroomError

ADDRESS, PASSWORD = "anna@example.test", "correct horse"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps the spans that it is sent; with a status other than 200 it takes none."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.spans: list[Span] = []
        self.calls = 0
        self.service = ""

    def find(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        if self.server.status == 200:
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for attribute in resource.resource.attributes:
                    if attribute.key == "service.name":
                        self.server.service = attribute.value.string_value
                for scope in resource.scope_spans:
                    self.server.spans += scope.spans
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    with Collector(status) as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@contextmanager
def serving(folder: Path, endpoint: str, *, percent: int = 100) -> Iterator[httpx.Client]:
    """Run a server with an account that sends its traces somewhere; all have left when it is over."""
    http_listen, lmtp = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
    path = folder / "postroom.toml"
    path.write_text(
        f'data_dir = "{folder}/data"\n[http]\nlisten = "{http_listen}"\n[lmtp]\nlisten = "{lmtp}"\n'
        f'[telemetry]\notlp_endpoint = "{endpoint}"\nsample_percent = {percent}\n[sending]\nundo_seconds = 0\n'
        "[auth]\nargon2_time_cost = 1\nargon2_memory_kib = 8\n"
    )
    run_postroom("domain", "add", "example.test", config_path=path)
    add_account(ADDRESS, PASSWORD, config_path=path)
    with (
        ServerProcess(path, listen=http_listen, log_path=folder / "log"),
        httpx.Client(
            base_url=f"http://{http_listen}", headers={"Authorization": basic(ADDRESS, PASSWORD)}
        ) as client,
    ):
        yield client
        host, _, port = lmtp.partition(":")
        with smtplib.LMTP(host, int(port)) as deliverer:
            deliverer.sendmail("berta@other.test", [ADDRESS], make_message())


def attributes(span: Span) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = getattr(one.value, kind) if kind else None
    return found


def test_spans(tmp_path: Path) -> None:
    with collecting() as collector:
        with serving(tmp_path, f"http://127.0.0.1:{collector.server_port}/") as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            answer = client.get("/api/v1/folders?secret=1", headers=headers)
            assert answer.status_code == 200
            assert client.get("/api/v1/mails/counters").json() == {"unreadCount": 0}
            assert client.get("/api/v1/mails/MV8yXzk5", headers=headers).status_code == 404
            sent = client.post("/api/v1/mails/send", json={"to": ADDRESS, "subject": "x", "bodyText": "y"})
            assert sent.status_code == 200, sent.text
            until = time.monotonic() + 20
            while client.get("/api/v1/mails/counters").json() != {"unreadCount": 1}:
                assert time.monotonic() < until
                time.sleep(0.05)
        assert collector.service == "postroom"
        (listed,) = collector.find("GET /api/v1/folders")
        assert (listed.trace_id.hex(), listed.parent_span_id.hex()) == (TRACE, PARENT)
        facts = attributes(listed)
        assert (facts["http.route"], facts["http.response.status_code"]) == ("/api/v1/folders", 200)
        assert facts["postroom.request_id"] == answer.headers["x-request-id"]
        assert listed.kind == Span.SPAN_KIND_SERVER
        assert collector.find("GET /api/v1/mails/counters")
        (delivered,) = collector.find("deliver")
        assert attributes(delivered)["postroom.delivered"] == 1
        (posted,) = collector.find("POST /api/v1/mails/send")
        inside = [span for span in collector.find("transaction") if span.parent_span_id == posted.span_id]
        assert inside
        assert all(span.trace_id == posted.trace_id for span in inside)
        # One that several deliveries may share is none's own.
        assert [span for span in collector.find("transaction") if not span.parent_span_id]
        assert [attributes(span)["postroom.destination"] for span in collector.find("send")] == ["local"]
        told = "".join(str(span) for span in collector.spans)
        for secret in ("anna", "berta", "secret=1", PASSWORD, "Hello"):
            assert secret not in told
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("status", [0, 503])
def test_a_collector_that_does_not_work(tmp_path: Path, status: int) -> None:
    """The server does not suffer, and ends in time."""
    with collecting(status or 200) as collector:
        port = collector.server_port if status else find_free_port()
        with serving(tmp_path, f"http://127.0.0.1:{port}") as client:
            assert client.get("/api/v1/folders").status_code == 200
            started = time.monotonic()
        assert time.monotonic() - started < 25
        assert bool(collector.calls) == bool(status)


def test_what_is_not_sampled(tmp_path: Path) -> None:
    with collecting() as collector:
        with serving(tmp_path, f"http://127.0.0.1:{collector.server_port}", percent=0) as client:
            client.get("/api/v1/folders")
            client.get("/healthz", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


def test_nothing_is_loaded_where_there_is_no_collector() -> None:
    assert open_telemetry(TelemetryConfig()) is None
    program = "import sys, json, postroom.app.serve; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [name for name in json.loads(done.stdout) if name.startswith(("opentelemetry", "requests"))]


def test_packages_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(telemetry, "import_module", find_nothing)
    with pytest.raises(PostroomError, match=r"pip install 'postroom\[telemetry\]'"):
        open_telemetry(TelemetryConfig(otlp_endpoint="http://127.0.0.1:4318"))


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:4318", "http://", "http://x/?y=1"])
def test_endpoints_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="must be a URL"):
        load(environ={}, flags={"telemetry.otlp_endpoint": url})
