"""The bodies of the corpus: each function returns the blocks of one kind of message, its content headers first."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from postroom.bench._pools import Blocks, Pool, encode_base64, encode_words

T = TypeVar("T")

_LINE = 78
"""Bytes of a base64 line with its CRLF."""

_PDF_START = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
_ATTACHMENT_TYPES = (
    (b"application/pdf", "pdf", _PDF_START),
    (b"application/pdf", "pdf", _PDF_START),
    (b"image/jpeg", "jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
    (
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
        b"PK\x03\x04\x14\x00",
    ),
    (b"application/zip", "zip", b"PK\x03\x04\x14\x00"),
    (b"application/octet-stream", "dat", b""),
)


class Choice:
    """All randomness of a corpus: every method draws from the one ``random`` it was made with."""

    def __init__(self, random: Callable[[], float], blocks: Blocks) -> None:
        self.random = random
        self._binary = blocks.binary
        self._lines = len(blocks.binary) // _LINE
        self._images = blocks.images

    def number(self, limit: int) -> int:
        """Return a whole number from 0 to below ``limit``."""
        return int(self.random() * limit)

    def pick(self, options: Sequence[T]) -> T:
        """Return one of ``options``."""
        return options[int(self.random() * len(options))]

    def some(self, options: Sequence[bytes], low: int, high: int) -> list[bytes]:
        """Return from ``low`` to ``high`` of ``options``, repetitions possible."""
        random, size = self.random, len(options)
        return [options[int(random() * size)] for _ in range(low + int(random() * (high - low + 1)))]

    def base64_text(self, length: int) -> bytes:
        """Return ``length`` (at most 76) base64 characters."""
        start = self.number(self._lines) * _LINE
        return self._binary[start : start + length]

    def base64_lines(self, count: int) -> list[bytes]:
        """Return ``count`` strings of 72 base64 characters."""
        return [self.base64_text(72) for _ in range(count)]

    def binary(self, lines: int) -> bytes:
        """Return base64 of random bytes, 57 for each of ``lines``, with line ends."""
        start = self.number(self._lines - lines) * _LINE
        return self._binary[start : start + lines * _LINE]

    def image(self) -> bytes:
        """Return a small PNG image in base64 lines."""
        return self.pick(self._images)


class Letter(NamedTuple):
    """What the bodies of one message have in common; ``quoted`` names who is answered, "" for nobody."""

    pool: Pool
    boundary: bytes
    reference: str
    quoted: str


def render_plain(letter: Letter, choice: Choice) -> list[bytes]:
    """Return a text/plain message."""
    return [_content_type(letter.pool, "plain"), b"\r\n", *_text(letter, choice, low=2, high=9)]


def render_alternative(letter: Letter, choice: Choice) -> list[bytes]:
    """Return multipart/alternative: text, and the same length of HTML."""
    return [_multipart("alternative", letter.boundary), *_alternative(letter, choice, letter.boundary)]


def render_newsletter(letter: Letter, choice: Choice) -> list[bytes]:
    """Return a newsletter: large HTML with tables, styles, remote images and tracking; often a short text too."""
    pool = letter.pool
    html = [
        _content_type(pool, "html"),
        b"\r\n",
        choice.pick(pool.newsletter_starts),
        *choice.some(pool.articles, 5, 13),
        pool.encode(f"<tr><td>{letter.reference}</td></tr>\r\n"),
        choice.pick(pool.newsletter_ends),
    ]
    if choice.random() < 0.4:
        return html
    text = [_content_type(pool, "plain"), b"\r\n", *_text(letter, choice, low=1, high=4)]
    return [_multipart("alternative", letter.boundary), *_joined(letter.boundary, [text, html])]


def render_attachments(letter: Letter, choice: Choice) -> list[bytes]:
    """Return multipart/mixed: a letter, and one to three attachments of a few to some hundred KB."""
    inner = letter.boundary + b"_a"
    if choice.random() < 0.5:
        body = [_multipart("alternative", inner), *_alternative(letter, choice, inner)]
    else:
        body = render_plain(letter, choice)
    files = [_attachment(letter, choice) for _ in range(1 + int(choice.random() ** 2 * 3))]
    return [_multipart("mixed", letter.boundary), *_joined(letter.boundary, [body, *files])]


def render_inline(letter: Letter, choice: Choice) -> list[bytes]:
    """Return multipart/related: HTML that shows one to three images by their Content-ID (RFC 2392)."""
    pool = letter.pool
    names = [f"image{number}.{letter.reference}@example.net" for number in range(1 + choice.number(3))]
    references = "".join(f'<p><img src="cid:{name}" alt="" width="64"></p>\r\n' for name in names)
    body = [_content_type(pool, "html"), b"\r\n", *_html(letter, choice, references)]
    images = [
        [
            b'Content-Type: image/png; name="image%d.png"\r\nContent-Transfer-Encoding: base64\r\n' % number,
            b'Content-ID: <%s>\r\nContent-Disposition: inline; filename="image%d.png"\r\n\r\n'
            % (name.encode(), number),
            choice.image(),
        ]
        for number, name in enumerate(names)
    ]
    return [
        b'Content-Type: multipart/related; type="text/html"; boundary="%s"\r\n\r\n' % letter.boundary,
        *_joined(letter.boundary, [body, *images]),
    ]


def render_invitation(letter: Letter, choice: Choice, *, attendee: bytes) -> list[bytes]:
    """Return multipart/alternative with a text and a text/calendar request (RFC 6047 §2.4)."""
    pool = letter.pool
    day, hour = 1 + choice.number(28), 8 + choice.number(9)
    organizer = choice.pick(pool.people).address
    calendar = (
        b"BEGIN:VCALENDAR\r\nPRODID:-//example.test//corpus//EN\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
        b"BEGIN:VEVENT\r\nUID:%s@example.test\r\nDTSTAMP:20240101T080000Z\r\n"
        b"DTSTART:202406%02dT%02d0000Z\r\nDTEND:202406%02dT%02d3000Z\r\nSUMMARY:Meeting %s\r\n"
        b"ORGANIZER:mailto:%s\r\nATTENDEE;RSVP=TRUE:mailto:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        % (letter.reference.encode(), day, hour, day, hour, letter.reference.encode(), organizer, attendee)
    )
    text = [_content_type(pool, "plain"), b"\r\n", *_text(letter, choice, low=1, high=3)]
    event = [b"Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n", calendar]
    return [_multipart("alternative", letter.boundary), *_joined(letter.boundary, [text, event])]


def _content_type(pool: Pool, subtype: str) -> bytes:
    return (
        f"Content-Type: text/{subtype}; charset={pool.charset}\r\nContent-Transfer-Encoding: {pool.encoding}\r\n"
    ).encode()


def _multipart(subtype: str, boundary: bytes) -> bytes:
    return b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode(), boundary)


def _joined(boundary: bytes, parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    blocks: list[bytes] = []
    for part in parts:
        blocks += [b"--%s\r\n" % boundary, *part, b"\r\n"]
    return [*blocks, b"--%s--\r\n" % boundary]


def _alternative(letter: Letter, choice: Choice, boundary: bytes) -> list[bytes]:
    text = [_content_type(letter.pool, "plain"), b"\r\n", *_text(letter, choice, low=2, high=8)]
    html = [_content_type(letter.pool, "html"), b"\r\n", *_html(letter, choice, "")]
    return _joined(boundary, [text, html])


def _text(letter: Letter, choice: Choice, *, low: int, high: int) -> list[bytes]:
    pool = letter.pool
    ending = f"{pool.language.closing}\r\n\r\n-- \r\n{pool.language.closing} #{letter.reference}\r\n"
    blocks = [pool.greeting, *choice.some(pool.text, low, high), pool.encode(ending)]
    if letter.quoted:
        blocks += [pool.encode(f"\r\n{_attribution(letter)}\r\n"), *choice.some(pool.quoted, 1, 8)]
    return blocks


def _html(letter: Letter, choice: Choice, extra: str) -> list[bytes]:
    pool = letter.pool
    blocks = [pool.html_greeting, *choice.some(pool.html, 4, 16)]
    if letter.quoted:
        blocks += [pool.encode(f"<p>{_attribution(letter)}</p>\r\n"), *choice.some(pool.html_quoted, 1, 8)]
    return [*blocks, pool.encode(f"{extra}<p>#{letter.reference}</p>\r\n"), pool.html_end]


def _attribution(letter: Letter) -> str:
    return letter.pool.language.wrote.format(date=letter.reference, name=letter.quoted)


def _attachment(letter: Letter, choice: Choice) -> list[bytes]:
    content_type, extension, magic = choice.pick(_ATTACHMENT_TYPES)
    name = f"{choice.pick(letter.pool.filenames)}_{choice.number(1000)}.{extension}"
    # The cube makes most files small and a few large, as they are.
    lines = 60 + int(choice.random() ** 3 * 2150)
    return [
        b'Content-Type: %s; name="%s"\r\n' % (content_type, encode_words(name, letter.pool.charset)),
        b"Content-Transfer-Encoding: base64\r\n%s\r\n" % _disposition(name),
        encode_base64(magic + b" " * (-len(magic) % 57)),
        choice.binary(lines),
    ]


def _disposition(name: str) -> bytes:
    if name.isascii():
        return b'Content-Disposition: attachment; filename="%s"\r\n' % name.encode()
    return b"Content-Disposition: attachment;\r\n\tfilename*=utf-8''%s\r\n" % quote(name).encode()
