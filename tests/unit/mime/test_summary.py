"""Summaries and sort keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.mime.parse import parse_message
from postroom.mime.summary import (
    MAX_RECIPIENTS_CHARS,
    MAX_SENDER_CHARS,
    MAX_SUBJECT_CHARS,
    base_subject,
    sort_key,
    sort_keys,
    summarise,
)
from postroom.model.mail import Summary
from tests.unit.mime.messages import FORWARDED, MIXED, crlf


def _summary(header: str, body: str = "") -> Summary:
    raw = crlf(header + "\n\n" + body)
    return summarise(raw, parse_message(raw), body_text=body, html=None)


def test_all_fields() -> None:
    summary = _summary(
        "From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\nTo: a@example.com,\n b@example.com\nCc: c@example.com\n"
        "Bcc: d@example.com\nSender: s@example.com\nReply-To: r@example.com\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
        "Message-ID: <1@example.com>\nImportance: High\nDisposition-Notification-To: j@example.com",
        "Hello\n> quoted",
    )
    assert summary == Summary(
        from_="Jörg <j@example.com>", to="a@example.com, b@example.com", cc="c@example.com", bcc="d@example.com",
        sender="s@example.com", reply_to="r@example.com", subject="Grüße", message_id="<1@example.com>",
        snippet="Hello", importance=2, is_itip=False, return_receipt=True,
    )  # fmt: skip


def test_absent_fields_are_empty() -> None:
    summary = _summary("X-Other: y")
    assert summary == Summary("", "", "", "", "", "", "", "", "", 1, is_itip=False, return_receipt=False)


def test_reply_to_falls_back_to_from() -> None:
    assert _summary("From: a@example.com").reply_to == "a@example.com"
    assert _summary("From: a@example.com\nReply-To: ").reply_to == "a@example.com"


def test_repeated_fields() -> None:
    summary = _summary(
        "Subject: one\nSubject: two\nTo: a@example.com\nTo:\nTo: b@example.com\nFrom: x\nFrom: y"
    )
    assert (summary.subject, summary.to, summary.from_) == ("one", "a@example.com, b@example.com", "x")


@pytest.mark.parametrize(
    ("header", "importance"),
    [
        ("Importance: high", 2),
        ("Importance: LOW", 0),
        ("Importance: normal\nX-Priority: 1", 1),
        ("X-Priority: 1 (Highest)", 2),
        ("X-Priority: 2", 2),
        ("X-Priority: 3", 1),
        ("X-Priority: 5", 0),
        ("Priority: urgent", 2),
        ("Priority: non-urgent", 0),
        ("Importance: what\nX-Priority: 5", 0),
        ("X-Priority: 3\nPriority: urgent", 1),
        ("X-Priority: 99", 1),
    ],
)
def test_importance(header: str, importance: int) -> None:
    assert _summary(header).importance == importance


def test_itip() -> None:
    assert _summary("Content-Type: text/calendar; method=REQUEST", "BEGIN:VCALENDAR").is_itip
    assert not _summary("Content-Type: text/calendar", "BEGIN:VCALENDAR").is_itip
    inner = "Content-Type: message/rfc822\n\nContent-Type: text/calendar; method=REQUEST"
    assert not _summary(inner, "BEGIN:VCALENDAR").is_itip


def test_attachments_are_listed() -> None:
    assert [a.name for a in summarise(MIXED, parse_message(MIXED), body_text="", html="").attachments] == [
        "report.pdf"
    ]
    assert [
        a.name for a in summarise(FORWARDED, parse_message(FORWARDED), body_text="", html=None).attachments
    ] == ["Grüße.eml"]


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Hello", "Hello"),
        ("Re: Hello", "Hello"),
        ("RE: re:Fwd: AW: Hello", "Hello"),
        ("Re[2]: Hello", "Hello"),
        ("Re (3): Hello", "Hello"),
        ("SV: VS: Hello", "Hello"),
        ("回复：你好", "你好"),
        ("[2] Hello", "Hello"),
        ("Hello (fwd)", "Hello"),
        ("[list] Re: Hello", "[list] Re: Hello"),
        ("Regarding: Hello", "Regarding: Hello"),
        ("Re:", ""),
        ("I think: no", "I think: no"),
        ("[2]", "[2]"),
        ("", ""),
    ],
)
def test_base_subject(subject: str, base: str) -> None:
    assert base_subject(subject) == base


def test_sort_keys() -> None:
    keys = sort_keys(
        _summary("Subject: Re: Ärger\nFrom: Öz <o@example.com>\nTo: B@example.com, Ann <a@example.com>")
    )
    assert keys == (b"arger", b"oz", b"b@example.com")


def test_comma_in_an_encoded_display_name() -> None:
    assert sort_keys(_summary("From: =?utf-8?q?M=C3=BCller=2C_J?= <j@example.com>")).from_ == b"muller, j"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Straße", "strasse"),
        ("ÉTÉ", "ete"),
        ("ﬁne", "fine"),
        ("İstanbul", "istanbul"),
        ("Ａ", "a"),
        ("a\0b", "ab"),
        ("日本", "日本"),
    ],
)
def test_sort_key(text: str, key: str) -> None:
    assert sort_key(text) == key.encode()


@given(st.text(max_size=1000))
def test_sort_keys_are_bounded(text: str) -> None:
    key = sort_key(text)
    assert len(key) <= 400
    assert b"\0" not in key
    assert key.decode() == key.decode().casefold()


def test_long_keys_end_at_a_character() -> None:
    assert sort_key("日" * 400) == "日".encode() * 133


def test_each_field_is_bounded() -> None:
    """Whoever sends a megabyte of recipients must not make every list as long."""
    many = ",\n ".join(f"Person {number} <person{number}@example.com>" for number in range(2500))
    words = "\n ".join(["word " * 100] * 100)
    summary = _summary(
        f"From: {many}\nTo: {many}\nCc: {many}\nBcc: {many}\nSender: {many}\nReply-To: {many}\nSubject: {words}\n"
        f"Message-ID: <{'a' * 5000}@b>"
    )
    assert len(summary.subject) == len(summary.message_id) == MAX_SUBJECT_CHARS
    for text in (summary.from_, summary.sender, summary.reply_to):
        assert 0 < len(text) <= MAX_SENDER_CHARS
    for text in (summary.to, summary.cc, summary.bcc):
        assert MAX_RECIPIENTS_CHARS - 50 < len(text) <= MAX_RECIPIENTS_CHARS
        shown = text.split(", ")
        assert shown == [f"Person {number} <person{number}@example.com>" for number in range(len(shown))]
    assert len(_summary(f"To: {'a' * 50_000}").to) == MAX_RECIPIENTS_CHARS
