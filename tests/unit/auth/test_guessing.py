"""Limits on guessing at several doors."""

import pytest

from postroom.auth.guessing import Guesses
from postroom.config.auth import AuthConfig
from postroom.errors import PostroomError

ABROAD = "192.0.2.9"


def guess(door: Guesses, name: str, client: str = "") -> bool:
    """Return whether a guess is let through."""
    try:
        door.begin(name, client)
    except PostroomError as error:
        return error.code != "tooManyRequests"
    return True


@pytest.fixture
def door() -> Guesses:
    return Guesses(AuthConfig(), now=lambda: 0.0)


def test_doors_count_names_apart(door: Guesses) -> None:
    other = door.apart()
    assert [guess(door, "7") for _ in range(11)] == [True] * 10 + [False]
    assert [guess(other, "7") for _ in range(11)] == [True] * 10 + [False]
    other.right("7", "")
    assert guess(other, "7")
    assert not guess(door, "7")


def test_doors_count_addresses_together(door: Guesses) -> None:
    other = door.apart()
    for number in range(20):
        assert guess((door, other)[number % 2], str(number), ABROAD)
    assert not guess(door, "x", ABROAD)
    assert not guess(other, "x", ABROAD)
    other.undone("19", ABROAD)
    assert guess(door, "x", ABROAD)


def test_a_subscriber_counts_as_one_address(door: Guesses) -> None:
    for number in range(20):
        assert guess(door, str(number), f"2001:db8:1:2::{number:x}")
    assert not guess(door, "x", "2001:db8:1:2:ffff::1")
    assert guess(door, "x", "2001:db8:1:3::1")
    with pytest.raises(PostroomError):
        door.check_source("2001:db8:1:2::9")
    door.check_source("2001:db8:1:4::1")
