"""Limits on guessing, with the clock in hand."""

from hypothesis import given
from hypothesis import strategies as st

from postroom.auth import throttle
from postroom.auth.throttle import Throttle

WINDOW = 900


def fail(throttle_: Throttle, key: str, now: float, times: int = 1) -> None:
    for _ in range(times):
        assert throttle_.refused_seconds(key, now) == 0
        throttle_.begin(key, now)


def test_tries_up_to_the_limit_are_let_through() -> None:
    made = Throttle(limit=3, window_seconds=WINDOW)
    fail(made, "anna", 1000, times=2)
    fail(made, "anna", 1100)
    assert made.refused_seconds("anna", 1100) == 800
    assert made.refused_seconds("anna", 1899.5) == 1
    assert made.refused_seconds("anna", 1900) == 0
    assert made.refused_seconds("berta", 1100) == 0


def test_beyond_the_limit_one_try_is_let_through_now_and_then() -> None:
    made = Throttle(limit=3, window_seconds=WINDOW, spaced_seconds=30)
    fail(made, "anna", 1000, times=3)
    for start in range(1000, 4000, 30):
        assert made.refused_seconds("anna", start) == 30
        assert made.refused_seconds("anna", start + 29.9) == 1
        fail(made, "anna", start + 30)


def test_the_window_ends_the_spacing() -> None:
    made = Throttle(limit=3, window_seconds=20, spaced_seconds=30)
    fail(made, "anna", 1000, times=3)
    assert made.refused_seconds("anna", 1000) == 20
    fail(made, "anna", 1020, times=3)


def test_success_forgets_and_withdrawing_takes_one_back() -> None:
    made = Throttle(limit=3, window_seconds=WINDOW)
    fail(made, "anna", 1000, times=3)
    made.withdraw("anna")
    assert made.refused_seconds("anna", 1000) == 0
    fail(made, "anna", 1000)
    assert made.refused_seconds("anna", 1000) > 0
    made.succeeded("anna")
    fail(made, "anna", 1000, times=3)
    made.withdraw("nobody")
    made.succeeded("nobody")


def test_no_limit() -> None:
    made = Throttle(limit=0, window_seconds=WINDOW, spaced_seconds=30)
    fail(made, "anna", 1000, times=100)
    made.withdraw("anna")


def test_the_number_of_keys_is_bounded() -> None:
    made = Throttle(limit=1, window_seconds=WINDOW)
    for number in range(throttle.MAX_KEYS + 10):
        made.begin(str(number), 1000)
    assert len(made._tries) == throttle.MAX_KEYS
    assert made.refused_seconds("9", 1000) == 0
    assert made.refused_seconds("10", 1000) > 0


@given(
    limit=st.integers(1, 5),
    window=st.integers(1, 50),
    spaced=st.integers(0, 60),
    pauses=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60),
)
def test_never_more_than_the_limit_in_a_window(
    limit: int, window: int, spaced: int, pauses: list[tuple[int, bool]]
) -> None:
    """The window holds no more tries than the limit, but for the spaced ones; who waits as told is let through."""
    made = Throttle(limit=limit, window_seconds=window, spaced_seconds=spaced)
    now = 1000.0
    let_through: list[float] = []
    for pause, is_patient in pauses:
        now += pause
        if seconds := made.refused_seconds("anna", now):
            if not is_patient:
                continue
            now += seconds
        assert made.refused_seconds("anna", now) == 0
        made.begin("anna", now)
        if len([one for one in let_through if one > now - window]) >= limit:
            assert spaced
            assert now - let_through[-1] >= spaced
        let_through.append(now)
