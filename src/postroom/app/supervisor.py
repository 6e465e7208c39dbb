"""What runs the server is told how it is: systemd's protocol of notifications (sd_notify(3)).

A datagram to the socket that ``NOTIFY_SOCKET`` names, in lines of ``NAME=value``. With a watchdog set
(``WATCHDOG_USEC``), a sign of life leaves the event loop twice in its time: a loop that hangs sends none, and the
supervisor starts the server anew. Without a supervisor all of it does nothing, and what goes wrong is ignored: the
server is not to fail for it.

Source: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


class Supervisor:
    """Whoever started this process and wants to hear of it."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is one of Linux's abstract sockets.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds = _find_watchdog(environ)
        """A sign of life is wanted in this time; 0 for none."""

    def tell(self, *lines: str) -> None:
        """Send a notification."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(lines).encode(), self._address)

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell that something is read anew, for the time of a block."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self.tell(READY)

    async def keep_alive(self) -> None:
        """Send signs of life for as long as the event loop turns."""
        while self.watchdog_seconds:
            self.tell(ALIVE)
            await asyncio.sleep(self.watchdog_seconds / 2)


def _find_watchdog(environ: Mapping[str, str]) -> float:
    meant = environ.get("WATCHDOG_PID", "")
    text = environ.get("WATCHDOG_USEC", "")
    if (meant and meant != str(os.getpid())) or not text.isascii() or not text.isdigit():
        return 0.0
    return int(text) / 1_000_000
