"""The submission server: a listener on several addresses, some with STARTTLS, some with TLS from the first byte."""

from collections.abc import Sequence
from functools import partial

from postroom.delivery.listener import Listener, check_hostname
from postroom.delivery.submission import SubmissionSession, SubmissionSettings


async def start_submission(
    settings: SubmissionSettings, *, starttls: Sequence[str], implicit_tls: Sequence[str]
) -> "SubmissionServer":
    """Listen on the addresses of both lists, in the form of :meth:`Listener.listen`; return the running server.

    Raises: badListenAddress; badHostname; addressInUse. Nothing listens then.
    """
    check_hostname(settings.hostname)
    server = SubmissionServer(settings)
    try:
        for addresses, is_implicit in ((starttls, False), (implicit_tls, True)):
            make_session = partial(SubmissionSession, settings=settings, implicit_tls=is_implicit)
            for address in addresses:
                await server.listen(address, make_session)
    except BaseException:
        await server.close(0)
        raise
    return server


class SubmissionServer(Listener):
    """The listener and its sessions."""

    def __init__(self, settings: SubmissionSettings) -> None:
        super().__init__(settings.limits, settings.stats)
        self.certificate = settings.certificate
        """What its connections get TLS with."""
        self.stats = settings.stats
        """The counters of this server."""
