"""What a message loses on its way out: the Bcc fields, which only the sender's copy has (RFC 5322 §3.6.3)."""

import re

_HEADER_END = re.compile(rb"(\r?\n)\r?\n")
_BCC = re.compile(
    rb"^(?:resent-)?bcc[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)", re.IGNORECASE | re.MULTILINE
)


def without_bcc(raw: bytes) -> bytes:
    """Return a raw message without its Bcc and Resent-Bcc fields, all else as it was."""
    end = 0
    if not raw.startswith((b"\n", b"\r\n")):
        match = _HEADER_END.search(raw)
        end = match.end(1) if match else len(raw)
    header = raw[:end]
    left = _BCC.sub(b"", header)
    return raw if len(left) == end else left + raw[end:]
