"""Making all line ends of a submitted message CRLF, in whatever pieces the bytes arrive.

RFC 5321 §2.3.8 forbids bare CR and LF on the wire, and another server may take a bare one for a line end: passed on,
``LF . LF`` could end the message there, and what follows would be commands. So each run of CRs, with the LF behind
it, and each bare LF becomes one CRLF, as mail programs mean it.

Invariant: the concatenation of what comes out does not depend on how the input was cut.
"""

import re
from typing import Final

_LINE_END: Final = re.compile(rb"\r+\n?|\n")


class LineEnds:
    """Takes the bytes of a message, gives them with CRLFs alone."""

    __slots__ = ("_held", "has_nul", "is_8bit")

    def __init__(self) -> None:
        self._held = b""
        self.is_8bit = False
        """Bytes beyond ASCII were among them."""
        self.has_nul = False
        """NULs were among them, which no message may hold (RFC 5322 §4.1)."""

    def feed(self, data: bytes) -> bytes:
        """Return what ``data`` completes."""
        work = self._held + data
        body = work.rstrip(b"\r")
        # What follows may be the LF of the last CRs.
        self._held = b"\r" if len(body) < len(work) else b""
        self.is_8bit = self.is_8bit or not body.isascii()
        self.has_nul = self.has_nul or b"\0" in body
        pairs = body.count(b"\r\n")
        if pairs == body.count(b"\n") == body.count(b"\r"):
            return body
        return _LINE_END.sub(b"\r\n", body)

    def finish(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return b"\r\n" if held else b""
