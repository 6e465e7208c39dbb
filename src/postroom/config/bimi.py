"""Section ``[bimi]``: the logos of senders."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class BimiConfig:
    """Options of brand indicators (BIMI)."""

    enabled: bool = option(
        True,
        "The logos of senders' domains are looked up and fetched, behind the deliveries. Only mail counts that a "
        "host of filters.trusted_hosts found to pass DMARC: without such hosts nothing is done.",
    )
    allow_private: bool = option(
        False, "Logos may be fetched from private and loopback addresses; for tests."
    )
    max_logo_bytes: int = option(
        32_768,
        "A larger logo is not taken, whether it is larger as it is sent or once it is unpacked.",
        unit="bytes",
        minimum=1024,
        maximum=1_048_576,
    )
    max_logos: int = option(
        10_000,
        "Logos that are kept; of more, those are forgotten that expire first.",
        minimum=1,
        maximum=10_000_000,
    )
    timeout_seconds: int = option(
        10,
        "How long fetching a logo may take, redirections included.",
        unit="seconds",
        minimum=1,
        maximum=120,
    )
    record_hours: int = option(
        24,
        "How long it is believed what a domain says of its logo, or that it says nothing.",
        unit="hours",
        minimum=1,
        maximum=8760,
    )
    logo_days: int = option(
        7,
        "How long a logo is used before it is fetched anew.",
        unit="days",
        minimum=1,
        maximum=365,
    )
