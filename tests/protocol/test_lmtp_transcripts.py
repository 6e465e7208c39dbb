"""Whole conversations, as a human would read them, over TCP and unix sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.protocol.lmtp_peer import RecordingInbox, Served, serve

from postroom.delivery.limits import LMTPLimits
from postroom.errors import Kind, PostroomError

_HELLO = """
S: 220 store.example.test LMTP *
C: LHLO client.example.test
S: 250-store.example.test
S: 250-PIPELINING
S: 250-SIZE 52428800
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250 CHUNKING
"""


@pytest.fixture(params=["tcp", "tcp6", "unix"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    listen = {"tcp": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": f"unix:{tmp_path}/lmtp.sock"}[request.param]
    async with serve(tmp_path, listen=listen) as running:
        yield running


@pytest.fixture
async def tcp(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path) as running:
        yield running


async def test_one_message(served: Served) -> None:
    await served.play(
        _HELLO
        + """
        C: MAIL FROM:<sender@example.org> SIZE=100 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<ann@example.test>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: Subject: Hello
        C:
        C: ..dots
        C: .
        S: 250 2.0.0 Delivered, id ????????????????
        C: QUIT
        S: 221 2.0.0 Goodbye
        S: (closed)
        """
    )
    (delivery,) = served.inbox.deliveries
    assert delivery.content == b"Subject: Hello\r\n\r\n.dots\r\n"
    envelope = delivery.envelope
    assert envelope.sender == "sender@example.org"
    assert delivery.addresses == ["ann@example.test"]
    assert envelope.helo == "client.example.test"
    assert envelope.client in {"[127.0.0.1]", "[IPv6:::1]", "unix"}
    assert (envelope.smtputf8, envelope.body_8bit) == (False, True)
    assert served.inbox.asked == [("ann@example.test", 100)]
    assert delivery.raw.startswith(
        b"Return-Path: <sender@example.org>\r\nReceived: from client.example.test (%s)\r\n\tby store.example.test"
        b" with LMTP id " % envelope.client.encode()
    )
    assert f"\t{'by'} store.example.test" in delivery.raw.decode()


async def test_the_id_told_is_the_id_in_received(tcp: Served) -> None:
    async with tcp.connect() as peer:
        await peer.introduce()
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .")
        told = (await peer.line()).rpartition("id ")[2]
    assert f" id {told};\r\n".encode() in tcp.inbox.deliveries[0].raw


async def test_one_reply_per_recipient(tcp: Served) -> None:
    """Each accepted recipient gets its reply after the data, in order, a repeated one twice (RFC 2033 §4.2)."""
    tcp.inbox.outcomes["full@example.test"] = PostroomError(
        Kind.LIMITED, "sizeQuotaExceeded", "Mailbox is full"
    )
    tcp.inbox.outcomes["gone@example.test"] = PostroomError(
        Kind.NOT_FOUND, "unknownRecipient", "No such mailbox"
    )
    await tcp.play(
        _HELLO
        + """
        C: MAIL FROM:<>
        S: 250 2.1.0 *
        C: RCPT TO:<ann@example.test>
        S: 250 2.1.5 *
        C: RCPT TO:<nobody@elsewhere.test>
        S: 550 5.1.1 No such mailbox here
        C: RCPT TO:<full@example.test>
        S: 250 2.1.5 *
        C: RCPT TO:<gone@example.test>
        S: 250 2.1.5 *
        C: RCPT TO:<ann@example.test>
        S: 250 2.1.5 *
        C: DATA
        S: 354 *
        C: x
        C: .
        S: 250 2.0.0 *
        S: 452 4.2.2 Mailbox is full
        S: 550 5.1.1 No such mailbox
        S: 250 2.0.0 *
        C: NOOP
        S: 250 2.0.0 OK
        """
    )
    (delivery,) = tcp.inbox.deliveries
    assert delivery.envelope.sender == ""
    assert delivery.raw.startswith(b"Return-Path: <>\r\n")
    assert delivery.addresses == [
        "ann@example.test",
        "full@example.test",
        "gone@example.test",
        "ann@example.test",
    ]
    assert tcp.server.stats.deliveries == {"delivered": 2, "sizeQuotaExceeded": 1, "unknownRecipient": 1}
    assert tcp.server.stats.recipients_refused == {"unknownRecipient": 1}
    assert tcp.server.stats.messages == 1
    assert tcp.server.stats.message_bytes == len(delivery.raw)


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (PostroomError(Kind.NOT_FOUND, "unknownRecipient", "No such mailbox"), "550 5.1.1 No such mailbox"),
        (
            PostroomError(Kind.DENIED, "recipientDisabled", "Mailbox is disabled"),
            "550 5.2.1 Mailbox is disabled",
        ),
        (PostroomError(Kind.LIMITED, "messageQuotaExceeded", "Too many mails"), "452 4.2.2 Too many mails"),
        (PostroomError(Kind.LIMITED, "sizeQuotaExceeded", "Mailbox is full"), "452 4.2.2 Mailbox is full"),
        (PostroomError(Kind.TOO_LARGE, "payloadTooLarge", "Too large for it"), "552 5.3.4 Too large for it"),
        (PostroomError(Kind.UNAVAILABLE, "unavailable", "Later", private="db 7 is down"), "451 4.3.0 Later"),
        (
            PostroomError(Kind.NOT_FOUND, "odd", "Line\r\n250 injected, déjà vu"),
            "550 5.1.1 Line??250 injected, d?j? vu",
        ),
        (RuntimeError("secret detail"), "451 4.3.0 Internal error; try again later"),
        (OSError(28, "No space left on device"), "451 4.3.0 Internal error; try again later"),
    ],
)
async def test_what_the_domain_says(tcp: Served, error: Exception, reply: str) -> None:
    """Each refusal has its reply, at RCPT and after the data, and the session goes on."""
    tcp.inbox.refusals["no@example.test"] = error
    tcp.inbox.failure = error
    async with tcp.connect() as peer:
        await peer.introduce()
        await peer.send(b"RCPT TO:<no@example.test>\r\n")
        assert await peer.line() == reply
        await peer.play("C: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *\nC: x\nC: .")
        assert [await peer.line(), await peer.line()] == [reply, reply]
        tcp.inbox.failure = None
        await peer.play(
            """
            C: MAIL FROM:<>
            S: 250 *
            C: RCPT TO:<ann@example.test>
            S: 250 *
            C: DATA
            S: 354 *
            C: y
            C: .
            S: 250 2.0.0 Delivered*
            """
        )
    assert [delivery.content for delivery in tcp.inbox.deliveries] == [b"y\r\n"]


async def test_wrong_number_of_outcomes_is_our_fault(tmp_path: Path) -> None:
    class Miscounting(RecordingInbox):
        async def deliver(self, envelope: object, content: object) -> list[PostroomError | None]:
            return [None]

    async with serve(tmp_path, inbox=Miscounting()) as served, served.connect() as peer:
        await peer.introduce(recipients=["ann@example.test", "bob@example.test"])
        await peer.play("C: DATA\nS: 354 *\nC: x\nC: .\nS: 451 4.3.0 *\nS: 451 4.3.0 *\nC: QUIT\nS: 221 *")


async def test_commands_in_wrong_places(tcp: Served) -> None:
    await tcp.play(
        """
        S: 220 *
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 Send LHLO first
        C: RCPT TO:<ann@example.test>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 Send MAIL first
        C: BDAT 3
        C: x
        S: 503 5.5.1 Send MAIL first
        C: HELO client.example.test
        S: 500 5.5.1 This is LMTP: use LHLO (RFC 2033)
        C: EHLO client.example.test
        S: 500 5.5.1 This is LMTP: use LHLO (RFC 2033)
        C: LHLO client.example.test
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250 *
        C: MAIL FROM:<a@b.test>
        S: 250 2.1.0 *
        C: MAIL FROM:<a@b.test>
        S: 503 5.5.1 A transaction is open already
        C: DATA
        S: 503 5.5.1 No valid recipients
        C: RCPT TO:<nobody@elsewhere.test>
        S: 550 5.1.1 *
        C: DATA
        S: 503 5.5.1 No valid recipients
        C: BDAT 3 LAST
        C: x
        S: 503 5.5.1 No valid recipients
        C: RSET
        S: 250 2.0.0 OK
        C: RCPT TO:<ann@example.test>
        S: 503 5.5.1 Send MAIL first
        C: MAIL FROM:<a@b.test>
        S: 250 2.1.0 *
        C: LHLO client.example.test
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250-*
        S: 250 *
        C: RCPT TO:<ann@example.test>
        S: 503 5.5.1 Send MAIL first
        """
    )
    assert tcp.inbox.deliveries == []


async def test_wrong_commands(tcp: Served) -> None:
    await tcp.play(
        _HELLO
        + """
        C: WHAT
        S: 500 5.5.1 Command not recognised
        C: EXPN list
        S: 502 5.5.1 Command not implemented
        C: VRFY ann
        S: 252 2.0.0 *
        C: VRFY
        S: 501 5.5.4 VRFY needs a name
        C: HELP
        S: 214 2.0.0 LHLO MAIL *
        C: NOOP whatever
        S: 250 2.0.0 OK
        C: DATA now
        S: 501 5.5.4 DATA takes no argument
        C: LHLO
        S: 501 5.5.4 LHLO needs a domain or an address literal
        C: MAIL FROM:<a@b@c>
        S: 501 5.1.7 Bad address syntax
        C: MAIL FROM:<a@b.test> RET=HDRS
        S: 555 5.5.4 Parameter RET not recognised or not implemented
        C: MAIL FROM:<a@b.test> SIZE=many
        S: 501 5.5.4 SIZE needs a number of octets
        C: MAIL FROM:<a@b.test> BODY=BINARYMIME
        S: 501 5.5.4 BODY must be 7BIT or 8BITMIME
        C: MAIL FROM:<ä@b.test>
        S: 553 5.6.7 An address beyond ASCII needs SMTPUTF8
        C: MAIL FROM:<a@b.test>
        S: 250 2.1.0 *
        C: RCPT TO:<ann>
        S: 501 5.1.3 Bad address syntax
        C: RCPT TO:<>
        S: 501 5.1.3 The null path is no recipient
        C: RCPT TO:<jörg@example.test>
        S: 553 5.6.7 An address beyond ASCII needs SMTPUTF8
        C: RCPT TO:<ann@example.test> ORCPT=rfc822;ann@example.test
        S: 555 5.5.4 Parameter ORCPT not recognised or not implemented
        C: RCPT TO:<ann@example.test>
        S: 250 2.1.5 *
        """
    )


async def test_paths_reach_the_domain_in_one_form(tcp: Served) -> None:
    await tcp.play(
        _HELLO
        + """
        C: MAIL FROM:<"sender"@example.org>
        S: 250 *
        C: RCPT TO:<@relay.test:ann+news@example.test>
        S: 250 *
        C: RCPT TO:<"ann"@example.test>
        S: 250 *
        C: RCPT TO: <"ann > lee"@example.test>
        S: 250 *
        """
    )
    assert [address for address, _ in tcp.inbox.asked] == [
        "ann+news@example.test",
        "ann@example.test",
        '"ann > lee"@example.test',
    ]


async def test_smtputf8(tcp: Served) -> None:
    await tcp.play(
        _HELLO
        + """
        C: MAIL FROM:<jörg@bücher.example> SMTPUTF8 BODY=8BITMIME
        S: 250 2.1.0 *
        C: RCPT TO:<संपर्क@example.test>
        S: 250 2.1.5 *
        C: DATA
        S: 354 *
        C: Subject: Grüße
        C: .
        S: 250 2.0.0 *
        """
    )
    (delivery,) = tcp.inbox.deliveries
    assert delivery.envelope.sender == "jörg@bücher.example"
    assert delivery.envelope.smtputf8
    assert delivery.addresses == ["संपर्क@example.test"]
    assert delivery.content == "Subject: Grüße\r\n".encode()
    assert delivery.raw.startswith("Return-Path: <jörg@bücher.example>\r\n".encode())
    assert b" with UTF8LMTP id " in delivery.raw


async def test_size_is_refused_early(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_message_bytes=1000)) as served:
        served.inbox.refusals["small@example.test"] = PostroomError(Kind.LIMITED, "sizeQuotaExceeded", "Full")
        await served.play(
            _HELLO.replace("52428800", "1000")
            + """
            C: MAIL FROM:<a@b.test> SIZE=1001
            S: 552 5.3.4 Message is too large; the limit is 1000 bytes
            C: RCPT TO:<ann@example.test>
            S: 503 5.5.1 Send MAIL first
            C: MAIL FROM:<a@b.test> SIZE=99999999999999999999
            S: 552 5.3.4 *
            C: MAIL FROM:<a@b.test> SIZE=1000
            S: 250 2.1.0 *
            C: RCPT TO:<small@example.test>
            S: 452 4.2.2 Full
            C: RCPT TO:<ann@example.test>
            S: 250 2.1.5 *
            """
        )
        assert served.inbox.asked == [("small@example.test", 1000), ("ann@example.test", 1000)]


async def test_recipient_limit(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=LMTPLimits(max_recipients=2)) as served:
        async with served.connect() as peer:
            await peer.introduce(recipients=["a@example.test", "b@example.test"])
            await peer.play(
                """
                C: RCPT TO:<c@example.test>
                S: 452 4.5.3 Too many recipients
                C: RCPT TO:<d@example.test>
                S: 452 4.5.3 Too many recipients
                C: DATA
                S: 354 *
                C: x
                C: .
                S: 250 *
                S: 250 *
                C: NOOP
                S: 250 *
                """
            )
        assert served.inbox.deliveries[0].addresses == ["a@example.test", "b@example.test"]


async def test_a_web_browser_is_shown_the_door(tcp: Served) -> None:
    lines = await tcp.talk(
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nLHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.test>\r\n"
        b"DATA\r\nx\r\n.\r\n"
    )
    assert lines[1:] == ["421 4.7.0 This is not a web server"]
    assert tcp.inbox.deliveries == []


async def test_the_last_introduction_counts(tcp: Served) -> None:
    async with tcp.connect() as peer:
        await peer.introduce()
        await peer.play("C: LHLO [192.0.2.7]\n" + "S: 250*\n" * 7)
        await peer.play(
            "C: MAIL FROM:<>\nS: 250 *\nC: RCPT TO:<bob@example.test>\nS: 250 *\nC: DATA\nS: 354 *"
        )
        await peer.play("C: .\nS: 250 2.0.0 *")
    (delivery,) = tcp.inbox.deliveries
    assert delivery.envelope.helo == "[192.0.2.7]"
    assert delivery.addresses == ["bob@example.test"]
