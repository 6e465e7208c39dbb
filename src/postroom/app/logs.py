"""Structured logs on standard error: text for people, JSON for programs."""

import logging
import sys

import structlog
from structlog.typing import Processor

from postroom.config.logging import LoggingConfig


def configure_logs(config: LoggingConfig) -> None:
    """Send all log events to standard error in the configured form."""
    is_text = config.format == "text" or (config.format == "auto" and sys.stderr.isatty())
    # Tracebacks without local variables: those may hold passwords and mail.
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if is_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(config.level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
