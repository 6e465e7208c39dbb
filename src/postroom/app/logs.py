"""Structured logs on standard error: text for people, JSON for programs.

What is logged for a request has its ``request_id``, for a delivery its ``delivery``, the id in Received: context
variables stand in all lines of their task.

What strangers choose, such as paths and names, is logged too. JSON escapes it; in text whatever is not printable is
escaped here, so that it makes no lines of its own and tells the terminal nothing.

A log that cannot be written, on a full disk or because its reader has gone, loses lines. Nothing else fails for it.
"""

import contextlib
import io
import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from postroom.config.logging import LoggingConfig


def configure_logs(config: LoggingConfig) -> None:
    """Send all log events to standard error in the configured form."""
    is_text = config.format == "text" or (config.format == "auto" and sys.stderr.isatty())
    # Tracebacks without local variables: those may hold passwords and mail.
    last: list[Processor] = (
        [escape_values, structlog.dev.ConsoleRenderer(exception_formatter=_write_traceback)]
        if is_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(config.level),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter([*shared[:1], *shared[2:], *last]))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def escape_values(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Escape what is not printable in the text of an event; what is no text is shown by its ``repr``."""
    return {key: _escape(value) if isinstance(value, str) else value for key, value in line.items()}


def _escape(text: str, *, but: str = "") -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in but else repr(char)[1:-1] for char in text)


def _write_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(_escape(text.getvalue(), but="\n\t"))


class _LineLogger(structlog.PrintLogger):
    """Writes lines to standard error, as far as that is possible."""

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        """Write a line."""
        with contextlib.suppress(OSError):
            super().msg(message)

    debug = info = warning = error = critical = msg


class _Formatter(logging.Formatter):
    """Gives the lines of libraries, which know the standard library's logging alone, the form of all others."""

    def __init__(self, processors: list[Processor]) -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: EventDict = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.exc_info:
            line["exc_info"] = record.exc_info
        for processor in self._processors:
            line = processor(None, record.levelname.lower(), line)  # type: ignore[assignment]
        return str(line)
