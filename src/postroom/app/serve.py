"""``postroom serve``: everything in one process and one event loop, until a signal ends it.

SIGHUP has the certificates and the server keys read again at once; both are noticed without it, the first within a
minute, the second when they are needed.

Shutdown loses nothing: all listeners close first, answers and deliveries under way get a grace time, and the store is
closed last. Who runs the server is told how it is (:mod:`postroom.app.supervisor`).
"""

import asyncio
import contextlib
import ctypes
import gc
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp
from prometheus_client import ProcessCollector

from postroom.api.build import build_api
from postroom.api.protocol import make_protocol
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.app.bimi import running_bimi
from postroom.app.exposed import find_exposed
from postroom.app.extraction import running_extraction
from postroom.app.housekeeping import list_jobs
from postroom.app.https import open_certificate
from postroom.app.logs import configure_logs
from postroom.app.mail_servers import GRACE_SECONDS, MailStats, open_mail_servers
from postroom.app.metrics import ServiceCollector, SubmissionCollector
from postroom.app.queue import running_queue
from postroom.app.services import Services, open_services
from postroom.app.supervisor import READY, STOPPING, Supervisor
from postroom.app.telemetry import running_telemetry
from postroom.config.options import UnixAddress, parse_listen
from postroom.config.root import Config
from postroom.delivery.certificate import Certificate
from postroom.delivery.listener import remove_stale_socket
from postroom.errors import Kind, PostroomError

BACKLOG = 4096
MAX_DESCRIPTORS = 65_536
_M_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h: how many heaps there may be."""
KEEP_ALIVE_SECONDS = 75

_log = structlog.get_logger("postroom")


class _HTTPServer(uvicorn.Server):
    """uvicorn without its own signal handlers: the composition root ends everything in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises: addressInUse, badCertificate, badKeyFile, serverKeyMissing, schemaTooNew, schemaChanged, unavailable.
    """
    configure_logs(config.logging)
    _raise_descriptor_limit()
    _share_one_heap()
    certificate = open_certificate(config.http)
    for exposed in find_exposed(config):
        _log.warning("exposed_file", path=str(exposed.path), problem=exposed.problem, remedy=exposed.remedy)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, certificate))


async def _serve(config: Config, certificate: Certificate | None) -> None:
    stopping = _await_signals()
    supervisor = Supervisor()
    async with (
        running_telemetry(config.telemetry) as telemetry,
        open_services(config, telemetry=telemetry) as services,
    ):
        mail_stats = MailStats()
        api_stats = APIStats()
        collector = ServiceCollector(services, mail_stats.lmtp)
        ProcessCollector(registry=api_stats.registry)
        async with (
            open_mail_servers(config, services, mail_stats, telemetry=telemetry) as mail,
            running_queue(config, services, telemetry=telemetry) as queue,
            running_extraction(config.extraction, services) as extraction,
            running_bimi(config, services) as bimi,
        ):
            submissions = SubmissionCollector(mail_stats.submission)
            for one in (collector, submissions, queue, extraction, bimi):
                api_stats.registry.register(one)
            listener = open_listener(config.http.listen)
            app = build_api(services.domain, _make_settings(config), api_stats)
            traced = app if telemetry is None else telemetry.around_http(app)
            http = _make_http(config, traced, certificate=certificate)
            certificates = [one for one in (certificate, mail.certificate) if one is not None]
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, _read_again, services, certificates, supervisor
            )
            serving = asyncio.create_task(http.serve(sockets=[listener]))
            jobs = [
                asyncio.create_task(job)
                for job in (*list_jobs(services, config, collector), supervisor.keep_alive())
            ]
            _log.info("serving", http=config.http.listen, **mail.addresses)
            supervisor.tell(READY)
            _keep_what_is_made()
            await _until_stopped(stopping, serving)
            _log.info("stopping")
            supervisor.tell(STOPPING)
            for job in jobs:
                job.cancel()
            # Answers that would never end are ended first, or the server would wait for them.
            services.domain.news.close()
            http.should_exit = True
            await asyncio.gather(serving, mail.close(GRACE_SECONDS))
            await asyncio.gather(*jobs, return_exceptions=True)
    _log.info("stopped")


def _await_signals() -> asyncio.Event:
    """Return what is set when the server is told to stop."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def _keep_what_is_made() -> None:
    """Let the garbage collector begin, with what comes from here on.

    What start-up has made stays for good: the collector need not look at it, now or ever. What of it is garbage takes
    no page by itself.
    """
    gc.freeze()
    gc.enable()


def _raise_descriptor_limit() -> None:
    """Let as many files be open as the system allows: event streams and connections are files, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _share_one_heap() -> None:
    """Have all threads take memory from one heap: each heap of a thread's own keeps what its busiest moment took.

    Source: mallopt(3). Other C libraries have no such choice.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _read_again(services: Services, certificates: Sequence[Certificate], supervisor: Supervisor) -> None:
    with supervisor.reloading():
        services.secrets.reload()
        for certificate in certificates:
            certificate.look_again()


async def _until_stopped(stopping: asyncio.Event, serving: "asyncio.Task[None]") -> None:
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def open_listener(listen: str) -> socket.socket:
    """Return a listening socket; answers leave at once (TCP_NODELAY). Raises: addressInUse."""
    address = parse_listen(listen)
    if isinstance(address, UnixAddress):
        family = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if isinstance(address, UnixAddress):
            remove_stale_socket(Path(address.path))
            listener.bind(address.path)
            Path(address.path).chmod(0o660)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PostroomError(
            Kind.CONFLICT,
            "addressInUse",
            f"cannot listen on {listen} (http.listen): {error.strerror or error}",
        ) from error
    return listener


def _make_settings(config: Config) -> APISettings:
    section = config.http
    return APISettings(
        max_json_bytes=section.max_json_bytes,
        max_upload_bytes=section.max_upload_bytes,
        max_header_bytes=section.max_header_bytes,
        metrics_networks=section.metrics_networks,
        secure_cookies=not section.is_plain_on_loopback,
        proxy_networks=section.trusted_proxy_networks,
        trusts_unix=section.trusts_unix,
        forwarded_header=section.forwarded_header,
        hsts_seconds=section.hsts_seconds,
        web_client=section.web_client,
        log_requests=config.logging.level == "debug",
    )


def _make_http(config: Config, app: ASGIApp, *, certificate: Certificate | None) -> _HTTPServer:
    return _HTTPServer(
        uvicorn.Config(
            app,
            http=make_protocol(config.http.max_header_bytes),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ssl_context_factory=None if certificate is None else lambda *_: certificate.lasting_context(),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=BACKLOG,
        )
    )
