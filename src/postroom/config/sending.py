"""Section ``[sending]``: when mail leaves, and when it is tried again."""

from dataclasses import dataclass

from postroom.config.options import option


def _check_minutes(minutes: tuple[int, ...]) -> None:
    if not minutes or min(minutes) < 1:
        raise ValueError("must be a list of at least one number of minutes, each 1 or more")


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
