"""What a message loses on its way out: the Bcc fields, which only the sender's copy has (RFC 5322 §3.6.3)."""

import re

from postroom.compose.original import find_header_end

_BCC = re.compile(
    rb"^(?:resent-)?bcc[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)", re.IGNORECASE | re.MULTILINE
)


def without_bcc(raw: bytes) -> bytes:
    """Return a raw message without its Bcc and Resent-Bcc fields, all else as it was."""
    end = find_header_end(raw)
    left = _BCC.sub(b"", raw[:end])
    return raw if len(left) == end else left + raw[end:]
