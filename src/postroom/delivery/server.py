"""The LMTP server: a listener on one address whose sessions speak LMTP."""

from functools import partial
from pathlib import Path

from postroom.delivery.limits import LMTPLimits
from postroom.delivery.listener import Listener, check_hostname
from postroom.delivery.lmtp import LMTPSession, LMTPSettings
from postroom.delivery.ports import Clock, Ingest
from postroom.delivery.stats import LMTPStats


async def start_lmtp(
    listen: str,
    *,
    ingest: Ingest,
    limits: LMTPLimits,
    hostname: str,
    spool_directory: Path,
    clock: Clock,
    stats: LMTPStats | None = None,
) -> "LMTPServer":
    """Listen on ``listen`` (``host:port``, ``[ipv6]:port`` or ``unix:/path``) and return the running server.

    Port 0 takes a free one; see :attr:`Listener.addresses`. Raises ``badListenAddress`` (INVALID) for what cannot
    be understood, ``badHostname`` (INVALID), and ``addressInUse`` (CONFLICT) where somebody else listens already.
    """
    check_hostname(hostname)
    settings = LMTPSettings(
        ingest=ingest,
        limits=limits,
        hostname=hostname,
        spool_directory=spool_directory,
        clock=clock,
        stats=stats or LMTPStats(),
    )
    server = LMTPServer(settings)
    await server.listen(listen, partial(LMTPSession, settings=settings))
    return server


class LMTPServer(Listener):
    """The listener and its sessions."""

    def __init__(self, settings: LMTPSettings) -> None:
        super().__init__(settings.limits, settings.stats)
        self.stats = settings.stats
        """The counters of this server."""
