"""What the tests of this package share: a reader that forgives nothing, and small letters."""

import email
import re
from email import policy
from email.message import EmailMessage
from typing import Any

from postroom.compose.addresses import Address
from postroom.compose.message import Fields

ANN = Address("Ann Lee", "ann", "example.test")
BOB = Address("", "bob", "other.test")
DATE = 1_750_000_000

_FIELD = re.compile(rb"[!-9;-~]+: ?[^\r\n]*(?:\r\n[ \t]+[^\s][^\r\n]*)*\r\n")


def make_fields(**changes: Any) -> Fields:
    """Return the fields of a small letter, some of them changed."""
    fields = Fields(
        from_=ANN,
        to=(BOB,),
        subject="Lunch",
        body_text="At noon?\r\n",
        message_id="<1@example.test>",
        date=DATE,
    )
    return fields._replace(**changes)


def read_strictly(raw: bytes, *, is_utf8: bool = False, is_8bit: bool = False) -> EmailMessage:
    """Check that a message is valid to the letter; return it as the standard library reads it."""
    assert is_utf8 or is_8bit or raw.isascii()
    assert b"\0" not in raw
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    header = raw[: raw.index(b"\r\n\r\n") + 2]
    assert is_utf8 or header.isascii()
    fields = _FIELD.findall(header)
    assert b"".join(fields) == header
    assert max(map(len, re.findall(rb"(?m)^.*=\?.*\?=.*$", header)), default=0) <= 77
    names = [field.split(b":")[0].lower() for field in fields]
    assert len(set(names)) == len(names)
    assert {b"date", b"from", b"message-id", b"mime-version", b"content-type"} <= set(names)
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects, part.defects
    # Of mailboxes beyond ASCII the library thinks that they are broken, and of encoded words without spaces between.
    return message


def read_again(raw: bytes, name: str) -> str:
    """Return a header field as the standard library's older and more careful decoder reads it."""
    value = email.message_from_bytes(raw)[name]
    assert isinstance(value, str)
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value)
    return "".join(
        part if isinstance(part, str) else part.decode(charset or "ascii")
        for part, charset in email.header.decode_header(unfolded)
    )
