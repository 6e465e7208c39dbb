"""Section ``[sending]``: when mail leaves, and when it is tried again."""

import ipaddress
from dataclasses import dataclass

from postroom.config.options import TCPAddress, check_host_or_none, option, parse_listen

_MAX_RETRY_MINUTES = 43_200
"""30 days, after which any mail has failed."""


def _check_minutes(minutes: tuple[int, ...]) -> None:
    if not minutes or min(minutes) < 1 or max(minutes) > _MAX_RETRY_MINUTES:
        raise ValueError(
            f"must be a list of at least one number of minutes, each from 1 to {_MAX_RETRY_MINUTES}"
        )


def parse_nameserver(text: str) -> TCPAddress:
    """Return the address that ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:53`` stands for.

    Raises ValueError saying what would be right.
    """
    try:
        return TCPAddress(str(ipaddress.ip_address(text)), 53)
    except ValueError:
        pass
    try:
        address = parse_listen(text)
        if isinstance(address, TCPAddress) and address.port:
            return TCPAddress(str(ipaddress.ip_address(address.host)), address.port)
    except ValueError:
        pass
    raise ValueError(
        "must be a list of IP addresses, each with a port if it is not 53, such as 127.0.0.1:5353"
    )


def _check_nameservers(texts: tuple[str, ...]) -> None:
    for text in texts:
        parse_nameserver(text)


@dataclass(frozen=True)
class SendingConfig:
    """Options of outgoing mail."""

    undo_seconds: int = option(
        10, "A mail that was sent can be taken back for this time.", unit="seconds", minimum=0, maximum=3600
    )
    retry_minutes: tuple[int, ...] = option(
        (1, 5, 15, 30, 60, 120),
        "Waiting times before each new try after a temporary failure; the last one repeats.",
        unit="minutes",
        check=_check_minutes,
    )
    hostname: str = option(
        "",
        "Name that the server gives to other servers (EHLO), which must resolve to its address where mail goes to "
        'them directly; "" for the name of the machine.',
        check=check_host_or_none,
    )
    direct: bool = option(
        True,
        "Where there is no relay, mail to other domains goes straight to their mail exchangers (MX); false: it fails "
        "at once.",
    )
    allow_private: bool = option(
        False,
        "Mail exchangers may have private and loopback addresses; such ones of the relay are never refused.",
    )
    mx_port: int = option(
        25, "Port of mail exchangers; other than 25 for tests alone.", minimum=1, maximum=65_535
    )
    nameservers: tuple[str, ...] = option(
        (),
        "Name servers that are asked for mail exchangers, with a port if it is not 53; none for those of the system.",
        check=_check_nameservers,
    )
    connections_per_domain: int = option(
        5, "Connections for one domain at the same time, for each process.", minimum=1, maximum=1000
    )
    mails_per_connection: int = option(
        100, "Mails that go through a connection before another one is made.", minimum=1
    )
    idle_timeout_seconds: int = option(
        10, "A connection that nothing is sent through is kept for this time.", unit="seconds", minimum=0
    )
    connect_timeout_seconds: int = option(
        30, "How long a connection, and TLS on it, may take to be made.", unit="seconds", minimum=1
    )
    reply_timeout_seconds: int = option(
        300, "How long the server waits for a reply to a command.", unit="seconds", minimum=1
    )
    data_timeout_seconds: int = option(
        600,
        "How long the server waits for the reply that takes over a mail, which RFC 5321 wants to be 10 minutes.",
        unit="seconds",
        minimum=1,
    )
    attempt_timeout_seconds: int = option(
        3600, "How long one attempt to hand over a mail may take in all.", unit="seconds", minimum=10
    )
    give_up_hours: int = option(
        120, "A mail that cannot be delivered fails after this time.", unit="hours", minimum=1, maximum=720
    )
    delay_notice_hours: int = option(
        4,
        "The sender is told when a mail waits longer than this; 0 for no notice.",
        unit="hours",
        minimum=0,
        maximum=720,
    )
    keep_days: int = option(
        7,
        "What became of a mail is kept for this time after its end.",
        unit="days",
        minimum=0,
        maximum=36_500,
    )
    deliveries: int = option(
        100,
        "Deliveries to other servers that are under way at the same time, for each process.",
        minimum=1,
        maximum=10_000,
    )
