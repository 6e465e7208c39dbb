"""The SMTP client over real sockets, against a server that misbehaves at every stage."""

import asyncio
from typing import Any

import pytest
from tests.fixtures.outbound import CONTENT, outbound, recipient
from tests.protocol.smtp_peer import Deed, SMTPPeer, smtp_peer
from tests.protocol.smtp_transports import IMPATIENT, relaying, send, states

from postroom.model.outgoing import RELAY, Outcome
from postroom.outgoing.policies import Limits


async def test_a_mail_arrives_as_it_is() -> None:
    async with smtp_peer() as peer:
        outcomes = await send(peer, outbound("bob@example.net", "eve@example.net"))
    (mail,) = peer.taken
    assert mail.content == CONTENT
    assert mail.sender == "ann@example.org"
    assert mail.recipients == ["bob@example.net", "eve@example.net"]
    answer = "250 2.0.0 taken as 4711"
    assert outcomes == [
        Outcome(number, "relayed", "2.0.0", answer, "127.0.0.1", passes_dsn=True) for number in (1, 2)
    ]
    assert peer.lines[0] == "EHLO client.example.org"
    assert peer.lines[1] == f"MAIL FROM:<ann@example.org> SIZE={len(CONTENT)}"


async def test_the_null_path() -> None:
    async with smtp_peer() as peer:
        assert states(await send(peer, outbound(sender=""))) == [("relayed", "2.0.0")]
    assert peer.taken[0].sender == ""


@pytest.mark.parametrize("extensions", [(), ("8BITMIME",), ("PIPELINING",)])
async def test_servers_with_few_extensions(extensions: tuple[str, ...]) -> None:
    """Without PIPELINING each reply is waited for: the peer tells if not."""
    async with smtp_peer({"RCPT eve@example.net": "550 no"}, extensions=extensions) as peer:
        outcomes = await send(peer, outbound("bob@example.net", "eve@example.net"))
    assert states(outcomes) == [("relayed", "2.0.0"), ("failed", "5.0.0")]
    assert not outcomes[0].passes_dsn
    assert peer.commands("MAIL") == ["MAIL FROM:<ann@example.org>"]


async def test_a_server_that_knows_helo_alone() -> None:
    async with smtp_peer({"EHLO": "502 5.5.1 what?"}) as peer:
        assert states(await send(peer)) == [("relayed", "2.0.0")]
    assert peer.lines[:2] == ["EHLO client.example.org", "HELO client.example.org"]


@pytest.mark.parametrize("size", [10, 70_000, 3_000_000])
async def test_contents_of_all_sizes(size: int) -> None:
    content = b"Subject: x\r\n\r\n" + b".line of some length\r\n" * (size // 21)
    async with smtp_peer() as peer:
        assert states(await send(peer, outbound(content=content))) == [("relayed", "2.0.0")]
    assert peer.taken[0].content == content


async def test_lone_line_ends_do_not_leave() -> None:
    content = b"Subject: x\r\n\r\na\n.\nMAIL FROM:<x>\rb\r\n.\r\nno end"
    async with smtp_peer() as peer:
        await send(peer, outbound(content=content))
    assert peer.taken[0].content == b"Subject: x\r\n\r\na\r\n.\r\nMAIL FROM:<x>\r\nb\r\n.\r\nno end\r\n"


async def test_each_recipient_has_its_outcome() -> None:
    script: dict[str, Any] = {
        "RCPT gone@example.net": "550 5.1.1 no such user",
        "RCPT full@example.net": "452 4.2.2 mailbox full",
        "RCPT grey@example.net": "451 come back later",
        "RCPT odd@example.net": "550-5.7.1 We do\r\n550-5.7.1 not\r\n550 5.7.1 like you",
    }
    addresses = [
        "gone@example.net",
        "bob@example.net",
        "full@example.net",
        "grey@example.net",
        "odd@example.net",
    ]
    async with smtp_peer(script) as peer:
        outcomes = await send(peer, outbound(*addresses))
    assert [outcome.number for outcome in outcomes] == [1, 2, 3, 4, 5]
    assert states(outcomes) == [
        ("failed", "5.1.1"),
        ("relayed", "2.0.0"),
        ("waiting", "4.2.2"),
        ("waiting", "4.0.0"),
        ("failed", "5.7.1"),
    ]
    assert outcomes[4].answer == "550 5.7.1 We do not like you"
    assert [mail.recipients for mail in peer.taken] == [["bob@example.net"]]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize("data", [None, "354 go on, though there is nobody"])
async def test_the_connection_is_good_after_all_were_refused(
    extensions: tuple[str, ...], data: str | None
) -> None:
    script: dict[str, Any] = {"RCPT": ["550 5.1.1 no", "550 5.1.1 no"]}
    if data is not None:
        script["DATA"] = [data]
    async with smtp_peer(script, extensions=extensions) as peer, relaying(peer) as transport:
        first = await transport.send(RELAY, outbound("a@example.net", "b@example.net"))
        second = await transport.send(RELAY, outbound("c@example.net"))
    assert states(first) == [("failed", "5.1.1")] * 2
    assert states(second) == [("relayed", "2.0.0")]
    assert peer.connections == 1
    assert [mail.recipients for mail in peer.taken] == [["c@example.net"]]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("reply", "wanted"),
    [("451 4.7.1 later", ("waiting", "4.7.1")), ("554 5.7.1 never", ("failed", "5.7.1"))],
)
async def test_refused_at_each_stage(
    extensions: tuple[str, ...], stage: str, reply: str, wanted: tuple[str, str]
) -> None:
    script: dict[str, Any] = {stage: [reply] * (2 if stage == "RCPT" else 1)}
    async with smtp_peer(script, extensions=extensions) as peer, relaying(peer) as transport:
        outcomes = await transport.send(RELAY, outbound("a@example.net", "b@example.net"))
        again = await transport.send(RELAY, outbound("c@example.net"))
    assert states(outcomes) == [wanted] * 2
    assert outcomes[0].answer == reply
    assert outcomes[0].remote == "127.0.0.1"
    assert states(again) == [("relayed", "2.0.0")]
    assert peer.connections == 1


STAGES = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"]


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize("deed", [Deed.DROP, Deed.RESET])
@pytest.mark.parametrize("stage", STAGES)
async def test_dropped_at_each_stage(extensions: tuple[str, ...], deed: Deed, stage: str) -> None:
    async with smtp_peer({stage: [deed]}, extensions=extensions) as peer, relaying(peer) as transport:
        content = CONTENT + b"x" * 90 + b"\r\n"
        outcomes = await transport.send(RELAY, outbound("a@example.net", "b@example.net", content=content))
        again = await transport.send(RELAY, outbound())
    if stage == "CONTENT":
        # The content went in one write: for all we know the server has it.
        assert states(outcomes) == [("waiting", "4.4.2")] * 2
        assert "may have been taken" in outcomes[0].answer
    else:
        assert [outcome.state for outcome in outcomes] == ["waiting"] * 2
        assert outcomes[0].status == "4.4.2"
    assert states(again) == [("relayed", "2.0.0")]
    assert len(peer.taken) == 1


async def test_dropped_in_the_middle_of_a_large_content() -> None:
    content = b"Subject: x\r\n\r\n" + b"x" * 98 + b"\r\n" * 1 + (b"y" * 98 + b"\r\n") * 200_000
    async with smtp_peer({"CONTENT": [Deed.DROP]}) as peer:
        outcomes = await send(peer, outbound(content=content))
    assert [outcome.state for outcome in outcomes] == ["waiting"]
    assert "may have been taken" not in outcomes[0].answer


async def test_dropped_where_the_reply_to_the_dot_should_be() -> None:
    """The server has the mail, and we cannot know: one more copy, and none lost."""
    async with smtp_peer({"DOT": [Deed.DROP_AFTER]}) as peer, relaying(peer) as transport:
        outcomes = await transport.send(RELAY, outbound())
        assert states(outcomes) == [("waiting", "4.4.2")]
        assert "may have been taken" in outcomes[0].answer
        assert states(await transport.send(RELAY, outbound())) == [("relayed", "2.0.0")]
    assert len(peer.taken) == 2


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_hanging_at_each_stage(stage: str) -> None:
    async with smtp_peer({stage: [Deed.HANG]}) as peer:
        outcomes = await send(peer, limits=IMPATIENT)
    assert [outcome.state for outcome in outcomes] == ["waiting"]
    assert "no reply within 0.2 seconds" in outcomes[0].answer


async def test_an_attempt_has_an_end() -> None:
    """A server that answers just in time, each time, does not hold a mail for ever."""
    limits = Limits(attempt_seconds=0.3)
    async with smtp_peer({"DATA": [Deed.HANG]}) as peer:
        addresses = ["gone@example.net", "bob@example.net"]
        peer.script["RCPT gone@example.net"] = "550 5.1.1 no"
        peer.extensions = ()
        outcomes = await send(peer, outbound(*addresses), limits=limits)
    assert states(outcomes) == [("failed", "5.1.1"), ("waiting", "4.4.7")]


async def test_a_server_that_does_not_read() -> None:
    content = b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 300_000
    writers: list[asyncio.StreamWriter] = []

    async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(b"220 x\r\n")
        for reply in (b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 ok\r\n"):
            await reader.readline()
            writer.write(reply)
        writer.transport.pause_reading()  # type: ignore[attr-defined]

    server = await asyncio.start_server(take_nothing, "127.0.0.1", 0)
    peer = SMTPPeer(port=server.sockets[0].getsockname()[1])
    outcomes = await send(peer, outbound(content=content), limits=IMPATIENT)
    assert [outcome.state for outcome in outcomes] == ["waiting"]
    assert "the server took nothing for 0.2 seconds" in outcomes[0].answer
    server.close()
    for writer in writers:
        writer.transport.abort()
    await server.wait_closed()


GARBAGE: list[bytes | Deed] = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x00\xff\xfe\r\n",
    b"250-one\r\n550 two\r\n",
    b"999 what\r\n",
    b"25\r\n",
    b"\r\n",
    b"250-x\r\n" * 1000,
    b"250 " + b"x" * 10_000 + b"\r\n",
    Deed.ENDLESS,
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_garbled_at_each_stage(stage: str, garbage: bytes | Deed) -> None:
    async with smtp_peer({stage: [garbage]}) as peer, relaying(peer) as transport:
        outcomes = await transport.send(RELAY, outbound())
        assert [outcome.state for outcome in outcomes] == ["waiting"]
        assert outcomes[0].answer.isprintable()
        assert len(outcomes[0].answer) <= 500
        assert states(await transport.send(RELAY, outbound())) == [("relayed", "2.0.0")]
        peer.faults.clear()


async def test_replies_in_other_charsets_are_fit_to_be_shown() -> None:
    async with smtp_peer({"RCPT": b"550 5.1.1 Empf\xe4nger unbekannt\x1b[31m\r\n"}) as peer:
        (outcome,) = await send(peer)
    assert (outcome.state, outcome.answer) == ("failed", "550 5.1.1 Empf\ufffdnger unbekannt [31m")


async def test_a_long_reply_is_cut() -> None:
    async with smtp_peer({"RCPT": "550 5.1.1 " + "x" * 3000}) as peer:
        (outcome,) = await send(peer)
    assert len(outcome.answer) == 500


async def test_an_unexpected_354_is_no_reply_to_rcpt() -> None:
    async with smtp_peer({"RCPT": ["354 go on"]}) as peer:
        (outcome,) = await send(peer)
        peer.faults.clear()
    assert outcome.state == "waiting"
    assert peer.taken == []


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
async def test_who_takes_no_message_has_none(extensions: tuple[str, ...]) -> None:
    async with smtp_peer({"DATA": ["250 2.0.0 ok"]}, extensions=extensions) as peer:
        (outcome,) = await send(peer)
        peer.faults.clear()
    assert (outcome.state, outcome.status) == ("waiting", "4.4.2")
    assert "unexpected reply: 250 2.0.0 ok" in outcome.answer
    assert peer.taken == []


async def test_more_replies_than_commands_are_never_taken_for_later_ones() -> None:
    async with smtp_peer({"DOT": [b"250 2.0.0 ok\r\n250 2.0.0 ok\r\n"]}) as peer, relaying(peer) as transport:
        await transport.send(RELAY, outbound())
        await asyncio.sleep(0.05)
        peer.script["MAIL"] = ["550 5.7.1 no"]
        (outcome,) = await transport.send(RELAY, outbound())
    assert (outcome.state, outcome.status) == ("failed", "5.7.1")
    assert peer.connections == 2


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("554 5.7.1 we do not like your address", ("waiting", "4.3.2")),
        ("421 too busy", ("waiting", "4.3.2")),
        ("521 no mail here", ("failed", "5.3.2")),
    ],
)
async def test_greetings_that_refuse(reply: str, wanted: tuple[str, str]) -> None:
    async with smtp_peer({"GREETING": reply}) as peer:
        outcomes = await send(peer)
    assert states(outcomes) == [wanted]
    assert outcomes[0].answer == reply


async def test_nobody_there() -> None:
    async with smtp_peer() as peer:
        pass
    (outcome,) = await send(peer)
    assert (outcome.state, outcome.status) == ("waiting", "4.4.1")
    assert outcome.answer == f"127.0.0.1 port {peer.port}: the connection failed: Connection refused"


async def test_421_in_the_middle() -> None:
    script: dict[str, Any] = {"RCPT eve@example.net": ["421 4.3.2 shutting down"]}
    async with smtp_peer(script) as peer:
        outcomes = await send(peer, outbound("bob@example.net", "eve@example.net"))
    assert states(outcomes) == [("waiting", "4.3.2")] * 2
    assert peer.taken == []


# Sizes and abilities


async def test_a_mail_above_size_is_not_sent() -> None:
    content = b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 20
    async with smtp_peer(extensions=("SIZE 1000", "PIPELINING")) as peer, relaying(peer) as transport:
        (outcome,) = await transport.send(RELAY, outbound(content=content))
        assert (outcome.state, outcome.status) == ("failed", "5.3.4")
        assert outcome.answer == "the message has 2014 bytes, and 127.0.0.1 takes at most 1000"
        assert states(await transport.send(RELAY, outbound())) == [("relayed", "2.0.0")]
    assert peer.connections == 1
    assert len(peer.commands("MAIL")) == 1


@pytest.mark.parametrize("offer", ["SIZE", "SIZE 0", "SIZE many"])
async def test_a_size_without_a_limit(offer: str) -> None:
    async with smtp_peer(extensions=(offer,)) as peer:
        assert states(await send(peer)) == [("relayed", "2.0.0")]
    assert " SIZE=" in peer.commands("MAIL")[0]


async def test_8bit_and_smtputf8_are_announced() -> None:
    content = "Subject: Grüße\r\n\r\nÄ\r\n".encode()
    async with smtp_peer() as peer:
        message = outbound("jörg@example.net", content=content, needs_smtputf8=True, is_8bit=True)
        assert states(await send(peer, message)) == [("relayed", "2.0.0")]
    assert peer.taken[0].mail.endswith(" BODY=8BITMIME SMTPUTF8")
    assert peer.taken[0].recipients == ["jörg@example.net"]
    assert peer.taken[0].content == content


@pytest.mark.parametrize(
    ("address", "wanted", "missing"),
    [
        ("jörg@example.net", "5.6.7", "SMTPUTF8"),
        ("bob@example.net", "5.6.9", "SMTPUTF8"),
        ("bob@example.net", "5.6.3", "8BITMIME"),
    ],
)
async def test_a_server_without_the_ability(address: str, wanted: str, missing: str) -> None:
    message = outbound(address, needs_smtputf8=missing == "SMTPUTF8", is_8bit=missing == "8BITMIME")
    extensions = tuple({"PIPELINING", "8BITMIME", "SMTPUTF8"} - {missing})
    async with smtp_peer(extensions=extensions) as peer:
        (outcome,) = await send(peer, message)
    assert (outcome.state, outcome.status) == ("failed", wanted)
    assert missing in outcome.answer
    assert peer.commands("MAIL") == []


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nRCPT TO:<x@y.example>",
        "a b@example.net>",
        "a> NOTIFY=NEVER <b@example.net",
        "a b@example.net",
        '"a\\"@example.net',
        "jörg@example.net",
        "x" * 2000 + "@example.net",
        "nobody",
    ],
)
async def test_no_address_puts_in_commands(address: str) -> None:
    async with smtp_peer() as peer:
        outcomes = await send(peer, outbound(address, "bob@example.net"))
    assert states(outcomes) == [("failed", "5.1.3"), ("relayed", "2.0.0")]
    assert len(peer.commands("RCPT")) == 1


async def test_quoted_local_parts_and_literals() -> None:
    addresses = ['"a b> \\"c"@example.net', "a+b=c@[IPv6:2001:db8::1]", "x_y@ex_ample.net"]
    async with smtp_peer() as peer:
        outcomes = await send(peer, outbound(*addresses))
    assert [outcome.state for outcome in outcomes] == ["relayed"] * 3
    assert peer.taken[0].recipients == addresses


async def test_no_sender_puts_in_commands() -> None:
    async with smtp_peer() as peer:
        outcomes = await send(peer, outbound(sender="a@b>\r\nQUIT"))
    assert states(outcomes) == [("failed", "5.1.7")]


# Delivery status notifications


async def test_parameters_of_dsn() -> None:
    message = outbound(ret="HDRS", envid="QQ314159 +x")._replace(
        recipients=(
            recipient(1, "a@example.net", notify="SUCCESS,DELAY", orcpt="rfc822;A+2Bb@example.net"),
            recipient(2, "b@example.net", notify="NEVER", orcpt="rfc822;a+b=c@example.net"),
            recipient(3, "c@example.net", notify="x y", orcpt="rfc822;x> EVIL\r\nQUIT"),
            recipient(4, "d@example.net", orcpt="utf-8;jörg@example.net"),
        )
    )
    async with smtp_peer() as peer:
        outcomes = await send(peer, message)
    assert all(outcome.passes_dsn for outcome in outcomes)
    assert peer.taken[0].mail.endswith(" RET=HDRS ENVID=QQ314159+20+2Bx")
    assert peer.taken[0].rcpts == [
        "<a@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;A+2Bb@example.net",
        "<b@example.net> NOTIFY=NEVER ORCPT=rfc822;a+2Bb+3Dc@example.net",
        "<c@example.net> ORCPT=rfc822;x>+20EVIL+0D+0AQUIT",
        "<d@example.net> ORCPT=utf-8;j\\x{F6}rg@example.net",
    ]


async def test_a_server_without_dsn_is_not_asked() -> None:
    async with smtp_peer(extensions=("PIPELINING",)) as peer:
        message = outbound(ret="FULL", envid="x")._replace(
            recipients=(recipient(1, "a@example.net", notify="SUCCESS", orcpt="rfc822;a@example.net"),)
        )
        (outcome,) = await send(peer, message)
    assert not outcome.passes_dsn
    assert peer.taken[0].rcpts == ["<a@example.net>"]


# More recipients than a server takes


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)])
@pytest.mark.parametrize("reply", ["452 4.5.3 too many", "452 too many", "552 too many"])
async def test_more_recipients_than_a_transaction_takes(extensions: tuple[str, ...], reply: str) -> None:
    addresses = [f"r{number}@example.net" for number in range(7)]
    script: dict[str, Any] = {
        "RCPT": ["250 ok"] * 3 + [reply] * 4 + ["250 ok"] * 3 + [reply] + ["250 ok"],
    }
    async with smtp_peer(script, extensions=extensions) as peer:
        outcomes = await send(peer, outbound(*addresses))
    assert [outcome.state for outcome in outcomes] == ["relayed"] * 7
    assert [len(mail.recipients) for mail in peer.taken] == [3, 3, 1]
    assert peer.connections == 1


async def test_a_server_that_takes_none_is_not_asked_for_ever() -> None:
    async with smtp_peer({"RCPT": "552 too many"}) as peer:
        outcomes = await send(peer, outbound("a@example.net", "b@example.net"))
    assert states(outcomes) == [("waiting", "4.5.3")] * 2
    assert len(peer.commands("MAIL")) == 1


async def test_too_many_recipients_and_a_connection_that_ends() -> None:
    script: dict[str, Any] = {
        "RCPT": ["250 ok", "452 4.5.3 too many", "250 ok"],
        "DOT": ["250 2.0.0 ok", "250 2.0.0 ok"],
        "MAIL": ["250 ok", "421 4.7.0 one mail for a connection"],
    }
    async with smtp_peer(script) as peer:
        outcomes = await send(peer, outbound("a@example.net", "b@example.net"))
    assert [outcome.state for outcome in outcomes] == ["relayed"] * 2
    assert peer.connections == 2


# Connections


async def test_connections_are_used_again() -> None:
    async with smtp_peer() as peer, relaying(peer) as transport:
        for _ in range(10):
            assert states(await transport.send(RELAY, outbound())) == [("relayed", "2.0.0")]
        assert peer.connections == 1
        await asyncio.gather(*(transport.send(RELAY, outbound()) for _ in range(50)))
        assert peer.connections <= 20
    assert len(peer.taken) == 60


async def test_so_many_mails_for_a_connection() -> None:
    limits = Limits(mails_per_connection=3)
    async with smtp_peer() as peer, relaying(peer, limits=limits) as transport:
        for _ in range(7):
            await transport.send(RELAY, outbound())
    assert peer.connections == 3
    assert [mail.connection for mail in peer.taken] == [1, 1, 1, 2, 2, 2, 3]


async def test_so_many_connections() -> None:
    async with smtp_peer() as peer, relaying(peer, connections=2) as transport:
        sends = [asyncio.create_task(transport.send(RELAY, outbound())) for _ in range(20)]
        outcomes = await asyncio.gather(*sends)
    assert peer.connections == 2
    assert all(states(outcome) == [("relayed", "2.0.0")] for outcome in outcomes)


@pytest.mark.parametrize("how", ["closed", "421"])
async def test_a_kept_connection_that_has_ended_is_not_the_mails_fault(how: str) -> None:
    async with smtp_peer() as peer, relaying(peer) as transport:
        await transport.send(RELAY, outbound())
        if how == "closed":
            # The server hangs up while the mail is being sent: the client cannot know before.
            peer.script["MAIL"] = [Deed.DROP]
        else:
            peer.script["MAIL"] = ["421 4.4.2 you were silent for too long"]
        assert states(await transport.send(RELAY, outbound())) == [("relayed", "2.0.0")]
    assert peer.connections == 2
    assert len(peer.taken) == 2


async def test_idle_connections_are_left_politely() -> None:
    limits = Limits(idle_seconds=0.05)
    async with smtp_peer() as peer, relaying(peer, limits=limits) as transport:
        await transport.send(RELAY, outbound())
        await peer.until(lambda: "QUIT" in peer.lines)
        await transport.send(RELAY, outbound())
    assert peer.connections == 2


async def test_a_cancelled_send_leaves_no_connection() -> None:
    async with smtp_peer({"DOT": [Deed.HANG]}) as peer, relaying(peer) as transport:
        sending = asyncio.create_task(transport.send(RELAY, outbound()))
        await peer.until(lambda: peer.commands("DATA"))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await peer.until(lambda: not peer.writers)


async def test_an_address_that_did_not_answer_is_left_alone_for_a_while() -> None:
    limits = Limits(connect_seconds=0.1, reply_seconds=0.15)
    async with smtp_peer({"GREETING": Deed.HANG}) as peer, relaying(peer, limits=limits) as transport:
        (first,) = await transport.send(RELAY, outbound())
        (second,) = await transport.send(RELAY, outbound())
    assert first == second
    assert peer.connections == 1
