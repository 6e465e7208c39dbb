"""Section ``[relay]``: the smart host for mail to other domains."""

from dataclasses import dataclass

from postroom.config.options import check_host_or_none, check_path_or_none, option


@dataclass(frozen=True)
class RelayConfig:
    """Options of the relay."""

    host: str = option("", 'Smart host for mail to other domains; "" for none.', check=check_host_or_none)
    port: int = option(25, "Port of the smart host.", minimum=1, maximum=65_535)
    tls: str = option(
        "opportunistic",
        "Whether the connection is encrypted: implicit is TLS from the first byte, the others STARTTLS; required and "
        "implicit verify the certificate, opportunistic does so only where there is a password to send.",
        choices=("none", "opportunistic", "required", "implicit"),
    )
    ca_file: str = option(
        "",
        'PEM file of the authorities that the smart host\'s certificate must come from, by its absolute path; "" for '
        "those of the system.",
        check=check_path_or_none,
    )
    username: str = option("", 'Name to authenticate with; "" for no authentication.')
    password: str = option(
        "",
        "Password to authenticate with, where there is a username; without TLS it is sent only to a host on the same "
        "machine, or where tls is none.",
        secret=True,
    )
    connections: int = option(
        20, "Connections to the smart host at the same time, for each process.", minimum=1, maximum=1000
    )
