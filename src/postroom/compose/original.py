"""The message that a report or a receipt is about: its header, and a part that gives it back (RFC 3462 §2, §3)."""

import re

from postroom.compose.parts import Part, encode_text, keep_message
from postroom.patterns import compile_pattern

_HEADER_END = compile_pattern(rb"(\r?\n)\r?\n")
_FOLD = compile_pattern(r"\r?\n")
_ANY_LINE_END = compile_pattern(rb"\r\n?|\n")


def find_header_end(raw: bytes) -> int:
    """Return where the blank line behind the header begins; the end where there is none."""
    if raw.startswith((b"\n", b"\r\n")):
        return 0
    match = _HEADER_END.search(raw)
    return match.end(1) if match else len(raw)


def unfold(value: bytes) -> str:
    """Return the value of a header field as text without its line ends (RFC 5322 §2.2.3), nothing decoded."""
    return _FOLD.sub("", value.decode("utf-8", "replace")).strip()


def find_value(raw: bytes, name: str) -> str:
    """Return the undecoded value of the first header field of that name on one line, "" if there is none."""
    pattern = rb"^%b[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)" % re.escape(name.encode())
    field = compile_pattern(pattern, re.IGNORECASE | re.MULTILINE)
    match = field.search(raw[: find_header_end(raw)])
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else ""


def returned_part(raw: bytes, *, headers_only: bool) -> Part:
    """Return the part that holds a message, or its header where that is wanted, or all that can be given back."""
    kept = None if headers_only else keep_message(raw)
    if kept is not None:
        content_type = "message/rfc822" if raw[: find_header_end(raw)].isascii() else "message/global"
        encoding = "7bit" if kept.isascii() else "8bit"
        head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        return Part(head, (kept,), (kept,))
    header = _ANY_LINE_END.sub(b"\r\n", raw[: find_header_end(raw)])
    encoding, body = encode_text(header)
    head = (
        f"Content-Type: text/rfc822-headers; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
        "Content-Disposition: inline\r\n"
    )
    return Part(head, (body,), (body,))
