"""Remembered checks: keyed, bounded in number and time."""

from postroom.auth.remembered import Remembered, RememberedChecks
from postroom.model.ids import AccountId


def entry(number: int, expires_at: float = 2000) -> Remembered:
    return Remembered(AccountId(number), 1, expires_at, f"user{number}@example.test", "", "default")


def test_an_entry_holds_until_it_expires() -> None:
    checks = RememberedChecks(max_entries=10)
    digest = checks.digest(b"Basic xyz")
    assert checks.find(digest, 1000) is None
    checks.remember(digest, entry(1))
    assert checks.find(digest, 1999.9) == entry(1)
    assert checks.find(digest, 2000) is None
    assert checks.find(digest, 1000) is None
    assert (checks.hits, checks.misses) == (1, 3)
    assert len(checks) == 0


def test_the_one_used_longest_ago_goes_first() -> None:
    checks = RememberedChecks(max_entries=3)
    digests = [checks.digest(str(number).encode()) for number in range(4)]
    for number in range(3):
        checks.remember(digests[number], entry(number))
    assert checks.find(digests[0], 1000) is not None
    checks.remember(digests[3], entry(3))
    assert [checks.find(digest, 1000) is not None for digest in digests] == [True, False, True, True]
    assert len(checks) == 3


def test_what_is_remembered_again_or_forgotten() -> None:
    checks = RememberedChecks(max_entries=3)
    digest = checks.digest(b"a")
    checks.remember(digest, entry(1))
    checks.remember(digest, entry(2))
    assert checks.find(digest, 1000) == entry(2)
    checks.forget(digest)
    checks.forget(digest)
    assert checks.find(digest, 1000) is None


def test_nothing_is_kept_where_nothing_may_be() -> None:
    checks = RememberedChecks(max_entries=0)
    digest = checks.digest(b"a")
    checks.remember(digest, entry(1))
    assert checks.find(digest, 1000) is None


def test_the_key_is_this_object_s_own_and_tells_nothing() -> None:
    one, other = RememberedChecks(max_entries=3), RememberedChecks(max_entries=3)
    assert one.digest(b"Basic xyz") == one.digest(b"Basic xyz")
    assert one.digest(b"Basic xyz") != one.digest(b"Basic xyy")
    assert one.digest(b"Basic xyz") != other.digest(b"Basic xyz")
    assert len(one.digest(b"x" * 5000)) == 16
    one.remember(one.digest(b"Basic secret"), entry(1))
    assert b"secret" not in repr(vars(one)).encode()
