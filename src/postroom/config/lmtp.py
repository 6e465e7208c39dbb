"""Section ``[lmtp]``: where mail comes in (RFC 2033) and what is taken."""

from dataclasses import dataclass

from postroom.config.options import check_host_or_none, check_listen_or_none, option


@dataclass(frozen=True)
class LMTPConfig:
    """Options of the LMTP server."""

    listen: str = option(
        "127.0.0.1:8024",
        'Address of the LMTP server: host:port, [ipv6]:port or unix:/path; "" for none.',
        check=check_listen_or_none,
    )
    hostname: str = option(
        "",
        'Name that the server greets with and writes into Received; "" for the name of the machine.',
        check=check_host_or_none,
    )
    max_message_bytes: int = option(
        52_428_800, "Largest message taken, announced by SIZE (RFC 1870).", unit="bytes", minimum=65_536
    )
    max_recipients: int = option(
        1000, "Recipients taken in one transaction; RFC 5321 asks for 100 at least.", minimum=100
    )
    command_timeout_seconds: int = option(
        300, "How long the server waits for the next command.", unit="seconds", minimum=1
    )
    data_timeout_seconds: int = option(
        600, "How long the server waits for the next piece of a message.", unit="seconds", minimum=1
    )
    max_connections: int = option(
        200, "Connections served at the same time; further ones are told to come back later.", minimum=1
    )
