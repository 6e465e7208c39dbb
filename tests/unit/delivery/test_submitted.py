"""Putting submitted messages right: line ends, header, what is added; the same however the input is cut."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.delivery.line_ends import LineEnds
from postroom.delivery.submitted_header import MAX_HEADER_BYTES, parse_header
from postroom.delivery.submitted_spool import SpoolBounds, SubmittedSpool
from postroom.delivery.trace import Trace
from postroom.errors import PostroomError

TRACE = Trace(
    sender="anna@example.test",
    helo="client",
    client="[192.0.2.1]",
    hostname="mail.example.test",
    message_id="0123456789abcdef",
    smtputf8=False,
    received_at=1_700_000_000.0,
)
RECEIVED = (
    b"Received: from client ([192.0.2.1])\r\n\tby mail.example.test with ESMTPSA id 0123456789abcdef;\r\n"
    b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
)
AUTHOR = b"From: anna@example.test\r\n"
DATE = b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
KNOWN = AUTHOR + DATE + b"Message-ID: <1@x>\r\n"

_PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b".", b": ", b" ", b"From", b"\xc3\xa4"]), max_size=30
)


def gather(directory: Path, pieces: list[bytes], *, trace: Trace = TRACE, max_bytes: int = 10**6) -> bytes:
    spool = SubmittedSpool(trace, SpoolBounds(directory, 1000, max_bytes))
    try:
        for piece in pieces:
            spool.write(piece)
        return bytes(spool.finish()[:])
    finally:
        spool.close()


@given(_PIECES)
def test_only_crlf_is_left(pieces: list[bytes]) -> None:
    ends, whole = LineEnds(), LineEnds()
    text = b"".join(pieces)
    out = b"".join(ends.feed(piece) for piece in pieces) + ends.finish()
    assert out == whole.feed(text) + whole.finish()
    rest = out.replace(b"\r\n", b"")
    assert b"\r" not in rest
    assert b"\n" not in rest
    assert rest == text.replace(b"\r", b"").replace(b"\n", b"")
    assert ends.is_8bit == (not text.isascii())


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (b"a\nb", b"a\r\nb"),
        (b"a\r\n.\nb\r\n", b"a\r\n.\r\nb\r\n"),
        (b"a\r\r\nb\r", b"a\r\nb\r\n"),
        (b"\n\n\r\n", b"\r\n\r\n\r\n"),
        (b"a\rb", b"a\r\nb"),
    ],
)
def test_line_ends(text: bytes, content: bytes) -> None:
    ends = LineEnds()
    assert ends.feed(text) + ends.finish() == content


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (KNOWN + b"\r\nx\r\n", KNOWN + b"\r\nx\r\n"),
        (KNOWN, KNOWN + b"\r\n"),
        (KNOWN + b"no field\r\n\r\nx\r\n", KNOWN + b"\r\nno field\r\n\r\nx\r\n"),
        (KNOWN + b"To : b\r\n c\r\n\r\n", KNOWN + b"To : b\r\n c\r\n\r\n"),
        (KNOWN + b"To: b", KNOWN + b"To: b\r\n\r\n"),
        (b"Message-ID:\r\n" + AUTHOR + b"\r\n", DATE + b"Message-ID:\r\n" + AUTHOR + b"\r\n"),
        (DATE + b"Message-ID: x\r\n\r\n", AUTHOR + DATE + b"Message-ID: x\r\n\r\n"),
    ],
)
def test_headers(tmp_path: Path, message: bytes, content: bytes) -> None:
    assert gather(tmp_path, [message]) == RECEIVED + content
    assert gather(tmp_path, [message[at : at + 1] for at in range(len(message))]) == RECEIVED + content


def test_a_message_of_nothing(tmp_path: Path) -> None:
    content = gather(tmp_path, [])
    assert content.startswith(RECEIVED + AUTHOR + DATE + b"Message-ID: <")
    assert content.endswith(b"@example.test>\r\n\r\n")


@pytest.mark.parametrize(
    "message",
    [
        AUTHOR + AUTHOR + b"\r\n",
        b"From:  \r\n\r\n",
        b"Sender: a\r\nsender: b\r\n" + AUTHOR,
        AUTHOR + b"\0",
        AUTHOR + b"\r\n" + b"x" * 50_000 + b"\0",
        b"A: b\r\n" * (MAX_HEADER_BYTES // 6 + 1),
        b"A: " + b"b" * MAX_HEADER_BYTES,
    ],
)
def test_messages_that_cannot_be(tmp_path: Path, message: bytes) -> None:
    with pytest.raises(PostroomError) as caught:
        gather(tmp_path, [message[at : at + 65_536] for at in range(0, len(message), 65_536)])
    assert caught.value.code == "badMessage"


def test_a_long_text_without_a_header(tmp_path: Path) -> None:
    text = b"no field\r\n" * 40_000
    content = gather(tmp_path, [text[at : at + 65_536] for at in range(0, len(text), 65_536)])
    assert content.endswith(b"@example.test>\r\n\r\n" + text)


def test_the_size_is_the_clients(tmp_path: Path) -> None:
    message = KNOWN + b"\r\n" + b"x\n" * 100
    assert gather(tmp_path, [message], max_bytes=len(message)).endswith(b"x\r\n")
    with pytest.raises(PostroomError, match="too large"):
        gather(tmp_path, [message], max_bytes=len(message) - 1)


@given(st.binary(max_size=200))
def test_no_byte_is_lost(block: bytes) -> None:
    ends = LineEnds()
    text = ends.feed(block) + ends.finish()
    try:
        header = parse_header(text)
    except PostroomError:
        return
    assert text in (header.fields + header.rest, header.fields + header.rest[2:])
