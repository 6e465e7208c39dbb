"""Possessive groups: the same on every Python, and what is written in their place where they are wrong."""

import re

import pytest

from postroom.patterns import compile_pattern, make_atomic

CASES = [
    (r"a(?: b++)*+", "a b bb c", "a b bb"),
    (r"a(?: b++)*+", "a c", "a"),
    (r"(?:[^<]++|<(?!/x))*+", "a<b</x>", "a<b"),
    (r"(?:(?:\n[ ]*+)++>[^\n]*+)++", "\n>a\n\n b", "\n>a"),
    (r"(?:x(y)?+z){1,2}+", "xyzxzxz", "xyzxz"),
    (r"[)(]*+(?:\)a?b)?+", ")()ab", ")()"),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), CASES)
def test_a_repetition_that_fails_on_its_way_takes_nothing(pattern: str, text: str, expected: str) -> None:
    for one in (compile_pattern(pattern), re.compile(make_atomic(pattern))):
        found = one.match(text)
        assert found is not None
        assert found[0] == expected
    raw = compile_pattern(pattern.encode()).match(text.encode())
    assert raw is not None
    assert raw[0] == expected.encode()


def test_it_never_gives_back() -> None:
    for pattern in (r"(?:ab?)*+b", r"(?:a|ab)++c"):
        assert compile_pattern(pattern).fullmatch("abab") is None
        assert re.compile(make_atomic(pattern)).fullmatch("abc") is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(?:a b)*+", r"(?>(?:a b)*)"),
        (r"(a(?:b)?+){2,3}+(c)+", r"(?>(a(?>(?:b)?)){2,3})(c)+"),
        (r"[^])*+]*+\)*+(?<!x)[(]", r"[^])*+]*+\)*+(?<!x)[(]"),
    ],
)
def test_what_is_written_instead(pattern: str, expected: str) -> None:
    assert make_atomic(pattern) == expected
