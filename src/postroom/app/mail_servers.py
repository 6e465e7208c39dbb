"""The servers that take mail, LMTP and submission: started together, and ended in order."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from postroom.app.services import Services
from postroom.config.lmtp import LMTPConfig
from postroom.config.root import Config
from postroom.delivery.certificate import Certificate
from postroom.delivery.limits import LMTPLimits
from postroom.delivery.listener import Listener
from postroom.delivery.ports import Ingest
from postroom.delivery.server import LMTPServer, start_lmtp
from postroom.delivery.stats import LMTPStats, SubmissionStats
from postroom.outgoing.machine_name import get_machine_name

if TYPE_CHECKING:
    from postroom.app.telemetry import Telemetry
    from postroom.delivery.submission_server import SubmissionServer


@dataclass(frozen=True)
class MailStats:
    """What the servers have seen."""

    lmtp: LMTPStats = field(default_factory=LMTPStats)
    submission: SubmissionStats = field(default_factory=SubmissionStats)


GRACE_SECONDS = 10
"""How long what is under way may take when the server ends."""


class MailServers:
    """The running servers, None for one that is off."""

    def __init__(self, lmtp: LMTPServer | None, submission: "SubmissionServer | None") -> None:
        self._servers: dict[str, Listener | None] = {"lmtp": lmtp, "submission": submission}
        self.certificate: Certificate | None = submission.certificate if submission is not None else None
        """That of submission."""

    @property
    def addresses(self) -> dict[str, list[str]]:
        """Where each server listens."""
        return {name: server.addresses if server else [] for name, server in self._servers.items()}

    async def close(self, grace_seconds: float) -> None:
        """Take no more, and give what is under way so much time; it may be called again."""
        running = [server for server in self._servers.values() if server is not None]
        await asyncio.gather(*(server.close(grace_seconds) for server in running))


@asynccontextmanager
async def open_mail_servers(
    config: Config,
    services: Services,
    stats: MailStats,
    *,
    grace_seconds: float = GRACE_SECONDS,
    telemetry: "Telemetry | None" = None,
) -> AsyncIterator[MailServers]:
    """Serve for the time of a block.

    In the end, what is under way may take ``grace_seconds``. Raises: addressInUse; badCertificate.
    """
    _empty_spool(config.data_dir / "spool")
    ingest: Ingest = services.domain.ingest
    if telemetry is not None:
        ingest = telemetry.around_ingest(ingest)
    lmtp = await _start_lmtp(config, ingest, stats.lmtp)
    try:
        servers = MailServers(lmtp, await _start_submission(config, services, stats.submission))
    except BaseException:
        if lmtp is not None:
            await lmtp.close(0)
        raise
    try:
        yield servers
    finally:
        await servers.close(grace_seconds)


async def _start_lmtp(config: Config, ingest: Ingest, stats: LMTPStats) -> LMTPServer | None:
    section = config.lmtp
    if not section.listen:
        return None
    spool = config.data_dir / "spool"
    return await start_lmtp(
        section.listen,
        ingest=ingest,
        limits=_lmtp_limits(section),
        hostname=section.hostname or get_machine_name(),
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

    return await start_submission_server(config, services, stats, hostname=get_machine_name())


def _lmtp_limits(section: LMTPConfig) -> LMTPLimits:
    return LMTPLimits(
        max_message_bytes=section.max_message_bytes,
        max_recipients=section.max_recipients,
        max_connections=section.max_connections,
        command_timeout_seconds=section.command_timeout_seconds,
        data_timeout_seconds=section.data_timeout_seconds,
    )


def _empty_spool(spool: Path) -> None:
    """Make the spool folder; what a crash has left there was never acknowledged."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in spool.iterdir():
        path.unlink(missing_ok=True)
