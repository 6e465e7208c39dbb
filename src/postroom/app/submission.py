"""The submission server in the composition root: from its section of the configuration to a running server."""

from pathlib import Path

from postroom.app.services import Services
from postroom.config.root import Config
from postroom.config.submission import SubmissionConfig
from postroom.delivery.certificate import Certificate
from postroom.delivery.limits import SubmissionLimits
from postroom.delivery.stats import SubmissionStats
from postroom.delivery.submission import SubmissionSettings
from postroom.delivery.submission_server import SubmissionServer, start_submission
from postroom.domain.routing import Routing
from postroom.domain.submission import Submission


async def start_submission_server(
    config: Config, services: Services, stats: SubmissionStats, *, hostname: str
) -> SubmissionServer:
    """Return the running submission server; ``hostname`` is the default.

    Raises: badCertificate; badListenAddress; badHostname; addressInUse.
    """
    section = config.submission
    settings = SubmissionSettings(
        submission=make_submission(config, services),
        certificate=Certificate(Path(section.certificate), Path(section.key) if section.key else None),
        limits=_limits(section),
        hostname=section.hostname or hostname,
        spool_directory=config.data_dir / "spool",
        clock=services.clock.now,
        stats=stats,
    )
    return await start_submission(settings, starttls=section.listen, implicit_tls=section.listen_tls)


def make_submission(config: Config, services: Services) -> Submission:
    """Return the use cases of mail programs that send."""
    domain = services.domain
    return Submission(
        services.store,
        domain.logins,
        ingest=domain.ingest,
        routing=Routing(services.store, has_relay=bool(config.relay.host)),
        classes=config.classes,
        clock=services.clock,
    )


def _limits(section: SubmissionConfig) -> SubmissionLimits:
    return SubmissionLimits(
        max_message_bytes=section.max_message_bytes,
        max_connections=section.max_connections,
        max_connections_per_client=section.max_connections_per_client,
        login_timeout_seconds=section.login_timeout_seconds,
        command_timeout_seconds=section.command_timeout_seconds,
        data_timeout_seconds=section.data_timeout_seconds,
    )
