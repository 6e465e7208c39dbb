"""Authentication-Results: the examples of RFC 8601, forms met in the wild, forgeries, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.authentication_results import parse_field, read_results
from postroom.mime.headers import HeaderField

HOST = "mx.example.test"


def field(value: str) -> HeaderField:
    """Return an Authentication-Results field."""
    return HeaderField("Authentication-Results", f" {value}\r\n".encode())


def test_the_example_with_all_that_is_hard() -> None:
    """RFC 8601 appendix B.6, with comments wherever they may stand."""
    found = parse_field(
        b" foo.example.net (foobar) 1 (baz);\r\n"
        b"    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
        b"      policy (A dot can go here) . (like that) expired\r\n"
        b"      (this surprised me) = (as I wasn't expecting it) 1362471462\r\n"
    )
    assert found is not None
    assert found.authserv_id == "foo.example.net"
    [result] = found.results
    assert (result.method, result.result) == ("dkim", "fail")
    assert result.properties == {"policy.expired": "1362471462"}
    assert result.comments[0] == "Because I like it"


def test_several_methods_and_properties() -> None:
    """RFC 8601 appendix B.5: one field, several methods."""
    results = read_results(
        [
            field(
                "example.com; auth=pass (cram-md5) smtp.auth=sender@example.com; "
                'spf=pass smtp.mailfrom=Example.COM; dkim=pass reason="good; (really)" header.d=example.com'
            )
        ],
        ["Example.com"],
    )
    assert results.is_authenticated
    assert (results.spf, results.spf_domain) == ("pass", "example.com")
    assert (results.dkim, results.dkim_domains) == ("pass", ("example.com",))
    assert results.results[2].reason == "good; (really)"
    assert results.dmarc == ""


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("dmarc=pass (p=reject dis=none) header.from=example.org", "reject"),
        ("dmarc=pass (p=QUARANTINE sp=NONE dis=NONE) header.from=example.org", "quarantine"),
        ("dmarc=pass (policy=none) header.from=example.org", "none"),
        ("dmarc=pass policy.dmarc=reject header.from=example.org", "reject"),
        ("dmarc=pass header.from=example.org policy.published-domain-policy=quarantine", "quarantine"),
        ("dmarc=pass (sp=reject) header.from=example.org", ""),
        ("dmarc=pass header.from=example.org; x-comment=pass (p=reject)", ""),
    ],
)
def test_policy_of_dmarc(value: str, policy: str) -> None:
    """The policy is told by a property or in the comment of DMARC's own result."""
    results = read_results([field(f"{HOST}; {value}")], [HOST])
    assert (results.dmarc, results.dmarc_policy, results.header_from) == ("pass", policy, "example.org")


@pytest.mark.parametrize(
    "value",
    [
        f"{HOST} 2; dmarc=pass",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.org; dmarc=pass",
        f"not-{HOST}; dmarc=pass",
        f"{HOST}.evil.test; dmarc=pass",
        f"{HOST} (comment; dmarc=pass",
        f"{HOST}; none (x; dmarc=pass",
        f'{HOST}; spf=none smtp.mailfrom="a; dmarc=pass',
        f"{HOST} dmarc=pass",
        f"({HOST}) evil.test; dmarc=pass",
        f"{HOST}; dmarc/2=pass",
        "",
        ";;;",
    ],
)
def test_what_is_not_believed(value: str) -> None:
    """Unknown versions, other hosts, and what stands behind a broken comment or string."""
    assert read_results([field(value)], [HOST]).dmarc == ""


@pytest.mark.parametrize(
    "written", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example.", '"bücher.example"']
)
def test_names_of_hosts_are_compared_as_domains(written: str) -> None:
    """Case, form and quotes do not matter (RFC 8616 §5)."""
    assert read_results([field(f"{written}; dmarc=fail")], ["Bücher.example"]).dmarc == "fail"
    assert read_results([field(f"{written}; dmarc=fail")], ["xn--bcher-kva.example"]).dmarc == "fail"


def test_what_a_sender_forged_further_down_is_not_read() -> None:
    """The topmost result of a method counts, and what lies under a Received of an earlier hop does not."""
    received = HeaderField("Received", b" from a by b\r\n")
    forged = field(f"{HOST}; dmarc=pass; dkim=pass header.d=example.org")
    real = field(f"{HOST}; dmarc=fail")
    results = read_results([received, real, forged], [HOST])
    assert results.dmarc == "fail"
    results = read_results([received, real, received, forged], [HOST])
    assert (results.dmarc, results.dkim) == ("fail", "")
    assert not read_results([forged], [])


def test_spf_of_the_sender_counts_before_that_of_the_greeting() -> None:
    """Where both were asked, that of the envelope sender is meant."""
    value = f"{HOST}; spf=pass smtp.helo=mx.evil.test; spf=fail smtp.mailfrom=a@example.org"
    results = read_results([field(value)], [HOST])
    assert (results.spf, results.spf_domain) == ("fail", "example.org")


def test_one_good_signature_is_enough() -> None:
    """A message with several signatures passes if one is good."""
    value = f"{HOST}; dkim=fail header.d=a.test; dkim=pass header.i=@B.test; dkim=pass header.d=c.test"
    results = read_results([field(value)], [HOST])
    assert (results.dkim, results.dkim_domains) == ("pass", ("b.test", "c.test"))
    results = read_results([field(f"{HOST}; dkim=none; dkim=fail header.d=a.test")], [HOST])
    assert (results.dkim, results.dkim_domains) == ("fail", ())


_PIECES = st.sampled_from(
    [
        HOST,
        ";",
        "=",
        "(",
        ")",
        '"',
        "\\",
        " ",
        "\r\n\t",
        "dmarc",
        "spf",
        "pass",
        "fail",
        ".",
        "/",
        "1",
        "header",
        "é",
        "@",
    ]
)


@given(st.lists(_PIECES, max_size=60).map("".join))
def test_anything_is_read_without_failure(text: str) -> None:
    """No input fails, and results are single words."""
    found = parse_field(text.encode())
    for result in found.results if found else ():
        assert result.method.isascii()
        assert result.method == result.method.lower()
        assert result.method.strip()
        assert result.result.strip()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_failure(value: bytes) -> None:
    """No bytes fail either."""
    parse_field(value)


_QUOTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)


@given(
    st.lists(
        st.tuples(_NAMES, _NAMES, _QUOTABLE, st.dictionaries(_NAMES, _QUOTABLE, max_size=3), _QUOTABLE),
        max_size=5,
    )
)
def test_what_is_properly_written_is_read_again(
    written: list[tuple[str, str, str, dict[str, str], str]],
) -> None:
    """Any values, properly quoted, with any comments, properly escaped, come out as they were."""

    def quote(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def escape(text: str) -> str:
        return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")

    parts = [HOST]
    for method, result, reason, properties, comment in written:
        words = [f"{method}={result} ({escape(comment)}) reason={quote(reason)}"]
        words += [f"header.{name}={quote(value)}" for name, value in properties.items()]
        parts.append(" ".join(words))
    found = parse_field(";".join(parts).encode())
    assert found is not None
    read = [
        (each.method, each.result, each.reason, dict(each.properties), each.comments[0])
        for each in found.results
    ]
    assert read == [
        (method, result, reason, {f"header.{name}": value for name, value in properties.items()}, comment)
        for method, result, reason, properties, comment in written
    ]


@pytest.mark.parametrize("piece", ["(", "a=b;", '"\\', " c . ", "\\", ")", "=", "; "])
def test_long_fields_take_no_longer_for_their_form(piece: str) -> None:
    """A field of the greatest length is read, whatever it repeats; one that is longer is not."""
    parse_field((f"{HOST}; a=b " + piece * (30_000 // len(piece))).encode())
    assert parse_field(f"{HOST}; a=b".encode() + b" " * 40_000 + b"x") is None
