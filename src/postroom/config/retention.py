"""Section ``[retention]``: how long history is kept."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class RetentionConfig:
    """Options of what is remembered of the past."""

    tombstone_days: int = option(
        90,
        "Removals are remembered for this time; sync tokens that are older start anew.",
        unit="days",
        minimum=1,
        maximum=36_500,
    )
    security_event_days: int = option(
        365, "The security log of an account is kept for this time.", unit="days", minimum=1, maximum=36_500
    )
    operation_days: int = option(
        30, "The log of operations is kept for this time.", unit="days", minimum=1, maximum=36_500
    )
