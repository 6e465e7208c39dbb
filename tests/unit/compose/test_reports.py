"""Reports about mail: multipart/report as the standard library and our own reader see it."""

import string
from email.message import EmailMessage, Message
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.compose.absence_notice import AbsenceNotice, compose_absence_notice, make_subject
from postroom.compose.addresses import Address
from postroom.compose.message import compose_message
from postroom.compose.receipts import Receipt, compose_receipt
from postroom.compose.reports import (
    MAX_RETURNED_BYTES,
    Report,
    delay_report,
    failure_report,
    success_report,
)
from postroom.errors import PostroomError
from postroom.mime.parse import parse_message
from postroom.model.outgoing import (
    DELIVERED,
    FAILED,
    RELAYED,
    WAITING,
    OutgoingRecipient,
    ProcessingId,
)
from tests.unit.compose.strict import ANN, BOB, DATE, make_fields, read_strictly

ORIGINAL = compose_message(
    make_fields(
        message_id="<letter@example.test>", references=("<first@example.test>",), body_text="Noon?\r\n" * 9
    )
)


def recipient(state: str, address: str = "bob@other.test", **more: Any) -> OutgoingRecipient:
    return OutgoingRecipient(
        ProcessingId(1), 1, "relay", address, more.pop("notify", ""), more.pop("orcpt", ""), state, **more
    )


def report(*recipients: OutgoingRecipient, original: bytes = ORIGINAL, **more: Any) -> Report:
    made = Report(
        hostname="mx.example.test",
        message_id="<report@example.test>",
        date=DATE,
        sender="ann@example.test",
        recipients=recipients,
        original=original,
    )
    return made._replace(**more)


def blocks(message: EmailMessage) -> list[dict[str, str]]:
    """Return the fields of a delivery status, by block."""
    status = list(message.iter_parts())[1]
    found: Any = status.get_payload()
    assert all(isinstance(block, Message) for block in found)
    return [{name: " ".join(str(value).split()) for name, value in block.items()} for block in found]


def content(part: Any) -> str:
    """Return the text of a part with plain line ends."""
    text = part.get_content()
    assert isinstance(text, str)
    return text.replace("\r\n", "\n")


def test_a_failure() -> None:
    raw = failure_report(
        report(
            recipient(
                FAILED,
                orcpt="rfc822;Bob+2Bwork@other.test",
                status="5.1.1",
                answer="550 5.1.1 No such user",
                remote="mx.other.test",
            ),
            recipient(FAILED, "carl@[192.0.2.1]", answer="no server could be reached for 5 days"),
            arrived_at=DATE - 500,
            last_attempt_at=DATE - 5,
            envid="QQ+2B314",
        )
    )
    message = read_strictly(raw)
    assert (message["From"], message["To"]) == (
        "Mail Delivery System <MAILER-DAEMON@mx.example.test>",
        "ann@example.test",
    )
    assert message["Subject"] == "Undelivered Mail Returned to Sender"
    assert (message["In-Reply-To"], message["Auto-Submitted"]) == ("<letter@example.test>", "auto-replied")
    assert message["References"] == "<first@example.test> <letter@example.test>"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    types = [part.get_content_type() for part in message.iter_parts()]
    assert types == ["text/plain", "message/delivery-status", "message/rfc822"]
    assert blocks(message) == [
        {
            "Original-Envelope-Id": "QQ+314",
            "Reporting-MTA": "dns; mx.example.test",
            "Arrival-Date": "Sun, 15 Jun 2025 14:58:20 +0000",
        },
        {
            "Original-Recipient": "rfc822; Bob+work@other.test",
            "Final-Recipient": "rfc822; bob@other.test",
            "Action": "failed",
            "Status": "5.1.1",
            "Remote-MTA": "dns; mx.other.test",
            "Diagnostic-Code": "smtp; 550 5.1.1 No such user",
            "Last-Attempt-Date": "Sun, 15 Jun 2025 15:06:35 +0000",
        },
        {
            "Final-Recipient": "rfc822; carl@[192.0.2.1]",
            "Action": "failed",
            "Status": "5.0.0",
            "Diagnostic-Code": "x-postroom; no server could be reached for 5 days",
            "Last-Attempt-Date": "Sun, 15 Jun 2025 15:06:35 +0000",
        },
    ]
    text = content(next(message.iter_parts()))
    assert "<bob@other.test>: mx.other.test said: 550 5.1.1 No such user\n" in text
    assert "<carl@[192.0.2.1]>: no server could be reached for 5 days\n" in text
    root = parse_message(raw)
    returned = root.parts[2]
    assert raw[returned.body_start : returned.end] == ORIGINAL
    assert root.parts[1].content_type == "message/delivery-status"


def test_a_delay() -> None:
    waiting = recipient(WAITING, status="4.4.1", answer="421 try later", remote="mx.other.test")
    message = read_strictly(delay_report(report(waiting, retries_until=DATE + 60)))
    assert message["Subject"] == "Delayed Mail (still being retried)"
    (_, fields) = blocks(message)
    assert (fields["Action"], fields["Status"]) == ("delayed", "4.4.1")
    assert fields["Will-Retry-Until"] == "Sun, 15 Jun 2025 15:07:40 +0000"
    text, _, returned = message.iter_parts()
    assert "until Sun, 15 Jun 2025 15:07:40 +0000" in content(text)
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "letter@example.test" in content(returned)
    assert "Noon" not in content(returned)


def test_a_success() -> None:
    raw = success_report(
        report(recipient(DELIVERED, "carl@example.test"), recipient(RELAYED, status="2.1.5", answer="250 ok"))
    )
    message = read_strictly(raw)
    assert message["Subject"] == "Successful Mail Delivery Report"
    found = [(fields["Action"], fields["Status"]) for fields in blocks(message)[1:]]
    assert found == [("delivered", "2.0.0"), ("relayed", "2.1.5")]


@pytest.mark.parametrize(
    ("original", "ret", "returned"),
    [
        (ORIGINAL, "", "message/rfc822"),
        (ORIGINAL, "FULL", "message/rfc822"),
        (ORIGINAL, "HDRS", "text/rfc822-headers"),
        (ORIGINAL + b"x\r\n" * MAX_RETURNED_BYTES, "FULL", "text/rfc822-headers"),
        (ORIGINAL + b"x" * 999, "", "text/rfc822-headers"),
        (ORIGINAL + b"\0", "", "text/rfc822-headers"),
        (ORIGINAL.replace(b"Noon", "Nöön".encode()), "", "message/rfc822"),
        (ORIGINAL.replace(b"Lunch", "Brötchen".encode()), "", "message/global"),
        (ORIGINAL.replace(b"Lunch", "Brötchen".encode()), "HDRS", "text/rfc822-headers"),
        (b"", "", "message/rfc822"),
        (b"\r\nno header\r\n", "HDRS", "text/rfc822-headers"),
    ],
)
def test_what_is_given_back(original: bytes, ret: str, returned: str) -> None:
    raw = failure_report(report(recipient(FAILED), original=original, ret=ret))
    message = read_strictly(raw, is_8bit=not original.isascii())
    part = list(message.iter_parts())[2]
    assert part.get_content_type() == returned
    if returned == "text/rfc822-headers" and original.startswith(b"Date"):
        assert content(part).replace("\n", "\r\n").encode() == original[: original.index(b"\r\n\r\n") + 2]


def test_addresses_beyond_ascii() -> None:
    failed = recipient(FAILED, "jörg+x@xn--bcher-kva.example", orcpt="utf-8;j\\x{F6}rg@b.c")
    message = read_strictly(failure_report(report(failed, sender="änn@example.test")), is_utf8=True)
    (_, fields) = blocks(message)
    assert fields["Final-Recipient"] == "utf-8; j\\x{F6}rg\\x{2B}x@xn--bcher-kva.example"
    assert fields["Original-Recipient"] == "utf-8; j\\x{F6}rg@b.c"
    raw = [
        failure_report(report(recipient(FAILED, orcpt=orcpt))) for orcpt in ("utf-8;jö@b.c", "rfc822;jö@b.c")
    ]
    assert [blocks(read_strictly(one))[1]["Original-Recipient"] for one in raw] == ["utf-8; j\\x{F6}@b.c"] * 2
    assert (
        "Original-Recipient"
        not in blocks(read_strictly(failure_report(report(recipient(FAILED, orcpt="x")))))[1]
    )


@settings(deadline=None)
@given(
    st.text(max_size=300),
    st.text(string.printable + "ä", max_size=50),
    st.text(max_size=30),
    st.integers(1, 20),
)
def test_what_servers_answer_breaks_nothing(answer: str, remote: str, status: str, times: int) -> None:
    answer *= times
    failed = recipient(FAILED, answer=answer, remote=remote, status=status, orcpt=f"rfc822;{remote}")
    message = read_strictly(failure_report(report(failed, envid=remote)))
    found = blocks(message)
    assert len(found) == 2
    assert set(found[0]) <= {"Original-Envelope-Id", "Reporting-MTA"}
    assert {"Final-Recipient", "Action", "Status"} <= set(found[1])
    assert found[1]["Final-Recipient"] == "rfc822; bob@other.test"
    assert set(found[1]) <= {
        "Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"
    }  # fmt: skip


@settings(deadline=None)
@given(
    st.binary(max_size=300) | st.binary(max_size=50).map(lambda data: ORIGINAL[:200] + data + ORIGINAL[200:])
)
def test_any_message_can_be_given_back(original: bytes) -> None:
    for ret in ("FULL", "HDRS"):
        raw = failure_report(report(recipient(FAILED), original=original, ret=ret))
        assert len(parse_message(raw).parts) == 3
        header = raw[: raw.index(b"\r\n\r\n")]
        assert header.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert b"\0" not in raw


def receipt(**changes: Any) -> Receipt:
    made = Receipt(
        reader=BOB,
        to=(ANN,),
        subject="Größe",
        original=ORIGINAL.replace(b"Subject", b"Original-Recipient: rfc822;robert@other.test\r\nSubject"),
        message_id="<receipt@other.test>",
        date=DATE,
        hostname="mx.other.test",
    )
    return made._replace(**changes)


@pytest.mark.parametrize(
    ("is_automatic", "mode"),
    [(False, "manual-action/MDN-sent-manually"), (True, "automatic-action/MDN-sent-automatically")],
)
def test_a_read_receipt(is_automatic: bool, mode: str) -> None:
    message = read_strictly(compose_receipt(receipt(is_automatic=is_automatic)))
    assert (message["From"], message["To"]) == ("bob@other.test", "Ann Lee <ann@example.test>")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Read: Größe", "auto-replied")
    assert message["In-Reply-To"] == "<letter@example.test>"
    assert message["Disposition-Notification-To"] is None
    assert message.get_param("report-type") == "disposition-notification"
    text, status, returned = message.iter_parts()
    assert 'message "Größe" of Sun, 15 Jun 2025 15:06:40 +0000 to bob@other.test has been' in content(text)
    assert status.get_content_type() == "message/disposition-notification"
    payload: Any = status.get_payload()
    (block,) = payload
    assert dict(block.items()) == {
        "Reporting-UA": "mx.other.test; Postroom",
        "Original-Recipient": "rfc822;robert@other.test",
        "Final-Recipient": "rfc822; bob@other.test",
        "Original-Message-ID": "<letter@example.test>",
        "Disposition": f"{mode}; displayed",
    }
    assert returned.get_content_type() == "text/rfc822-headers"


def test_a_receipt_for_hardly_anything() -> None:
    message = read_strictly(compose_receipt(receipt(original=b"\r\nx", subject="")))
    assert message["Subject"] == "Read:"
    assert message["In-Reply-To"] is None
    assert "Your message to bob@other.test has been displayed" in content(next(message.iter_parts()))
    umlaut = Address("", "jörg", "other.test")
    raw = compose_receipt(receipt(reader=umlaut))
    assert b"Final-Recipient: utf-8; j\\x{F6}rg@other.test\r\n" in raw
    assert read_strictly(compose_receipt(receipt(subject="x" * 9000)))["Subject"] == "Read: " + "x" * 3994


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\r\nBcc: y@z.test"},
        {"reader": Address("x\r\nBcc: y@z.test", "a", "b.c")},
        {"to": (Address("", "a\r\nBcc: y", "b.c"),)},
        {"message_id": "<a\r\nb@c>"},
    ],
)
def test_nothing_is_slipped_into_a_receipt(changes: dict[str, object]) -> None:
    with pytest.raises(PostroomError):
        compose_receipt(receipt(**changes))


def test_an_absence_notice() -> None:
    notice = AbsenceNotice(
        from_=ANN,
        to=BOB,
        subject=make_subject(" ", "Größe"),
        body="I am away.\nBis bald – Ann",
        message_id="<notice@example.test>",
        date=DATE,
        in_reply_to="<letter@other.test>",
        references=("<letter@other.test>",),
    )
    message = read_strictly(compose_absence_notice(notice))
    assert (message["From"], message["To"]) == ("Ann Lee <ann@example.test>", "bob@other.test")
    assert message["Subject"] == "Auto: Größe"
    assert (message["In-Reply-To"], message["References"]) == ("<letter@other.test>",) * 2
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert content(message) == "I am away.\nBis bald – Ann\n"
    with pytest.raises(PostroomError):
        compose_absence_notice(notice._replace(subject="x\nBcc: y@z.test"))
    assert read_strictly(compose_absence_notice(notice._replace(subject="x" * 9000)))["Subject"] == "x" * 4000


def test_subjects_of_notices() -> None:
    assert make_subject("Away", "Hello") == "Away"
    assert make_subject("", "Hello") == "Auto: Hello"
    assert make_subject("", "") == "Auto:"
