"""Mail programs send: with the standard library's client over real TLS, on both engines."""

import random
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType

import pytest
from tests.fixtures.clocks import TestClock
from tests.fixtures.factories import AddOwner, Owner
from tests.protocol.submission_peer import Served, certificate, serve_submission  # noqa: F401

from postroom.config.classes import AccountClass
from postroom.config.root import Config
from postroom.delivery.limits import SubmissionLimits
from postroom.domain.access_tokens import AccessTokens
from postroom.domain.check import check_store
from postroom.domain.directory import AccountSettings, Directory
from postroom.domain.temporary_aliases import TemporaryAliases
from postroom.model.account import Caller
from postroom.model.outgoing import LOCAL, SUBMITTED
from postroom.model.profile import AliasRef

MESSAGE = b"From: Anna <anna@example.test>\r\nTo: b@other.test\r\nSubject: Hi\r\n\r\nHello.\r\n"
ANNA = "anna@example.test"


@pytest.fixture
async def served(
    owner: Owner,
    config: Config,
    certificate: tuple[Path, Path],  # noqa: F811
) -> AsyncIterator[Served]:
    async with serve_submission(owner, config, certificate=certificate) as running:
        yield running


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_message_of_the_standard_library(served: Served, implicit: bool) -> None:
    message = EmailMessage()
    message["From"] = "Anna Example <anna@example.test>"
    message["To"] = "Berta <berta@other.test>"
    message["Cc"] = "carl@example.test"
    message["Bcc"] = "dora@third.test"
    message["Subject"] = "Grüße"
    message.set_content("Hallo!\n.\nÄh, ja.\n")

    def send(client: smtplib.SMTP) -> dict[str, tuple[int, bytes]]:
        return client.send_message(
            message, to_addrs=["berta@other.test", "carl@example.test", "dora@third.test"]
        )

    assert await served.client(send, implicit=implicit) == {}
    sent = await served.sent()
    outgoing = sent.outgoing
    assert (outgoing.account_id, outgoing.kind, outgoing.sender) == (
        served.owner.account_id,
        SUBMITTED,
        ANNA,
    )
    assert outgoing.release_at == outgoing.created_at
    assert outgoing.item_id == 0
    assert (outgoing.needs_smtputf8, outgoing.size_bytes) == (0, len(sent.content))
    assert [(one.address, one.destination) for one in sent.recipients] == [
        ("berta@other.test", "other.test"),
        ("carl@example.test", LOCAL),
        ("dora@third.test", "third.test"),
    ]
    stored = message_from_bytes(sent.content, policy=policy.default)
    assert stored.keys()[0] == "Received"
    assert " with ESMTPSA id " in stored["Received"]
    assert stored["Subject"] == "Grüße"
    assert stored["Message-ID"].endswith("@example.test>")
    assert stored["Date"].datetime.timestamp() == 1_750_000_000
    assert stored.get_content().replace("\r", "") == "Hallo!\n.\nÄh, ja.\n"
    # smtplib leaves Bcc out itself; what a client leaves in is stored, and left out when it goes.


async def test_what_is_there_stays(served: Served) -> None:
    """Date, Message-ID and Bcc stay as they are; nothing else is touched."""
    raw = b"Date: Sat, 1 Jan 2000 00:00:00 +0000\r\nMessage-ID: <1@x>\r\nBCC: x@y.test\r\n" + MESSAGE
    await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], raw))
    sent = await served.sent()
    received = sent.content.removesuffix(raw)
    assert received.startswith(b"Received: from ")
    assert received.count(b"\r\n") == received.count(b"\r\n\t") + 1 == 3


async def test_extensions(served: Served) -> None:
    def look(client: smtplib.SMTP) -> dict[str, str]:
        client.ehlo()
        return dict(client.esmtp_features)

    offered = await served.client(look)
    assert set(offered) == {
        "pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "dsn", "auth",
    }  # fmt: skip
    assert offered["auth"].split() == ["PLAIN", "LOGIN"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("name", ["anna@example.test", "ANNA@Example.Test", "anna"])
async def test_logins(served: Served, mechanism: str, initial: bool, name: str) -> None:
    def login(client: smtplib.SMTP) -> int:
        client.user, client.password = name, served.owner.password
        method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
        client.ehlo()
        return client.auth(mechanism, method, initial_response_ok=initial)[0]

    assert await served.client(login, login=False) == 235
    assert served.server.stats.logins == {"accepted": 1}


async def test_wrong_passwords(served: Served) -> None:
    texts: set[object] = set()

    def guess(client: smtplib.SMTP) -> list[int]:
        codes = []
        client.ehlo()
        for password in ("wrong", "", "secret:"):
            client.user, client.password = ANNA, password
            try:
                client.auth("PLAIN", client.auth_plain)
            except smtplib.SMTPAuthenticationError as error:
                codes.append(error.smtp_code)
                texts.add(error.smtp_error)
        assert client.getreply() == (421, b"4.7.0 Too many failed logins")
        return codes

    assert await served.client(guess, login=False) == [535, 535, 535]
    assert texts == {b"5.7.8 Authentication failed"}
    assert served.server.stats.logins["notAuthenticated"] == 3


@pytest.mark.parametrize(("scope", "code"), [("all", 235), ("read", 535), ("counters", 535)])
async def test_app_passwords(served: Served, scope: str, code: int) -> None:
    store, account = served.owner.store, served.owner.account
    caller = Caller(account.account_id, ANNA, "", "default", None, False, account.auth_version, 1)
    made = await AccessTokens(store).create(caller, "A mail program", scope, client="192.0.2.1")

    def login(client: smtplib.SMTP) -> int:
        client.user, client.password = ANNA, made.secret
        client.ehlo()
        try:
            return client.auth("PLAIN", client.auth_plain)[0]
        except smtplib.SMTPAuthenticationError as error:
            return error.smtp_code

    assert await served.client(login, login=False) == code


async def test_who_must_change_the_password_does_that_first(served: Served, directory: Directory) -> None:
    await directory.set_account(ANNA, AccountSettings(must_change_password=True))
    with pytest.raises(smtplib.SMTPAuthenticationError, match="password must be changed") as caught:
        await served.client(lambda client: None)
    assert caught.value.smtp_code == 535
    await directory.set_account(ANNA, AccountSettings(must_change_password=False))
    await served.client(lambda client: None)


async def test_guessing_is_limited_by_name(served: Served) -> None:
    """The limits are those of all logins: beyond them even the right password is refused."""

    def guess(client: smtplib.SMTP) -> int:
        client.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login(ANNA, "wrong")
        return int(caught.value.smtp_code)

    codes = [await served.client(guess, login=False) for _ in range(12)]
    assert codes == sorted(codes, reverse=True)
    assert set(codes) == {535, 454}
    with pytest.raises(smtplib.SMTPAuthenticationError, match="too many failed logins") as caught:
        await served.client(lambda client: None)
    assert caught.value.smtp_code == 454


# Whom a message is from


async def _refusal(served: Served, sender: str, raw: bytes = MESSAGE) -> tuple[int, bytes]:
    """Return what becomes of a message: the reply to MAIL if it is a refusal, else that to the data."""

    def send(client: smtplib.SMTP) -> tuple[int, bytes]:
        client.ehlo()
        code, text = client.mail(sender)
        if code != 250:
            return code, text
        assert client.rcpt("b@other.test")[0] == 250
        return client.data(raw)

    return await served.client(send)


async def test_senders(served: Served, add_owner: AddOwner, directory: Directory) -> None:
    """The account's address, its aliases, and both in domain aliases; nobody else's."""
    await add_owner("carl")
    await directory.add_domain("alias.test", alias_of="example.test")
    await directory.set_account(ANNA, AccountSettings(aliases=["ann@example.test"]))
    for sender in ("anna@example.test", "Anna@EXAMPLE.test", "ann@example.test", "anna@alias.test",
                   "ann@alias.test", "anna+news@example.test", ""):  # fmt: skip
        assert (await _refusal(served, sender))[0] == 250, sender
    for sender in (
        "carl@example.test",
        "carl@alias.test",
        "nobody@example.test",
        "anna@other.test",
        "carl+anna@example.test",
    ):
        code, text = await _refusal(served, sender)
        assert (code, text[:5]) == (550, b"5.7.1"), sender
    assert served.server.stats.senders_refused == {"senderNotOwn": 5}
    assert len(await served.queue()) == 7


async def test_temporary_aliases(served: Served, directory: Directory) -> None:
    """They are senders, on the envelope and in the header, until they are over."""
    await directory.add_domain("alias.test", alias_of="example.test")
    clock = TestClock()
    aliases = TemporaryAliases(served.owner.store, {"default": AccountClass()}, clock=clock)
    caller = await served.owner.caller()
    made = await aliases.create(caller)
    address = made.address.encode()
    raw = b"From: Anna <" + address + b">\r\nSubject: Hi\r\n\r\nHello.\r\n"
    by_domain = made.address.replace("example.test", "alias.test")
    for sender in (made.address, by_domain):
        assert (await _refusal(served, sender, raw))[0] == 250
    assert {one.outgoing.sender for one in await served.queue()} == {made.address, by_domain}
    await aliases.delete(caller, AliasRef(caller.account_id, made.alias_id))
    assert (await _refusal(served, made.address, raw))[0] == 550
    assert (await _refusal(served, ANNA, raw))[0] == 550
    clock.advance(-31 * 86_400)
    over = await aliases.create(caller)
    assert (await _refusal(served, over.address))[0] == 550
    assert len(await served.queue()) == 2


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"From: anna@example.test", b"2"),
        (b"From: Anna <Anna@Example.test>", b"2"),
        (b"From: =?utf-8?q?=C3=84nna?= <anna@example.test> (me)", b"2"),
        (b"From: Anna\r\n <anna@example.test>", b"2"),
        (b"from: anna@example.test\r\nSender: anna+x@example.test", b"2"),
        (b"X-Nothing: no From", b"2"),
        (b"From: carl@example.test", b"5.7.1"),
        (b"From: anna@example.test, carl@example.test", b"5.7.1"),
        (b'From: "anna@example.test" <carl@example.test>', b"5.7.1"),
        (b"From: x:anna@example.test,b@other.test;", b"5.7.1"),
        (b"From: anna@example.test\r\nSender: carl@example.test", b"5.7.1"),
        (b"From: anna@example.test\r\nFrom: carl@example.test", b"5.6.0"),
        (b"From: carl@example.test\r\nFROM: anna@example.test", b"5.6.0"),
        (b"From: anna@example.test\r\nSender: anna@example.test\r\nSender: x@y", b"5.6.0"),
        (b"From:", b"5.6.0"),
        (b"From: nobody:;", b"5.6.0"),
        (b"From: anna@example.test <carl@example.test", b"5.6.0"),
        (b"From: anna", b"5.6.0"),
    ],
)
async def test_authors(served: Served, add_owner: AddOwner, header: bytes, code: bytes) -> None:
    await add_owner("carl")
    status, text = await _refusal(served, ANNA, header + b"\r\nSubject: x\r\n\r\nx\r\n")
    if code == b"2":
        assert status == 250, text
        assert len(await served.queue()) == 1
    else:
        assert text.startswith(code), text
        assert await served.queue() == []


async def test_a_text_without_a_header_gets_one(served: Served) -> None:
    await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], b"Disk is full: /var\r\n"))
    stored = message_from_bytes((await served.sent()).content, policy=policy.default)
    assert stored.keys() == ["Received", "From", "Date", "Message-ID"]
    assert stored["From"] == ANNA
    assert "Disk is full: /var" in stored.get_content()


async def test_the_null_path_needs_an_own_author(served: Served) -> None:
    assert (await _refusal(served, "", b"Subject: x\r\n\r\nx\r\n"))[0] == 554
    assert (await _refusal(served, "", MESSAGE.replace(b"anna@", b"carl@")))[0] == 550


# Envelopes


async def test_dsn_parameters(served: Served) -> None:
    def send(client: smtplib.SMTP) -> None:
        client.ehlo()
        assert client.mail(ANNA, ["RET=hdrs", "ENVID=QQ+2B314", "BODY=8BITMIME", "AUTH=<>"])[0] == 250
        orcpt = "ORCPT=rfc822;b+2Bx@other.test"
        assert client.rcpt("b@other.test", ["NOTIFY=success,FAILURE", orcpt])[0] == 250
        assert client.rcpt("c@other.test", ["NOTIFY=NEVER"])[0] == 250
        assert client.rcpt("d@other.test")[0] == 250
        assert client.rcpt("e@other.test", ["NOTIFY=NEVER,DELAY"]) == (
            501,
            b"5.5.4 NOTIFY contradicts itself",
        )
        assert client.rcpt("e@other.test", ["ORCPT=rfc822"])[0] == 501
        assert client.rcpt("e@other.test", ["ORCPT=rfc822;a+b"])[0] == 501
        assert client.data(MESSAGE)[0] == 250
        assert client.mail(ANNA, ["RET=ALL"])[0] == 501
        assert client.mail(ANNA, ["ENVID=" + "x" * 101])[0] == 501

    await served.client(send)
    sent = await served.sent()
    assert (sent.outgoing.ret, sent.outgoing.envid) == ("HDRS", "QQ+2B314")
    assert [(one.address, one.notify, one.orcpt) for one in sent.recipients] == [
        ("b@other.test", "SUCCESS,FAILURE", "rfc822;b+2Bx@other.test"),
        ("c@other.test", "NEVER", ""),
        ("d@other.test", "", ""),
    ]


async def test_recipients(served: Served) -> None:
    def send(client: smtplib.SMTP) -> None:
        client.ehlo()
        client.mail(ANNA)
        for bad in (
            "TO:<b>",
            "TO:<>",
            "TO:b@other.test",
            "TO:<b@-x.test>",
            "TO:<b@a..test>",
            "TO:<b c@x.test>",
        ):
            assert client.docmd("RCPT", bad)[0] == 501, bad
        client.send("RCPT TO:<b@täst.test>\r\n".encode())
        assert client.getreply() == (553, b"5.6.7 An address beyond ASCII needs SMTPUTF8")
        for good in (
            'TO:<"b c"@other.test>',
            "TO:<@relay.test:b@other.test>",
            "TO:<b@[192.0.2.1]>",
            "TO:<b@OTHER.test>",
        ):
            assert client.docmd("RCPT", good)[0] == 250, good
        assert client.data(MESSAGE)[0] == 250

    await served.client(send)
    sent = await served.sent()
    assert [(one.address, one.destination) for one in sent.recipients] == [
        ('"b c"@other.test', "other.test"),
        ("b@other.test", "other.test"),
        ("b@[192.0.2.1]", "[192.0.2.1]"),
    ]


async def test_too_many_recipients(
    owner: Owner,
    config: Config,
    certificate: tuple[Path, Path],  # noqa: F811
) -> None:
    few = replace(config, classes=MappingProxyType({"default": AccountClass(max_recipients=2)}))
    async with serve_submission(owner, few, certificate=certificate) as served:
        recipients = [f"b{number}@other.test" for number in range(4)]
        refused = await served.client(lambda client: client.sendmail(ANNA, recipients, MESSAGE))
        assert {code for code, _ in refused.values()} == {452}
        assert list(refused) == recipients[2:]
        assert (await served.sent()).addresses == recipients[:2]


async def test_full_queue(
    owner: Owner,
    config: Config,
    certificate: tuple[Path, Path],  # noqa: F811
) -> None:
    few = replace(config, classes=MappingProxyType({"default": AccountClass(queued_mails=1)}))
    async with serve_submission(owner, few, certificate=certificate) as served:
        await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], MESSAGE))
        with pytest.raises(smtplib.SMTPDataError) as failure:
            await served.client(lambda client: client.sendmail(ANNA, ["c@other.test"], MESSAGE))
        assert failure.value.smtp_code == 452
        assert b"4.3.1 as many mails of this account wait" in failure.value.smtp_error
        assert (await served.sent()).addresses == ["b@other.test"]


async def test_smtputf8(served: Served) -> None:
    def send(client: smtplib.SMTP, recipient: str, subject: str) -> None:
        client.ehlo()
        client.mail(ANNA, ["SMTPUTF8", "BODY=8BITMIME"])
        client.putcmd("RCPT", f"TO:<{recipient}>") if recipient.isascii() else client.send(
            f"RCPT TO:<{recipient}>\r\n".encode()
        )
        assert client.getreply()[0] == 250
        raw = MESSAGE.replace(b"Subject: Hi", f"Subject: {subject}".encode())
        assert client.data(raw)[0] == 250

    for recipient, subject in (("bö@tüst.test", "Hi"), ("b@tüst.test", "Hi"), ("b@other.test", "Grüße")):
        await served.client(lambda client, one=recipient, two=subject: send(client, one, two))  # type: ignore[misc]
    sent = await served.queue()
    assert sorted((one.addresses[0], one.outgoing.needs_smtputf8, one.outgoing.is_8bit) for one in sent) == [
        ("b@other.test", 1, 1),
        ("b@xn--tst-hoa.test", 0, 0),
        ("bö@xn--tst-hoa.test", 0, 0),  # Asked for when it is sent there, for that recipient.
    ]
    assert all(b" with UTF8SMTPSA id " in one.content for one in sent)


async def test_8bit_without_being_told(served: Served) -> None:
    raw = MESSAGE.replace(b"Hello", b"Gr\xfc\xdfe")
    await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], raw))
    sent = await served.sent()
    assert (sent.outgoing.is_8bit, sent.outgoing.needs_smtputf8) == (1, 0)
    assert sent.content.endswith(raw)


async def test_bdat_and_bare_line_ends(served: Served) -> None:
    """Chunks are cut anywhere; bare line ends become CRLF, so that no other server sees an end in them."""
    raw = b"From: anna@example.test\nSubject: x\n\none\n.\nMAIL FROM:<carl@example.test>\r\rtwo\r"

    def send(client: smtplib.SMTP) -> None:
        client.ehlo()
        client.mail(ANNA)
        client.rcpt("b@other.test")
        for start in range(0, len(raw), 7):
            client.send(b"BDAT %d\r\n" % len(raw[start : start + 7]) + raw[start : start + 7])
            assert client.getreply()[0] == 250
        assert client.docmd("BDAT", "0 LAST")[0] == 250

    await served.client(send)
    content = (await served.sent()).content
    assert content.replace(b"\r\n", b"").isascii()
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert content.endswith(b"\r\n\r\none\r\n.\r\nMAIL FROM:<carl@example.test>\r\ntwo\r\n")


async def test_sizes(
    owner: Owner,
    config: Config,
    certificate: tuple[Path, Path],  # noqa: F811
) -> None:
    limits = SubmissionLimits(max_message_bytes=100_000, spool_above_bytes=10_000, linger_seconds=0.5)
    async with serve_submission(owner, config, certificate=certificate, limits=limits) as served:
        line = b"x" * 98 + b"\r\n"
        fits = MESSAGE + line * ((100_000 - len(MESSAGE)) // 100)
        fits += b"y" * (100_000 - len(fits) - 2) + b"\r\n"
        assert len(fits) == 100_000

        def send(client: smtplib.SMTP, raw: bytes) -> int:
            client.ehlo()
            client.mail(ANNA)
            client.rcpt("b@other.test")
            return client.data(raw)[0]

        assert await served.client(lambda client: send(client, fits)) == 250
        assert await served.client(lambda client: send(client, b"y" + fits)) == 552
        assert await served.client(lambda client: send(client, b"X" * 300_000 + b"\r\n" + fits)) == 552

        def declare(client: smtplib.SMTP) -> tuple[int, bytes]:
            client.ehlo()
            return client.mail(ANNA, ["SIZE=100001"])

        assert (await served.client(declare))[0] == 552
        assert (await served.sent()).content.endswith(fits)


async def test_messages_that_cannot_be(served: Served) -> None:
    for raw in (
        MESSAGE + b"\0",
        MESSAGE.replace(b"Hi", b"H\0i"),
        b"X: y\r\n" * 60_000 + MESSAGE,
        b"X: " + b"y" * 300_000 + b"\r\n" + MESSAGE,
    ):
        code, text = await _refusal(served, ANNA, raw)
        assert (code, text[:5]) == (554, b"5.6.0")
    assert await served.queue() == []
    assert served.server.stats.submissions == {"badMessage": 4}


async def test_a_large_message_lies_in_the_blob_store(served: Served) -> None:
    chance = random.Random(1)  # noqa: S311
    lines = b"\r\n".join(chance.randbytes(40).hex().encode() for _ in range(40_000))
    await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], MESSAGE + lines + b"\r\n"))
    sent = await served.sent()
    assert sent.content.endswith(lines + b"\r\n")


async def test_the_store_stays_in_step(served: Served) -> None:
    """A submission moves no history on, and a check finds nothing wrong."""
    owner = served.owner
    async with owner.store.read(owner.account_id) as mailbox:
        before = await mailbox.mailbox.find()
    for _ in range(2):
        await served.client(lambda client: client.sendmail(ANNA, ["b@other.test"], MESSAGE))
    async with owner.store.read(owner.account_id) as mailbox:
        assert await mailbox.mailbox.find() == before
    assert (await check_store(owner.store)).findings == []


# Logins that end


async def test_a_login_that_no_longer_holds(served: Served, directory: Directory) -> None:
    async with served.connect(tls=True) as peer:
        await peer.play(_LOGIN)
        await directory.set_account(ANNA, AccountSettings(password="another"))
        await peer.play("C: MAIL FROM:<anna@example.test>\nS: 421 4.7.0 *\nS: (closed)")


async def test_disabled_accounts_do_not_log_in(served: Served, directory: Directory) -> None:
    await directory.set_enabled(ANNA, enabled=False)
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        await served.client(lambda client: None)
    assert caught.value.smtp_code == 535


_LOGIN = """
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
S: 250 AUTH PLAIN LOGIN
C: AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA==
S: 235 2.7.0 Authentication succeeded
"""


async def test_no_old_tls(served: Served) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        await served.__class__(served.server, served.owner, old).client(lambda client: None)
    await served.until_closed()
    assert served.server.stats.handshakes_failed == 1
