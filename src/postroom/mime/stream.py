"""Transfer-decoding piece by piece, for bodies that are too large to hold (RFC 2045 §6).

Fed with the encoded body in pieces of any size, a decoder gives exactly what
:func:`postroom.mime.decode.decode_bytes` gives for the whole, and holds no more than a piece and 64 KiB.
"""

import binascii
import re
from typing import Protocol

from postroom.mime.decode import (
    BEGIN_WITHIN_BYTES,
    MISLABELLED_WITHIN_BYTES,
    UU_BEGIN,
    base64_runs,
    decode_quoted_printable,
    decode_uu_line,
    is_mislabelled,
    is_uu_end,
)

_LONGEST_LINE_BYTES = 64 << 10
_OPEN_ESCAPE = re.compile(rb"=(?:[0-9A-Fa-f]|[ \t]{0,998}\r?)?\Z")


class BodyDecoder(Protocol):
    """Decodes one body; make a new one for each."""

    def feed(self, data: bytes) -> bytes:
        """Return what the next piece of the encoded body decodes to; some may be held back."""
        ...

    def finish(self) -> bytes:
        """Return what was held back, after the last piece."""
        ...


def body_decoder(encoding: str) -> BodyDecoder:
    """Return a decoder for the transfer-encoding of a part, as :class:`~postroom.model.mail.Part` names it."""
    if encoding == "base64":
        return _Base64Decoder()
    if encoding == "quoted-printable":
        return _QuotedPrintableDecoder()
    if encoding == "x-uuencode":
        return _UuDecoder()
    return _IdentityDecoder()


class _IdentityDecoder:
    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _Base64Decoder:
    """Holds the first KiB until it is known to be base64, then the characters of an unfinished group of four."""

    def __init__(self) -> None:
        self._start: bytes | None = b""
        self._held = b""
        self._is_done = False
        self._is_plain = False

    def feed(self, data: bytes) -> bytes:
        if self._start is not None:
            self._start += data
            if len(self._start) < MISLABELLED_WITHIN_BYTES:
                return b""
            data = self._begin()
        return data if self._is_plain else self._decode(data)

    def finish(self) -> bytes:
        if self._start is not None:
            data = self._begin()
            return data if self._is_plain else self._decode(data) + self._rest()
        return self._rest()

    def _begin(self) -> bytes:
        data, self._start = self._start or b"", None
        self._is_plain = is_mislabelled(data)
        return data

    def _decode(self, data: bytes) -> bytes:
        if self._is_done:
            return b""
        kept, self._is_done = base64_runs(data, before=len(self._held))
        kept = self._held + kept
        if self._is_done:
            self._held = kept
            return b""
        whole = len(kept) - len(kept) % 4
        self._held = kept[whole:]
        return binascii.a2b_base64(kept[:whole])

    def _rest(self) -> bytes:
        data = self._held[:-1] if len(self._held) % 4 == 1 else self._held
        self._held = b""
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


class _QuotedPrintableDecoder:
    """Holds the last line while it is not whole; of a very long line only what may be an unfinished escape."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        data = self._held + data
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > _LONGEST_LINE_BYTES:
            escape = _OPEN_ESCAPE.search(data, max(cut, len(data) - 1002))
            cut = escape.start() if escape else len(data)
        self._held = data[cut:]
        # An "=" at the end decodes to nothing, and shows the one before it that it is not the last.
        return decode_quoted_printable(data[:cut] + self._held[:1] if self._held[:1] == b"=" else data[:cut])

    def finish(self) -> bytes:
        data, self._held = self._held, b""
        return decode_quoted_printable(data)


class _UuDecoder:
    """Holds everything until the begin line is found or can no longer come, then single lines."""

    def __init__(self) -> None:
        self._held = b""
        self._state = "before"

    def feed(self, data: bytes) -> bytes:
        if self._state == "before":
            self._held += data
            if len(self._held) < BEGIN_WITHIN_BYTES:
                return b""
            data = self._start()
        if self._state == "plain":
            return data
        return self._lines(data)

    def finish(self) -> bytes:
        data = self._start() if self._state == "before" else b""
        return data if self._state == "plain" else self._lines(data + b"\n")

    def _start(self) -> bytes:
        begin = UU_BEGIN.search(self._held, 0, BEGIN_WITHIN_BYTES)
        data = self._held[begin.end() :] if begin else self._held
        self._state = "inside" if begin else "plain"
        self._held = b""
        return data

    def _lines(self, data: bytes) -> bytes:
        if self._state == "done":
            return b""
        lines = (self._held + data).split(b"\n")
        # Only the start of a line counts, so a line without end need not be held whole.
        self._held = lines.pop()[:_LONGEST_LINE_BYTES]
        out = []
        for line in lines:
            if is_uu_end(line):
                self._state = "done"
                break
            out.append(decode_uu_line(line))
        return b"".join(out)
