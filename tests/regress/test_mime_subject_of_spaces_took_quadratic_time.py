"""A subject with a long run of spaces: looking for a "(fwd)" at its end began anew at every space."""

from postroom.mime.summary import base_subject


def test_long_run_of_spaces() -> None:
    # At the old pace this took many minutes, and the test run's time limit.
    assert base_subject("Re: a" + " " * 2_000_000 + "b (fwd)").endswith("b")
