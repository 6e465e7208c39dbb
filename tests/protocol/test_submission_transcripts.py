"""What mail programs, and others, should not do: commands out of place, garbage, ends too early, too slow, too much.

The protocol is the same on both engines, so most of this runs on one; what touches the store is in
:mod:`.test_submission`.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fixtures.factories import Owner
from tests.fixtures.stores import store_url as both_store_urls
from tests.protocol.lmtp_peer import Peer
from tests.protocol.submission_peer import (
    Served,
    certificate,
    make_certificate,
    serve_submission,
)

from postroom.config.root import Config
from postroom.delivery.certificate import Certificate
from postroom.delivery.limits import SubmissionLimits
from postroom.errors import PostroomError

__all__ = ["both_store_urls", "certificate"]

PLAIN = "AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA=="
"""NUL anna@example.test NUL secret, in Base64."""
HELLO = """
S: 220 mail.example.test ESMTP *
C: EHLO client
S: 250-mail.example.test
S: 250-PIPELINING
S: 250-SIZE *
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-CHUNKING
S: 250-DSN
"""
CLEAR = HELLO + "S: 250 STARTTLS"
TLS = HELLO + "S: 250 AUTH PLAIN LOGIN"
LOGIN = TLS + f"\nC: AUTH PLAIN {PLAIN}\nS: 235 2.7.0 *"
MAIL = LOGIN + "\nC: MAIL FROM:<anna@example.test>\nS: 250 *\nC: RCPT TO:<b@other.test>\nS: 250 *"


@pytest.fixture
def store_url() -> str:
    return "sqlite:"


@pytest.fixture
async def served(owner: Owner, config: Config, certificate: tuple[Path, Path]) -> AsyncIterator[Served]:
    async with serve_submission(owner, config, certificate=certificate) as running:
        yield running


async def play(served: Served, script: str, *, tls: bool = True) -> None:
    async with served.connect(tls=tls) as peer:
        await peer.play(script)


# Before TLS


async def test_before_tls(served: Served) -> None:
    """Nothing is done or offered in clear but STARTTLS (RFC 3207 §4)."""
    await play(
        served,
        CLEAR
        + f"""
        C: AUTH PLAIN {PLAIN}
        S: 538 5.7.11 A login needs TLS: send STARTTLS first
        C: AUTH LOGIN
        S: 538 5.7.11 *
        C: MAIL FROM:<anna@example.test>
        S: 530 5.7.0 Send STARTTLS first
        C: RCPT TO:<b@other.test>
        S: 530 5.7.0 *
        C: DATA
        S: 530 5.7.0 *
        C: VRFY anna
        S: 530 5.7.0 *
        C: STARTTLS now
        S: 501 5.5.4 STARTTLS takes no argument
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: HELP
        S: 214 2.0.0 EHLO HELO *
        C: QUIT
        S: 221 2.0.0 Goodbye
        S: (closed)
        """,
        tls=False,
    )
    assert served.server.stats.logins == {}


async def test_starttls_forgets_the_greeting(served: Served) -> None:
    async with served.connect() as peer:
        await peer.play(CLEAR + "\nC: STARTTLS\nS: 220 2.0.0 Ready to start TLS")
        await peer.writer.start_tls(served.trusted, server_hostname="127.0.0.1")
        await peer.play(
            f"""
            C: AUTH PLAIN {PLAIN}
            S: 503 5.5.1 Send EHLO first
            """
        )
        await peer.play(LOGIN.partition("*")[2])
        await peer.play("C: STARTTLS\nS: 503 5.5.1 TLS has begun already\nC: QUIT\nS: 221 *\nS: (closed)")


@pytest.mark.parametrize("injected", [b"RSET\r\n", b"EHLO x\r\n", b"\r\n", b"x", b"\x16\x03\x01"])
async def test_what_follows_starttls_in_clear_cuts_the_connection(served: Served, injected: bytes) -> None:
    """Else somebody between could put commands at the front of the encrypted session."""
    async with served.connect() as peer:
        await peer.play(CLEAR)
        await peer.send(b"STARTTLS\r\n" + injected)
        await peer.play("S: 421 4.7.0 Nothing may follow STARTTLS before TLS has begun\nS: (closed)")


async def test_what_comes_in_clear_after_the_reply_is_no_command(served: Served) -> None:
    async with served.connect() as peer:
        await peer.play(CLEAR + "\nC: STARTTLS\nS: 220 *")
        await peer.send(b"EHLO x\r\nAUTH PLAIN " + PLAIN.encode() + b"\r\n")
        answer = await peer.reader.read()
        assert b"250" not in answer
        assert b"235" not in answer
    await served.until_closed()
    assert served.server.stats.handshakes_failed == 1
    assert served.server.stats.logins == {}


async def test_clear_text_at_the_tls_port(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port(implicit=True))
    writer.write(b"EHLO client\r\n")
    assert b"220" not in await reader.read()
    writer.close()
    await served.until_closed()
    assert served.server.stats.handshakes_failed == 1


@pytest.mark.parametrize("sent", [b"", b"\x16\x03", b"\x16\x03\x01\x02\x00\x01\x00"])
async def test_handshakes_that_stop(served: Served, sent: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served.port(implicit=True))
    writer.write(sent)
    writer.close()
    async with asyncio.timeout(20):
        # It may not even have accepted the connection.
        while not served.server.stats.handshakes_failed:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await served.until_closed()
    assert served.server.stats.handshakes_failed == 1


async def test_slow_handshakes(owner: Owner, config: Config, certificate: tuple[Path, Path]) -> None:
    """A client that says nothing, or drips, is gone when its time to log in is over."""
    limits = SubmissionLimits(login_timeout_seconds=0.2, linger_seconds=0.1)
    async with serve_submission(owner, config, certificate=certificate, limits=limits) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port(implicit=True))
        writer.write(b"\x16\x03\x01")
        assert await reader.read() == b""
        writer.close()
        await served.until_closed()
        assert served.server.stats.timeouts == 1


# Logins


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["AUTH"], "501 5.5.4 *"),
        (["AUTH CRAM-MD5"], "504 5.5.4 Mechanisms are PLAIN and LOGIN"),
        (["AUTH XOAUTH2 abc="], "504 5.5.4 *"),
        (["AUTH PLAIN !!!!"], "501 5.5.2 *"),
        (["AUTH PLAIN YQ"], "501 5.5.2 *"),
        (["AUTH PLAIN ="], "501 5.5.2 *"),
        (["AUTH PLAIN YW5uYQ=="], "501 5.5.2 *"),  # anna
        (["AUTH PLAIN AAAA"], "501 5.5.2 *"),  # three NULs
        (["AUTH PLAIN AP//AHg="], "501 5.5.2 *"),  # not UTF-8
        (["AUTH PLAIN", "S: 334*", "*"], "501 5.7.0 Authentication cancelled"),
        (["AUTH PLAIN", "S: 334*", ""], "501 5.5.2 *"),
        (["AUTH PLAIN", "S: 334*", "ö"], "501 5.5.2 *"),
        (["AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "*"], "501 5.7.0 *"),
        (["AUTH LOGIN YW5uYQ==", "S: 334 UGFzc3dvcmQ6", "*"], "501 5.7.0 *"),
        (["AUTH LOGIN YW5uYQ==", "S: 334 UGFzc3dvcmQ6", "d3Jvbmc="], "535 5.7.8 Authentication failed"),
        (["AUTH PLAIN Y2FybABhbm5hQGV4YW1wbGUudGVzdABzZWNyZXQ="], "535 5.7.8 *"),  # for carl, as anna
        (["AUTH PLAIN AGE6YgBj"], "535 5.7.8 *"),  # a:b
        (["AUTH PLAIN AG5vYm9keUBleGFtcGxlLnRlc3QAc2VjcmV0"], "535 5.7.8 Authentication failed"),
    ],
)
async def test_logins_that_fail(served: Served, lines: list[str], reply: str) -> None:
    script = "\n".join(line if line.startswith("S:") else f"C: {line}" for line in lines)
    after = "C: MAIL FROM:<anna@example.test>\nS: 530 5.7.0 Log in first"
    await play(served, f"{TLS}\n{script}\nS: {reply}\n{after}\nC: AUTH PLAIN {PLAIN}\nS: 235 *")


async def test_long_answers(served: Served) -> None:
    async with served.connect(tls=True) as peer:
        await peer.play(TLS + "\nC: AUTH PLAIN\nS: 334*")
        await peer.send(b"A" * 20_000 + b"\r\n")
        await peer.play("S: 500 5.5.2 Line is too long")
        await peer.send(b"AUTH PLAIN " + b"A" * 20_000 + b"\r\n")
        await peer.play(
            f"S: 500 5.5.2 *\nC: AUTH PLAIN {PLAIN}\nS: 235 *\nC: AUTH PLAIN {PLAIN}\nS: 503 5.5.1 *"
        )


async def test_before_a_login(served: Served) -> None:
    await play(
        served,
        TLS
        + """
        C: MAIL FROM:<anna@example.test>
        S: 530 5.7.0 Log in first
        C: RCPT TO:<b@other.test>
        S: 530 5.7.0 *
        C: DATA
        S: 530 5.7.0 *
        C: BDAT 1000000000000
        S: 421 4.5.2 *
        S: (closed)
        """,
    )


async def test_logins_take_no_longer_than_they_may(
    owner: Owner, config: Config, certificate: tuple[Path, Path]
) -> None:
    """Commands do not move that deadline; a login ends it."""
    limits = SubmissionLimits(login_timeout_seconds=1.5, linger_seconds=0.1)
    async with serve_submission(owner, config, certificate=certificate, limits=limits) as served:
        async with served.connect(tls=True) as quick, served.connect(tls=True) as slow:
            await quick.play(LOGIN)
            await slow.play(TLS)
            line = ""
            with suppress(ConnectionError):
                while not line.startswith("421"):
                    await slow.send(b"NOOP\r\n")
                    line = await slow.line()
                    await asyncio.sleep(0.02)
            # What was sent into the closed connection may have hidden the reply, but not the end.
            lines = [line, *await read_to_end(slow)]
            assert "421 4.4.2 Timed out waiting for the client" in lines
            await quick.play("C: NOOP\nS: 250 *")
        assert served.server.stats.timeouts == 1


# After it


async def test_commands_out_of_place(served: Served) -> None:
    await play(
        served,
        LOGIN
        + """
        C: RCPT TO:<b@other.test>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 *
        C: LHLO x
        S: 500 5.5.1 This is message submission: use EHLO (RFC 6409)
        C: ETRN x
        S: 502 5.5.1 *
        C: MAIL FROM:<carl@example.test>
        S: 550 5.7.1 carl@example.test is not an address of this account
        C: MAIL FROM:<anna@example.test> X=Y
        S: 555 5.5.4 *
        C: MAIL FROM:<anna@example.test> BODY=BINARYMIME
        S: 501 5.5.4 *
        C: MAIL FROM:<anna@example.test> AUTH=a=b
        S: 501 5.5.4 *
        C: MAIL FROM:<anna@example.test>
        S: 250 *
        C: MAIL FROM:<anna@example.test>
        S: 503 5.5.1 *
        C: DATA
        S: 503 5.5.1 No valid recipients
        C: RCPT TO:<b@other.test> SIZE=3
        S: 555 5.5.4 *
        C: RCPT TO:<b@other.test> NOTIFY=
        S: 501 5.5.4 *
        C: RCPT TO:<b@other.test> NOTIFY=SOON
        S: 501 5.5.4 *
        C: EHLO again
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-DSN
        S: 250 AUTH PLAIN LOGIN
        C: RCPT TO:<b@other.test>
        S: 503 5.5.1 *
        C: HELO again
        S: 250 mail.example.test
        """,
    )


async def test_pipelining(served: Served) -> None:
    """A whole message with its login's reply awaited, in one write, refused recipients in between."""
    async with served.connect(tls=True) as peer:
        await peer.play(LOGIN)
        await peer.send(
            b"MAIL FROM:<anna@example.test>\r\nRCPT TO:<b>\r\nRCPT TO:<b@other.test>\r\n"
            b"DATA\r\nFrom: anna@example.test\r\n\r\n..\r\n.\r\nNOOP\r\nQUIT\r\n"
        )
        await peer.play(
            "S: 250 *\nS: 501 *\nS: 250 *\nS: 354 *\nS: 250 2.0.0 Queued as * id *\nS: 250 *\nS: 221 *"
        )
    assert (await served.sent()).content.endswith(b"\r\n\r\n.\r\n")


@pytest.mark.parametrize("how", ["DATA", "BDAT"])
async def test_ends_too_early(served: Served, how: str) -> None:
    """What was not sent to its end is not sent on."""
    async with served.connect(tls=True) as peer:
        await peer.play(MAIL)
        if how == "DATA":
            await peer.play("C: DATA\nS: 354 *")
            await peer.send(b"From: anna@example.test\r\n\r\nx\r\n.\r")
        else:
            await peer.send(b"BDAT 5\r\nFrom:BDAT 100 LAST\r\n anna@example.test\r\n\r\n")
            await peer.play("S: 250 *")
        peer.writer.transport.abort()
    await served.until_closed()
    assert await served.queue() == []


async def test_what_was_sent_to_its_end_is_taken_though_nobody_waits(served: Served) -> None:
    async with served.connect(tls=True) as peer:
        await peer.play(MAIL + "\nC: DATA\nS: 354 *")
        await peer.send(b"From: anna@example.test\r\n\r\nx\r\n.\r\n")
    await served.until_closed()
    assert (await served.sent()).addresses == ["b@other.test"]


async def test_slow_data(owner: Owner, config: Config, certificate: tuple[Path, Path]) -> None:
    limits = SubmissionLimits(data_timeout_seconds=0.2, linger_seconds=0.1)
    async with serve_submission(owner, config, certificate=certificate, limits=limits) as served:
        async with served.connect(tls=True) as peer:
            await peer.play(MAIL + "\nC: DATA\nS: 354 *\nC: From: anna@example.test")
            await peer.play("S: 421 4.4.2 *\nS: (closed)")
        assert await served.queue() == []


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"\xff\xfe\xfd" * 50, b"x" * 100_000, b"GET / HTTP/1.1"])
async def test_garbage(served: Served, garbage: bytes) -> None:
    for tls in (False, True):
        async with served.connect(tls=tls) as peer:
            await peer.send(garbage + b"\r\n" + b"\x01\r\n" * 30)
            lines = await read_to_end(peer)
            assert lines[0].startswith("220 ")
            assert lines[-1].startswith("421 4.7.0 ")
            assert not any(line.startswith("2") for line in lines[1:])


async def read_to_end(peer: Peer) -> list[str]:
    lines = []
    while (line := await peer.line()) != "(closed)":
        lines.append(line)
    return lines


async def test_garbage_under_tls_records(served: Served) -> None:
    """Records that TLS did not make end the connection, and nothing else."""
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def attack() -> None:
        with socket.create_connection(("127.0.0.1", served.port(implicit=True)), timeout=10) as raw:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    incoming.write(raw.recv(65_536))
            raw.sendall(outgoing.read() + b"\x17\x03\x03\x00\x40" + b"\x00" * 64)
            while raw.recv(65_536):
                pass

    await asyncio.to_thread(attack)
    await served.until_closed()
    assert served.server.stats.faults == 0


async def test_connections_of_one_client(
    owner: Owner, config: Config, certificate: tuple[Path, Path]
) -> None:
    limits = SubmissionLimits(max_connections_per_client=2, linger_seconds=0.1)
    async with serve_submission(owner, config, certificate=certificate, limits=limits) as served:
        async with served.connect() as one, served.connect(tls=True) as two:
            await one.play("S: 220 *")
            await two.play("S: 220 *")
            await play(served, "S: 421 4.3.2 Too many connections; try again later\nS: (closed)", tls=False)
        await served.until_closed()
        await play(served, "S: 220 *", tls=False)


async def test_shutdown(served: Served) -> None:
    """Idle clients are told, a message under way is taken."""
    async with served.connect(tls=True) as idle, served.connect(tls=True) as busy, served.connect() as new:
        await idle.play(LOGIN)
        await busy.play(MAIL + "\nC: DATA\nS: 354 *\nC: From: anna@example.test\nC:")
        await new.play("S: 220 *")
        closing = asyncio.create_task(served.server.close(5))
        await idle.play("S: 421 4.3.2 *\nS: (closed)")
        await new.play("S: 421 4.3.2 *\nS: (closed)")
        await busy.play("C: .\nS: 250 2.0.0 *\nS: 421 4.3.2 *\nS: (closed)")
        await closing
    assert len(await served.queue()) == 1


async def test_shutdown_during_a_handshake(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port(implicit=True))
    async with served.connect() as ready:
        await ready.play("S: 220 *")
        await served.server.close(5)
    assert await reader.read() == b""
    writer.close()


# Certificates


def test_certificates_that_cannot_be_used(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    _, other_key = make_certificate(other)
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("-----BEGIN NOTHING-----\n")
    for paths, words in (
        ((tmp_path / "missing.pem", None), "missing.pem cannot be read: No such file"),
        ((certificate[0], tmp_path / "missing.key"), "missing.key cannot be read: No such file"),
        ((tmp_path, None), "Is a directory"),
        ((certificate[0], other_key), "the key is not that of the certificate"),
        ((certificate[0], None), "cannot be used"),
        ((nothing, None), "must hold a certificate and an unencrypted key in PEM"),
    ):
        with pytest.raises(PostroomError, match=words) as caught:
            Certificate(*paths)
        assert caught.value.code == "badCertificate"


def test_renewed_certificates_are_read_again(tmp_path: Path) -> None:
    now = 0.0
    paths = make_certificate(tmp_path)
    held = Certificate(*paths, monotonic=lambda: now)
    first = held.context()
    make_certificate(tmp_path, name="renewed.example.test")
    assert held.context() is first
    now = 61
    second = held.context()
    assert second is not first
    paths[0].write_text("broken")
    now = 122
    assert held.context() is second
    make_certificate(tmp_path)
    now = 183
    assert held.context() not in {first, second}
