"""The same bytes give the same replies and the same messages, however the network cuts them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.lmtp_peer import Served, serve

from postroom.delivery.limits import LMTPLimits

_STREAM = (
    b"NOOP early\r\n"
    b"LHLO client.example.test\r\n"
    b"MAIL FROM:<first@example.org> SIZE=50\r\n"
    b"RCPT TO:<ann@example.test>\r\n"
    b"RCPT TO:<nobody@elsewhere.test>\r\n"
    b"RCPT TO:<bob@example.test>\r\n"
    b"DATA\r\n"
    b"..one\r\n.\n\r.\r\n..\r\n\r\n"
    b".\r\n"
    b"WHAT\x00\r\n" + b"x" * 300 + b"\r\n"
    b"RSET\r\n"
    b"MAIL FROM:<second@example.org>\r\n"
    b"RCPT TO:<ann@example.test>\r\n"
    b"BDAT 7\r\ntwo\r\n.\r"
    b"BDAT 0\r\n"
    b"BDAT 4 LAST\r\n\nQ\r\n"
    b"MAIL FROM:<third@example.org>\r\n"
    b"DATA\r\n"
    b"RCPT TO:<bob@example.test>\r\n"
    b"DATA\r\n"
    b".\r\n"
    b"NOOP\nNOOP\r\n"
    b"QUIT\r\n"
    b"NOOP never answered\r\n"
)
_CODES = [
    *("220", "250", *["250"] * 7),  # NOOP, LHLO
    *(
        "250",
        "250",
        "550",
        "250",
        "354",
        "250",
        "250",
    ),  # the first message; two of three recipients are accepted
    *("500", "500", "250"),  # a control character, a line too long, RSET
    *("250", "250", "250", "250", "250"),  # the second message, in chunks
    *("250", "503", "250", "354", "250"),  # the third, with DATA too early
    *("500", "221"),  # NOOP with a bare LF, QUIT
]


def without_ids(lines: list[str]) -> list[str]:
    return [re.sub(r"id [0-9a-f]{16}", "id", line) for line in lines]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path, limits=LMTPLimits(max_command_bytes=200, linger_seconds=0.5)) as running:
        yield running


async def play_cut(served: Served, pieces: list[bytes]) -> tuple[list[str], list[tuple[list[str], bytes]]]:
    """Send the pieces, each in its own packet, and return the replies and what was delivered."""
    served.inbox.deliveries.clear()
    async with served.connect() as peer:
        for piece in pieces:
            peer.writer.write(piece)
            # The server shares this event loop: it reads this piece before the next one is written.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        lines = await peer.read_to_end()
    return without_ids(lines), [
        (delivery.addresses, delivery.content) for delivery in served.inbox.deliveries
    ]


async def test_everything_in_one_packet(served: Served) -> None:
    lines, deliveries = await play_cut(served, [_STREAM])
    assert [line[:3] for line in lines] == _CODES
    assert deliveries == [
        (["ann@example.test", "bob@example.test"], b".one\r\n\n\r.\r\n.\r\n\r\n"),
        (["ann@example.test"], b"two\r\n.\r\nQ\r\n"),
        (["bob@example.test"], b""),
    ]


async def test_byte_by_byte(served: Served) -> None:
    expected = await play_cut(served, [_STREAM])
    assert await play_cut(served, [bytes([byte]) for byte in _STREAM]) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sets(st.integers(1, len(_STREAM) - 1), max_size=40))
async def test_however_cut(served: Served, places: set[int]) -> None:
    marks = [0, *sorted(places), len(_STREAM)]
    pieces = [_STREAM[marks[number] : marks[number + 1]] for number in range(len(marks) - 1)]
    assert await play_cut(served, pieces) == await play_cut(served, [_STREAM])


async def test_many_messages_in_one_packet(served: Served) -> None:
    count = 300
    message = b"MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n%d\r\n.\r\n"
    lines = await served.talk(b"LHLO c\r\n" + b"".join(message % number for number in range(count)))
    assert [line[:3] for line in lines[8:]] == ["250", "250", "354", "250"] * count
    assert [delivery.content for delivery in served.inbox.deliveries] == [b"%d\r\n" % n for n in range(count)]


async def test_one_connection_does_not_starve_another(served: Served) -> None:
    """Eight thousand commands in one packet are worked off in turns with what others send."""
    async with served.connect() as flooding, served.connect() as other:
        await flooding.line()
        await other.line()
        flooding_wire, _ = served.server._sessions
        flooding.writer.write(b"NOOP\r\n" * 8000)
        await other.play("C: NOOP\nS: 250 *")
        assert len(flooding_wire._buffer) > 0
        for _ in range(8000):
            assert await flooding.line() == "250 2.0.0 OK"


@pytest.mark.parametrize("length", range(196, 206))
async def test_long_line_cut_within_its_line_end(served: Served, length: int) -> None:
    lines, _ = await play_cut(served, [b"NOOP " + b"x" * (length - 7) + b"\r", b"\nNOOP\r\nQUIT\r\n"])
    assert [line[:3] for line in lines] == ["220", "250" if length <= 200 else "500", "250", "221"]
