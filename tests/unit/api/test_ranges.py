"""Ranges of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.api.ranges import Span, UnsatisfiableError, find_span


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        (b"bytes=0-0", 10, Span(0, 1)),
        (b"bytes=0-9", 10, Span(0, 10)),
        (b"bytes=5-", 10, Span(5, 10)),
        (b"bytes=5-100", 10, Span(5, 10)),
        (b"bytes=-3", 10, Span(7, 10)),
        (b"bytes=-30", 10, Span(0, 10)),
        (b"Bytes = 2 - 4 ", 10, Span(2, 5)),
        (b"bytes=0-9223372036854775807", 10, Span(0, 10)),
    ],
)
def test_spans(header: bytes, size: int, span: Span) -> None:
    assert find_span(header, size) == span


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=-",
        b"bytes=5-4",
        b"bytes=0-1,3-4",
        b"lines=0-1",
        b"bytes=a-b",
        b"0-1",
    ],
)
def test_ignored(header: bytes | None) -> None:
    assert find_span(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [(b"bytes=10-", 10), (b"bytes=11-12", 10), (b"bytes=-0", 10), (b"bytes=0-", 0), (b"bytes=-5", 0)],
)
def test_unsatisfiable(header: bytes, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        find_span(header, size)


@given(st.binary(max_size=40), st.integers(0, 100))
def test_any_header_is_within_the_content(header: bytes, size: int) -> None:
    try:
        span = find_span(b"bytes=" + header, size)
    except UnsatisfiableError:
        return
    assert span is None or 0 <= span.start < span.end <= size
