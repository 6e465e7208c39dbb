"""Mail to the exchangers of a domain over real sockets; names are made up."""

from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.outbound import KnownNames, outbound
from tests.protocol.smtp_peer import Deed, server_context, smtp_peer
from tests.protocol.smtp_transports import direct, make_certificate, states

from postroom.model.outgoing import RELAY


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for another name, of its own authority."""
    return make_certificate(tmp_path_factory.mktemp("certificate") / "other.pem", "other.example")


async def test_the_next_exchanger_takes_what_the_first_cannot() -> None:
    names = KnownNames(
        exchangers={"example.net": [(20, "second.example.net"), (10, "first.example.net")]},
        addresses={"first.example.net": ["127.0.0.2"], "second.example.net": ["127.0.0.1"]},
    )
    async with smtp_peer() as peer, direct(peer, names) as transport:
        (outcome,) = await transport.send("example.net", outbound())
    assert (outcome.state, outcome.remote) == ("relayed", "second.example.net")
    assert names.asked == ["example.net", "first.example.net", "second.example.net"]


async def test_what_is_settled_is_not_tried_at_the_next_exchanger() -> None:
    names = KnownNames(
        exchangers={"example.net": [(10, "one.example.net"), (20, "two.example.net")]},
        addresses={"one.example.net": ["127.0.0.1"], "two.example.net": ["127.0.0.1"]},
    )
    script: dict[str, Any] = {
        "RCPT gone@example.net": "550 5.1.1 no",
        "RCPT grey@example.net": ["451 4.7.1 later"],
        "DATA": [Deed.DROP],
    }
    async with smtp_peer(script) as peer, direct(peer, names) as transport:
        addresses = ["gone@example.net", "grey@example.net", "bob@example.net"]
        outcomes = await transport.send("example.net", outbound(*addresses))
    assert states(outcomes) == [("failed", "5.1.1"), ("waiting", "4.7.1"), ("relayed", "2.0.0")]
    assert [outcome.remote for outcome in outcomes] == [
        "one.example.net",
        "one.example.net",
        "two.example.net",
    ]


async def test_a_mail_that_may_have_arrived_goes_to_no_other_exchanger() -> None:
    names = KnownNames(
        exchangers={"example.net": [(10, "one.example.net"), (20, "two.example.net")]},
        addresses={"one.example.net": ["127.0.0.1"], "two.example.net": ["127.0.0.1"]},
    )
    async with smtp_peer({"DOT": [Deed.DROP_AFTER]}) as peer, direct(peer, names) as transport:
        (outcome,) = await transport.send("example.net", outbound())
    assert outcome.state == "waiting"
    assert len(peer.taken) == 1


async def test_an_exchanger_that_may_come_back_keeps_the_mail_waiting() -> None:
    """One is down, the other one takes no mail as large: the first may."""
    names = KnownNames(
        exchangers={"example.net": [(10, "down.example.net"), (20, "small.example.net")]},
        addresses={"down.example.net": ["127.0.0.2"], "small.example.net": ["127.0.0.1"]},
    )
    async with smtp_peer(extensions=("SIZE 10",)) as peer, direct(peer, names) as transport:
        (outcome,) = await transport.send("example.net", outbound())
    assert (outcome.state, outcome.status) == ("waiting", "4.4.1")


async def test_opportunistic_tls_at_exchangers_takes_any_certificate(other_certificate: Path) -> None:
    names = KnownNames(addresses={"example.net": ["127.0.0.1"]})
    async with smtp_peer(tls=server_context(other_certificate)) as peer, direct(peer, names) as transport:
        (outcome,) = await transport.send("example.net", outbound())
    assert outcome.state == "relayed"
    assert peer.taken[0].is_encrypted


async def test_address_literals() -> None:
    async with smtp_peer() as peer, direct(peer, KnownNames()) as transport:
        (outcome,) = await transport.send("[127.0.0.1]", outbound("bob@[127.0.0.1]"))
    assert (outcome.state, outcome.remote) == ("relayed", "127.0.0.1")


async def test_private_addresses_are_refused() -> None:
    names = KnownNames(addresses={"example.net": ["127.0.0.1", "10.0.0.1", "::1", "fe80::1"]})
    async with smtp_peer() as peer, direct(peer, names, allow_private=False) as transport:
        (outcome,) = await transport.send("example.net", outbound())
        (literal,) = await transport.send("[127.0.0.1]", outbound())
    assert (outcome.state, outcome.status) == ("failed", "5.4.4")
    assert outcome.answer == "the host example.net has only addresses of private networks"
    assert (literal.state, literal.status) == ("failed", "5.4.4")
    assert peer.connections == 0


async def test_nothing_goes_out_directly_unless_it_may() -> None:
    async with smtp_peer() as peer, direct(peer, KnownNames(), direct=False) as transport:
        (outcome,) = await transport.send("example.net", outbound())
        (relayed,) = await transport.send(RELAY, outbound())
    assert (outcome.state, outcome.status) == ("failed", "5.7.1")
    assert (relayed.state, relayed.status) == ("waiting", "4.3.5")
