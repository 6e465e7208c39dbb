"""Possessive groups: the same on every Python, and what is written in their place where they are wrong."""

import re
import tracemalloc

import pytest

from postroom.patterns import avoid_fault, compile_pattern

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
    for one in (compile_pattern(pattern), re.compile(avoid_fault(pattern))):
        found = one.match(text)
        assert found is not None
        assert found[0] == expected
    raw = compile_pattern(pattern.encode()).match(text.encode())
    assert raw is not None
    assert raw[0] == expected.encode()


def test_it_never_gives_back() -> None:
    for pattern in (r"(?:ab?)*+b", r"(?:a|ab)++c"):
        assert compile_pattern(pattern).fullmatch("abab") is None
        assert re.compile(avoid_fault(pattern)).fullmatch("abc") is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"(?:a b)*+", r"(?:a b|)*+"),
        (r"(?:a(?=b)|c)++", r"(?>a(?=b)|c)(?:a(?=b)|c|)*+"),
        (r"(?P<n>a)*+x(?:(b)?+)*+", r"(?>(?P<n>a)*)x(?>(?:(?>(b)?))*)"),
        (r"(a(?:b)?+){2,3}+(c)+", r"(?>(a(?>(?:b)?)){2,3})(c)+"),
        (r"[^])*+]*+\)*+(?<!x)[(]", r"[^])*+]*+\)*+(?<!x)[(]"),
    ],
)
def test_what_is_written_instead(pattern: str, expected: str) -> None:
    assert avoid_fault(pattern) == expected


def test_many_repetitions_take_no_memory() -> None:
    pattern = re.compile(avoid_fault(r"(?:[^<]++|<(?!/x))*+"))
    text = "a<" * 500_000
    tracemalloc.start()
    try:
        found = pattern.match(text)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert found.end() == len(text)
    assert peak_bytes < 1 << 20
