"""Whom proxies ask for: chains, forged entries, malformed ones, and who is not believed."""

import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.api.proxies import MAX_HOPS, Origin, Trust, find_origin, list_told, parse_node

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:1::/48"))
X, RFC = Trust(NETWORKS, False, "x-forwarded"), Trust(NETWORKS, False, "forwarded")
CLIENT = "203.0.113.9"


def x_origin(addresses: str = "", schemes: str = "") -> Origin:
    headers = [(b"x-forwarded-for", addresses.encode()), (b"x-forwarded-proto", schemes.encode())]
    return find_origin([pair for pair in headers if pair[1]], X)


def rfc_origin(*lines: str) -> Origin:
    return find_origin([(b"forwarded", line.encode()) for line in lines], RFC)


@pytest.mark.parametrize(
    ("addresses", "schemes", "address", "scheme"),
    [
        ("", "", "", ""),
        (CLIENT, "https", CLIENT, "https"),
        (CLIENT, "HTTPS", CLIENT, "https"),
        (CLIENT, "gopher", CLIENT, ""),
        ("", "https", "", "https"),
        # The client's own entries come first, and count for nothing.
        (f"127.0.0.1, {CLIENT}", "https", CLIENT, "https"),
        (f"10.0.0.1, {CLIENT}", "https", CLIENT, "https"),
        (f"10.1.1.1,198.51.100.1,{CLIENT}, 10.0.0.2", "", CLIENT, ""),
        (f"{CLIENT}, 10.0.0.3, 10.0.0.2", "https, http, http", CLIENT, "https"),
        (f"127.0.0.1, {CLIENT}, 10.0.0.2", "https, http, https", CLIENT, "http"),
        (CLIENT, "https, http", CLIENT, "http"),
        ("10.0.0.3, 10.0.0.2", "https", "10.0.0.3", "https"),
        # An entry that is no address hides whom it stands for, and nobody before it is believed.
        ("127.0.0.1, unknown", "https", "", "https"),
        ("198.51.100.1, nonsense, 10.0.0.2", "", "10.0.0.2", ""),
        (f"{CLIENT}:4711", "", CLIENT, ""),
        ("[2001:db8::1]:4711", "", "2001:db8::1", ""),
        ("2001:db8::1", "", "2001:db8::1", ""),
        (f"{CLIENT}, 2001:db8:1::5", "", CLIENT, ""),
        (f"::ffff:{CLIENT}, ::ffff:10.0.0.2", "", CLIENT, ""),
        (" , ,", "", "", ""),
    ],
)
def test_x_forwarded(addresses: str, schemes: str, address: str, scheme: str) -> None:
    assert x_origin(addresses, schemes) == (address, scheme)


@pytest.mark.parametrize(
    ("lines", "address", "scheme"),
    [
        ([], "", ""),
        ([f"for={CLIENT};proto=https"], CLIENT, "https"),
        ([f'For="{CLIENT}:81" ; Proto=HTTPS;by=10.0.0.1;host=mail.test'], CLIENT, "https"),
        (['for="[2001:db8::1]:4711";proto=http'], "2001:db8::1", "http"),
        ([f"for=127.0.0.1;proto=https, for={CLIENT}"], CLIENT, ""),
        (["for=127.0.0.1", f"for={CLIENT}", "for=10.0.0.2"], CLIENT, ""),
        ([f"for={CLIENT};proto=https, for=10.0.0.2;proto=http"], CLIENT, "https"),
        (["for=_hidden;proto=https, for=10.0.0.2"], "10.0.0.2", "https"),
        (["for=unknown"], "", ""),
        (["proto=https"], "", "https"),
        # What a client has begun and not ended takes in nothing of what a proxy adds.
        ([f'for="127.0.0.1, for={CLIENT}'], CLIENT, ""),
        (['for="x, for="[2001:db8::1]"'], "2001:db8::1", ""),
        ([f'x="\\, for={CLIENT};proto=https'], CLIENT, "https"),
        ([f"for={CLIENT} proto=https"], "", ""),
        ([f"for={CLIENT};;proto=https;"], CLIENT, "https"),
        (["===, ;;, ,"], "", ""),
    ],
)
def test_forwarded(lines: list[str], address: str, scheme: str) -> None:
    assert rfc_origin(*lines) == (address, scheme)


def test_one_way_of_telling_alone_is_believed() -> None:
    both = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"x-forwarded-proto", b"https"),
        (b"forwarded", b"for=198.51.100.2;proto=http"),
    ]
    assert find_origin(both, X) == ("198.51.100.1", "https")
    assert find_origin(both, RFC) == ("198.51.100.2", "http")
    assert list_told(both) == ["198.51.100.1", "198.51.100.2"]


def test_several_lines_are_one_list() -> None:
    lines = [(b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-for", CLIENT.encode())]
    assert find_origin(lines, X).address == CLIENT


def test_long_chains_end() -> None:
    addresses = ", ".join([CLIENT, *["10.0.0.7"] * (MAX_HOPS - 1)])
    assert x_origin(addresses).address == CLIENT
    assert rfc_origin(*(f"for={one}" for one in addresses.split(", "))).address == CLIENT
    assert x_origin(addresses + ", 10.0.0.7").address == "10.0.0.7"


@pytest.mark.parametrize(
    "value",
    [b"," * 32_000, b" " * 32_000 + b"x", b"a=b; " * 6000 + b"!", b'for="' + b"\\" * 32_000, b"\t;" * 16_000],
)
def test_hostile_headers_take_no_time(value: bytes) -> None:
    began = time.thread_time()
    find_origin([(b"forwarded", value)], RFC)
    find_origin([(b"x-forwarded-for", value), (b"x-forwarded-proto", value)], X)
    assert time.thread_time() - began < 1


@given(
    st.lists(
        st.tuples(st.sampled_from([b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"]), st.binary())
    )
)
def test_nothing_fails(headers: list[tuple[bytes, bytes]]) -> None:
    for trust in (X, RFC):
        origin = find_origin(headers, trust)
        assert origin.scheme in {"", "http", "https"}
        assert origin.address == "" or str(ipaddress.ip_address(origin.address)) == origin.address
    list_told(headers)


@given(st.text(alphabet='0123456789.,:for="; ', max_size=60), st.ip_addresses(v=4))
def test_what_a_client_says_hides_nobody(forged: str, address: ipaddress.IPv4Address) -> None:
    if not X.includes(str(address)):
        assert x_origin(f"{forged}, {address}").address == str(address)
        assert rfc_origin(f"{forged}, for={address}").address == str(address)


def test_who_is_trusted() -> None:
    assert X.includes("10.0.0.1")
    assert X.includes("::ffff:10.0.0.1")
    assert not any(X.includes(host) for host in ("", "11.0.0.1", "::1", "unix", "nonsense", "fe80::1%eth0"))
    assert Trust((), True, "forwarded").includes("")
    assert parse_node("fe80::1%eth0") is None
