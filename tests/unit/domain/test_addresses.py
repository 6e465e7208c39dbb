"""One stored form for all spellings of an address, and none for what is no address."""

import pytest

from postroom.domain.addresses import find_account_address, normalise_domain, parse_account_address
from postroom.errors import PostroomError


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("anna@example.test", "anna@example.test"),
        ("Anna.Maria@EXAMPLE.test.", "anna.maria@example.test"),
        (" o'neil_{x}@example.test ", "o'neil_{x}@example.test"),
        ("jörg@Bücher.test", "jörg@xn--bcher-kva.test"),
        ("JO\u0308RG@xn--bcher-kva.test", "jörg@xn--bcher-kva.test"),
        ("用户@例子.test", "用户@xn--fsqu00a.test"),
        ("a@straße.test", "a@xn--strae-oqa.test"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_spellings(text: str, stored: str) -> None:
    assert str(parse_account_address(text)) == stored
    assert str(parse_account_address(stored)) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "anna",
        "anna@",
        "@example.test",
        "anna@example..test",
        "anna@-example.test",
        "anna@exa_mple.test",
        "anna@[192.0.2.1]",
        "anna@example.test>",
        "an na@example.test",
        "anna@b@example.test",
        ".anna@example.test",
        "anna.@example.test",
        "an..na@example.test",
        '"an na"@example.test',
        "anna+detail@example.test",
        "an\u0000na@example.test",
        "an\u202ena@example.test",
        "an\ud800na@example.test",
        f"{'a' * 65}@example.test",
        f"{'ü' * 33}@example.test",
        f"a@{'b' * 64}.test",
        "a@" + "b." * 127 + "test",
        "a@\u0301.test",
        "a@xn--\u00fc.test",
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(PostroomError) as caught:
        parse_account_address(text)
    assert caught.value.code == "badParameter"
    assert find_account_address(text) is None


def test_primary_domain() -> None:
    assert str(parse_account_address("Anna", primary_domain="example.test")) == "anna@example.test"
    assert str(parse_account_address("anna@other.test", primary_domain="example.test")) == "anna@other.test"


def test_domains_have_one_form() -> None:
    assert normalise_domain("BÜCHER.Test.") == normalise_domain("xn--BCHER-kva.test") == "xn--bcher-kva.test"
