"""Undoing the dots of DATA (RFC 5321 §4.5.2), in whatever pieces the bytes arrive.

The message ends at the first ``CRLF . CRLF``; the CRLF before the dot belongs to the message, and the CRLF that
ended the DATA command counts as one before it. A dot after a CRLF, if more follows, is taken away. Nothing else is
a line end: a bare CR or LF is data (§2.3.8), so none of ``LF . LF``, ``LF . CRLF``, ``CR . CR``, ``CRLF . LF`` ends a
message, and a dot after a bare LF or CR stays. That is what makes line-end smuggling impossible here.

Algorithm: what has arrived is searched as a whole. A tail that could be the beginning of ``CRLF . CRLF`` is held
back (at most four bytes) and put in front of the next piece, so no pattern is ever split. Each byte is thus
copied and searched once, by C code.

Invariant: the concatenation of what ``feed`` returns, and where it ends, do not depend on how the input was cut.
"""

from typing import Final

_END: Final = b"\r\n.\r\n"
_BEGINNINGS: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class DotDecoder:
    """Takes the bytes after the reply 354, gives the content of the message."""

    __slots__ = ("_held", "_skip", "ended", "rest_bytes")

    def __init__(self) -> None:
        self._held = b"\r\n"
        # The line end of the DATA command is matched against, but is no part of the message.
        self._skip = 2
        self.ended = False
        self.rest_bytes = 0
        """How many of the bytes fed last lie beyond the end: they are the next commands."""

    def feed(self, data: bytes) -> bytes:
        """Return the content that ``data`` completes; sets ``ended`` and ``rest_bytes`` at the end of the message."""
        work = self._held + data
        end = work.find(_END)
        if end >= 0:
            self.ended = True
            self.rest_bytes = len(work) - end - len(_END)
            return self._decode(work[: end + 2])
        held = next((beginning for beginning in _BEGINNINGS if work.endswith(beginning)), b"")
        self._held = held
        return self._decode(work[: len(work) - len(held)])

    def _decode(self, work: bytes) -> bytes:
        content = work.replace(b"\r\n.", b"\r\n")
        if self._skip and content:
            content = content[self._skip :]
            self._skip = 0
        return content
