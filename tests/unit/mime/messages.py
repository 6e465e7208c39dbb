"""Small awkward messages of our own, and what the tests of this package share."""

from collections.abc import Iterable, Iterator

from postroom.mime.decode import decode_body, text_of
from postroom.mime.parse import parse_message
from postroom.mime.raw import Raw
from postroom.mime.stream import body_decoder
from postroom.mime.structure import iter_parts, part_source
from postroom.model.mail import Part

Shape = tuple[str, tuple["Shape", ...]] | str
"""A part tree by its types: a leaf is its type, a container its type and what is in it."""


def crlf(text: str) -> bytes:
    """Return ``text`` with CRLF line ends, in UTF-8."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def shape(part: Part) -> Shape:
    """Return the tree below ``part`` by its types."""
    if not part.parts:
        return part.content_type
    return part.content_type, tuple(shape(child) for child in part.parts)


def parsed_shape(raw: bytes) -> Shape:
    """Return the tree of the message ``raw`` by its types."""
    return shape(parse_message(raw))


def text_at(raw: bytes, part_id: int) -> str:
    """Return the decoded text of a part of the message ``raw``."""
    root = parse_message(raw)
    part = list(iter_parts(root))[part_id]
    return decode_text(part_source(raw, root, part), part)


def decode_text(raw: Raw, part: Part) -> str:
    """Return the text of a text part; ``raw`` as for :func:`postroom.mime.decode.decode_body`."""
    return text_of(decode_body(raw, part), part)


def iter_slices(raw: Raw, start: int, *, end: int, slice_bytes: int) -> Iterator[bytes]:
    """Yield ``raw[start:end]`` in slices."""
    for position in range(start, end, slice_bytes):
        yield raw[position : min(position + slice_bytes, end)]


def iter_decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield what a body decodes to that comes in pieces."""
    decoder = body_decoder(encoding)
    for piece in pieces:
        yield decoder.feed(piece)
    yield decoder.finish()


def check_tree(raw: bytes, root: Part) -> None:
    """Assert what must hold for every part tree: numbering, nesting, offsets in order and inside the message."""
    parts = list(iter_parts(root))
    assert [part.id for part in parts] == list(range(root.id, root.id + len(parts)))
    assert root.header_start == 0
    assert root.end == len(raw)
    for part in parts:
        source = part_source(raw, root, part)
        assert 0 <= part.header_start <= part.body_start <= part.end <= len(source)
        assert part.content_type.count("/") == 1
        assert part.content_type == part.content_type.lower()
        last = part.body_start
        for child in part.parts:
            if child.decoded_base == part.decoded_base:
                assert last <= child.header_start
                assert child.end <= part.end
                last = child.end
            else:
                assert child.decoded_base == part.id
                assert child.header_start == 0


MIXED = crlf("""\
From: Ann <ann@example.com>
To: Bob <bob@example.com>
Subject: Report
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8

plain text
--inner
Content-Type: text/html; charset=utf-8

<p>html text</p>
--inner--
--outer
Content-Type: application/pdf; name="report.pdf"
Content-Disposition: attachment; filename="report.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer--
epilogue
""")

FORWARDED = crlf("""\
Subject: Fwd: see below
Content-Type: multipart/mixed; boundary=b

--b

see below
--b
Content-Type: message/rfc822

Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
From: Carl <carl@example.com>
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: text/plain

inner text
--c
Content-Type: image/png; name=logo.png
Content-Transfer-Encoding: base64

iVBORw==
--c--
--b--
""")

RELATED = crlf("""\
Subject: Newsletter
Content-Type: multipart/related; boundary=r; type="text/html"

--r
Content-Type: text/html; charset=utf-8

<p>Hello <img src="cid:logo%40example.com"><img src='CID:second'></p>
--r
Content-Type: image/png
Content-ID: <logo@example.com>
Content-Disposition: attachment; filename=logo.png
Content-Transfer-Encoding: base64

iVBORw==
--r
Content-Type: image/gif
Content-ID: <second>
Content-Transfer-Encoding: base64

R0lGODlh
--r
Content-Type: image/gif; name=unused.gif
Content-ID: <unused>
Content-Disposition: inline
Content-Transfer-Encoding: base64

R0lGODlh
--r--
""")
