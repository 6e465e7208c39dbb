"""The LMTP listener: a TCP address or a unix socket, its connections, and their orderly end."""

import asyncio
import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import Final

import structlog

from postroom.delivery import replies
from postroom.delivery.addresses import is_domain
from postroom.delivery.limits import LMTPLimits
from postroom.delivery.lmtp import LMTPSession, LMTPSettings
from postroom.delivery.ports import Clock, Ingest
from postroom.delivery.replies import render_reply
from postroom.delivery.stats import LMTPStats
from postroom.delivery.wire import Wire
from postroom.errors import Kind, PostroomError

_log: Final = structlog.get_logger(__name__)

_BACKLOG: Final = 256
_CUT_SECONDS: Final = 1.0
"""After the grace time, how long clients that keep us waiting have for reading their 421."""
_UNIX_SOCKET_UMASK: Final = 0o117
"""Leaves 0660: for the user and the group only, from the moment the socket exists."""


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

    Port 0 takes a free one; see :attr:`LMTPServer.addresses`. Raises ``badListenAddress`` (INVALID) for what cannot
    be understood, ``badHostname`` (INVALID), and ``addressInUse`` (CONFLICT) where somebody else listens already.
    """
    if not (hostname.isascii() and is_domain(hostname)):
        raise PostroomError(Kind.INVALID, "badHostname", f"{hostname!r} is not a domain name in ASCII form")
    settings = LMTPSettings(
        ingest=ingest,
        limits=limits,
        hostname=hostname,
        spool_directory=spool_directory,
        clock=clock,
        stats=stats or LMTPStats(),
    )
    server = LMTPServer(settings)
    await server.listen(listen)
    return server


class LMTPServer:
    """A listener and its sessions."""

    def __init__(self, settings: LMTPSettings) -> None:
        self._settings = settings
        self._sessions: dict[Wire, LMTPSession] = {}
        self._drivers: dict[asyncio.Task[None], Wire] = {}
        self._server: asyncio.Server
        self.addresses: list[str] = []
        """Where the server listens, in the form that ``listen`` takes, with real port numbers."""
        self._unix_path: Path | None = None
        self._unix_inode = 0
        self._closing = False

    @property
    def stats(self) -> LMTPStats:
        """Return the counters of this server."""
        return self._settings.stats

    async def listen(self, listen: str) -> None:
        """Open the listening socket; see :func:`start_lmtp`."""
        loop = asyncio.get_running_loop()
        try:
            if listen.startswith("unix:"):
                sock = self._bind_unix(Path(listen.removeprefix("unix:")))
                self._server = await loop.create_unix_server(self._accept, sock=sock, backlog=_BACKLOG)
                self.addresses = [listen]
            else:
                host, port = _parse_host_and_port(listen)
                self._server = await loop.create_server(self._accept, host, port, backlog=_BACKLOG)
                self.addresses = [_render_host_and_port(sock.getsockname()) for sock in self._server.sockets]
        except OSError as error:
            raise PostroomError(
                Kind.CONFLICT, "addressInUse", f"Cannot listen on {listen}: {error.strerror or error}"
            ) from error

    async def close(self, grace_seconds: float) -> None:
        """Stop accepting, tell idle clients 421, let open transactions end within ``grace_seconds``, then cut.

        A delivery that is still running when the grace is over is cancelled; its client was told nothing.
        """
        self._closing = True
        self._server.close()
        self._remove_unix_socket()
        for session in self._sessions.values():
            session.stop()
        await self._wait_for_drivers(grace_seconds)
        for wire in self._drivers.values():
            wire.stop()
        await self._wait_for_drivers(_CUT_SECONDS)
        for driver in self._drivers:
            driver.cancel()
        await self._wait_for_drivers(None)
        # Closed transports tell so in the next round of the event loop.
        await asyncio.sleep(0)

    async def _wait_for_drivers(self, timeout_seconds: float | None) -> None:
        if self._drivers:
            await asyncio.wait(list(self._drivers), timeout=timeout_seconds)

    # Connections.

    def _accept(self) -> Wire:
        return Wire(self._connected, input_buffer_bytes=self._settings.limits.input_buffer_bytes)

    def _connected(self, wire: Wire) -> None:
        driver = asyncio.get_running_loop().create_task(self._serve(wire))
        self._drivers[driver] = wire
        driver.add_done_callback(self._drivers.pop)

    async def _serve(self, wire: Wire) -> None:
        stats, limits = self.stats, self._settings.limits
        stats.connections += 1
        stats.connections_open += 1
        try:
            if len(self._sessions) >= limits.max_connections or self._closing:
                await self._turn_away(wire)
                return
            session = self._sessions[wire] = LMTPSession(wire, self._settings)
            await session.run()
        except Exception:  # noqa: BLE001 - nobody waits for this task, so this is the last place to tell
            stats.faults += 1
            _log.exception("lmtp_connection_failed", client=wire.client)
        finally:
            wire.close()
            self._sessions.pop(wire, None)
            stats.connections_open -= 1

    async def _turn_away(self, wire: Wire) -> None:
        self.stats.connections_refused += 1
        wire.send(render_reply(replies.SHUTTING_DOWN if self._closing else replies.TOO_MANY_CONNECTIONS))
        await wire.finish(self._settings.limits.linger_seconds)

    # The unix socket.

    def _bind_unix(self, path: Path) -> socket.socket:
        _remove_stale_socket(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(_UNIX_SOCKET_UMASK)
        try:
            sock.bind(str(path))
        except BaseException:
            sock.close()
            raise
        finally:
            os.umask(umask)
        self._unix_path = path
        self._unix_inode = path.stat().st_ino
        return sock

    def _remove_unix_socket(self) -> None:
        """Remove the socket, unless a successor has already put its own there."""
        if self._unix_path is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._unix_path.stat().st_ino == self._unix_inode:
                    self._unix_path.unlink()


def _parse_host_and_port(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise PostroomError(
            Kind.INVALID, "badListenAddress", f"{listen!r} is neither host:port, [ipv6]:port nor unix:/path"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _render_host_and_port(name: tuple[str, int]) -> str:
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _remove_stale_socket(path: Path) -> None:
    """Remove a socket that nobody answers at; anything else at ``path`` stays, and binding will fail."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
