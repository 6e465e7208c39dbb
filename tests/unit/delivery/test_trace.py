"""The trace fields: their exact form, and that other software reads them."""

from email import policy
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

import pytest

from postroom.delivery.trace import Trace, render_trace

_TRACE = Trace(
    sender="ann@example.test",
    helo="mx.example.test",
    client="[192.0.2.1]",
    hostname="store.example.test",
    message_id="0123456789abcdef",
    smtputf8=False,
    received_at=1_700_000_000.9,
)


def test_exact_form() -> None:
    assert render_trace(_TRACE) == (
        b"Return-Path: <ann@example.test>\r\n"
        b"Received: from mx.example.test ([192.0.2.1])\r\n"
        b"\tby store.example.test with LMTP id 0123456789abcdef;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


@pytest.mark.parametrize("client", ["[192.0.2.1]", "[IPv6:2001:db8::1]", "unix"])
def test_other_software_reads_it(client: str) -> None:
    rendered = render_trace(_TRACE._replace(client=client, sender=""))
    message = BytesParser(policy=policy.SMTP).parsebytes(rendered + b"\r\n")
    assert message.keys() == ["Return-Path", "Received"]
    assert message["Return-Path"] == "<>"
    assert f"({client})" in message["Received"]
    assert parsedate_to_datetime(message["Received"].rpartition(";")[2]).timestamp() == 1_700_000_000


def test_smtputf8() -> None:
    rendered = render_trace(_TRACE._replace(sender="jörg@example.test", smtputf8=True))
    assert "Return-Path: <jörg@example.test>\r\n".encode() in rendered
    assert b" with UTF8LMTP id " in rendered


def test_long_names_stay_within_998_bytes() -> None:
    label = "a" * 63
    name = ".".join([label, label, label, "b" * 61])
    rendered = render_trace(_TRACE._replace(sender=f"x@{name}", helo=name, hostname=name))
    assert max(len(line) for line in rendered.split(b"\r\n")) <= 998
