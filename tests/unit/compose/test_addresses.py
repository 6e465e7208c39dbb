"""Address lists as callers write them: all of the grammar, what people write besides, and nothing else."""

import string
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.compose.addresses import (
    MAX_LIST_CHARS,
    MAX_NAME_CHARS,
    Address,
    check_address,
    parse_address,
    parse_address_list,
)
from postroom.errors import Kind, PostroomError
from postroom.mime.address import parse_addresses


def parse(text: str) -> list[tuple[str, str]]:
    return [(found.name, found.addr_spec) for found in parse_address_list(text, parameter="to")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("ann@example.com", [("", "ann@example.com")]),
        ("  ann@example.com ,", [("", "ann@example.com")]),
        ("<ann@example.com>", [("", "ann@example.com")]),
        ("Ann Lee <ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ("Ann  Lee<ann@example.com>", [("Ann Lee", "ann@example.com")]),
        ('"Lee, Ann" <ann@example.com>', [("Lee, Ann", "ann@example.com")]),
        ('"Lee; <x@y>, Ann" <ann@example.com>', [("Lee; <x@y>, Ann", "ann@example.com")]),
        ('"a \\"b\\" c" <a@b.c>', [('a "b" c', "a@b.c")]),
        ('"" <a@b.c>', [("", "a@b.c")]),
        ('Dr. "Lee, Ann" MD <a@b.c>', [("Dr. Lee, Ann MD", "a@b.c")]),
        ("Ann <a@b.c>, Bob <d@e.f>", [("Ann", "a@b.c"), ("Bob", "d@e.f")]),
        ("a@b.c; d@e.f;", [("", "a@b.c"), ("", "d@e.f")]),
        ("a@b.c (Ann Lee)", [("Ann Lee", "a@b.c")]),
        ("a@b.c (Ann \\(work\\))", [("Ann (work)", "a@b.c")]),
        ("(who) a@b.c", [("who", "a@b.c")]),
        ("Ann (work (late)) <a@b.c> (x)", [("Ann", "a@b.c")]),
        ("a(x)@(y)b.c", [("x", "a@b.c")]),
        ("Friends: Ann <a@b.c>, d@e.f;, x@y.z", [("Ann", "a@b.c"), ("", "d@e.f"), ("", "x@y.z")]),
        ('"The, friends": a@b.c; x@y.z', [("", "a@b.c"), ("", "x@y.z")]),
        ("undisclosed-recipients:;", []),
        ("Empty: (nobody) ;", []),
        ("<@relay1,@relay2:ann@example.com>", [("", "ann@example.com")]),
        ("<@relay1, , @[192.0.2.1] : ann@example.com>", [("", "ann@example.com")]),
        ('"ann lee"@example.com', [("", '"ann lee"@example.com')]),
        ('Ann <"ann lee"@example.com>', [("Ann", '"ann lee"@example.com')]),
        ('"ann"@example.com', [("", "ann@example.com")]),
        ('"a\\"b\\\\c"@example.com', [("", '"a\\"b\\\\c"@example.com')]),
        ('"a@b"@example.com', [("", '"a@b"@example.com')]),
        ('""@example.com', [("", '""@example.com')]),
        ('a."b c".d@example.com', [("", '"a.b c.d"@example.com')]),
        ('"".a@example.com', [("", '".a"@example.com')]),
        ("ann @ example . com", [("", "ann@example.com")]),
        ("ann . lee@example.com", [("", "ann.lee@example.com")]),
        ("ann@[192.0.2.1]", [("", "ann@[192.0.2.1]")]),
        ("ann@[ 192.0.2.1 ]", [("", "ann@[192.0.2.1]")]),
        ("ann@[ipv6:2001:DB8::1]", [("", "ann@[IPv6:2001:db8::1]")]),
        ("ann@localhost", [("", "ann@localhost")]),
        ("J.R. Lee <j@example.com>", [("J.R. Lee", "j@example.com")]),
        ("O'Brien <o'brien@example.com>", [("O'Brien", "o'brien@example.com")]),
        ("ann@example.com <ann@example.com>", [("ann@example.com", "ann@example.com")]),
        ("[Team] Ann <a@b.c>", [("[Team] Ann", "a@b.c")]),
        ("=?utf-8?Q?Lee=2C_Ann?= <a@b.c>", [("Lee, Ann", "a@b.c")]),
        ("=?utf-8?B?5pel?= =?utf-8?B?5pys?= <a@b.c>", [("日本", "a@b.c")]),
        ("=?iso-8859-1?Q?J=F6rg?= Lee <a@b.c>", [("Jörg Lee", "a@b.c")]),
        ("=?utf-8?Q?Lee,_Ann:?= <a@b.c>", [("Lee, Ann:", "a@b.c")]),
        ("=?a?q?b?=@example.com", [("", "=?a?q?b?=@example.com")]),
        ("=?nonsense?Q?J=F6rg?= <a@b.c>", [("=?nonsense?Q?J=F6rg?=", "a@b.c")]),
        ("=?utf-8?B?broken?= <a@b.c>", [("=?utf-8?B?broken?=", "a@b.c")]),
        ("Müller, Jörg <a@b.c>".replace(",", ""), [("Müller Jörg", "a@b.c")]),
        ("山田　太郎 <t@example.jp>", [("山田　太郎", "t@example.jp")]),
        ("jörg@müller.example", [("", "jörg@xn--mller-kva.example")]),
        ("jo\u0308rg@example.com", [("", "jörg@example.com")]),
        ("a@BÜCHER。example", [("", "a@xn--bcher-kva.example")]),
        ("a@Example.COM", [("", "a@Example.COM")]),
        ("a@xn--bcher-kva.example", [("", "a@xn--bcher-kva.example")]),
        ("\u00a0a@b.c\u00a0", [("", "a@b.c")]),
        ("a@b.c,\td@e.f", [("", "a@b.c"), ("", "d@e.f")]),
        ("a+tag=x@example.com", [("", "a+tag=x@example.com")]),
        ("!#$%&'*+/=?^_`{|}~-@example.com", [("", "!#$%&'*+/=?^_`{|}~-@example.com")]),
        ("a@sub_domain.example", [("", "a@sub_domain.example")]),
        ("a@1.2.3.example", [("", "a@1.2.3.example")]),
        (f"a@{'x' * 63}.example", [("", f"a@{'x' * 63}.example")]),
    ],
)  # fmt: skip
def test_addresses(text: str, expected: list[tuple[str, str]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Ann Lee", "Ann Lee"),
        ("a@b.c, Ann, d@e.f", "'Ann'"),
        ("a@b.c, nobody", "nobody"),
        ("nobody; a@b.c", "'nobody'"),
        ("Lee, Ann <a@b.c>", "'Lee'"),
        ("@example.com", "@example.com"),
        ("ann@", "ann@"),
        ("ann@@example.com", "ann@@example.com"),
        ("a@b@c.example", "a@b@c.example"),
        (".ann@example.com", ".ann"),
        ("ann.@example.com", "ann."),
        ("a..b@example.com", "a..b"),
        ("ann lee@example.com", "ann lee"),
        ("Ann ann@example.com", "Ann ann"),
        ('"a" "b"@example.com', "example.com"),
        ('"a"b@example.com', "example.com"),
        ("ann@example..com", "example..com"),
        ("ann@.example.com", ".example"),
        ("ann@example.com.", "example.com."),
        ("ann@-example.com", "-example"),
        ("ann@example-.com", "example-"),
        ("ann@exa!mple.com", "exa!mple"),
        ("ann@exa mple.com", "exa mple"),
        ('ann@"example".com', "example"),
        (f"ann@{'x' * 64}.example", "ann@"),
        (f"ann@{'x.' * 127}example", "ann@"),
        (f"{'x' * 250}@example.com", "xxx"),
        (f"{'ä' * 130}@example.com", "äää"),
        ("ann@[192.0.2.256]", "192.0.2.256"),
        ("ann@[192.0.2.1", "192.0.2.1"),
        ("ann@[2001:db8::1]", "2001"),
        ("ann@[IPv6:zz]", "zz"),
        ("ann@[]", "[]"),
        ("ann@[192.0.2.1].com", ".com"),
        ("<>", "<>"),
        ("Ann <>", "Ann"),
        ("Ann <ann>", "Ann"),
        ("Ann <a@b.c", "Ann"),
        ("Ann <a@b.c, d@e.f>", "Ann"),
        ("Ann a@b.c>", "Ann"),
        ("<a@b.c> Ann", "<a@b.c> Ann"),
        ("<a@b.c> <d@e.f>", "<d@e.f>"),
        ("<<a@b.c>>", "<<a@b.c>>"),
        ("<@relay a@b.c>", "@relay"),
        ("<@relay:>", "@relay"),
        ("<@relay,", "@relay"),
        ("Friends: a@b.c", "a@b.c"),
        ("Friends: Close: a@b.c;;", "Close"),
        (": a@b.c;", ":"),
        ("a@b.c)", "a@b.c)"),
        ("a@b.c (Ann", "a@b.c (Ann"),
        ('"Ann <a@b.c>', "Ann"),
        ("=?a?q?b,c?=@example.com", "=?a?q?b,c?="),
        ("Ann\\ <a@b.c>", "Ann"),
        ("a\\@b@c.d", "a"),
        ('"a\u00a0b"@example.com', "example"),
        ("zero\u200bwidth@example.com", "width"),
        ("a\u202eb@example.com", "example"),
        ("a@exa\u200bmple\u2028.com", "control"),
        ("a@\U000e0001.com", "com"),
        ("a\tb@example.com", "a"),
        ('"a\tb"@example.com', "a"),
        ("=?utf-8?Q?x=0D=0ABcc:_x@y.z?= <a@b.c>", "=?utf-8"),
        ("=?utf-8?Q?x=00?= <a@b.c>", "=?utf-8"),
        (f"{'n' * (MAX_NAME_CHARS + 1)} <a@b.c>", "nnn"),
        ("x" * (MAX_LIST_CHARS + 1), "longer"),
    ],
)  # fmt: skip
def test_no_addresses(text: str, named: str) -> None:
    with pytest.raises(PostroomError) as raised:
        parse_address_list(text, parameter="cc")
    assert (raised.value.kind, raised.value.details) == (Kind.INVALID, {"parameter": "cc"})
    assert repr(named)[1:-1].strip("'") in raised.value.message
    assert len(raised.value.message) < 300


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n ", "\0", "\x0b", "\x85", "\u2028", "\x7f", "\ud800"])
@pytest.mark.parametrize(
    "text",
    ["a@b.c,{}d@e.f", "Ann{}Lee <a@b.c>", '"Ann{}" <a@b.c>', "a{}@b.c", "a@b.c ({})", "a@b.{}c", '"{}"@b.c'],
)
def test_no_line_ends_and_controls(text: str, mark: str) -> None:
    with pytest.raises(PostroomError) as raised:
        parse(text.format(mark))
    assert raised.value.details == {"parameter": "to"}


def test_one_address() -> None:
    assert parse_address("Ann <a@b.c>", parameter="from") == Address("Ann", "a", "b.c")
    for text in ("", "a@b.c, d@e.f", "nobody"):
        with pytest.raises(PostroomError, match="not"):
            parse_address(text, parameter="from")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (Address("", "a", "b.c"), "a@b.c"),
        (Address("Ann Lee", "a", "b.c"), "Ann Lee <a@b.c>"),
        (Address("Lee, Ann", "a", "b.c"), '"Lee, Ann" <a@b.c>'),
        (Address('a "b" \\', "x y", "b.c"), '"a \\"b\\" \\\\" <"x y"@b.c>'),
        (Address("Jörg", "jörg", "b.c"), '"Jörg" <jörg@b.c>'),
    ],
)
def test_as_text(address: Address, expected: str) -> None:
    assert str(address) == expected
    assert parse_address(expected, parameter="from") == address
    assert address.is_ascii is address.local_part.isascii()


@pytest.mark.parametrize(
    "address",
    [
        Address("a\r\nBcc: x@y.z", "a", "b.c"),
        Address("", "a\r\nBcc: x", "b.c"),
        Address("", "a", "b.c\r\nBcc: x"),
        Address("", "a", "b.c>, <x@y.z"),
        Address("", "a", ""),
        Address("", "a", "[x y]"),
        Address("", "a\0", "b.c"),
    ],
)
def test_addresses_from_elsewhere_are_checked(address: Address) -> None:
    with pytest.raises(PostroomError) as raised:
        check_address(address, parameter="from")
    assert raised.value.details == {"parameter": "from"}


def test_a_name_from_elsewhere_is_cleaned() -> None:
    assert check_address(Address(" Ann\t\x01Lee ", "a", "b.c"), parameter="from").name == "Ann Lee"


@pytest.mark.parametrize(
    "text",
    [
        "<@a," * 32_000, "(" * 128_000, "," * 131_000, "a@b.c," * 21_000, "<@" * 60_000, "a:" * 60_000,
        '"' * 131_000, "a b " * 30_000 + "<x@y>", "ä@b.c," * 21_000, "=?utf-8?q?x?=" * 10_000 + "<a@b.c>",
        "a." * 60_000 + "a@b.c", "a@" + "ä" * 130_000, " " * 130_000 + "x", "(a)" * 40_000, "a@" + "b." * 60_000,
        '"' + "\\" * 131_000, "[" * 131_000, "<a@b.c> " * 16_000,
    ],
)  # fmt: skip
def test_time_is_linear(text: str) -> None:
    started = time.process_time()
    with suppress(PostroomError):
        parse(text)
    assert time.process_time() - started < 3


_TEXT = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs")) | st.just(" ")
_NAMES = (
    st.text(_TEXT, max_size=30).map(lambda text: " ".join(text.split())).filter(lambda text: "=?" not in text)
)
_LOCAL = st.text(string.ascii_letters + string.digits + '!#$.+-_ @,;:<>()[]"\\äé日', max_size=12)
_DOMAINS = st.sampled_from(
    ["example.test", "a.b-c.d", "[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--bcher-kva.example"]
)
ADDRESSES = st.builds(Address, _NAMES, _LOCAL, _DOMAINS)


@settings(deadline=None)
@given(st.lists(ADDRESSES, max_size=4), st.sampled_from([", ", ";", " ,, ", " ; "]))
def test_any_address_is_read_again(addresses: list[Address], between: str) -> None:
    text = between.join(map(str, addresses))
    assert parse_address_list(text, parameter="to") == addresses
    # The tolerant reader of what others send agrees on all that is not exotic.
    plain = [
        found
        for found in addresses
        if found.local_part.replace(".", "a").isalnum() and ".." not in found.local_part
    ]
    assert [found.address for found in parse_addresses(", ".join(map(str, plain)))] == [
        found.addr_spec for found in plain
    ]


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(' \t"\\()<>[]@,;:.a=?ä1-', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    found: list[Address] = []
    with suppress(PostroomError):
        found = parse_address_list(text, parameter="to")
    for address in found:
        assert check_address(address, parameter="to") == address
        assert parse_address(str(address), parameter="to") == address


@pytest.mark.parametrize(
    "text", ["Carl <c@x.test>", "Carl  <c@x.test>", "Carl<c@x.test>", " Carl <c@x.test> "]
)
def test_the_space_behind_a_name_is_none_of_it(text: str) -> None:
    assert str(parse_address(text, parameter="to")) == "Carl <c@x.test>"
