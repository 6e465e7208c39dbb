"""Which URLs webhooks may have, and which addresses they may be sent to."""

import ipaddress

import pytest

from postroom.domain.webhook_urls import HookURL, may_connect, parse_hook_url
from postroom.errors import PostroomError


@pytest.mark.parametrize(
    ("text", "parts", "netloc"),
    [
        ("https://example.com", HookURL("https", "example.com", 443, "/"), "example.com"),
        ("HTTP://Example.COM:8080/a?b=c", HookURL("http", "example.com", 8080, "/a?b=c"), "example.com:8080"),
        ("https://example.com?x", HookURL("https", "example.com", 443, "/?x"), "example.com"),
        ("https://bücher.example/%C3%BC", HookURL("https", "xn--bcher-kva.example", 443, "/%C3%BC"), None),
        ("https://8.8.8.8/", HookURL("https", "8.8.8.8", 443, "/"), "8.8.8.8"),
        (
            "http://[2606:4700::1111]:81/",
            HookURL("http", "2606:4700::1111", 81, "/"),
            "[2606:4700::1111]:81",
        ),
        ("https://my_host.example.com./", HookURL("https", "my_host.example.com.", 443, "/"), None),
        ("http://localhost/", HookURL("http", "localhost", 80, "/"), None),
    ],
)
def test_urls_that_are_taken(text: str, parts: HookURL, netloc: str | None) -> None:
    parsed = parse_hook_url(text, allow_private=False)
    assert parsed == parts
    assert netloc is None or parsed.netloc == netloc


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com\\@127.0.0.1/",
        "https://exa mple.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:x/",
        "https://example..com/",
        "https://-example.com/",
        "https://exam%70le.com/",
        "https://example.com/%zz",
        "https://example.com/ü",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[2606:4700::1111]x/",
        "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 2000,
        # Other spellings of addresses.
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        # Special addresses.
        "http://127.0.0.1/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
    ],
)
def test_urls_that_are_refused(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        parse_hook_url(text, allow_private=False)
    assert caught.value.code == "badParameter"
    assert caught.value.details == {"parameter": "url"}


SPECIAL = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.255 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1
203.0.113.1 224.0.0.1 224.0.1.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1
2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 4000::1
"""


@pytest.mark.parametrize("text", SPECIAL.split())
def test_special_addresses_are_refused(text: str) -> None:
    assert not may_connect(ipaddress.ip_address(text), allow_private=False)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_allowed(text: str) -> None:
    assert may_connect(ipaddress.ip_address(text), allow_private=False)


def test_private_addresses_can_be_allowed() -> None:
    allowed = ["127.0.0.1", "10.0.0.1", "192.168.1.1", "fd00::1", "::1", "::ffff:10.0.0.1"]
    for text in allowed:
        assert may_connect(ipaddress.ip_address(text), allow_private=True)
    for text in ("0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:224.0.0.1"):  # noqa: S104
        assert not may_connect(ipaddress.ip_address(text), allow_private=True)
    assert parse_hook_url("http://127.0.0.1:81/x", allow_private=True).port == 81
