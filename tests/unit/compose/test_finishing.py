"""Drafts as they are sent: their own Date and Message-ID, nothing of others."""

import pytest

from postroom.compose.addresses import Address
from postroom.compose.finishing import finish_draft, has_utf8_header, read_fields

ANN = Address("Ann", "ann", "example.test")
BODY = b"\r\nHello\r\nDate: in the body\r\n"


def finish(header: bytes, *, receipt: Address | None = None, body: bytes = BODY) -> bytes:
    return finish_draft(header + body, message_id="<new@x>", date=0, read_receipt_to=receipt)


def test_what_is_ours_is_new() -> None:
    header = (
        b"Return-Path: <x@y>\r\nReceived: from a\r\n by b\r\nDate: old\r\nmessage-id:\r\n <old@x>\r\n"
        b"Sender: x@y\r\nResent-To: a@b\r\nSubject: a\r\n b\r\nTo: ben@example.test\r\n"
    )
    assert finish(header) == (
        b"Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <new@x>\r\n"
        b"Subject: a\r\n b\r\nTo: ben@example.test\r\n" + BODY
    )


def test_a_receipt_is_asked_for_once() -> None:
    assert b"\r\nDisposition-Notification-To: Ann <ann@example.test>\r\n" in finish(b"", receipt=ANN)
    header = b"Disposition-Notification-To: me@example.test\r\n"
    assert finish(header, receipt=ANN).count(b"Disposition") == 1


@pytest.mark.parametrize("raw", [b"", b"Subject: x", b"Subject: x\r\n", b"\r\nbody", b"no field\r\n\r\n"])
def test_odd_drafts_have_a_header_and_a_body(raw: bytes) -> None:
    done = finish_draft(raw, message_id="<new@x>", date=0, read_receipt_to=None)
    header, separator, _ = done.partition(b"\r\n\r\n")
    assert separator
    assert header.startswith(b"Date: ")
    assert (b"Subject: x" in header) == (b"Subject" in raw)


def test_utf8_in_a_header() -> None:
    assert has_utf8_header("To: bün@x\r\n\r\n".encode())
    assert not has_utf8_header("To: ben@x\r\nBcc: bün@x\r\n\r\nbün".encode())


def test_fields() -> None:
    raw = b"To: a@x,\r\n b@x\r\nSubject: s\r\nTO: c@x\r\n\r\nTo: d@x\r\n"
    assert read_fields(raw) == {"to": "a@x, b@x, c@x", "subject": "s"}
