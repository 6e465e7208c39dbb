"""Looking up names at a name server on loopback."""

import contextlib
from collections.abc import AsyncIterator

import dns.rcode
import pytest
from tests.protocol.name_server import NameServer, Zone, name_serving

from postroom.config.options import TCPAddress
from postroom.config.sending import SendingConfig, parse_nameserver
from postroom.outgoing import resolver
from postroom.outgoing.resolver import DNSResolver, Exchanger, LookupFailedError, NoDomainError


@contextlib.asynccontextmanager
async def resolving(zone: Zone) -> AsyncIterator[tuple[DNSResolver, NameServer]]:
    async with name_serving(zone) as (server, port):
        yield DNSResolver([TCPAddress("127.0.0.1", port)]), server


async def test_records() -> None:
    zone: Zone = {
        ("example.net.", "MX"): ["20 B.example.net.", "10 a.example.net."],
        ("null.example.net.", "MX"): ["0 ."],
        ("a.example.net.", "A"): ["192.0.2.1", "192.0.2.2"],
        ("a.example.net.", "AAAA"): ["2001:db8::1"],
    }
    async with resolving(zone) as (names, server):
        records = await names.find_exchangers("example.net")
        assert sorted(records) == [Exchanger(10, "a.example.net"), Exchanger(20, "b.example.net")]
        assert await names.find_exchangers("null.example.net") == [Exchanger(0, "")]
        assert await names.find_exchangers("a.example.net") == []
        addresses = await names.find_addresses("a.example.net")
        assert sorted(addresses[:2]) == ["192.0.2.1", "192.0.2.2"]
        assert addresses[2:] == ["2001:db8::1"]
        assert await names.find_addresses("example.net") == []
        with pytest.raises(NoDomainError):
            await names.find_exchangers("other.test")
        with pytest.raises(NoDomainError):
            await names.find_addresses("other.test")
        count = len(server.asked)
        await names.find_exchangers("example.net")
        assert len(server.asked) == count


async def test_servers_that_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "LOOKUP_SECONDS", 0.3)
    zone: Zone = {
        ("broken.test.", "MX"): dns.rcode.SERVFAIL,
        ("half.test.", "A"): ["192.0.2.1"],
        ("half.test.", "AAAA"): dns.rcode.SERVFAIL,
        ("worse.test.", "AAAA"): dns.rcode.REFUSED,
        ("worse.test.", "A"): [],
    }
    async with resolving(zone) as (names, _):
        with pytest.raises(LookupFailedError):
            await names.find_exchangers("broken.test")
        with pytest.raises(LookupFailedError):
            await names.find_addresses("worse.test")
        assert await names.find_addresses("half.test") == ["192.0.2.1"]
        for nonsense in ("a..b", "x" * 70 + ".test"):
            with pytest.raises(LookupFailedError):
                await names.find_exchangers(nonsense)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:54", ("2001:db8::1", 54)),
    ],
)
def test_name_servers_of_the_configuration(text: str, address: tuple[str, int]) -> None:
    assert parse_nameserver(text) == address
    assert SendingConfig(nameservers=(text,)).nameservers == (text,)


@pytest.mark.parametrize(
    "text", ["", "ns.example", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:99999", "ns.example:53"]
)
def test_no_name_servers(text: str) -> None:
    with pytest.raises(ValueError, match="must be a list of IP addresses"):
        parse_nameserver(text)
