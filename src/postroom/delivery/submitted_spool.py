"""Where a submitted message is gathered: like any message, but with its line ends and its header put right.

The header is held back until it is complete, which is bounded; then it goes, behind the trace field and what is
added, to a :class:`MessageSpool`, and the body follows as it comes. What is wrong with a message is found here and
told at its end, since it has to be read anyway.
"""

import mmap
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from postroom.delivery.line_ends import LineEnds
from postroom.delivery.spool import MessageSpool, too_large
from postroom.delivery.submitted_header import MAX_HEADER_BYTES, bad_message, find_end, parse_header
from postroom.delivery.trace import Trace, render_date, render_submission_trace
from postroom.errors import PostroomError

_ADDED_BYTES: Final = 4096
"""Room for what is put on top of a message, which its size does not count."""


class SpoolBounds(NamedTuple):
    """How large a message may be, above which size it goes to a file, and where that is."""

    directory: Path
    memory_bytes: int
    max_bytes: int


class SubmittedSpool:
    """Gathers one submitted message; used once. Always :meth:`close` it."""

    def __init__(self, trace: Trace, bounds: SpoolBounds) -> None:
        self._trace = trace
        self._bounds = bounds
        self._line_ends = LineEnds()
        self._held = b""
        self._spool: MessageSpool | None = None
        self._failure: PostroomError | None = None
        self.size_bytes = 0
        """Bytes written so far, as the client sent them."""
        self.from_ = ""
        """The value of From, once the message is finished."""
        self.sender = ""
        """The value of Sender, "" if there is none."""
        self.has_8bit_header = False
        """The header is beyond ASCII."""

    @property
    def failure(self) -> PostroomError | None:
        """Return why this message cannot be taken; None while it can."""
        return self._failure or (self._spool.failure if self._spool is not None else None)

    @property
    def is_8bit(self) -> bool:
        """Tell whether bytes beyond ASCII were among what was written."""
        return self._line_ends.is_8bit

    def write(self, data: bytes) -> None:
        """Add ``data``; never raises, but may set ``failure``."""
        self.size_bytes += len(data)
        if self.failure is not None:
            return
        if self.size_bytes > self._bounds.max_bytes:
            self._fail(too_large(self._bounds.max_bytes))
            return
        self._keep(self._line_ends.feed(data))
        if self._line_ends.has_nul:
            self._fail(bad_message("The message holds a NUL"))

    def finish(self) -> bytes | mmap.mmap:
        """Return the content, complete; valid until :meth:`close`. Raises the ``failure``."""
        if self.failure is None:
            self._keep(self._line_ends.finish())
        if self._spool is None and self.failure is None:
            whole = self._held if self._held.endswith(b"\r\n") or not self._held else self._held + b"\r\n"
            self._settle_header(whole)
        if self._failure is not None or self._spool is None:
            raise self._failure or bad_message("The message is not complete")
        return self._spool.finish()

    def close(self) -> None:
        """Give back memory and file."""
        self._held = b""
        if self._spool is not None:
            self._spool.close()

    def _keep(self, data: bytes) -> None:
        if self._spool is not None:
            self._spool.write(data)
            return
        searched_bytes = len(self._held)
        self._held += data
        if find_end(self._held, searched_bytes) >= 0 or len(self._held) > MAX_HEADER_BYTES:
            self._settle_header(self._held)

    def _settle_header(self, block: bytes) -> None:
        """Take the header, which ``block`` has all of, and put right what it lacks."""
        try:
            header = parse_header(block)
        except PostroomError as error:
            self._fail(error)
            return
        trace = self._trace
        if not header.find(b"from") and (b"from" in header.values or not trace.sender):
            self._fail(bad_message("From must name the author"))
            return
        domain = trace.sender.rpartition("@")[2] or trace.hostname
        defaults: dict[str, Callable[[], str]] = {
            "From": lambda: trace.sender,
            "Date": lambda: render_date(int(trace.received_at)),
            "Message-ID": lambda: f"<{secrets.token_hex(16)}@{domain}>",
        }
        self.from_ = header.find(b"from") or trace.sender
        self.sender = header.find(b"sender")
        top = render_submission_trace(trace) + header.missing(defaults)
        self.has_8bit_header = not (header.fields.isascii() and top.isascii())
        self._held = b""
        self._spool = MessageSpool(
            top,
            directory=self._bounds.directory,
            memory_bytes=self._bounds.memory_bytes,
            max_bytes=2 * self._bounds.max_bytes + _ADDED_BYTES,
        )
        self._spool.write(header.fields)
        self._spool.write(header.rest)

    def _fail(self, failure: PostroomError) -> None:
        self._failure = failure
        self.close()
