"""Encoded words (RFC 2047) in header values, and raw 8-bit values (RFC 6532 and what came before it).

Adjacent words of the same charset are joined as bytes before they are decoded, since many senders cut a character
in two. White space between words is dropped (RFC 2047 §6.2), white space beside other text is kept. A word that is
broken (unknown encoding letter, no end) stays as it stands. Words are found by one regular expression whose search
ends at the last ``?=``, so that every attempt that begins well also ends well: the time is linear.
"""

import binascii
import re

from postroom.mime.charset import decode_charset, decode_unknown

_WORD = re.compile(
    r"=\?([^?*\s]{1,64})(?:\*[^?\s]{0,64})?\?([bBqQ])\?(.*?)\?=([ \t\r\n]*(?==\?))?", re.DOTALL
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CONTROLS: dict[int, str | None] = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0))) | {0x09: " "}


def clean_text(text: str) -> str:
    """Return ``text`` on one line: line ends and control characters removed, tabs as spaces, ends stripped."""
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    return text.strip()


def decode_8bit(value: bytes) -> str:
    """Return a raw header value as text: UTF-8 if it is that, else windows-1252. Folds and controls stay."""
    try:
        return value.decode("ascii") if b"\x1b" not in value else decode_unknown(value)
    except UnicodeDecodeError:
        return decode_unknown(value)


def decode_words(text: str) -> str:
    """Return ``text`` with its encoded words decoded; what is not a proper word stays."""
    end = text.rfind("?=") + 2
    if end < 8:
        return text
    out: list[str] = []
    run: list[bytes] = []
    run_charset = ""
    position = 0
    for match in _WORD.finditer(text, 0, end):
        charset, letter, encoded, gap = match.groups()
        if match.start() > position or charset.lower() != run_charset:
            out.append(_decode_run(run, run_charset))
            run, run_charset = [], charset.lower()
        out.append(text[position : match.start()])
        run.append(_decode_word(letter, encoded))
        # The gap is part of the match only where "=?" follows; if no word does, it is text again.
        position = match.end() if gap is None else _after_gap(text, match, end)
    out.append(_decode_run(run, run_charset))
    out.append(text[position:])
    return "".join(out)


def _after_gap(text: str, match: re.Match[str], end: int) -> int:
    return match.end() if _WORD.match(text, match.end(), end) else match.start(4)


def _decode_run(run: list[bytes], charset: str) -> str:
    return decode_charset(b"".join(run), charset) if run else ""


def _decode_word(letter: str, encoded: str) -> bytes:
    data = encoded.encode("utf-8", "replace")
    if letter in "qQ":
        return binascii.a2b_qp(data, header=True)
    data = _NOT_BASE64.sub(b"", data)
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
