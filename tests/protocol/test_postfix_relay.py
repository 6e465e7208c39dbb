"""The most common SMTP server as a smart host, for real: what it takes from us arrives as it was."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.outbound import outbound, recipient
from tests.protocol.lmtp_peer import Delivery, RecordingInbox, serve
from tests.protocol.postfix_instance import Postfix, missing, running_postfix
from tests.protocol.smtp_peer import CERTIFICATE

from postroom.config.relay import RelayConfig
from postroom.config.sending import SendingConfig
from postroom.delivery.limits import LMTPLimits
from postroom.model.outgoing import RELAY, Outcome
from postroom.outgoing.transport import Transport

pytestmark = [
    pytest.mark.postfix,
    pytest.mark.asyncio(loop_factories=["uvloop"]),
    pytest.mark.skipif(missing() != "", reason=missing() or "available"),
]

OPTIONS = f"""
smtpd_tls_security_level = may
smtpd_tls_chain_files = {CERTIFICATE}
smtpd_recipient_limit = 10
smtpd_client_connection_count_limit = 0
message_size_limit = 200000
smtpd_recipient_restrictions =
    check_recipient_access inline:{{ {{ gone@example.test = 550 5.1.1 No such user }},
        {{ later@example.test = 450 4.2.1 Come back }} }}, permit_mynetworks, reject
"""


@dataclass
class Relay:
    """A Postfix in front of an LMTP server."""

    postfix: Postfix
    inbox: RecordingInbox

    def transport(self, **relay: Any) -> Transport:
        return Transport(
            SendingConfig(hostname="client.example.org"),
            RelayConfig(host="127.0.0.1", port=self.postfix.smtp_port, **relay),
            now=lambda: 0.0,
        )

    @property
    def connections(self) -> int:
        """Connections that it has seen, less that of whoever waited for its start."""
        return self.postfix.log().count(": connect from") - 1

    async def deliveries(self, count: int) -> list[Delivery]:
        """Wait for so many deliveries."""
        for _ in range(300):
            if len(self.inbox.deliveries) >= count:
                return self.inbox.deliveries
            await asyncio.sleep(0.1)
        raise AssertionError(f"{len(self.inbox.deliveries)} deliveries; Postfix says:\n{self.postfix.log()}")


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    root = Path(tempfile.mkdtemp(prefix="postroom-postfix-"))
    root.chmod(0o755)
    try:
        async with serve(tmp_path, limits=LMTPLimits()) as served:
            with running_postfix(root, lmtp=served.address, options=OPTIONS) as postfix:
                yield Relay(postfix, served.inbox)
    finally:
        shutil.rmtree(root)


def states(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.status) for outcome in outcomes]


async def test_mails_arrive_over_one_connection(relay: Relay) -> None:
    transport = relay.transport()
    for number in range(20):
        content = b"Subject: %d\r\n\r\n.\r\n..\r\n.x\r\n\r\n" % number
        outcomes = await transport.send(
            RELAY, outbound("ann@example.test", "bob@example.test", content=content)
        )
        assert states(outcomes) == [("relayed", "2.0.0")] * 2
        assert outcomes[0].passes_dsn
    await transport.close()
    deliveries = await relay.deliveries(20)
    assert all(
        sorted(delivery.addresses) == ["ann@example.test", "bob@example.test"] for delivery in deliveries
    )
    bodies = {delivery.content.partition(b"\r\n\r\n")[2] for delivery in deliveries}
    assert bodies == {b".\r\n..\r\n.x\r\n\r\n"}
    assert relay.connections == 1


@pytest.mark.parametrize("mode", ["required", "opportunistic"])
async def test_tls(relay: Relay, mode: str) -> None:
    transport = relay.transport(tls=mode, ca_file=str(CERTIFICATE))
    assert states(await transport.send(RELAY, outbound("ann@example.test"))) == [("relayed", "2.0.0")]
    await transport.close()
    (delivery,) = await relay.deliveries(1)
    assert b" with ESMTPS id " in delivery.content


async def test_each_recipient_has_its_outcome(relay: Relay) -> None:
    transport = relay.transport()
    addresses = ["gone@example.test", "ann@example.test", "later@example.test"]
    outcomes = await transport.send(RELAY, outbound(*addresses))
    assert states(outcomes) == [("failed", "5.1.1"), ("relayed", "2.0.0"), ("waiting", "4.2.1")]
    assert "No such user" in outcomes[0].answer
    assert states(await transport.send(RELAY, outbound("gone@example.test"))) == [("failed", "5.1.1")]
    assert states(await transport.send(RELAY, outbound("bob@example.test"))) == [("relayed", "2.0.0")]
    await transport.close()
    deliveries = await relay.deliveries(2)
    assert sorted(delivery.addresses[0] for delivery in deliveries) == [
        "ann@example.test",
        "bob@example.test",
    ]


async def test_more_recipients_than_it_takes_at_once(relay: Relay) -> None:
    transport = relay.transport()
    addresses = [f"r{number}@example.test" for number in range(34)]
    outcomes = await transport.send(RELAY, outbound(*addresses))
    await transport.close()
    assert [outcome.state for outcome in outcomes] == ["relayed"] * 34
    deliveries = await relay.deliveries(4)
    assert sorted(address for one in deliveries for address in one.addresses) == sorted(addresses)


async def test_eight_bit_and_smtputf8(relay: Relay) -> None:
    content = "Subject: Grüße\r\nFrom: jörg@example.test\r\n\r\nÄpfel\r\n".encode()
    message = outbound("jörg@example.test", content=content, needs_smtputf8=True, is_8bit=True)
    transport = relay.transport()
    assert states(await transport.send(RELAY, message)) == [("relayed", "2.0.0")]
    await transport.close()
    (delivery,) = await relay.deliveries(1)
    assert content.partition(b"\r\n\r\n")[0] in delivery.content
    assert delivery.content.endswith("\r\n\r\nÄpfel\r\n".encode())
    assert delivery.envelope.smtputf8
    assert delivery.addresses == ["jörg@example.test"]


async def test_too_large_is_told_before_it_is_sent(relay: Relay) -> None:
    content = b"Subject: x\r\n\r\n" + (b"x" * 98 + b"\r\n") * 3000
    transport = relay.transport()
    outcomes = await transport.send(RELAY, outbound("ann@example.test", content=content))
    await transport.close()
    assert states(outcomes) == [("failed", "5.3.4")]


async def test_reports_name_what_we_named(relay: Relay) -> None:
    message = outbound(sender="ann@example.test", ret="HDRS", envid="QQ+2B1")._replace(
        recipients=(
            recipient(1, "bob@example.test", notify="SUCCESS", orcpt="rfc822;Robert@example.test"),
            recipient(2, "eve@example.test", notify="NEVER"),
        )
    )
    transport = relay.transport()
    assert states(await transport.send(RELAY, message)) == [("relayed", "2.0.0")] * 2
    await transport.close()
    deliveries = await relay.deliveries(2)
    (report,) = [delivery for delivery in deliveries if delivery.envelope.sender == ""]
    assert report.addresses == ["ann@example.test"]
    assert b"Original-Envelope-Id: QQ+1" in report.content
    assert b"Original-Recipient: rfc822;Robert@example.test" in report.content
    assert b"Action: delivered" in report.content or b"Action: relayed" in report.content
    assert b"eve@example.test" not in report.content


async def test_many_at_the_same_time(relay: Relay) -> None:
    transport = relay.transport(connections=5)
    sends = [transport.send(RELAY, outbound(f"r{number}@example.test")) for number in range(100)]
    outcomes = await asyncio.gather(*sends)
    await transport.close()
    assert all(states(outcome) == [("relayed", "2.0.0")] for outcome in outcomes)
    deliveries = await relay.deliveries(100)
    assert len({delivery.addresses[0] for delivery in deliveries}) == 100
    assert relay.connections <= 5
