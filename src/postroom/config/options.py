"""How an option of the configuration is declared, and the checks that several options share.

Each section is a frozen dataclass; each of its fields is made by :func:`option` or has metadata made by
:func:`about`: what the documentation, the loader and ``postroom config show`` need to know (:class:`Facts`).
A check is a function that takes the value and raises ValueError with what would be right ("must be …").
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Check = Callable[[Any], object]
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_SOCKET_BYTES = 107
"""What ``struct sockaddr_un`` has room for (unix(7))."""
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")


@dataclass(frozen=True)
class Facts:
    """What is known of an option besides its type and default."""

    doc: str
    """One sentence, shown in the documentation."""
    unit: str = ""
    secret: bool = False
    """The value is never shown or repeated in a message."""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    check: Check | None = None


def about(doc: str, **facts: Any) -> Mapping[str, Facts]:
    """Return the metadata of a field: one sentence and the rest of its :class:`Facts`."""
    return {"facts": Facts(doc, **facts)}


def option(default: T, doc: str, **facts: Any) -> T:
    """Declare an option with its immutable ``default``, one sentence of ``doc`` and the rest of its facts."""
    declared: Any = field(default=default, metadata=about(doc, **facts))
    return declared  # type: ignore[no-any-return]


def get_facts(declared: "Field[Any]") -> Facts:
    """Return the facts of a field of a section."""
    facts: Facts = declared.metadata["facts"]
    return facts


class TCPAddress(NamedTuple):
    """A host name or IP address and a port, 0 for any free one."""

    host: str
    port: int


class UnixAddress(NamedTuple):
    """A unix socket in the file system."""

    path: str


def parse_listen(text: str) -> TCPAddress | UnixAddress:
    """Return the address that ``host:port``, ``[ipv6]:port`` or ``unix:/path`` stands for.

    Raises ValueError saying what would be right.
    """
    wanted = ValueError("must be an address such as 127.0.0.1:8080, [::1]:8080 or unix:/path")
    if text.startswith("unix:"):
        if not text[5:].startswith("/"):
            raise ValueError("must name a socket by its absolute path, such as unix:/run/postroom.sock")
        if len(os.fsencode(text[5:])) > _MAX_SOCKET_BYTES:
            raise ValueError(f"must name a socket by a path of at most {_MAX_SOCKET_BYTES} bytes")
        return UnixAddress(text[5:])
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise wanted
    if host.startswith("[") and host.endswith("]"):
        try:
            return TCPAddress(str(ipaddress.IPv6Address(host[1:-1])), int(port))
        except ValueError:
            raise wanted from None
    try:
        check_host(host)
    except ValueError:
        raise wanted from None
    return TCPAddress(host, int(port))


def check_listen_or_none(text: str) -> None:
    """Accept "" (do not listen) and what :func:`parse_listen` accepts."""
    if text:
        parse_listen(text)


def check_path_or_none(text: str) -> None:
    """Accept "" and an absolute path."""
    if text and not Path(text).is_absolute():
        raise ValueError("must be an absolute path")


def check_host(text: str) -> None:
    """Accept a host name or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.rstrip(".").split(".")
        if len(text) > 253 or not all(_HOST_LABEL.match(label) for label in labels):
            raise ValueError("must be a host name or an IP address") from None


def check_host_or_none(text: str) -> None:
    """Accept "" and what :func:`check_host` accepts."""
    if text:
        check_host(text)


def check_hosts(texts: tuple[str, ...]) -> None:
    """Accept a list of host names."""
    for text in texts:
        check_host(text)


def parse_networks(texts: tuple[str, ...]) -> tuple[IPNetwork, ...]:
    """Return the networks that addresses (``192.0.2.1``) and networks (``192.0.2.0/24``) stand for.

    Raises ValueError saying what would be right.
    """
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        wanted = f"must be a list of networks such as 192.0.2.0/24 or 2001:db8::/32 ({error})"
        raise ValueError(wanted) from None
