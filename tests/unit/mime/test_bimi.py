"""Whose logo a message may show, and the records."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.authentication_results import read_results
from postroom.mime.bimi import (
    Assertion,
    Author,
    Policy,
    find_author,
    is_assertion,
    is_policy,
    parse_assertion,
    parse_policy,
)
from postroom.mime.headers import HeaderField
from postroom.model.bimi import IndicatorKey

LOGO = "https://example.org/logo.svg"
HOST = "mx.example.test"
PASSED = f"{HOST}; dmarc=pass (p=reject dis=none) header.from=example.org"


def author(*fields: tuple[str, str], results: str = PASSED, trusted: str = HOST) -> Author | None:
    given = [("Authentication-Results", results), *fields]
    header = [HeaderField(name, f" {value}\r\n".encode()) for name, value in given]
    return find_author(header, read_results(header, [trusted]))


FROM = ("From", "Example <news@example.org>")
KNOWN = Author(IndicatorKey("example.org", "default"), True)


def test_a_mail_that_passed() -> None:
    assert author(FROM) == KNOWN
    assert author(("from", "a@EXAMPLE.org"), results=PASSED.upper().replace(HOST.upper(), HOST)) == KNOWN


@pytest.mark.parametrize(
    "results",
    [
        f"{HOST}; dmarc=fail (p=reject) header.from=example.org",
        f"{HOST}; dmarc=pass (p=none) header.from=example.org",
        f"{HOST}; dmarc=pass (p=reject) header.from=example.com",
        f"{HOST}; dkim=pass header.d=example.org",
        f"{HOST}; none",
        "other.example.test; dmarc=pass (p=reject) header.from=example.org",
    ],
)
def test_a_mail_that_did_not(results: str) -> None:
    assert author(FROM, results=results) is None


def test_the_policy_may_be_unknown() -> None:
    assert author(FROM, results=f"{HOST}; dmarc=pass header.from=example.org") == KNOWN._replace(
        is_enforced=False
    )
    assert author(FROM, results=f"{HOST}; dmarc=pass policy.dmarc=quarantine") == KNOWN


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [FROM, FROM],
        [("From", "a@example.org, b@example.org")],
        [("From", "undisclosed")],
        [("From", "a@localhost")],
        [("From", "a@[192.0.2.1]")],
        [("From", "a@192.0.2.1")],
        [("From", "a@" + "x" * 64 + ".org")],
        [("From", "a@" + "x." * 130 + "org")],
        [("From", "a@exa mple.org")],
        [("From", "a@example..org")],
    ],
)
def test_who_it_is_from_must_be_clear(fields: list[tuple[str, str]]) -> None:
    assert author(*fields, results=f"{HOST}; dmarc=pass (p=reject)") is None


def test_names_in_other_scripts() -> None:
    found = author(("From", "a@bücher.example"), results=f"{HOST}; dmarc=pass header.from=bücher.example")
    assert found is not None
    assert found.key.domain == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("value", "selector"),
    [
        ("v=BIMI1; s=brand", "brand"),
        ("v=BIMI1;s=Brand;", "brand"),
        ("v=BIMI1; s=a.b-c", "a.b-c"),
        ("v=BIMI1; s=", "default"),
        ("v=BIMI1", "default"),
        ("s=brand; v=BIMI1", "default"),
        ("v=BIMI2; s=brand", "default"),
        ("v=BIMI1; s=../x", "default"),
        ("v=BIMI1; s=a; s=b", "default"),
        ("v=BIMI1; s=" + "a" * 64, "default"),
    ],
)
def test_selectors(value: str, selector: str) -> None:
    found = author(FROM, ("BIMI-Selector", value))
    assert found == KNOWN._replace(key=IndicatorKey("example.org", selector))


def test_of_several_selectors_none_counts() -> None:
    assert author(FROM, ("BIMI-Selector", "v=BIMI1; s=a"), ("BIMI-Selector", "v=BIMI1; s=b")) == KNOWN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"v=BIMI1; l={LOGO}", Assertion(LOGO, "")),
        (f"v=BIMI1;l={LOGO};a=https://example.org/a.pem", Assertion(LOGO, "https://example.org/a.pem")),
        (f" v = BIMI1 ; l = {LOGO} ; a = ;", Assertion(LOGO, "")),
        (f"v=BIMI1; x=y; l={LOGO}?a=b", Assertion(f"{LOGO}?a=b", "")),
        ("v=BIMI1; l=; a=", Assertion("", "")),
        ("v=BIMI1; l=;", Assertion("", "")),
        ("v=BIMI1; avp=brand; l=HTTPS://example.org/", Assertion("HTTPS://example.org/", "")),
    ],
)
def test_assertions(text: str, found: Assertion) -> None:
    assert parse_assertion(text) == found
    assert is_assertion(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=BIMI1",
        "v=BIMI1; a=x",
        f"l={LOGO}; v=BIMI1",
        f"v=bimi1; l={LOGO}",
        f"v=BIMI11; l={LOGO}",
        f"v=BIMI1; l={LOGO}; l={LOGO}",
        f"v=BIMI1; l={LOGO}; nonsense",
        "v=BIMI1; l=http://example.org/logo.svg",
        "v=BIMI1; l=ftp://example.org/logo.svg",
        "v=BIMI1; l=javascript:alert(1)",
        "v=BIMI1; l=https://example.org/a b.svg",
        "v=BIMI1; l=https://example.org/ä.svg",
        "v=BIMI1; l=https://example.org/" + "a" * 2000,
        "v=BIMI1; l=" + ";" * 5000,
    ],
)
def test_broken_assertions(text: str) -> None:
    assert parse_assertion(text) is None


TEXT = st.text(string.ascii_letters + string.digits + ";= \t._-/:é", max_size=60)


@given(TEXT | st.builds(lambda text: f"v=BIMI1;{text}", TEXT) | st.builds("v=BIMI1; l={}".format, TEXT))
def test_no_text_fails(text: str) -> None:
    found = parse_assertion(text)
    if found is not None:
        assert is_assertion(text)
        assert not found.location or found.location.lower().startswith("https://")
        # What was understood means the same when it is written anew.
        again = f"v=BIMI1; l={found.location}; a={found.evidence}"
        assert parse_assertion(again) == found
    assert parse_policy(text) is None


NAMES = st.from_regex(r"[a-z]{2,8}", fullmatch=True)
VALUES = st.from_regex(r"[a-zA-Z0-9:/.]{0,20}", fullmatch=True)
SPACES = st.sampled_from(["", " ", "\t ", "  "])


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.lists(SPACES, min_size=12, max_size=12), st.randoms())
def test_order_and_space_do_not_matter(others: dict[str, str], spaces: list[str], random: object) -> None:
    tags = [("l", LOGO), ("a", "https://example.org/a"), *others.items()]
    random.shuffle(tags)  # type: ignore[attr-defined]
    space = iter(spaces * 3)
    text = "v=BIMI1" + "".join(
        f";{next(space)}{name}{next(space)}={next(space)}{value}" for name, value in tags
    )
    assert parse_assertion(text) == Assertion(LOGO, "https://example.org/a")


@pytest.mark.parametrize(
    ("text", "found", "enforced", "below"),
    [
        ("v=DMARC1; p=reject", Policy("reject", "reject", 100, "u"), True, True),
        ("v=DMARC1; p=reject; sp=none", Policy("reject", "none", 100, "u"), True, False),
        ("v=DMARC1; p=quarantine; pct=50", Policy("quarantine", "quarantine", 50, "u"), False, False),
        ("v=DMARC1; p=quarantine", Policy("quarantine", "quarantine", 100, "u"), True, True),
        ("v=DMARC1; p=reject; pct=5", Policy("reject", "reject", 5, "u"), True, True),
        ("v=DMARC1; p=none; sp=reject; psd=y", Policy("none", "reject", 100, "y"), False, True),
        ("v=DMARC1; rua=mailto:a@b", Policy("none", "none", 100, "u"), False, False),
        ("v=DMARC1; p=what; pct=many", Policy("none", "none", 100, "u"), False, False),
    ],
)
def test_policies(text: str, found: Policy, enforced: bool, below: bool) -> None:
    assert is_policy(text)
    assert parse_policy(text) == found
    assert (found.is_enforced(), found.is_enforced(for_subdomain=True)) == (enforced, below)


@pytest.mark.parametrize("text", ["a=" + " " * 4000 + "x", ("a=" + " " * 70) * 50, "=" * 4000, "v=" * 2000])
def test_the_work_is_bounded(text: str) -> None:
    started = time.process_time()
    for _ in range(10):
        assert parse_assertion(f"v=BIMI1;{text}") is None
    assert time.process_time() - started < 0.05
