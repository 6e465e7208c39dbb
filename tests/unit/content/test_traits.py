"""What filters go by: read from any header, and fit for the look-ups that follow."""

from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.content.digest import digest_message
from postroom.content.traits import MOST_AUTHORS, Traits, has_remote_images
from postroom.domain.sender_keys import keys_of
from postroom.mime.authentication_results import read_results

_PIECES = st.sampled_from(
    [
        *(
            b"bea@example.org",
            b"<",
            b">",
            b'"',
            b",",
            b"\0",
            b"\xff",
            b"\xc3\xa9",
            b"=?utf-8?q?=00a=40b?=",
            b" ",
            b"@",
        ),
        *(
            b"=?utf-7?q?+2AA-?=",
            b"\r\n ",
            b"(",
            b")",
            b":",
            b";",
            b"\\",
            b"[",
            b"\xed\xa0\x80",
            b"+x",
            b"xn--",
        ),
    ]
)


def traits_of(raw: bytes) -> Traits:
    found = digest_message(raw, with_traits=True).traits
    assert found is not None
    return found


@given(st.lists(_PIECES, max_size=12).map(b"".join) | st.binary(max_size=80))
@settings(max_examples=300)
def test_authors_make_keys_that_can_be_looked_up(value: bytes) -> None:
    """No author can be written so that the look-up fails, and with it the filters."""
    authors = traits_of(b"From: " + value.replace(b"\n", b"") + b"\r\n\r\n").authors
    for key in keys_of([*authors, value.decode("utf-8", "replace").replace("\0", "")]):
        assert "\0" not in key
        key.encode()
        assert "@" in key


def test_a_name_is_no_address() -> None:
    """What encoded words hold is a name, whatever it looks like."""
    name = "=?utf-8?q?=22Bea=22_=3Cbea=40friend.test=3E=2C?="
    assert traits_of(f"From: {name} <x@evil.test>\r\n\r\n".encode()).authors == ["x@evil.test"]


def test_few_of_many_authors_are_compared() -> None:
    authors = ", ".join(f"a{number}@example.org" for number in range(5000))
    found = traits_of(f"From: {authors}\r\n".encode() * 30 + b"\r\n").authors
    assert len(found) == MOST_AUTHORS
    assert len(keys_of(found)) == MOST_AUTHORS + 1


def test_a_message_without_anything_has_no_traits() -> None:
    assert traits_of(b"") == Traits(is_named=False)
    assert traits_of(b"Message-ID: <1@a.test>\r\n\r\ntext") == Traits()


def test_traces_are_in_order() -> None:
    raw = (
        b"Received: from mx by mail\r\nAuthentication-Results: mx; dmarc=fail\r\nReceived: from far by mx\r\n"
        b"Authentication-Results: mx; dmarc=pass; dkim=pass header.d=a.test\r\n\r\n"
    )
    found = traits_of(raw)
    assert [field.name for field in found.traces] == ["Received", "Authentication-Results"] * 2
    assert found.received.strip() == b"from far by mx"
    results = read_results(found.traces, ["mx"])
    assert (results.dmarc, results.dkim) == ("fail", "")


@given(st.text("<img src=\"'/:htpsurl()&#; >", max_size=60))
def test_any_html_is_searched(html: str) -> None:
    has_remote_images(html)
    has_remote_images("<img " + "src" * 1000 + " " * 50_000 + html)
