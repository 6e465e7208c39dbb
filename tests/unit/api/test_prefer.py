"""The Prefer header."""

import pytest

from postroom.api.prefer import MAX_WAIT_SECONDS, find_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=10", 10),
        ("WAIT=10", 10),
        ('wait="10"', 10),
        (" wait = 10 ", 10),
        ("wait=0", 0),
        ("wait=301", MAX_WAIT_SECONDS),
        ("wait=999999999", MAX_WAIT_SECONDS),
        ("respond-async, wait=10", 10),
        ("wait=10, respond-async", 10),
        ("wait=10; extra=1, handling=lenient", 10),
        ('handling="a, wait=20", wait=10', 10),
        ("wait=10, wait=20", 10),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=ten", None),
        ("wait=9999999999", MAX_WAIT_SECONDS),
        ("await=10", None),
        ("wait =10\x00", None),
        ('wait="10', None),
        ("wait=10 20", None),
        (",, ,wait=10", 10),
        ('handling;note="a\\", wait=20", wait=10', 10),
        ("handling; wait=20", None),
        ('"wait=20", wait=10', 10),
        ('handling="a, wait=10', None),
    ],
)
def test_wait(header: str | None, seconds: int | None) -> None:
    assert find_wait(header) == seconds


def test_long_headers_take_no_time() -> None:
    for piece in ("wait", "a=b,", '"', 'a="', "\\", '"\\', "=;", "a;" * 3, "a ", "a= ", 'a="b" ', " "):
        for end in ("", '"', "\\", "\x7f"):
            assert find_wait(piece * 8000 + end) is None
