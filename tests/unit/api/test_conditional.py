"""Entity tags."""

import pytest

from postroom.api.conditional import make_etag, matches

TAG = b'"abc+/1"'


@pytest.mark.parametrize(
    "header",
    [TAG, b"W/" + TAG, b"*", b" * ", b'"x", ' + TAG, b'"x",W/"y" , W/' + TAG + b' ,"z"', TAG + b", broken"],
)
def test_matching(header: bytes) -> None:
    assert matches(header, TAG)


@pytest.mark.parametrize(
    "header", [None, b"", b"abc+/1", b'"abc+/1', b'"ABC+/1"', b'"x"', b"W/*", b'"x, "abc', b"\xff"]
)
def test_not_matching(header: bytes | None) -> None:
    assert not matches(header, TAG)


def test_tags_differ_with_any_fact() -> None:
    facts = [("a", 1), ("a", 2), ("b", 1), ("a", "1"), ("a1",), ("a", 1, None), (), ("a", (1,))]
    assert len({make_etag(*one) for one in facts}) == len(facts)
    assert make_etag("a", 1) == make_etag("a", 1)
    assert make_etag("\ud800") != make_etag("\ud801")
