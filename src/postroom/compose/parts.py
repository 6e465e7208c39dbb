"""Parts of a message: their header fields, transfer encodings and multiparts (RFC 2045, 2046, 2183, 2231, 2387).

A part is written as its Content- fields and its body. Everything composed here is ASCII, whatever it holds: text that
is not goes as quoted-printable or base64, whichever is shorter, files as base64. Attached messages go as they are,
since nothing else is permitted for them (RFC 2046 §5.2.1): those with 8-bit text make the message 8bit.

Boundaries contain ``=_``, which neither encoding produces; what goes as it is is searched for them. They depend on a
seed (the Message-ID) alone, so that composing the same twice gives the same bytes.
"""

import hashlib
import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote as percent_encode

from postroom.compose.addresses import quote
from postroom.compose.fields import clean_value
from postroom.errors import bad_parameter

MAX_LINE_BYTES: Final = 998
MAX_FILE_NAME_CHARS: Final = 500
_ENCODED_LINE_BYTES = 76
_PLAIN_PARAMETER_CHARS = 60
_SECTION_CHARS = 60

_7BIT_TEXT = bytes((*b"\t\r\n", *range(0x20, 0x7F)))
_LONG_LINE = re.compile(rb"[^\n]{999}")
_LINE_END = re.compile(r"\r\n?|\n")
_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)|\x00")
_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,60})/([A-Za-z0-9!#$&^_.+-]{1,100})\s*(?:;|\Z)")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9!#$&^_.:+-]{1,40})\"?\s*(?:;|\Z)", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[!-;=?-~](?:[ -;=?-~]{0,298}[!-;=?-~])?")
_DEFAULT_TYPE = "application/octet-stream"
_MESSAGE_TYPES = ("message/rfc822", "message/global")
_VERBATIM_TYPES = (
    *_MESSAGE_TYPES,
    "message/delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
)


class Part(NamedTuple):
    """A part: its fields in ASCII, each with its line end, and its body. ``verbatim`` may hold any boundary."""

    head: str
    body: Sequence[bytes]
    verbatim: Sequence[bytes] = ()


class AttachedFile(NamedTuple):
    """A file to be attached. ``content_id`` and ``is_inline``: the HTML shows it as ``cid:…``; else ""."""

    name: str
    content_type: str
    content_id: str
    is_inline: bool
    content: bytes


def text_part(text: str, subtype: str) -> Part:
    """Return a part of text in UTF-8."""
    if "\r" in text or "\n" in text:
        text = _LINE_END.sub("\r\n", text)
    data = text.encode("utf-8", "replace")
    encoding, body = encode_text(data)
    return Part(
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n", (body,)
    )


def encode_text(data: bytes) -> tuple[str, bytes]:
    """Return the transfer encoding of a text with CRLF line ends, and the text in it."""
    unsafe = len(data.translate(None, _7BIT_TEXT))
    if not unsafe and not _LONG_LINE.search(data):
        return "7bit", data
    if 6 * unsafe > len(data):
        return "base64", encode_base64(data)
    # The library takes its line ends from the text, so there has to be one.
    if b"\n" in data:
        return "quoted-printable", b2a_qp(data, istext=True)
    return "quoted-printable", b2a_qp(data + b"\r\n", istext=True)[:-2]


def encode_base64(data: bytes) -> bytes:
    """Return data in base64, in lines of 76 characters."""
    encoded = b2a_base64(data, newline=False)
    step = _ENCODED_LINE_BYTES
    return b"\r\n".join([encoded[start : start + step] for start in range(0, len(encoded), step)])


def file_part(file: AttachedFile, *, is_related: bool) -> Part:
    """Return the part of an attached file. Raises: badParameter (``temporaryAttachments``, ``contentId``)."""
    name = clean_value(file.name[:MAX_FILE_NAME_CHARS], parameter="temporaryAttachments")
    content_type, parameters = _read_type(file.content_type)
    encoding, content = "base64", file.content
    if content_type.startswith("message/"):
        content_type, encoding, content = _choose_message(content_type, content)
    body = encode_base64(content) if encoding == "base64" else content
    disposition = "inline" if is_related else "attachment"
    head = [
        f"Content-Type: {content_type}{parameters}{_render_parameter('name', name)}\r\n",
        f"Content-Transfer-Encoding: {encoding}\r\n",
        f"Content-Disposition: {disposition}{_render_parameter('filename', name)}\r\n",
    ]
    if file.content_id:
        head.append(f"Content-ID: <{read_content_id(file.content_id)}>\r\n")
    return Part("".join(head), (body,), () if encoding == "base64" else (body,))


def read_content_id(text: str) -> str:
    """Return a content id without angle brackets. Raises: badParameter (``contentId``)."""
    content_id = text.strip(" ")
    if content_id.startswith("<") and content_id.endswith(">"):
        content_id = content_id[1:-1]
    if not _CONTENT_ID.fullmatch(content_id):
        raise bad_parameter("contentId", f"{text[:100]!r} is not a content id")
    return content_id


def _read_type(text: str) -> tuple[str, str]:
    """Return a media type and its charset as a parameter; what is no type, or holds others, is just a file."""
    match = _TYPE.match(text)
    if match is None or not text.isprintable():
        return _DEFAULT_TYPE, ""
    content_type = f"{match[1]}/{match[2]}".lower()
    if content_type.startswith("multipart/"):
        return _DEFAULT_TYPE, ""
    charset = _CHARSET.search(text) if content_type.startswith("text/") else None
    return content_type, f"; charset={quote(charset[1])}" if charset else ""


def keep_message(content: bytes) -> bytes | None:
    """Return a message as it can go without an encoding, which is all that is permitted; None if it cannot."""
    if b"\r" not in content:
        content = content.replace(b"\n", b"\r\n")
    return None if _BARE_LINE_END.search(content) or _LONG_LINE.search(content) else content


def _choose_message(content_type: str, content: bytes) -> tuple[str, str, bytes]:
    """Return type, encoding and content of an attached message; one that cannot go as it is goes as a file."""
    kept = keep_message(content) if content_type in _VERBATIM_TYPES else None
    if kept is not None and kept.isascii():
        return content_type, "7bit", kept
    if kept is not None and content_type in _MESSAGE_TYPES:
        return content_type, "8bit", kept
    return _DEFAULT_TYPE, "base64", content


def _render_parameter(name: str, value: str) -> str:
    """Return a parameter with what separates it from those before; in sections where it is long (RFC 2231 §3, §4)."""
    if not value:
        return ""
    if len(value) <= _PLAIN_PARAMETER_CHARS and value.isascii() and "=?" not in value:
        return f";\r\n {name}={quote(value)}"
    sections: list[str] = []
    section = "utf-8''"
    for char in value:
        encoded = percent_encode(char, safe="")
        if len(section) + len(encoded) > _SECTION_CHARS:
            sections.append(section)
            section = ""
        section += encoded
    sections.append(section)
    if len(sections) == 1:
        return f";\r\n {name}*={section}"
    return "".join(f";\r\n {name}*{number}*={part}" for number, part in enumerate(sections))


class Boundaries:
    """Makes the boundaries of a message, from a seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode("utf-8", "replace")
        self._count = 0

    def make(self, verbatim: Sequence[bytes]) -> str:
        """Return the next boundary, which stands in nothing that goes as it is."""
        while True:
            self._count += 1
            digest = hashlib.blake2b(self._seed + b"%d" % self._count, digest_size=12).hexdigest()
            boundary = f"=_{digest}"
            if not any(boundary.encode() in data for data in verbatim):
                return boundary


def multipart(boundaries: Boundaries, subtype: str, parts: Sequence[Part], *, parameters: str = "") -> Part:
    """Return a multipart of parts; ``parameters`` as they stand behind the type, with a semicolon before each."""
    verbatim = [data for part in parts for data in part.verbatim]
    boundary = boundaries.make(verbatim)
    head = f'Content-Type: multipart/{subtype}{parameters};\r\n boundary="{boundary}"\r\n'
    is_8bit = any(not data.isascii() for data in verbatim)
    if is_8bit:
        head += "Content-Transfer-Encoding: 8bit\r\n"
    return Part(head, list(_join(boundary.encode(), parts)), verbatim)


def _join(boundary: bytes, parts: Sequence[Part]) -> Iterator[bytes]:
    start = b"--%b\r\n" % boundary
    for part in parts:
        yield start
        yield part.head.encode("ascii") + b"\r\n"
        yield from part.body
        start = b"\r\n--%b\r\n" % boundary
    yield b"\r\n--%b--\r\n" % boundary
