"""Address lists, as they should be and as they are."""

import pytest

from postroom.mime.address import Address, parse_addresses


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("ann@example.com", [("", "ann@example.com")]),
        ("<ann@example.com>", [("", "ann@example.com")]),
        ("Ann Lee <ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ('"Lee, Ann" <ann@example.com>', [("Lee, Ann", "ann@example.com")]),
        ('"a \\"b\\" c" <a@b.c>', [('a "b" c', "a@b.c")]),
        ("Ann <a@b.c>, Bob <d@e.f>", [("Ann", "a@b.c"), ("Bob", "d@e.f")]),
        ("a@b.c; d@e.f", [("", "a@b.c"), ("", "d@e.f")]),
        ("a@b.c (Ann Lee)", [("Ann Lee", "a@b.c")]),
        ("(who) a@b.c", [("who", "a@b.c")]),
        ("Ann (work (late)) <a@b.c>", [("Ann", "a@b.c")]),
        ("Friends: Ann <a@b.c>, d@e.f;, x@y.z", [("Ann", "a@b.c"), ("", "d@e.f"), ("", "x@y.z")]),
        ("undisclosed-recipients:;", []),
        ("<@relay1,@relay2:ann@example.com>", [("", "ann@example.com")]),
        ('"ann lee"@example.com', [("", '"ann lee"@example.com')]),
        ('Ann <"ann lee"@example.com>', [("Ann", '"ann lee"@example.com')]),
        ("ann @ example . com", [("", "ann@example.com")]),
        ("ann@[192.0.2.1]", [("", "ann@[192.0.2.1]")]),
        ("Ann Lee", [("Ann Lee", "")]),
        ("ann", [("", "ann")]),
        ('"ann"', [("ann", "")]),
        ("Group: ann, bob; (the end)", [("", "ann"), ("", "bob")]),
        ("(only a comment)", []),
        ("Ann <a@b.c> Bob Lee <d@e.f>", [("Ann", "a@b.c"), ("Bob Lee", "d@e.f")]),
        ("<a@b.c> <d@e.f>", [("", "a@b.c"), ("", "d@e.f")]),
        ("Ann <a@b.c> at home", [("Ann", "a@b.c")]),
        ("<a@b.c> Ann", [("Ann", "a@b.c")]),
        ("Ann Lee ann@example.com", [("Ann Lee", "ann@example.com")]),
        ("Ann <ann@example.com", [("Ann", "ann@example.com")]),
        ("Ann <ann@example.com, Bob <bob@example.com>", [("Ann", "ann@example.com"), ("Bob", "bob@example.com")]),
        ("Ann ann@example.com>", [("Ann", "ann@example.com")]),
        ("Ann <>", [("Ann", "")]),
        ("<>", []),
        ("ann@example.com <ann@example.com>", [("ann@example.com", "ann@example.com")]),
        ('"unclosed <ann@example.com>', [("unclosed <ann@example.com>", "")]),
        ("J.R. Lee <j@example.com>", [("J.R. Lee", "j@example.com")]),
        ("=?utf-8?Q?Lee=2C_Ann?= <a@b.c>", [("Lee, Ann", "a@b.c")]),
        ("=?utf-8?Q?Lee, Ann?= <a@b.c>, d@e.f", [("Lee, Ann", "a@b.c"), ("", "d@e.f")]),
        ("=?utf-8?B?5pel?= =?utf-8?B?5pys?= <a@b.c>", [("日本", "a@b.c")]),
        ('"=?utf-8?Q?J=C3=B6rg?=" <a@b.c>', [("Jörg", "a@b.c")]),
        ("Müller Jörg <jörg@müller.example>", [("Müller Jörg", "jörg@müller.example")]),
        ("a+tag=x@example.com", [("", "a+tag=x@example.com")]),
        ("a@b@c.example", [("", "a@b@c.example")]),
    ],
)  # fmt: skip
def test_addresses(value: str, expected: list[tuple[str, str]]) -> None:
    assert parse_addresses(value) == [Address(*pair) for pair in expected]


def test_raw_value() -> None:
    value = b" =?iso-8859-1?Q?J=F6rg?=\r\n <j@example.com>,\r\n\tb\xc3\xb6b <b@example.com>\r\n"
    assert parse_addresses(value) == [Address("Jörg", "j@example.com"), Address("böb", "b@example.com")]


def test_a_list_that_was_read_belongs_to_whoever_read_it() -> None:
    parse_addresses("a@b.c").clear()
    assert parse_addresses("a@b.c") == [Address("", "a@b.c")]


def test_control_characters_do_not_survive() -> None:
    assert parse_addresses("A\0nn\r\n <a\x01@b.c>") == [Address("Ann", "a@b.c")]
