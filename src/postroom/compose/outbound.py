"""What a message loses on its way out: the Bcc fields, which only the sender's copy has (RFC 5322 §3.6.3)."""

import re

from postroom.compose.original import find_header_end
from postroom.patterns import compile_pattern

_BCC = compile_pattern(
    rb"^(?:resent-)?bcc[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)", re.IGNORECASE | re.MULTILINE
)


def is_8bit(raw: bytes) -> bool:
    """Tell whether a message, as it goes out, is 8bit (RFC 6152)."""
    return not raw.isascii() and not without_bcc(raw).isascii()


def without_bcc(raw: bytes) -> bytes:
    """Return a raw message without its Bcc and Resent-Bcc fields, all else as it was."""
    end = find_header_end(raw)
    left = _BCC.sub(b"", raw[:end])
    return raw if len(left) == end else left + raw[end:]
