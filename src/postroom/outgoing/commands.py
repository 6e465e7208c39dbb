"""The commands MAIL and RCPT with the parameters that a server takes (RFC 1870, 3461, 6152, 6531). Pure.

Nothing that has a place in a command line unquoted gets there unchecked: an address with a control character, or a
parameter that is not xtext, would be a way to put in commands.
"""

import re
from typing import Final

from postroom.model.outgoing import Outbound, OutgoingRecipient
from postroom.outgoing.sessions import Session

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_NOTIFY: Final = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}")
_ADDRESS: Final = re.compile(
    r"""(?:"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"|[^\x00-\x20\x7f"(),:;<>@\[\\\]]+)@[^\x00-\x20\x7f"(),;<>@\\]+"""
)
_MAX_ADDRESS_BYTES: Final = 1000
_MAX_ENVID_CHARS: Final = 100


def is_sendable(address: str, *, with_smtputf8: bool) -> bool:
    """Tell whether an address can stand in a command."""
    if not address.isascii() and not (with_smtputf8 and address.isprintable()):
        return False
    return _ADDRESS.fullmatch(address) is not None and len(address.encode()) <= _MAX_ADDRESS_BYTES


def render_mail(session: Session, outbound: Outbound, size_bytes: int) -> bytes:
    """Return the MAIL command."""
    words = [f"MAIL FROM:<{outbound.sender}>"]
    if session.offers("SIZE"):
        words.append(f"SIZE={size_bytes}")
    if session.offers("8BITMIME") and outbound.is_8bit:
        words.append("BODY=8BITMIME")
    if outbound.needs_smtputf8:
        words.append("SMTPUTF8")
    if session.offers("DSN"):
        if outbound.ret.upper() in {"FULL", "HDRS"}:
            words.append(f"RET={outbound.ret.upper()}")
        envid = as_xtext(outbound.envid)
        if 0 < len(envid) <= _MAX_ENVID_CHARS:
            words.append(f"ENVID={envid}")
    return f"{' '.join(words)}\r\n".encode()


def render_rcpt(session: Session, recipient: OutgoingRecipient) -> bytes:
    """Return the RCPT command."""
    words = [f"RCPT TO:<{recipient.address}>"]
    if session.offers("DSN"):
        if _NOTIFY.fullmatch(recipient.notify.upper()):
            words.append(f"NOTIFY={recipient.notify.upper()}")
        kind, semicolon, address = recipient.orcpt.partition(";")
        if semicolon and kind.replace("-", "").isalnum() and kind.isascii() and address:
            words.append(f"ORCPT={kind};{as_xtext(address)}")
    return f"{' '.join(words)}\r\n".encode()


def as_xtext(text: str) -> str:
    """Return a text as xtext (RFC 3461 §4), or as it is where it already is that."""
    if _XTEXT.fullmatch(text):
        return text
    return "".join(_escape(char) for char in text)


def _escape(char: str) -> str:
    if "!" <= char <= "~" and char not in "+=":
        return char
    if char.isascii():
        return f"+{ord(char):02X}"
    return f"\\x{{{ord(char):X}}}"  # RFC 6533 §3
