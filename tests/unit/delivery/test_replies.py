"""The table of replies is total, and every reply is one legal line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.delivery import replies
from postroom.delivery.replies import Reply, internal_error, render_hello_reply, render_reply, reply_for
from postroom.errors import Kind, PostroomError


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_reply(kind: Kind) -> None:
    reply = reply_for(PostroomError(kind, "someCodeOfNoTable", "What happened"))
    assert reply.code >= 400
    assert reply.enhanced[0] == str(reply.code)[0]
    assert reply.text == "What happened"


def test_reply_and_enhanced_codes_agree() -> None:
    table = [*replies._BY_KIND.values(), *replies._BY_CODE.values()]
    constants = [value[:2] for value in vars(replies).values() if isinstance(value, Reply)]
    for code, enhanced in table + constants:
        assert code in range(200, 556)
        assert (enhanced == "") == (code == 354)
        assert not enhanced or enhanced.split(".")[0] == str(code)[0]


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (Kind.NOT_FOUND, "unknownRecipient", (550, "5.1.1")),
        (Kind.DENIED, "recipientDisabled", (550, "5.2.1")),
        (Kind.LIMITED, "messageQuotaExceeded", (452, "4.2.2")),
        (Kind.LIMITED, "sizeQuotaExceeded", (452, "4.2.2")),
        (Kind.TOO_LARGE, "payloadTooLarge", (552, "5.3.4")),
        (Kind.UNAVAILABLE, "unavailable", (451, "4.3.0")),
        (Kind.UNAVAILABLE, "diskFull", (452, "4.3.1")),
        # Whoever is refused at AUTH is told so by 535 (RFC 4954 §6), whatever the reason.
        (Kind.UNAUTHENTICATED, "notAuthenticated", (535, "5.7.8")),
        (Kind.DENIED, "passwordChangeRequired", (535, "5.7.0")),
        (Kind.UNAUTHENTICATED, "secondFactorRequired", (535, "5.7.0")),
    ],
)
def test_codes_of_the_domain(kind: Kind, code: str, expected: tuple[int, str]) -> None:
    assert reply_for(PostroomError(kind, code, "x"))[:2] == expected


def test_internal_error_shows_nothing() -> None:
    reply = reply_for(internal_error("the password is hunter2"))
    assert reply == Reply(451, "4.3.0", "Internal error; try again later")


@given(st.text(max_size=1000))
def test_any_text_makes_one_legal_line(text: str) -> None:
    line = render_reply(Reply(550, "5.1.1", text))
    assert line.startswith(b"550 5.1.1")
    assert line.endswith(b"\r\n")
    assert len(line) <= 512
    assert all(32 <= byte <= 126 for byte in line[:-2])


def test_render() -> None:
    assert render_reply(replies.START_DATA) == b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"
    assert render_reply(Reply(250, "2.0.0", "")) == b"250 2.0.0\r\n"
    assert render_hello_reply("mx.example.test", ["PIPELINING", "SIZE 5"]) == (
        b"250-mx.example.test\r\n250-PIPELINING\r\n250 SIZE 5\r\n"
    )
    assert render_hello_reply("mx.example.test", []) == b"250 mx.example.test\r\n"
