"""The most common LMTP client, for real: what Postfix accepts arrives, what we refuse it bounces or keeps."""

import asyncio
import shutil
import smtplib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.protocol.lmtp_peer import Delivery, RecordingInbox, Served, serve
from tests.protocol.postfix_instance import Postfix, missing, running_postfix

from postroom.delivery.limits import LMTPLimits
from postroom.errors import Kind, PostroomError

EXAMPLE = Path(__file__).parents[2] / "contrib" / "postfix" / "main.cf"

pytestmark = [
    pytest.mark.postfix,
    pytest.mark.asyncio(loop_factories=["uvloop"]),
    pytest.mark.skipif(missing() != "", reason=missing() or "available"),
]


@dataclass
class Relayed:
    """Our server behind a Postfix."""

    served: Served
    postfix: Postfix

    @property
    def inbox(self) -> RecordingInbox:
        return self.served.inbox

    async def submit(self, *recipients: str, message: bytes, options: tuple[str, ...] = ()) -> None:
        sender = "sender@example.test"
        await asyncio.to_thread(self.postfix.submit, sender, recipients, message, options=options)

    async def deliveries(self, count: int) -> list[Delivery]:
        """Wait for so many deliveries."""
        for _ in range(300):
            if len(self.inbox.deliveries) >= count:
                return self.inbox.deliveries
            await asyncio.sleep(0.1)
        raise AssertionError(f"{len(self.inbox.deliveries)} deliveries; Postfix says:\n{self.postfix.log()}")

    async def logged(self, text: str) -> None:
        """Wait until Postfix has logged ``text``."""
        for _ in range(300):
            if text in self.postfix.log():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"no {text!r} in:\n{self.postfix.log()}")


@pytest.fixture
async def relayed(tmp_path: Path) -> AsyncIterator[Relayed]:
    # Postfix has limits for the length of paths, and its processes change the user: no deep, closed directories.
    root = Path(tempfile.mkdtemp(prefix="postroom-postfix-"))
    root.chmod(0o755)
    try:
        async with serve(tmp_path, limits=LMTPLimits(max_message_bytes=200_000)) as served:
            with running_postfix(root, lmtp=served.address) as postfix:
                yield Relayed(served, postfix)
    finally:
        shutil.rmtree(root)


async def test_messages_arrive(relayed: Relayed) -> None:
    body = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n" + b"y" * 900 + b"\r\n"
    await relayed.submit("ann@example.test", "bob+lists@example.test", message=body)
    (delivery,) = await relayed.deliveries(1)
    assert delivery.envelope.sender == "sender@example.test"
    assert delivery.envelope.helo == "relay.example.org"
    assert sorted(delivery.addresses) == ["ann@example.test", "bob+lists@example.test"]
    # Postfix adds header fields, so that only the body is as it was submitted.
    assert delivery.content.partition(b"\r\n\r\n")[2] == body.partition(b"\r\n\r\n")[2]
    assert delivery.content.startswith(b"Received: ")
    await relayed.logged("250 2.0.0 Delivered, id ")
    assert relayed.served.server.stats.recipients_refused == {}


async def test_eight_bit_and_smtputf8(relayed: Relayed) -> None:
    message = "Subject: Grüße\r\nFrom: jörg@example.test\r\n\r\nÄpfel\r\n".encode()
    await relayed.submit("jörg@example.test", message=message, options=("SMTPUTF8", "BODY=8BITMIME"))
    (delivery,) = await relayed.deliveries(1)
    assert delivery.content.endswith("\r\n\r\nÄpfel\r\n".encode())
    assert "Subject: Grüße\r\nFrom: jörg@example.test\r\n".encode() in delivery.content
    assert delivery.addresses == ["jörg@example.test"]
    assert delivery.envelope.smtputf8
    assert delivery.envelope.body_8bit
    assert b"with UTF8LMTP id" in delivery.raw


async def test_refused_recipient_bounces_to_the_sender(relayed: Relayed) -> None:
    unknown = PostroomError(Kind.NOT_FOUND, "unknownRecipient", "No such mailbox here")
    relayed.inbox.refusals["nobody@example.test"] = unknown
    await relayed.submit("nobody@example.test", "ann@example.test", message=b"Subject: x\r\n\r\nx\r\n")
    first, second = await relayed.deliveries(2)
    bounce = first if first.envelope.sender == "" else second
    message = second if bounce is first else first
    assert message.addresses == ["ann@example.test"]
    assert bounce.addresses == ["sender@example.test"]
    assert b"Status: 5.1.1" in bounce.content
    assert b"550 5.1.1 No such mailbox here" in bounce.content


async def test_too_large_bounces(relayed: Relayed) -> None:
    await relayed.submit("ann@example.test", message=b"Subject: x\r\n\r\n" + (b"x" * 98 + b"\r\n") * 3000)
    (bounce,) = await relayed.deliveries(1)
    assert bounce.envelope.sender == ""
    assert b"Status: 5.3.4" in bounce.content


@pytest.mark.parametrize("where", ["recipient", "data"])
async def test_full_mailbox_is_tried_again(relayed: Relayed, where: str) -> None:
    """The message waits in the queue of Postfix, and arrives once there is room: to each recipient once."""
    full = PostroomError(Kind.LIMITED, "sizeQuotaExceeded", "Mailbox is full")
    if where == "recipient":
        relayed.inbox.refusals["full@example.test"] = full
    else:
        relayed.inbox.outcomes["full@example.test"] = full
    await relayed.submit("full@example.test", "ann@example.test", message=b"Subject: x\r\n\r\nx\r\n")
    # It may be logged before the other recipient has the message.
    await relayed.logged("452 4.2.2 Mailbox is full")
    await relayed.deliveries(1)
    relayed.inbox.refusals.clear()
    relayed.inbox.outcomes.clear()
    relayed.inbox.deliveries.clear()
    (delivery,) = await relayed.deliveries(1)
    assert delivery.addresses == ["full@example.test"]


async def test_many_messages(relayed: Relayed) -> None:
    for number in range(30):
        await relayed.submit("ann@example.test", message=b"Subject: %d\r\n\r\nx\r\n" % number)
    deliveries = await relayed.deliveries(30)
    subjects = {
        line for delivery in deliveries for line in delivery.content.splitlines() if line[:8] == b"Subject:"
    }
    assert subjects == {b"Subject: %d" % number for number in range(30)}


async def test_the_example(tmp_path: Path) -> None:
    """contrib/postfix/main.cf, with its domain and port changed, and clients as if they came from elsewhere."""
    text = EXAMPLE.read_text("utf-8")
    for line in ("mynetworks = 127.0.0.0/8 [::1]/128", "message_size_limit = 52428800"):
        assert line in text
    text = text.replace("mynetworks = 127.0.0.0/8 [::1]/128", "mynetworks = 192.0.2.0/24")
    root = Path(tempfile.mkdtemp(prefix="postroom-postfix-"))
    root.chmod(0o755)
    try:
        async with serve(tmp_path, limits=LMTPLimits()) as served:
            unknown = PostroomError(Kind.NOT_FOUND, "unknownRecipient", "No such mailbox here")
            served.inbox.refusals["nobody@example.test"] = unknown
            options = text.replace("example.com", "example.test").replace("127.0.0.1:8024", served.address)
            with running_postfix(root, lmtp=served.address, options=options) as postfix:
                relayed = Relayed(served, postfix)
                message = b"Subject: hello\r\n\r\nx\r\n"
                await relayed.submit("ann@example.test", message=message)
                await relayed.deliveries(1)
                for recipient, code in (("nobody@example.test", 550), ("ann@elsewhere.test", 454)):
                    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
                        await relayed.submit(recipient, message=message)
                    assert caught.value.recipients[recipient][0] == code
                assert "unused parameter" not in postfix.log()
    finally:
        shutil.rmtree(root)
