"""Delivery status notifications that come in (RFC 3464, RFC 6533): which message they are about, and who failed.

A report is a multipart/report whose second part has fields for programs: a block about the message, then one for each
recipient. What it gives back of the message, as a third part, names it by its Message-ID. Blocks that lack what they
must have are passed over, and a report that names no message is none. No more is read than what a report needs.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from postroom.mime.decode import decode_bytes
from postroom.mime.headers import unfold
from postroom.mime.raw import Raw
from postroom.mime.structure import part_source
from postroom.model.mail import Part
from postroom.patterns import compile_pattern

MULTIPART_REPORT: Final = "multipart/report"
MAX_READ_BYTES: Final = 128 << 10
"""Bytes that are read of each part."""
MAX_RECIPIENTS: Final = 1000
_STATUS_TYPES: Final = frozenset(("message/delivery-status", "message/global-delivery-status"))
_BLANK_LINES: Final = compile_pattern(rb"\r?\n(?:[ \t]*\r?\n)+")
_FIELD: Final = compile_pattern(rb"^([!-9;-~]{1,100})[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_STATUS: Final = compile_pattern(r"[245]\.\d{1,3}\.\d{1,3}")
_ESCAPE: Final = compile_pattern(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_MESSAGE_ID: Final = compile_pattern(r"<([^<>\s]{1,998})>")


class FailedRecipient(NamedTuple):
    """A recipient who did not get the message, by the addresses that the report has, the original one first."""

    addresses: Sequence[str]
    status: str
    answer: str
    remote: str


class DeliveryReport(NamedTuple):
    """A report that a message was not delivered to some recipients."""

    message_id: str
    """Of the message that it is about, with angle brackets."""
    envid: str
    """What the message was sent with (RFC 3461 §4.4), "" where the report does not say."""
    failures: Sequence[FailedRecipient]


def read_delivery_report(raw: Raw, root: Part) -> DeliveryReport | None:
    """Return what a message reports, None where it reports no failure."""
    if root.content_type != MULTIPART_REPORT or len(root.parts) < 3:
        return None
    status, returned = root.parts[1], root.parts[2]
    if status.content_type not in _STATUS_TYPES:
        return None
    blocks = [_read_fields(block) for block in _BLANK_LINES.split(_read(raw, root, status).strip(b"\r\n"))]
    if not blocks or "reporting-mta" not in blocks[0]:
        return None
    failures = list(_find_failures(blocks[1 : 1 + MAX_RECIPIENTS]))
    message_id = _find_message_id(_read(raw, root, returned))
    if not failures or not message_id:
        return None
    return DeliveryReport(message_id, blocks[0].get("original-envelope-id", ""), failures)


def _read(raw: Raw, root: Part, part: Part) -> bytes:
    end = min(part.end, part.body_start + MAX_READ_BYTES)
    return decode_bytes(part_source(raw, root, part)[part.body_start : end], part.encoding)


def _read_fields(block: bytes) -> dict[str, str]:
    """Return the fields of a block by their names in lower case; of equal ones the first."""
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(block):
        fields.setdefault(name.decode("ascii").lower(), unfold(value))
    return fields


def _find_failures(blocks: Sequence[dict[str, str]]) -> Iterator[FailedRecipient]:
    for fields in blocks:
        status = _STATUS.match(fields.get("status", ""))
        addresses = [
            address
            for name in ("original-recipient", "final-recipient")
            if (address := _read_typed(fields.get(name, "")))
        ]
        is_failure = fields.get("action", "").strip().lower() == "failed"
        if is_failure and status is not None and "final-recipient" in fields and addresses:
            yield FailedRecipient(
                addresses,
                status[0],
                _read_typed(fields.get("diagnostic-code", "")),
                _read_typed(fields.get("remote-mta", "")),
            )


def _read_typed(value: str) -> str:
    """Return a value without its type (``rfc822; ann@example.org``, RFC 3464 §2.1.2)."""
    kind, semicolon, text = value.partition(";")
    if not semicolon:
        return ""
    text = text.strip()
    return _ESCAPE.sub(_unescape, text) if kind.strip().lower() == "utf-8" else text


def _unescape(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]


def _find_message_id(header: bytes) -> str:
    end = _BLANK_LINES.search(header)
    fields = _read_fields(header[: end.start()] if end else header)
    match = _MESSAGE_ID.search(fields.get("message-id", ""))
    return match[0] if match else ""
