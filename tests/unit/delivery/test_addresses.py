"""Paths, domains and address literals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.delivery.addresses import is_domain, parse_path, render_address_literal


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("<ann@example.test>", "ann@example.test"),
        ("<Ann.Lee+news@Example.TEST>", "Ann.Lee+news@Example.TEST"),
        ("<!#$%&'*+/=?^_`{|}~-@example.test>", "!#$%&'*+/=?^_`{|}~-@example.test"),
        ("<@relay.test,@other.test:ann@example.test>", "ann@example.test"),
        ("<@[192.0.2.1]:ann@example.test>", "ann@example.test"),
        ('<"ann lee"@example.test>', '"ann lee"@example.test'),
        ('<"ann"@example.test>', "ann@example.test"),
        (r'<"a\nn"@example.test>', "ann@example.test"),
        (r'<"a\"b"@example.test>', r'"a\"b"@example.test'),
        (r'<"a\\b"@example.test>', r'"a\\b"@example.test'),
        ('<"a>b"@example.test>', '"a>b"@example.test'),
        ('<"a..b"@example.test>', '"a..b"@example.test'),
        ('<"@"@example.test>', '"@"@example.test'),
        ('<""@example.test>', '""@example.test'),
        ("<ann@[192.0.2.1]>", "ann@[192.0.2.1]"),
        ("<ann@[IPv6:2001:db8::1]>", "ann@[IPv6:2001:db8::1]"),
        ("<ann@localhost>", "ann@localhost"),
        ("<ann@my_host.example.test>", "ann@my_host.example.test"),
        ("<jörg@bücher.example>", "jörg@bücher.example"),
        ("<अजय@डाटा.भारत>", "अजय@डाटा.भारत"),
        ("<>", ""),
    ],
)
def test_path(text: str, mailbox: str) -> None:
    assert parse_path(text + " SIZE=5") == (mailbox, " SIZE=5")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann@example.test",
        "<ann@example.test",
        "<ann>",
        "<ann@>",
        "<@example.test>",
        "<ann@@example.test>",
        "<.ann@example.test>",
        "<ann.@example.test>",
        "<a..b@example.test>",
        "<ann lee@example.test>",
        "<ann@exam ple.test>",
        "<ann@-example.test>",
        "<ann@example-.test>",
        "<ann@.example.test>",
        "<ann@example..test>",
        "<ann@example.test.>",
        "<ann@[300.0.0.1]>",
        "<ann@[IPv6:2001::db8::1]>",
        "<ann@[example.test]>",
        "<ann@[]>",
        '<"ann@example.test>',
        '<"a"b@example.test>',
        "<a\\b@example.test>",
        "<a,b@example.test>",
        "<ann@example.test\x00>",
        "<jörg\u0085@example.test>",
        "<ann@b\u200bc.test>",
        "<" + "a" * 243 + "@example.test>",
        "<a@" + "b" * 64 + ".test>",
    ],
)
def test_no_path(text: str) -> None:
    assert parse_path(text) is None


def test_longest_path() -> None:
    mailbox = "a" * 241 + "@example.test"
    assert len(f"<{mailbox}>") == 256
    assert parse_path(f"<{mailbox}>") == (mailbox, "")


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_none(text: str) -> None:
    parsed = parse_path(f"<{text}>")
    if parsed is not None and parsed[0]:
        mailbox, _ = parsed
        # The shortest form is stable: reading it again gives the same.
        assert parse_path(f"<{mailbox}>") == (mailbox, "")
        assert mailbox.isprintable()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_any_local_part_can_be_quoted(local: str) -> None:
    quoted = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
    parsed = parse_path(f"<{quoted}@example.test>")
    assert parsed is not None
    mailbox = parsed[0].removesuffix("@example.test")
    assert mailbox in {local, quoted}


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
        ("::ffff:192.0.2.1", "[192.0.2.1]"),
    ],
)
def test_address_literal(address: str, literal: str) -> None:
    assert render_address_literal(address) == literal
    assert is_domain(literal)


def test_domain_length() -> None:
    assert is_domain(".".join(["a" * 63] * 3 + ["b" * 63]))
    assert not is_domain(".".join(["a" * 63] * 4 + ["b"]))
