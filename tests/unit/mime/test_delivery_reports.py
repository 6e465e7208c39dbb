"""Reports of other servers (RFC 3464): what is read of them, and what is none."""

import pytest

from postroom.mime.delivery_reports import MAX_RECIPIENTS, FailedRecipient, read_delivery_report
from postroom.mime.parse import parse_message

REPORT = """\
From: MAILER-DAEMON@mx.other.test (Mail Delivery System)
To: anna@example.test
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="B9"
MIME-Version: 1.0

--B9
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you ...

--B9
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.other.test
Original-Envelope-Id: QQ314159
X-Postfix-Queue-ID: 4C2
Arrival-Date: Mon, 15 Jun 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; b.miller@inner.test
Original-Recipient: rfc822;Berta@Other.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; inner.test
Diagnostic-Code: smtp; 550 5.1.1 <b.miller@inner.test>: user
    unknown

Final-Recipient: rfc822; carl@other.test
Action: delayed
Status: 4.4.1

--B9
Content-Description: Undelivered Message
Content-Type: message/rfc822

Received: from somewhere
Message-ID: <one@example.test>
Subject: Hello

Message-ID: <two@example.test>

--B9--
"""
BERTA = FailedRecipient(
    ["Berta@Other.test", "b.miller@inner.test"],
    "5.1.1",
    "550 5.1.1 <b.miller@inner.test>: user    unknown",
    "inner.test",
)


def read(text: str, line_end: str = "\r\n") -> object:
    raw = text.replace("\n", line_end).encode()
    return read_delivery_report(raw, parse_message(raw))


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize(
    ("given_back", "instead"),
    [
        ("message/rfc822", "message/rfc822"),
        ("message/rfc822", "text/rfc822-headers"),
        ("message/rfc822", "message/global-headers"),
        ("message/delivery-status", "message/global-delivery-status"),
        ("Message-ID: <one@", "message-id:\n\t<one@"),
    ],
)
def test_what_is_read(line_end: str, given_back: str, instead: str) -> None:
    report = read(REPORT.replace(given_back, instead, 1), line_end)
    assert report == ("<one@example.test>", "QQ314159", [BERTA])


def test_encoded_parts_and_international_addresses() -> None:
    text = REPORT.replace("rfc822;Berta@Other.test", r"utf-8; j\x{FC}rgen@other.test").replace(
        "Content-Type: message/delivery-status\n",
        "Content-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n",
    )
    report = read(text.replace("Status: 5.1.1", "Status=3A 5.1.1"))
    assert report == (
        "<one@example.test>",
        "QQ314159",
        [BERTA._replace(addresses=["jürgen@other.test", "b.miller@inner.test"])],
    )


@pytest.mark.parametrize(
    ("some", "instead"),
    [
        ("multipart/report", "multipart/mixed"),
        ("message/delivery-status", "text/plain"),
        ("message/delivery-status", "message/disposition-notification"),
        ("Reporting-MTA", "X-Reporting-MTA"),
        ("Action: failed", "Action: relayed"),
        ("Action: failed", "X-Action: failed"),
        ("Status: 5.1.1", "Status: bad"),
        ("Status: 5.1.1", "Status: 3.1.1"),
        ("Final-Recipient: rfc822; b.", "X-Recipient: rfc822; b."),
        ("Message-ID: <one@example.test>", "Message-ID: one@example.test"),
        ("Message-ID: <one@example.test>\n", ""),
        ("Message-ID: <one@example.test>", "Message-ID: <" + "x" * 2000 + ">"),
        ("--B9\nContent-Description: Undelivered Message", "--C9\nX: y"),
        ("--B9\n", ""),
    ],
)
def test_what_is_no_report_of_a_failure(some: str, instead: str) -> None:
    assert some in REPORT
    assert read(REPORT.replace(some, instead)) is None


def test_no_more_is_read_than_is_sensible() -> None:
    block = "\nFinal-Recipient: rfc822; x@y.test\nAction: failed\nStatus: 5.0.0\n"
    report = read(REPORT.replace("\nFinal-Recipient: rfc822; carl", block * 3000 + "\nX: rfc822; carl"))
    assert report is not None
    assert len(report[2]) <= MAX_RECIPIENTS  # type: ignore[index]
    hostile = REPORT.replace("Action: failed", "Action:" + "\n " * 100_000 + "failed" + ":" * 100_000)
    assert read(hostile) is None
    assert read(REPORT.replace("Action: failed", "Action: failed" + "\n \n" * 100_000)) is None
