"""Where the server listens: each address is free, or held by a Postroom that runs already.

An address is tried by binding to it, and let go at once. Where somebody has it, he is asked who he is: HTTP servers
by ``/healthz``, mail servers by what they greet with.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Final, NamedTuple

from postroom.app.doctor.finding import Finding, ok, problem
from postroom.config.options import TCPAddress, UnixAddress, parse_listen
from postroom.config.root import Config

ASK_SECONDS: Final = 5.0
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (it is where a listener may be, not where this listens)
_MAX_ANSWER_BYTES: Final = 4096


class Place(NamedTuple):
    """An address that the server listens on."""

    option: str
    text: str
    is_http: bool = False
    is_tls: bool = False


def list_places(config: Config) -> list[Place]:
    """Return all addresses that the configuration names."""
    http, submission = config.http, config.submission
    places = [Place("http.listen", http.listen, is_http=True, is_tls=bool(http.tls_certificate))]
    if config.lmtp.listen:
        places.append(Place("lmtp.listen", config.lmtp.listen))
    places += [Place("submission.listen", text) for text in submission.listen]
    places += [Place("submission.listen_tls", text, is_tls=True) for text in submission.listen_tls]
    return places


async def check_listeners(config: Config) -> list[Finding]:
    """Try all addresses at once."""
    return list(await asyncio.gather(*(_try(place) for place in list_places(config))))


async def _try(place: Place) -> Finding:
    address = parse_listen(place.text)
    name = f"{place.option}: {place.text}"
    try:
        if isinstance(address, UnixAddress):
            is_free = await asyncio.to_thread(_is_path_free, Path(address.path))
        else:
            is_free = await asyncio.to_thread(_is_port_free, address)
    except OSError as error:
        return problem(
            "listeners", f"{name} cannot be used: {error.strerror or error}", _remedy(place, error)
        )
    if is_free:
        return ok("listeners", f"{name} is free")
    if await _is_ours(place, address):
        return ok("listeners", f"{name} is held by a Postroom that runs")
    remedy = f"end what listens there (ss -lptn shows it), or give {place.option} another address"
    return problem("listeners", f"{name} is held by another program", remedy)


def _remedy(place: Place, error: OSError) -> str:
    if error.errno == errno.EACCES and not place.text.startswith("unix:"):
        return (
            "ports below 1024 take AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit, and the lines beside it "
            "there; or choose a higher one"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no such address: correct {place.option} (ip address shows those it has)"
    if place.text.startswith("unix:"):
        return "make the folder of the socket, writable for the server's user (RuntimeDirectory= in the unit)"
    return f"correct {place.option}"


def _is_port_free(address: TCPAddress) -> bool:
    """Tell whether an address can be bound to. Raises: OSError for what is wrong with it otherwise."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, place = found[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _is_path_free(path: Path) -> bool:
    """Tell whether a socket can be made at a path. Raises: OSError for what is wrong with it otherwise."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        code = errno.EACCES if path.parent.is_dir() else errno.ENOENT
        raise OSError(code, f"{path.parent}: {os.strerror(code)}")
    if not path.exists():
        return True
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EEXIST, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ASK_SECONDS)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True  # A server that was killed has left it; the next one replaces it.
    return False


async def _is_ours(place: Place, address: TCPAddress | UnixAddress) -> bool:
    context = None
    if place.is_tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(ASK_SECONDS):
            if isinstance(address, UnixAddress):
                reader, writer = await asyncio.open_unix_connection(
                    address.path, ssl=context, server_hostname="localhost" if context else None
                )
            else:
                host = _ANY.get(address.host, address.host)
                reader, writer = await asyncio.open_connection(host, address.port, ssl=context)
            try:
                return await _ask(place, reader, writer)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
        return False


async def _ask(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    if not place.is_http:
        greeting = await reader.readline()
        writer.write(b"QUIT\r\n")
        return b"Postroom" in greeting
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read(_MAX_ANSWER_BYTES)
    while not answer.endswith(b"}") and len(answer) < _MAX_ANSWER_BYTES:
        more = await reader.read(_MAX_ANSWER_BYTES)
        if not more:
            break
        answer += more
    return b'{"status":"ok"}' in answer and b"x-request-id" in answer.lower()
