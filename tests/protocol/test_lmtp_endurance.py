"""Slow, broken, greedy and vanished clients; too many of them; and the orderly end of the server."""

import asyncio
import os
import socket
import stat
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.protocol.lmtp_peer import Peer, RecordingInbox, serve

from postroom.delivery.limits import LMTPLimits
from postroom.errors import PostroomError

_TIMED_OUT = "S: 421 4.4.2 Timed out waiting for the client\nS: (closed)"
_SHUT_DOWN = "S: 421 4.3.2 Server is shutting down; try again later\nS: (closed)"


# Slow clients.


async def test_silent_client(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(command_timeout_seconds=0.05)) as served:
        await served.play("S: 220 *\n" + _TIMED_OUT)
        assert served.server.stats.timeouts == 1


async def drip(peer: Peer, piece: bytes) -> None:
    """Send one piece after the other until the server has enough."""
    for _ in range(2000):
        if peer.reader.at_eof() or peer.reader._buffer:  # type: ignore[attr-defined]
            return
        await peer.send(piece)
        await asyncio.sleep(0.005)
    raise AssertionError("the server takes it for ever")


async def test_dripping_command(tmp_path: Path) -> None:
    """Bytes that come do not prolong the time for one command."""
    async with (
        serve(tmp_path, limits=LMTPLimits(command_timeout_seconds=0.1)) as served,
        served.connect() as peer,
    ):
        await peer.play("S: 220 *")
        await drip(peer, b"N")
        await peer.play(_TIMED_OUT)


@pytest.mark.parametrize("begin", [b"DATA\r\n", b"BDAT 100000 LAST\r\n"])
@pytest.mark.parametrize("piece", [b"", b"x"])
async def test_stalling_or_dripping_data(tmp_path: Path, begin: bytes, piece: bytes) -> None:
    limits = LMTPLimits(data_timeout_seconds=0.1, min_data_bytes_per_second=10_000)
    async with serve(tmp_path, limits=limits) as served, served.connect() as peer:
        await peer.introduce()
        await peer.send(begin)
        if begin == b"DATA\r\n":
            await peer.play("S: 354 *")
        await drip(peer, piece)
        await peer.play(_TIMED_OUT)
        assert served.inbox.deliveries == []


async def test_steady_data_may_take_longer_than_the_timeout(tmp_path: Path) -> None:
    """Data that comes for longer than one period, enough within each, is not too slow."""
    limits = LMTPLimits(data_timeout_seconds=1.0, min_data_bytes_per_second=500)
    async with serve(tmp_path, limits=limits) as served, served.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *")
        for _ in range(15):
            await peer.send(b"x" * 998 + b"\r\n")
            await asyncio.sleep(0.1)
        await peer.play("C: .\nS: 250 2.0.0 *")


async def test_slow_delivery_is_not_the_clients_fault(tmp_path: Path) -> None:
    inbox = RecordingInbox(gate=asyncio.Event())
    limits = LMTPLimits(command_timeout_seconds=0.5, data_timeout_seconds=0.5)
    async with serve(tmp_path, inbox=inbox, limits=limits) as served, served.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .")
        await asyncio.sleep(1.0)
        assert inbox.gate is not None
        inbox.gate.set()
        await peer.play("S: 250 2.0.0 *\nC: QUIT\nS: 221 *\nS: (closed)")


async def flood(peer: Peer) -> None:
    while True:
        await peer.send(b"HELP\r\n" * 10_000)


async def test_client_that_does_not_read(tmp_path: Path) -> None:
    """Its replies are not gathered without bound: the server stops reading, and in the end gives up."""
    limits = LMTPLimits(command_timeout_seconds=0.5, linger_seconds=0.1)
    async with serve(tmp_path, limits=limits) as served, served.connect() as peer:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            await flood(peer)
        assert served.server.stats.timeouts == 1


async def test_input_is_bounded_while_a_delivery_takes_its_time(tmp_path: Path) -> None:
    """What the client sends meanwhile stays with the client, and is worked off afterwards."""
    inbox = RecordingInbox(gate=asyncio.Event())
    limits = LMTPLimits(input_buffer_bytes=65_536)
    async with serve(tmp_path, inbox=inbox, limits=limits) as served, served.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .")
        await inbox.arrived.wait()
        flood = b"NOOP " + b"x" * 4000 + b"\r\n"
        sending = asyncio.create_task(peer.send(flood * 5000))
        (wire,) = served.server._sessions
        async with asyncio.timeout(20):
            while not wire._reading_paused:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        # Long enough for all of it, if nothing held it back.
        await asyncio.sleep(0.2)
        assert wire._reading_paused
        assert len(wire._buffer) <= 65_536 + 262_144
        assert not sending.done()
        assert inbox.gate is not None
        inbox.gate.set()
        await peer.play("S: 250 2.0.0 Delivered*")
        for _ in range(5000):
            assert await peer.line() == "250 2.0.0 OK"
        await sending


@pytest.mark.parametrize("commands_per_packet", [1, 2000])
async def test_replies_are_bounded_while_the_client_does_not_read(
    tmp_path: Path, commands_per_packet: int
) -> None:
    """The server stops working for a client that does not read, and goes on when it does."""
    listen = f"unix:{tmp_path}/lmtp.sock"  # whose buffers in the kernel are small
    async with serve(tmp_path, listen=listen) as served, served.connect() as peer:
        await peer.play("S: 220 *")
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        (wire,) = served.server._sessions
        sent = most_held = 0
        while sent < 20_000:
            peer.writer.write(b"HELP\r\n" * commands_per_packet)
            sent += commands_per_packet
            for _ in range(20):
                await asyncio.sleep(0)
            most_held = max(most_held, wire._transport.get_write_buffer_size() + wire._gathered_bytes)
        assert wire._writing_paused
        assert most_held < 400_000
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(sent):
            assert (await peer.line()).startswith("214 2.0.0 ")


async def test_stale_deadline_does_not_outlive_its_command(tmp_path: Path) -> None:
    """The time for a command begins when the one before it has been answered."""
    async with (
        serve(tmp_path, limits=LMTPLimits(command_timeout_seconds=1.5)) as served,
        served.connect() as peer,
    ):
        await peer.play("S: 220 *")
        for _ in range(6):
            await asyncio.sleep(0.3)
            await peer.play("C: NOOP\nS: 250 *")
        assert served.server.stats.timeouts == 0


# Greedy and broken clients.


async def test_connection_limit(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_connections=2)) as served:
        async with served.connect() as one:
            await one.play("S: 220 *")
            async with served.connect() as two:
                await two.play("S: 220 *")
                await served.play("S: 421 4.3.2 Too many connections; try again later\nS: (closed)")
                await two.play("C: QUIT\nS: 221 *\nS: (closed)")
            await served.until_open_connections(1)
            await served.play("S: 220 *\nC: QUIT\nS: 221 *")
        assert (served.server.stats.connections, served.server.stats.connections_refused) == (4, 1)


async def test_too_many_errors(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_errors=3)) as served:
        lines = await served.talk(b"A\r\nNOOP\r\nRCPT\r\n\x00\r\nNOOP\r\n" + b"NOOP\r\n" * 10_000)
        assert [line[:9] for line in lines[1:]] == [
            "500 5.5.1",
            "250 2.0.0",
            "501 5.5.4",
            "500 5.5.2",
            "421 4.7.0",
        ]


async def test_refused_recipients_are_no_errors(tmp_path: Path) -> None:
    """A mailing list with many dead addresses is no attack, nor is a DATA pipelined behind them."""
    async with serve(tmp_path, limits=LMTPLimits(max_errors=3)) as served:
        stream = (
            b"LHLO c\r\n" + (b"MAIL FROM:<>\r\n" + b"RCPT TO:<x@no.test>\r\n" * 9 + b"DATA\r\nRSET\r\n") * 9
        )
        lines = await served.talk(stream)
        assert [line[:3] for line in lines[8:]] == (["250"] + ["550"] * 9 + ["503", "250"]) * 9


@pytest.mark.parametrize("mail", [b"MAIL FROM:<> SIZE=99999999999\r\n", b"mail from:<a..b@c.test>\r\n"])
async def test_what_follows_a_refused_sender_is_no_error(tmp_path: Path, mail: bytes) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_errors=3)) as served:
        group = mail + b"RCPT TO:<ann@example.test>\r\n" * 9 + b"DATA\r\nRSET\r\n"
        lines = await served.talk(b"LHLO c\r\n" + group + group + b"QUIT\r\n")
        assert [line[:3] for line in lines[9:19]] == ["503"] * 10
        assert lines[-1].startswith("221")
        lines = await served.talk(b"LHLO c\r\nMAIL FROM:<>\r\nRSET\r\n" + b"DATA\r\n" * 9)
        assert lines[-1].startswith("421")


async def test_errors_are_forgiven_with_each_message(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_errors=3)) as served:
        message = b"MAIL FROM:<>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nx\r\n.\r\n"
        lines = await served.talk(b"LHLO c\r\n" + (b"BAD\r\nBAD\r\n" + message) * 5 + b"QUIT\r\n")
        assert lines[-1].startswith("221")
        assert len(served.inbox.deliveries) == 5


@pytest.mark.parametrize(
    ("length", "reply"), [(4096, "250 2.0.0"), (4097, "500 5.5.2"), (300_000, "500 5.5.2")]
)
async def test_long_command_lines(tmp_path: Path, length: int, reply: str) -> None:
    async with serve(tmp_path) as served:
        lines = await served.talk(b"NOOP " + b"x" * (length - 7) + b"\r\nQUIT\r\n")
        assert [line[:9] for line in lines[1:]] == [reply, "221 2.0.0"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(st.binary(max_size=400))
async def test_garbage(tmp_path: Path, garbage: bytes) -> None:
    """Whatever comes, each reply is a legal line, the server lives, and nothing is delivered."""
    async with serve(tmp_path) as served:
        lines = await served.talk(garbage + b"\r\n")
        assert all(line[:3].isdecimal() and line[3] in " -" for line in lines)
        assert served.inbox.deliveries == []
        await served.play("S: 220 *\nC: QUIT\nS: 221 *")


# Vanished clients.

_DIALOGUE = (
    b"LHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n"
)
_CHUNKED = (
    b"LHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\nBDAT 4\r\nbodyBDAT 4 LAST\r\nmore"
)


def reset(peer: Peer) -> None:
    """End the connection at once, in both directions (RST instead of FIN)."""
    sock = peer.writer.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.writer.transport.abort()


@pytest.mark.parametrize("dialogue", [_DIALOGUE, _CHUNKED])
@pytest.mark.parametrize("abort", [False, True])
async def test_premature_end_at_every_byte(tmp_path: Path, dialogue: bytes, *, abort: bool) -> None:
    """Nothing is delivered unless all of it came; the server is well after each."""
    async with serve(tmp_path, limits=LMTPLimits(spool_above_bytes=1)) as served:
        for length in range(len(dialogue)):
            async with served.connect() as peer:
                await peer.send(dialogue[:length])
                await asyncio.sleep(0)
                if abort:
                    reset(peer)
                else:
                    peer.writer.write_eof()
                    assert (await peer.read_to_end())[0].startswith("220")
        await served.until_open_connections(0)
        assert served.inbox.deliveries == []
        await served.talk(dialogue)
        assert len(served.inbox.deliveries) == 1


async def test_delivery_goes_on_when_the_client_vanishes(tmp_path: Path) -> None:
    inbox = RecordingInbox(gate=asyncio.Event())
    async with serve(tmp_path, inbox=inbox) as served:
        async with served.connect() as peer:
            await peer.send(_DIALOGUE)
            await inbox.arrived.wait()
            reset(peer)
        assert inbox.gate is not None
        inbox.gate.set()
        await served.until_open_connections(0)
        assert len(inbox.deliveries) == 1


async def test_messages_behind_it_do_not(tmp_path: Path) -> None:
    """Nobody would hear that they were delivered, and the client will send them again."""
    inbox = RecordingInbox(gate=asyncio.Event())
    async with serve(tmp_path, inbox=inbox) as served:
        async with served.connect() as peer:
            await peer.send(_DIALOGUE + _DIALOGUE)
            await inbox.arrived.wait()
            reset(peer)
        (wire,) = served.server._sessions
        while not wire._lost:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        assert inbox.gate is not None
        inbox.gate.set()
        await served.until_open_connections(0)
        assert len(inbox.deliveries) == 1


# The end of the server.


async def test_shutdown_tells_idle_clients(tmp_path: Path) -> None:
    async with serve(tmp_path) as served, served.connect() as greeted, served.connect() as introduced:
        await greeted.play("S: 220 *")
        await introduced.introduce()
        await introduced.play("C: RSET\nS: 250 *")
        closing = asyncio.create_task(served.server.close(5.0))
        await greeted.play(_SHUT_DOWN)
        await introduced.play(_SHUT_DOWN)
        greeted.writer.close()
        introduced.writer.close()
        await closing


async def test_shutdown_lets_a_transaction_end(tmp_path: Path) -> None:
    inbox = RecordingInbox(gate=asyncio.Event())
    async with serve(tmp_path, inbox=inbox) as served, served.connect() as peer:
        await peer.introduce()
        closing = asyncio.create_task(served.server.close(20.0))
        await asyncio.sleep(0)
        with pytest.raises(ConnectionError):
            await served.play("S: 220 *")
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .")
        await inbox.arrived.wait()
        assert inbox.gate is not None
        inbox.gate.set()
        await peer.play("S: 250 2.0.0 *\n" + _SHUT_DOWN)
        peer.writer.close()
        await closing
        assert len(inbox.deliveries) == 1


async def test_shutdown_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(linger_seconds=0.1)) as served, served.connect() as peer:
        await peer.introduce()
        await served.server.close(0.1)
        await peer.play(_SHUT_DOWN)


async def test_shutdown_cancels_a_delivery_after_the_grace(tmp_path: Path) -> None:
    inbox = RecordingInbox(gate=asyncio.Event())
    async with serve(tmp_path, inbox=inbox) as served, served.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .")
        await inbox.arrived.wait()
        await served.server.close(0.0)
        await peer.play("S: (closed)")
        assert inbox.deliveries == []


# The listener.


async def test_no_delay_on_accepted_sockets(tmp_path: Path) -> None:
    async with serve(tmp_path) as served, served.connect() as peer:
        await peer.play("S: 220 *")
        (wire,) = served.server._sessions
        sock = wire._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_unix_socket_is_for_the_group_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    async with serve(tmp_path, listen=f"unix:{path}") as served:
        assert served.server.addresses == [f"unix:{path}"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with pytest.raises(PostroomError) as caught:
            async with serve(tmp_path, listen=f"unix:{path}"):
                pass
        assert caught.value.code == "addressInUse"
        await served.play("S: 220 *")
    assert not path.exists()


async def test_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))
    async with serve(tmp_path, listen=f"unix:{path}") as served:
        await served.play("S: 220 *")


async def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(PostroomError) as caught:
        async with serve(tmp_path, listen=f"unix:{path}"):
            pass
    assert caught.value.code == "addressInUse"
    assert path.read_text() == "data"


async def test_port_in_use(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        with pytest.raises(PostroomError) as caught:
            async with serve(tmp_path, listen=served.address):
                pass
        assert caught.value.code == "addressInUse"


@pytest.mark.parametrize(
    "listen", ["", "8024", "127.0.0.1", "127.0.0.1:", ":8024", "127.0.0.1:x", "127.0.0.1:65536"]
)
async def test_bad_listen_address(tmp_path: Path, listen: str) -> None:
    with pytest.raises(PostroomError) as caught:
        async with serve(tmp_path, listen=listen):
            pass
    assert caught.value.code == "badListenAddress"
