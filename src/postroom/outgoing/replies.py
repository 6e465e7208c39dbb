"""Replies of SMTP servers (RFC 5321 §4.2), with enhanced status codes (RFC 2034, 3463). Pure.

What a server says ends in reports and logs: its text is cut to a bounded line of printable characters. Between codes
that contradict each other the reply code wins.
"""

import re
from typing import Final, NamedTuple

MAX_TEXT_CHARS: Final = 500
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_STATUS: Final = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?=\s|$)")

SERVICE_CLOSING: Final = 421
_STATUSES: Final = {
    421: "4.3.2",
    452: "4.3.1",
    500: "5.5.1",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    521: "5.3.2",
    552: "5.2.2",
    556: "5.1.10",
}
"""Enhanced status codes for replies that come without, where the reply code tells more than its first digit."""


class GarbledReplyError(ValueError):
    """What came is no reply; the message says what came."""


class Reply(NamedTuple):
    """A whole reply."""

    code: int
    lines: tuple[str, ...]

    @property
    def is_positive(self) -> bool:
        """The command was done."""
        return self.code < 300

    @property
    def is_permanent(self) -> bool:
        """The same command would fail again."""
        return self.code >= 500

    @property
    def status(self) -> str:
        """The enhanced status code, made from the reply code where the server gave none that fits."""
        match = _STATUS.match(self.lines[0])
        if match is not None and int(match[1]) == self.code // 100:
            return match[0]
        return _STATUSES.get(self.code, f"{self.code // 100}.0.0")

    @property
    def has_status(self) -> bool:
        """The server gave an enhanced status code."""
        return _STATUS.match(self.lines[0]) is not None

    def __str__(self) -> str:
        """Return the reply in a line: the code, and the texts of all lines, each status code once."""
        first = _STATUS.match(self.lines[0])
        repeated = first[0] + " " if first is not None else "\0"
        texts = [self.lines[0], *(line.removeprefix(repeated) for line in self.lines[1:])]
        return f"{self.code} {' '.join(text for text in texts if text)}".strip()[:MAX_TEXT_CHARS]


def parse_reply_line(line: bytes) -> tuple[int, bool, str]:
    """Return code, whether more lines follow, and the text of a line without its line end.

    Raises :class:`GarbledReplyError`.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise GarbledReplyError(f"no SMTP reply: {clean_text(line[:80])}")
    code, mark, text = match.groups()
    return int(code), mark == b"-", clean_text(text or b"")


def clean_text(text: bytes) -> str:
    """Return what a server said as printable text."""
    decoded = text[: 4 * MAX_TEXT_CHARS].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else " " for char in decoded).strip()[:MAX_TEXT_CHARS]
