"""Criteria become a query: what each means, what is refused, and that equal searches are equal."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.errors import PostroomError
from postroom.search.query import (
    END,
    MAX_CRITERIA,
    MAX_TERMS,
    Bounds,
    Criterion,
    Phrase,
    Query,
    Text,
    Value,
    fingerprint,
    parse_query,
    parse_text,
)

DAY = 86_400


def parse(*criteria: tuple[str, Value] | tuple[str, Value, bool | str]) -> Query:
    return parse_query([Criterion(*one) for one in criteria], int)


def phrases(value: str) -> list[str]:
    """Return the phrases of a text as somebody would write them."""
    found = parse_text("body", value)
    assert found is not None
    return sorted(
        (f'"{" ".join(one.terms)}"' if len(one.terms) > 1 else one.terms[0])
        + ("*" if one.is_beginning else "")
        for one in found
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("joh", ["joh*"]),
        ("joh*", ["joh*"]),
        ("Joh SMITH", ["joh*", "smith*"]),
        ('"two words"', ['"two words"']),
        ('"two wor"*', ['"two wor"*']),
        ('"one"', ["one"]),
        ('a"b c"d', ['"b c"', "a*", "d*"]),
        ('open "never closed', ["closed*", "never*", "open*"]),
        ("john.smith@example.com", ['"john smith example com"*']),
        ("日本語", ['"日本 本語"*']),
        ("same same SAME", ["same*"]),
        ("hello !!! 😀", ["hello*"]),
        ("NOT a OR b:c", ['"b c"*', "a*", "not*", "or*"]),
        ("NEAR(x y)", ['"near x"*', "y*"]),
        ("", []),
        (' "" * ', []),
    ],
)
def test_texts(value: str, expected: list[str]) -> None:
    assert phrases(value) == expected


def test_what_is_no_word_is_found_nowhere() -> None:
    assert parse_text("body", "!!!") is None
    assert parse(("body", "😀")).is_impossible
    assert not parse(("body", "😀", True)).is_impossible
    assert parse(("body", "", True)).is_impossible
    assert parse(("body", "")) == Query()


def test_fields_of_text() -> None:
    text = parse(
        ("from", "ann"), ("anyfield", '"be good"'), ("attachment", "pdf"), ("body", "x y", True)
    ).text
    assert text == Text(
        (
            Phrase("", ("be", "good"), False),
            Phrase("attachments", ("pdf",), True),
            Phrase("from_", ("ann",), True),
        ),
        ((Phrase("body", ("x",), True), Phrase("body", ("y",), True)),),
    )


@pytest.mark.parametrize("day", ["15-12-2019", "15/12/2019"])
def test_dates_are_exclusive(day: str) -> None:
    start = 1_576_368_000
    assert parse(("before", day)).dates == Bounds(-END, start)
    assert parse(("before", day, True)).dates == Bounds(start, END)
    assert parse(("after", day)).dates == Bounds(start + DAY, END)
    assert parse(("after", day, True)).dates == Bounds(-END, start + DAY)
    assert parse(("after", day), ("before", day)).is_impossible
    assert parse(("after", day), ("before", "17-12-2019")).dates == Bounds(start + DAY, start + 2 * DAY)
    assert parse(("before", "1-2-2019")).dates == parse(("before", "01-02-2019")).dates


def test_sizes_are_strict() -> None:
    assert parse(("smaller", 100)).sizes == Bounds(0, 100)
    assert parse(("larger", 100)).sizes == Bounds(101, END)
    assert parse(("larger", 100, True)).sizes == Bounds(0, 101)
    assert parse(("smaller", "800K")).sizes == Bounds(0, 800 * 1024)
    assert parse(("larger", "2M")).sizes == Bounds(2 * 1024 * 1024 + 1, END)
    assert parse(("larger", "7")) == parse(("larger", 7)) == parse(("larger", 7.0))
    assert parse(("smaller", 0)).is_impossible
    assert parse(("larger", 10**30)).is_impossible


def test_flags() -> None:
    assert parse(("unread", None)).masks.unread == 0b10
    assert parse(("unread", "whatever")).masks.unread == 0b10
    assert parse(("unread", "false")).masks.unread == parse(("unread", None, True)).masks.unread == 0b01
    assert parse(("hasatt", False)).masks.attachments == 0b01
    assert parse(("hasatt", False, "yes")).masks.attachments == 0b10
    assert parse(("flag", "followup")).masks.flagged == 0b10
    assert parse(("flag", "completed")).is_impossible
    assert parse(("flag", "completed", True)) == Query()
    assert parse(("importance", "high", "true")).masks.importance == 0b011
    assert parse(("replied", None)).masks.refw == 0b1010
    assert parse(("replied", None), ("forwarded", None)) == parse(("refw", None))
    assert parse(("unread", None), ("unread", None, True)).is_impossible


def test_labels() -> None:
    query = parse(("label", "7"), ("label", "3"), ("label", "9", True))
    assert (query.labels, query.unwanted_labels) == ((3, 7), (9,))
    query = parse(("label", "7"), ("label", "7", True))
    assert (query.labels, query.is_impossible) == ((7,), True)


@pytest.mark.parametrize(
    "criterion",
    [
        ("", "x"),
        ("FROM", "x"),
        ("nonsense", None),
        ("subject", None),
        ("subject", 5),
        ("before", "31-02-2020"),
        ("before", "2020-02-01"),
        ("before", "0-1-2020"),
        ("after", "01-01-0000"),
        ("after", 5),
        ("smaller", -1),
        ("smaller", 1.5),
        ("smaller", True),
        ("larger", "many"),
        ("larger", "1T"),
        ("larger", "١٢"),
        ("flag", None),
        ("importance", "urgent"),
        ("label", 5),
        ("subject", "x", "maybe"),
        ("subject", "x", ""),
    ],
)
def test_what_does_not_fit_is_refused(criterion: tuple[str, Value]) -> None:
    with pytest.raises(PostroomError) as caught:
        parse(("unread", None), criterion)
    assert caught.value.details == {"parameter": "query"}
    assert "query[1]." in caught.value.message


def test_limits() -> None:
    assert len(parse(*[("body", f"w{number}") for number in range(MAX_CRITERIA)]).text.wanted) == MAX_CRITERIA
    assert len(parse(("body", "same words " * 900)).text.wanted) == 2
    with pytest.raises(PostroomError, match="criteria"):
        parse(*[("unread", None)] * (MAX_CRITERIA + 1))
    with pytest.raises(PostroomError, match="words"):
        parse(("body", " ".join(map(str, range(MAX_TERMS + 1)))))


def test_equal_searches_are_equal() -> None:
    one = parse(("subject", "B a"), ("unread", None), ("body", "x", True), ("smaller", 9), ("smaller", 12))
    other = parse(("body", "X*", "yes"), ("smaller", 9), ("unread", "false", True), ("subject", "a b a"))
    assert one == other
    assert fingerprint(one, 1) == fingerprint(other, 1) != fingerprint(one, 2)
    assert fingerprint(parse(("subject", "a"))) != fingerprint(parse(("body", "a")))
    assert len(fingerprint(one)) == 16


@given(st.text(max_size=300))
def test_any_text_is_read(value: str) -> None:
    for phrase in parse_text("body", value) or ():
        assert phrase.terms
        assert not any(char in term for term in phrase.terms for char in "\"'*()+:^-|&! \\\x00")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["from", "before", "larger", "unread", "flag", "label", "importance", "odd"]),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
            st.booleans() | st.sampled_from(["yes", "NO", "x"]),
        ),
        max_size=4,
    )
)
def test_any_criteria_are_read_or_refused(criteria: list[tuple[str, Value, bool | str]]) -> None:
    with contextlib.suppress(PostroomError):
        query = parse_query([Criterion(*one) for one in criteria], lambda _: 1)
        assert fingerprint(query)
        assert -END <= query.dates.low <= END
        assert 0 <= query.sizes.low <= END
