"""Section ``[logging]``: what is logged, and how."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class LoggingConfig:
    """Options of the log, which is written to standard error."""

    level: str = option(
        "info", "Least severe events that are logged.", choices=("debug", "info", "warning", "error")
    )
    format: str = option(
        "auto",
        "Form of a log line: text for people, JSON for programs; auto is text on a terminal, else JSON.",
        choices=("auto", "text", "json"),
    )
