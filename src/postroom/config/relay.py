"""Section ``[relay]``: the smart host for mail to other domains."""

from dataclasses import dataclass

from postroom.config.options import check_host_or_none, option


@dataclass(frozen=True)
class RelayConfig:
    """Options of the relay."""

    host: str = option("", 'Smart host for mail to other domains; "" for none.', check=check_host_or_none)
    port: int = option(25, "Port of the smart host.", minimum=1, maximum=65_535)
    tls: str = option(
        "opportunistic",
        "Whether the connection is encrypted: implicit is TLS from the first byte, the others STARTTLS.",
        choices=("none", "opportunistic", "required", "implicit"),
    )
    username: str = option("", 'Name to authenticate with; "" for no authentication.')
    password: str = option("", "Password to authenticate with.", secret=True)
