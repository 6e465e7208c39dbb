"""Listening for connections of a protocol that takes mail: TCP addresses or unix sockets, and their orderly end."""

import asyncio
import contextlib
import os
import socket
import stat
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from postroom.delivery import replies
from postroom.delivery.addresses import is_domain
from postroom.delivery.limits import Limits
from postroom.delivery.replies import Reply, render_reply
from postroom.delivery.session import Session
from postroom.delivery.stats import ListenerStats
from postroom.delivery.wire import Wire
from postroom.errors import Kind, PostroomError

_log: Final = structlog.get_logger(__name__)

MakeSession = Callable[[Wire], Session[Any]]

_BACKLOG: Final = 256
_CUT_SECONDS: Final = 1.0
"""After the grace time, how long clients that keep us waiting have for reading their 421."""
_UNIX_SOCKET_UMASK: Final = 0o117
"""Leaves 0660: for the user and the group only, from the moment the socket exists."""


def check_hostname(hostname: str) -> None:
    """Refuse a name that no greeting can have. Raises: badHostname (INVALID)."""
    if not (hostname.isascii() and is_domain(hostname)):
        raise PostroomError(Kind.INVALID, "badHostname", f"{hostname!r} is not a domain name in ASCII form")


class Listener:
    """Listening sockets and the sessions of their connections."""

    def __init__(self, limits: Limits, stats: ListenerStats) -> None:
        self._limits = limits
        self._stats = stats
        self._sessions: dict[Wire, Session[Any]] = {}
        self._drivers: dict[asyncio.Task[None], Wire] = {}
        self._clients: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self.addresses: list[str] = []
        """Where the server listens, in the form that ``listen`` takes, with real port numbers."""
        self._unix_inodes: dict[Path, int] = {}
        self._closing = False

    async def listen(self, listen: str, make_session: MakeSession) -> None:
        """Open a listening socket, beside those that are open.

        Args:
            listen: ``host:port``, ``[ipv6]:port`` or ``unix:/path``; port 0 takes a free one.
            make_session: makes the session of a new connection.

        Raises ``badListenAddress`` (INVALID) for what cannot be understood, and ``addressInUse`` (CONFLICT) where
        somebody else listens already.
        """
        loop = asyncio.get_running_loop()
        accept = partial(self._accept, make_session)
        try:
            if listen.startswith("unix:"):
                sock = self._bind_unix(Path(listen.removeprefix("unix:")))
                self._servers.append(await loop.create_unix_server(accept, sock=sock, backlog=_BACKLOG))
                self.addresses.append(listen)
            else:
                host, port = _parse_host_and_port(listen)
                server = await loop.create_server(accept, host, port, backlog=_BACKLOG)
                self._servers.append(server)
                self.addresses += [_render_host_and_port(sock.getsockname()) for sock in server.sockets]
        except OSError as error:
            raise PostroomError(
                Kind.CONFLICT, "addressInUse", f"Cannot listen on {listen}: {error.strerror or error}"
            ) from error

    async def close(self, grace_seconds: float) -> None:
        """Stop accepting, tell idle clients 421, let open transactions end within ``grace_seconds``, then cut.

        A delivery that is still running when the grace is over is cancelled; its client was told nothing.
        """
        self._closing = True
        for server in self._servers:
            server.close()
        self._remove_unix_sockets()
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

    def _accept(self, make_session: MakeSession) -> Wire:
        return Wire(
            partial(self._connected, make_session), input_buffer_bytes=self._limits.input_buffer_bytes
        )

    def _connected(self, make_session: MakeSession, wire: Wire) -> None:
        driver = asyncio.get_running_loop().create_task(self._serve(make_session, wire))
        self._drivers[driver] = wire
        driver.add_done_callback(self._drivers.pop)

    async def _serve(self, make_session: MakeSession, wire: Wire) -> None:
        stats = self._stats
        stats.connections += 1
        stats.connections_open += 1
        try:
            refusal = self._refusal(wire.client)
            if refusal is not None:
                await self._turn_away(wire, refusal)
                return
            self._clients[wire.client] += 1
            session = self._sessions[wire] = make_session(wire)
            await session.run()
        except Exception:  # noqa: BLE001 - nobody waits for this task, so this is the last place to tell
            stats.faults += 1
            _log.exception("connection_failed", client=wire.client)
        finally:
            wire.close()
            if self._sessions.pop(wire, None) is not None:
                self._leave(wire.client)
            stats.connections_open -= 1

    def _refusal(self, client: str) -> Reply | None:
        """Return why a client cannot have one more connection."""
        limits = self._limits
        if self._closing:
            return replies.SHUTTING_DOWN
        most = limits.max_connections_per_client or limits.max_connections
        if len(self._sessions) >= limits.max_connections or self._clients[client] >= most:
            return replies.TOO_MANY_CONNECTIONS
        return None

    def _leave(self, client: str) -> None:
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    async def _turn_away(self, wire: Wire, refusal: Reply) -> None:
        self._stats.connections_refused += 1
        wire.send(render_reply(refusal))
        await wire.finish(self._limits.linger_seconds)

    # The unix socket.

    def _bind_unix(self, path: Path) -> socket.socket:
        remove_stale_socket(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(_UNIX_SOCKET_UMASK)
        try:
            sock.bind(str(path))
        except BaseException:
            sock.close()
            raise
        finally:
            os.umask(umask)
        self._unix_inodes[path] = path.stat().st_ino
        return sock

    def _remove_unix_sockets(self) -> None:
        """Remove the sockets, unless a successor has already put its own there."""
        for path, inode in self._unix_inodes.items():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == inode:
                    path.unlink()


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


def remove_stale_socket(path: Path) -> None:
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
