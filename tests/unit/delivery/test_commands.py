"""The grammar of the commands, each way it can be right and wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.delivery.commands import LMTP, Bdat, Command, Hello, Mail, Rcpt, Simple, parse_command
from postroom.errors import PostroomError


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("LHLO mx.example.test", Hello("mx.example.test")),
        ("lhlo [192.0.2.1]", Hello("[192.0.2.1]")),
        ("LHLO [IPv6:2001:db8::1]  ", Hello("[IPv6:2001:db8::1]")),
        ("MAIL FROM:<>", Mail("", None, smtputf8=False, body_8bit=False)),
        ("mail from:<a@b.test>", Mail("a@b.test", None, smtputf8=False, body_8bit=False)),
        ("MAIL FROM: <a@b.test>", Mail("a@b.test", None, smtputf8=False, body_8bit=False)),
        ("MAIL FROM:<a@b.test> SIZE=0", Mail("a@b.test", 0, smtputf8=False, body_8bit=False)),
        ("MAIL FROM:<a@b.test> BODY=7BIT", Mail("a@b.test", None, smtputf8=False, body_8bit=False)),
        (
            "MAIL FROM:<ä@b.test> body=8bitmime smtputf8 size=12345678901234567890",
            Mail("ä@b.test", 12345678901234567890, smtputf8=True, body_8bit=True),
        ),
        ("RCPT TO:<a@b.test>", Rcpt("a@b.test")),
        ("rcpt to:<ä@b.test> ", Rcpt("ä@b.test")),
        ("BDAT 0", Bdat(0, last=False)),
        ("bdat 86 last", Bdat(86, last=True)),
        ("DATA", Simple("DATA")),
        ("data  ", Simple("DATA")),
        ("RSET", Simple("RSET")),
        ("NOOP", Simple("NOOP")),
        ("NOOP anything ö", Simple("NOOP")),
        ("VRFY ann", Simple("VRFY")),
        ("HELP", Simple("HELP")),
        ("HELP RCPT", Simple("HELP")),
        ("QUIT", Simple("QUIT")),
    ],
)
def test_command(line: str, command: Command) -> None:
    assert parse_command(line.encode(), LMTP) == command


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "unknownCommand"),
        (b" ", "unknownCommand"),
        (b" NOOP", "unknownCommand"),
        (b"NOOPE", "unknownCommand"),
        (b"HELO mx.example.test", "unknownCommand"),
        (b"EHLO mx.example.test", "unknownCommand"),
        (b"EXPN list", "commandNotImplemented"),
        (b"STARTTLS", "commandNotImplemented"),
        (b"AUTH PLAIN AGEAYg==", "commandNotImplemented"),
        (b"GET / HTTP/1.1", "wrongProtocol"),
        (b"POST /mail HTTP/1.1", "wrongProtocol"),
        (b"NOOP\rRSET", "badCommandLine"),
        (b"NOOP\nRSET", "badCommandLine"),
        (b"NOOP\n", "badCommandLine"),
        (b"NOOP\x00", "badCommandLine"),
        (b"NOOP\tx", "badCommandLine"),
        (b"NOOP \xff\xfe", "badCommandLine"),
        (b"NOOP \xed\xa0\x80", "badCommandLine"),
        (b"LHLO", "badArgument"),
        (b"LHLO two words", "badArgument"),
        (b"LHLO a(b)", "badArgument"),
        (b"LHLO ex\xc3\xa4mple.test", "badArgument"),
        (b"LHLO [256.1.1.1]", "badArgument"),
        (b"MAIL", "badArgument"),
        (b"MAIL TO:<a@b.test>", "badArgument"),
        (b"MAIL FROM <a@b.test>", "badArgument"),
        (b"MAIL FROM:", "badSender"),
        (b"MAIL FROM:a@b.test", "badSender"),
        (b"MAIL FROM:<a@b.test>SIZE=1", "badSender"),
        (b"MAIL FROM:<a@b.test> SIZE", "badArgument"),
        (b"MAIL FROM:<a@b.test> SIZE=", "badArgument"),
        (b"MAIL FROM:<a@b.test> SIZE=-1", "badArgument"),
        (b"MAIL FROM:<a@b.test> SIZE=1x", "badArgument"),
        ("MAIL FROM:<a@b.test> SIZE=١".encode(), "badArgument"),
        (b"MAIL FROM:<a@b.test> SIZE=123456789012345678901", "badArgument"),
        (b"MAIL FROM:<a@b.test> SIZE=1 SIZE=1", "badArgument"),
        (b"MAIL FROM:<a@b.test> BODY", "badArgument"),
        (b"MAIL FROM:<a@b.test> BODY=BINARYMIME", "badArgument"),
        (b"MAIL FROM:<a@b.test> SMTPUTF8=yes", "badArgument"),
        (b"MAIL FROM:<a@b.test> =5", "badArgument"),
        (b"MAIL FROM:<a@b.test> A=B=C", "badArgument"),
        (b"MAIL FROM:<a@b.test> AUTH=<>", "unknownParameter"),
        (b"MAIL FROM:<a@b.test> X-FOO", "unknownParameter"),
        ("MAIL FROM:<ä@b.test>".encode(), "addressNeedsSMTPUTF8"),
        ("MAIL FROM:<a@ä.test> SIZE=1".encode(), "addressNeedsSMTPUTF8"),
        (b"RCPT", "badArgument"),
        (b"RCPT TO:<>", "badRecipient"),
        (b"RCPT TO:<ann>", "badRecipient"),
        (b"RCPT TO:<a@b.test> NOTIFY=NEVER", "unknownParameter"),
        (b"RCPT TO:<a@b.test> SIZE=1", "unknownParameter"),
        (b"BDAT", "badChunkSize"),
        (b"BDAT x", "badChunkSize"),
        (b"BDAT -1", "badChunkSize"),
        (b"BDAT 1 FIRST", "badChunkSize"),
        (b"BDAT 1LAST", "badChunkSize"),
        (b"BDAT 1234567890123456789", "badChunkSize"),
        (b"DATA now", "badArgument"),
        (b"RSET x", "badArgument"),
        (b"QUIT x", "badArgument"),
        (b"VRFY", "badArgument"),
    ],
)
def test_refused(line: bytes, code: str) -> None:
    with pytest.raises(PostroomError) as caught:
        parse_command(line, LMTP)
    assert caught.value.code == code


_CODES = {
    "badCommandLine",
    "unknownCommand",
    "commandNotImplemented",
    "badArgument",
    "unknownParameter",
    "badSender",
    "badRecipient",
    "addressNeedsSMTPUTF8",
    "badChunkSize",
}
_VERBS = st.sampled_from(
    [b"LHLO ", b"MAIL FROM:<", b"MAIL FROM:<a@b.c> ", b"RCPT TO:<", b"BDAT ", b"NOOP", b""]
)


def parse_or_code(line: bytes) -> Command | str:
    try:
        return parse_command(line, LMTP)
    except PostroomError as error:
        return error.code


@given(st.builds(lambda verb, rest: verb + rest, _VERBS, st.binary(max_size=80)))
def test_any_line_is_a_command_or_refused(line: bytes) -> None:
    outcome = parse_or_code(line)
    if isinstance(outcome, str):
        assert outcome in _CODES
    else:
        assert not any(byte < 32 or byte == 127 for byte in line)
