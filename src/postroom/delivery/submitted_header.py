"""The header of a submitted message: where it ends, what its author fields say, and what it lacks (RFC 6409 §8).

Pure. The header ends at the first empty line, or before the first line that is no field: what a script sends without
a header becomes the body of a message that has one. Added are From, Date and Message-ID where they are missing;
fields that are there stay as they are, byte for byte.

From and Sender may occur once (RFC 5322 §3.6): with two, programs would disagree on whom a message is from.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from postroom.errors import Kind, PostroomError

MAX_HEADER_BYTES: Final = 262_144

_FIELD_BEGINNING: Final = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_FIELD: Final = re.compile(rb"([!-9;-~]{1,200})[ \t]*:([^\r]*(?:\r\n[ \t][^\r]*)*)\r\n")
_ONCE: Final = (b"from", b"sender")


class Header(NamedTuple):
    """A header: its fields as they stand, their values by lower-case name, and what is the body's of its block."""

    fields: bytes
    values: dict[bytes, list[bytes]]
    rest: bytes

    def find(self, name: bytes) -> str:
        """Return the first value of a field as one line of text, "" if there is none."""
        values = self.values.get(name)
        if not values:
            return ""
        return values[0].replace(b"\r\n", b"").decode("utf-8", "replace").strip()

    def missing(self, defaults: dict[str, Callable[[], str]]) -> bytes:
        """Return the fields of ``defaults`` that are not there."""
        lacking = [name for name in defaults if name.lower().encode("ascii") not in self.values]
        return "".join(f"{name}: {defaults[name]()}\r\n" for name in lacking).encode("utf-8")


def find_end(block: bytes, searched_bytes: int) -> int:
    """Return where the header ends for sure, behind its empty line; -1 if that has not come yet.

    Args:
        block: the message so far, with CRLFs alone.
        searched_bytes: so much of it has been searched before.
    """
    if block.startswith(b"\r\n"):
        return 2
    end = block.find(b"\r\n\r\n", max(searched_bytes - 3, 0))
    return end + 4 if end >= 0 else -1


def parse_header(block: bytes) -> Header:
    """Return the header at the beginning of a message, of which ``block`` has all, or more than one may have.

    Raises: badMessage.
    """
    values: dict[bytes, list[bytes]] = {}
    position = 0
    while match := _FIELD.match(block, position):
        values.setdefault(match[1].lower(), []).append(match[2])
        position = match.end()
    if position > MAX_HEADER_BYTES or (len(block) > MAX_HEADER_BYTES and _may_go_on(block, position)):
        raise bad_message("The header is too large")
    for name in _ONCE:
        if len(values.get(name, ())) > 1:
            raise bad_message(f"The message has several {name.decode().capitalize()} fields")
    rest = block[position:]
    return Header(block[:position], values, rest if rest.startswith(b"\r\n") else b"\r\n" + rest)


def bad_message(why: str) -> PostroomError:
    """Return the error for a message that cannot be sent as it is."""
    return PostroomError(Kind.INVALID, "badMessage", why)


def _may_go_on(block: bytes, position: int) -> bool:
    """Tell whether the last field ends beyond the block, so that it is not known whether it is one."""
    return _FIELD_BEGINNING.match(block, position) is not None
