"""The servers that take mail, LMTP and submission: started together, and ended in order."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from postroom.app.services import Services
from postroom.config.lmtp import LMTPConfig
from postroom.config.root import Config
from postroom.delivery.limits import LMTPLimits
from postroom.delivery.listener import Listener
from postroom.delivery.server import LMTPServer, start_lmtp
from postroom.delivery.stats import LMTPStats, SubmissionStats

if TYPE_CHECKING:
    from postroom.delivery.submission_server import SubmissionServer


@dataclass(frozen=True)
class MailStats:
    """What the servers have seen."""

    lmtp: LMTPStats = field(default_factory=LMTPStats)
    submission: SubmissionStats = field(default_factory=SubmissionStats)


@asynccontextmanager
async def open_mail_servers(
    config: Config, services: Services, stats: MailStats, *, grace_seconds: float
) -> AsyncIterator[dict[str, list[str]]]:
    """Serve for the time of a block; gives the addresses of each server, none where it is off.

    In the end, what is under way may take ``grace_seconds``. Raises: addressInUse; badCertificate.
    """
    _empty_spool(config.data_dir / "spool")
    servers: dict[str, Listener | None] = {}
    try:
        servers["lmtp"] = await _start_lmtp(config, services, stats.lmtp)
        servers["submission"] = await _start_submission(config, services, stats.submission)
        yield {name: server.addresses if server is not None else [] for name, server in servers.items()}
    finally:
        running = [server for server in servers.values() if server is not None]
        await asyncio.gather(*(server.close(grace_seconds) for server in running))


async def _start_lmtp(config: Config, services: Services, stats: LMTPStats) -> LMTPServer | None:
    section = config.lmtp
    if not section.listen:
        return None
    spool = config.data_dir / "spool"
    return await start_lmtp(
        section.listen,
        ingest=services.domain.ingest,
        limits=_lmtp_limits(section),
        hostname=section.hostname or _machine_name(),
        spool_directory=spool,
        clock=time.time,
        stats=stats,
    )


async def _start_submission(
    config: Config, services: Services, stats: SubmissionStats
) -> "SubmissionServer | None":
    if not config.submission.is_on:
        return None
    from postroom.app.submission import start_submission_server  # noqa: PLC0415 (most servers have none)

    return await start_submission_server(config, services, stats, hostname=_machine_name())


def _lmtp_limits(section: LMTPConfig) -> LMTPLimits:
    return LMTPLimits(
        max_message_bytes=section.max_message_bytes,
        max_recipients=section.max_recipients,
        max_connections=section.max_connections,
        command_timeout_seconds=section.command_timeout_seconds,
        data_timeout_seconds=section.data_timeout_seconds,
    )


def _machine_name() -> str:
    name = socket.getfqdn()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "localhost"


def _empty_spool(spool: Path) -> None:
    """Make the spool folder; what a crash has left there was never acknowledged."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in spool.iterdir():
        path.unlink(missing_ok=True)
