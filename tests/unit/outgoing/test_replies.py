"""Replies: codes, enhanced status codes, text that is fit to be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.outgoing.replies import GarbledReplyError, Reply, parse_reply_line


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (250, "2.1.5 ok", "2.1.5"),
        (550, "5.1.1", "5.1.1"),
        (550, "no", "5.0.0"),
        (450, "5.1.1 contradicts itself", "4.0.0"),
        (421, "bye", "4.3.2"),
        (452, "full", "4.3.1"),
        (550, "5.1.1234 no", "5.0.0"),
        (550, "5.1.1no", "5.0.0"),
    ],
)
def test_status(code: int, text: str, status: str) -> None:
    assert Reply(code, (text,)).status == status


def test_lines_become_one() -> None:
    reply = Reply(550, ("5.7.1 We do", "5.7.1 not", "", "like 5.7.1"))
    assert str(reply) == "550 5.7.1 We do not like 5.7.1"
    assert str(Reply(250, ("",))) == "250"


@pytest.mark.parametrize("line", [b"", b"25", b"25x", b"250_x", b"199 x", b"600 x", b"2500", b" 250 x"])
def test_no_replies(line: bytes) -> None:
    with pytest.raises(GarbledReplyError):
        parse_reply_line(line)


@given(st.binary(max_size=200))
def test_any_text_is_fit_to_be_shown(text: bytes) -> None:
    code, has_more, shown = parse_reply_line(b"550-" + text)
    assert (code, has_more) == (550, True)
    assert shown.isprintable()
