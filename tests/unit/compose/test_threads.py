"""Threads: what answers refer to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.compose.threads import MAX_REFERENCES_CHARS, make_references, parse_message_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("<a@b>", ["<a@b>"]),
        ("<a@b> (comment) <c@d>\t<e>,<ü@f>", ["<a@b>", "<c@d>", "<e>", "<ü@f>"]),
        ("a@b <c d@e> <> <f\r\n@g> <h@i", []),
        (f"<{'x' * 900}@y> <a@b>", ["<a@b>"]),
    ],
)
def test_message_ids(text: str, ids: list[str]) -> None:
    assert parse_message_ids(text) == ids


@pytest.mark.parametrize(
    ("message_id", "references", "in_reply_to", "made"),
    [
        ("<c@x>", "<a@x>\r\n <b@x>", "", "<a@x> <b@x> <c@x>"),
        ("<c@x>", ("<a@x>", "<b@x>"), "<z@x>", "<a@x> <b@x> <c@x>"),
        ("<c@x>", "", "<b@x>", "<b@x> <c@x>"),
        ("<c@x>", "", "<b@x> <d@x>", "<c@x>"),
        ("<c@x>", "<a@x> <c@x> <b@x> <a@x>", "", "<a@x> <b@x> <c@x>"),
        ("<a@x>", "<a@x>", "", "<a@x>"),
        ("", "<a@x>", "", "<a@x>"),
        ("junk", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_references(message_id: str, references: str | tuple[str, ...], in_reply_to: str, made: str) -> None:
    assert " ".join(make_references(message_id, references, in_reply_to=in_reply_to)) == made


def test_the_first_and_the_last_ones_are_kept() -> None:
    before = [f"<{number:0>30}@example.test>" for number in range(100)]
    made = make_references("<answered@example.test>", before)
    assert made[0] == before[0]
    assert made[1:-1] == tuple(before[-len(made) + 2 :])
    assert made[-1] == "<answered@example.test>"
    assert MAX_REFERENCES_CHARS - 50 < len(" ".join(made)) < MAX_REFERENCES_CHARS


@given(
    st.lists(st.text("abc", min_size=1, max_size=890), max_size=60), st.text("abcd", min_size=1, max_size=890)
)
def test_references_are_never_too_long(before: list[str], last: str) -> None:
    made = make_references(f"<{last}>", [f"<{one}>" for one in before])
    assert len(" ".join(made)) < MAX_REFERENCES_CHARS
    assert made[-1] == f"<{last}>"
    first = next((one for one in before if one != last), last)
    assert made[0] == f"<{first}>"
    assert len(set(made)) == len(made)
