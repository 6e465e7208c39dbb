"""Where mail for a domain goes (RFC 5321 §5.1, RFC 7505)."""

import pytest
from tests.fixtures.outbound import KnownNames

from postroom.outgoing.attempt import UnusableError
from postroom.outgoing.exchangers import MAX_HOSTS, Exchangers, list_relay_endpoints
from postroom.outgoing.policies import Endpoint


def make(names: KnownNames, *, allow_private: bool = False) -> Exchangers:
    return Exchangers(names, own_name="Own.example.org", port=25, allow_private=allow_private)


async def failure(names: KnownNames, domain: str) -> str:
    with pytest.raises(UnusableError) as caught:
        await make(names).list_hosts(domain)
    return caught.value.status


async def test_preferences() -> None:
    records = [(30, "d"), (10, "a"), (20, "b"), (20, "c"), (40, "a")]
    orders = set()
    for _ in range(60):
        hosts = await make(KnownNames(exchangers={"x.test": records})).list_hosts("x.test")
        assert hosts[0] == "a"
        assert hosts[3] == "d"
        orders.add(tuple(hosts))
    assert orders == {("a", "b", "c", "d"), ("a", "c", "b", "d")}


async def test_a_domain_without_records_is_its_own_exchanger() -> None:
    assert await make(KnownNames(addresses={"x.test": ["192.0.2.1"]})).list_hosts("x.test") == ["x.test"]


async def test_no_exchangers() -> None:
    assert await failure(KnownNames(exchangers={"x.test": [(0, "")]}), "x.test") == "5.1.10"
    assert await failure(KnownNames(), "x.test") == "5.1.2"
    assert await failure(KnownNames(broken=frozenset(["x.test"])), "x.test") == "4.4.3"
    assert await failure(KnownNames(), "[x]") == "5.1.2"


async def test_a_null_record_among_others_is_no_host() -> None:
    names = KnownNames(exchangers={"x.test": [(0, ""), (10, "a")]})
    assert await make(names).list_hosts("x.test") == ["a"]


async def test_mail_does_not_come_back() -> None:
    records = [(10, "a"), (20, "own.example.org"), (20, "b"), (30, "c")]
    assert await make(KnownNames(exchangers={"x.test": records})).list_hosts("x.test") == ["a"]
    assert await failure(KnownNames(exchangers={"x.test": records[1:]}), "x.test") == "5.4.6"


async def test_so_many_hosts_and_addresses() -> None:
    names = KnownNames(
        exchangers={"x.test": [(number, f"h{number}") for number in range(50)]},
        addresses={"h": [f"8.8.8.{number}" for number in range(20)] + ["2606:4700::1111", "2606:4700::1"]},
    )
    assert len(await make(names).list_hosts("x.test")) == MAX_HOSTS
    endpoints = await make(names).list_endpoints("h")
    assert [endpoint.address for endpoint in endpoints] == [
        "8.8.8.0",
        "8.8.8.1",
        "8.8.8.2",
        "2606:4700::1111",
    ]


@pytest.mark.parametrize(
    ("literal", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2606:4700:0::1]", "2606:4700::1")]
)
async def test_address_literals(literal: str, address: str) -> None:
    assert await make(KnownNames()).list_hosts(literal) == [address]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.1", "::1", "::ffff:127.0.0.1", "fd00::1", "x"],
)
async def test_addresses_that_are_not_connected_to(address: str) -> None:
    names = KnownNames(addresses={"h": [address]})
    with pytest.raises(UnusableError) as caught:
        await make(names).list_endpoints("h")
    assert caught.value.status == "5.4.4"
    names = KnownNames(addresses={"h": [address, "8.8.8.8"]})
    assert await make(names).list_endpoints("h") == [Endpoint("h", "8.8.8.8", 25)]


async def test_hosts_without_addresses() -> None:
    for names, status in (
        (KnownNames(), "5.4.4"),
        (KnownNames(addresses={"h": []}), "5.4.4"),
        (KnownNames(broken=frozenset(["h"])), "4.4.3"),
    ):
        with pytest.raises(UnusableError) as caught:
            await make(names).list_endpoints("h")
        assert (caught.value.status, caught.value.remote) == (status, "h")


async def test_the_relays_name_is_the_systems_business() -> None:
    endpoints = await list_relay_endpoints("localhost", 25, seconds=5)
    assert Endpoint("localhost", "127.0.0.1", 25) in endpoints
    assert await list_relay_endpoints("::1", 25, seconds=5) == [Endpoint("::1", "::1", 25)]
    with pytest.raises(UnusableError) as caught:
        await list_relay_endpoints("no.such.host.invalid", 25, seconds=5)
    assert caught.value.status == "4.4.3"
