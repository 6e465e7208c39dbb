"""What a saved draft needs before it goes: its own Date and Message-ID, and nothing that others have written on it.

A draft is sent as it was saved, byte for byte but for its header: parts, boundaries and encodings stay, however it
came into the folder. Fields that tell of a delivery or of another sending are left out: they would be untrue.
"""

import re

from postroom.compose.addresses import Address
from postroom.compose.fields import render_date, render_tokens
from postroom.compose.original import find_header_end, unfold
from postroom.compose.outbound import without_bcc
from postroom.patterns import compile_pattern

_FIELD = compile_pattern(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+\n?)", re.MULTILINE)
_OURS = frozenset((b"date", b"message-id", b"sender", b"return-path", b"received", b"delivered-to"))
_RECEIPT = b"disposition-notification-to"


def read_fields(raw: bytes) -> dict[str, str]:
    """Return the unfolded values of a message's header fields by lower-case name, those of one name by commas."""
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(raw[: find_header_end(raw)]):
        key = name.decode("ascii").lower()
        text = unfold(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def finish_draft(raw: bytes, *, message_id: str, date: int, read_receipt_to: Address | None) -> bytes:
    """Return a draft as it is sent.

    Args:
        raw: the draft.
        message_id: its Message-ID, with angle brackets.
        date: Unix seconds.
        read_receipt_to: who is to be told that it was read, if somebody is and the draft itself does not say.
    """
    end = find_header_end(raw)
    kept = [match for match in _FIELD.finditer(raw[:end]) if not _is_ours(match[1])]
    fields = f"Date: {render_date(date)}\r\nMessage-ID: {message_id}\r\n"
    if read_receipt_to is not None and not any(match[1].lower() == _RECEIPT for match in kept):
        name = "Disposition-Notification-To"
        fields += render_tokens(name, read_receipt_to.render(name))
    header = b"".join(match[0] if match[0].endswith(b"\n") else match[0] + b"\r\n" for match in kept)
    return fields.encode() + header + (raw[end:] or b"\r\n")


def has_utf8_header(raw: bytes) -> bool:
    """Tell whether the header of a message, as it goes out, is in UTF-8 (RFC 6532), so that it needs SMTPUTF8."""
    return not without_bcc(raw[: find_header_end(raw)] + b"\r\n").isascii()


def _is_ours(name: bytes) -> bool:
    lower = name.lower()
    return lower in _OURS or lower.startswith(b"resent-")
