"""What arrives is what was sent: dots, line ends, smuggling, chunks, large and too large messages."""

import mmap
import resource
import signal
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.lmtp_peer import RecordingInbox, Served, serve

from postroom.delivery.limits import LMTPLimits
from postroom.errors import PostroomError
from postroom.model.envelope import Envelope

_ENVELOPE = b"LHLO client.example.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\n"
_TWO = _ENVELOPE + b"RCPT TO:<bob@example.test>\r\n"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path) as running:
        yield running


def after_envelope(lines: list[str]) -> list[str]:
    """Return the replies behind greeting, LHLO, MAIL and each accepted RCPT."""
    assert lines[8].startswith("250 2.1.0")
    return [line for line in lines[9:] if not line.startswith("250 2.1.5")]


def codes(lines: list[str]) -> list[str]:
    return [" ".join(line.split()[:2]) for line in after_envelope(lines)]


def stuff(content: bytes) -> bytes:
    ended = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    return (b"\r\n" + ended).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


_SOUP = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"Subject: x", b"\x00", b"\xe9"]), max_size=30
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.one_of(_SOUP.map(b"".join), st.binary(max_size=300)))
async def test_any_bytes_arrive_byte_for_byte(served: Served, content: bytes) -> None:
    served.inbox.deliveries.clear()
    by_data = await served.talk(_ENVELOPE + b"DATA\r\n" + stuff(content) + b"QUIT\r\n")
    by_bdat = await served.talk(_ENVELOPE + b"BDAT %d LAST\r\n" % len(content) + content + b"QUIT\r\n")
    assert codes(by_data) == ["354 Start", "250 2.0.0", "221 2.0.0"]
    assert codes(by_bdat) == ["250 2.0.0", "221 2.0.0"]
    expected = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
    assert [delivery.content for delivery in served.inbox.deliveries] == [expected, expected]


@pytest.mark.parametrize(
    "not_an_end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\n\r.\r\n",
        b"\r\n\x00.\r\n",
        b"\r\n.\x00\r\n",
    ],
)
async def test_smuggling(served: Served, not_an_end: bytes) -> None:
    """What other software may take for the end of data is data, and what follows it is no command."""
    inner = b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nsmuggled\r\n"
    lines = await served.talk(_ENVELOPE + b"DATA\r\nfirst" + not_an_end + inner + b".\r\nQUIT\r\n")
    assert codes(lines) == ["354 Start", "250 2.0.0", "221 2.0.0"]
    (delivery,) = served.inbox.deliveries
    # Dots at the start of a line that only CRLF begins are undone; all else is as it was sent.
    assert delivery.content == (b"first" + not_an_end + inner).replace(b"\r\n.", b"\r\n")
    assert delivery.addresses == ["ann@example.test"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r"])
async def test_bare_line_ends_do_not_end_commands(served: Served, line_end: bytes) -> None:
    lines = await served.talk(b"NOOP" + line_end + b"NOOP\r\nNOOP" + line_end + b"\r\nQUIT\r\n")
    assert [line[:9] for line in lines[1:]] == ["500 5.5.2", "500 5.5.2", "221 2.0.0"]


async def test_long_lines_are_data(served: Served) -> None:
    content = b"x" * 200_000 + b"\r\n" + b"." * 5000 + b"\r\n"
    await served.talk(_ENVELOPE + b"DATA\r\n" + stuff(content))
    assert served.inbox.deliveries[0].content == content


# BDAT (RFC 3030).


@pytest.mark.parametrize(
    ("chunks", "replies", "content"),
    [
        (b"BDAT 3 LAST\r\nabc", ["250 2.0.0"], b"abc\r\n"),
        (b"BDAT 0 LAST\r\n", ["250 2.0.0"], b""),
        (b"BDAT 0\r\nBDAT 5\r\na\r\n.\rBDAT 3 LAST\r\n\nb\n", ["250 2.0.0"] * 3, b"a\r\n.\r\nb\n\r\n"),
        (b"BDAT 3\r\nabcBDAT 0 LAST\r\n", ["250 2.0.0"] * 2, b"abc\r\n"),
        (b"BDAT 5 LAST\r\n.\r\n.\r", ["250 2.0.0"], b".\r\n.\r\r\n"),
        (b"BDAT 6 LAST\r\n..\r\n\r\n", ["250 2.0.0"], b"..\r\n\r\n"),
        (b"BDAT 3\r\nabcNOOP\r\nBDAT 3 LAST\r\ndef", ["250 2.0.0"] * 3, b"abcdef\r\n"),
    ],
)
async def test_chunks(served: Served, chunks: bytes, replies: list[str], content: bytes) -> None:
    assert codes(await served.talk(_ENVELOPE + chunks)) == replies
    assert [delivery.content for delivery in served.inbox.deliveries] == [content]


async def test_last_chunk_has_one_reply_per_recipient(served: Served) -> None:
    lines = await served.talk(_TWO + b"BDAT 3\r\nabcBDAT 3 LAST\r\ndefNOOP\r\n")
    assert after_envelope(lines)[0] == "250 2.0.0 3 octets received"
    assert [line[:19] for line in after_envelope(lines)[1:]] == ["250 2.0.0 Delivered"] * 2 + ["250 2.0.0 OK"]


async def test_reset_between_chunks(served: Served) -> None:
    lines = await served.talk(
        _ENVELOPE + b"BDAT 3\r\nabcRSET\r\nBDAT 3 LAST\r\nxyz" + _ENVELOPE + b"BDAT 3 LAST\r\ndef"
    )
    assert [line[:9] for line in after_envelope(lines)[:3]] == ["250 2.0.0", "250 2.0.0", "503 5.5.1"]
    assert [delivery.content for delivery in served.inbox.deliveries] == [b"def\r\n"]


@pytest.mark.parametrize("command", [b"DATA\r\n", b"RCPT TO:<bob@example.test>\r\n", b"MAIL FROM:<>\r\n"])
async def test_chunks_do_not_mix(served: Served, command: bytes) -> None:
    lines = await served.talk(_ENVELOPE + b"BDAT 3\r\nabc" + command + b"BDAT 3 LAST\r\ndef")
    assert codes(lines) == ["250 2.0.0", "503 5.5.1", "250 2.0.0"]
    assert [delivery.content for delivery in served.inbox.deliveries] == [b"abcdef\r\n"]


async def test_chunk_after_the_last(served: Served) -> None:
    lines = await served.talk(_ENVELOPE + b"BDAT 3 LAST\r\nabcBDAT 6 LAST\r\nNOOP\r\nNOOP\r\n")
    assert codes(lines) == ["250 2.0.0", "503 5.5.1", "250 2.0.0"]


async def test_chunk_of_unknown_size_ends_the_session(served: Served) -> None:
    """Nobody can tell its data from commands then."""
    lines = await served.talk(_ENVELOPE + b"BDAT abc LAST\r\nRSET\r\n" + _ENVELOPE + b"BDAT 3 LAST\r\nabc")
    assert codes(lines) == ["501 5.5.4", "421 4.5.2"]
    assert served.inbox.deliveries == []


# Sizes.


@pytest.mark.parametrize("size", [1_048_576 - 400, 1_048_577, 5_000_000])
async def test_large_messages_are_mapped(served: Served, size: int) -> None:
    content = (b"." + b"x" * 76 + b"\r\n") * (size // 79)
    assert codes(await served.talk(_ENVELOPE + b"DATA\r\n" + stuff(content))) == ["354 Start", "250 2.0.0"]
    lines = await served.talk(_ENVELOPE + b"BDAT %d LAST\r\n" % len(content) + content)
    assert codes(lines) == ["250 2.0.0"]
    for delivery in served.inbox.deliveries:
        assert delivery.content == content
        assert delivery.was_mapped == (size > 1_048_576)


@pytest.mark.parametrize("spool_above_bytes", [10, 1_048_576])
async def test_too_large_is_read_to_its_end(tmp_path: Path, spool_above_bytes: int) -> None:
    limits = LMTPLimits(max_message_bytes=10_000, spool_above_bytes=spool_above_bytes)
    async with serve(tmp_path, limits=limits) as served:
        fits, too_large = b"x" * 9_998 + b"\r\n", b"x" * 9_999 + b"\r\n"
        again = _ENVELOPE.partition(b"\r\n")[2]
        lines = await served.talk(_TWO + b"DATA\r\n" + stuff(too_large) + again + b"DATA\r\n" + stuff(fits))
        assert [line[:9] for line in after_envelope(lines)] == [
            "354 Start",
            "552 5.3.4",
            "552 5.3.4",
            "250 2.1.0",
            "354 Start",
            "250 2.0.0",
        ]
        lines = await served.talk(_TWO + b"DATA\r\n" + stuff(too_large * 300))
        assert codes(lines) == ["354 Start", "552 5.3.4", "552 5.3.4"]
        assert [delivery.content for delivery in served.inbox.deliveries] == [fits]


async def test_too_large_chunks(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_message_bytes=10)) as served:
        lines = await served.talk(
            _TWO + b"BDAT 8\r\n12345678BDAT 3\r\n9abBDAT 1\r\nxBDAT 2 LAST\r\nyzNOOP\r\n"
        )
        assert codes(lines) == ["250 2.0.0", "552 5.3.4", "552 5.3.4", "552 5.3.4", "552 5.3.4", "250 2.0.0"]
        lines = await served.talk(_ENVELOPE + b"BDAT 10 LAST\r\n1234567890")
        assert codes(lines) == ["250 2.0.0"]


async def test_large_messages_cost_no_memory(tmp_path: Path) -> None:
    class MeasuringInbox(RecordingInbox):
        length = 0

        async def deliver(self, envelope: Envelope, content: bytes | mmap.mmap) -> list[PostroomError | None]:
            self.length = len(content)
            return [None]

    inbox = MeasuringInbox()
    async with serve(tmp_path, inbox=inbox) as served, served.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *")
        tracemalloc.start()
        try:
            for _ in range(300):
                await peer.send(b"x" * 99_998 + b"\r\n")
            await peer.play("C: .\nS: 250 2.0.0 *")
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert inbox.length > 30_000_000
    assert peak_bytes < 5_000_000


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    """Make the kernel refuse files beyond 4 KiB, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, previous)


async def test_full_disk(tmp_path: Path, file_size_limit: int) -> None:
    async with serve(tmp_path, limits=LMTPLimits(spool_above_bytes=1000)) as served:
        large = b"x" * 3 * file_size_limit
        again = _ENVELOPE.partition(b"\r\n")[2]
        lines = await served.talk(
            _TWO
            + b"DATA\r\n"
            + stuff(large)
            + again
            + b"DATA\r\n"
            + stuff(b"small")
            + again
            + b"BDAT 0\r\nRSET\r\n"
        )
        assert [line[:9] for line in after_envelope(lines)] == [
            "354 Start",
            "452 4.3.1",
            "452 4.3.1",
            "250 2.1.0",
            "354 Start",
            "250 2.0.0",
            "250 2.1.0",
            "250 2.0.0",
            "250 2.0.0",
        ]
        assert [delivery.content for delivery in served.inbox.deliveries] == [b"small\r\n"]


async def test_no_spool_directory(tmp_path: Path) -> None:
    spool_directory = tmp_path / "spool"
    spool_directory.mkdir()
    async with serve(spool_directory, limits=LMTPLimits(spool_above_bytes=1000)) as served:
        spool_directory.rmdir()
        lines = await served.talk(_ENVELOPE + b"DATA\r\n" + stuff(b"x" * 5000))
        assert codes(lines) == ["354 Start", "451 4.3.0"]
