"""Text for the full-text index."""

import base64

import pytest

from postroom.mime.decode import decode_body
from postroom.mime.index_text import LARGEST_TEXT_CHARS, html_words, index_fields
from postroom.mime.parse import parse_message
from postroom.mime.raw import Raw
from postroom.model.mail import Part
from tests.unit.mime.messages import FORWARDED, MIXED, crlf


def test_fields_of_a_message() -> None:
    fields = index_fields(MIXED, parse_message(MIXED), "the body")
    assert fields == (
        "Ann <ann@example.com>",
        "Bob <bob@example.com>",
        "",
        "",
        "Report",
        "the body",
        "report.pdf",
        "",
    )


def test_attached_messages_are_in_other() -> None:
    fields = index_fields(FORWARDED, parse_message(FORWARDED), "see below")
    assert fields.subject == "Fwd: see below"
    for text in ("Grüße", "carl@example.com", "inner text", "logo.png"):
        assert text in fields.other
    assert "inner text" not in fields.body
    assert "logo.png" not in fields.attachments


def test_encoded_attached_message() -> None:
    raw = crlf(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCmlubmVyIHRleHQ=\n"
    )
    other = index_fields(raw, parse_message(raw), "").other
    assert "inner" in other
    assert "inner text" in other


def test_an_encoded_message_is_decoded_once_whatever_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a mail with thousands of messages inside of a large encoded one would take minutes."""
    inner = b"Content-Type: multipart/mixed; boundary=i\n\n"
    inner += b"--i\nContent-Type: message/rfc822\n\nSubject: inside\n\nwords\n" * 50
    encoded = base64.encodebytes(inner + b"--i--\n")
    attached = b"--o\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + encoded
    raw = b"Content-Type: multipart/mixed; boundary=o\n\n" + attached * 2 + b"--o--\n"
    decoded: list[int] = []

    def counting(source: Raw, part: Part) -> bytes:
        decoded.append(part.id)
        return decode_body(source, part)

    monkeypatch.setattr("postroom.mime.structure.decode_body", counting)
    root = parse_message(raw)
    fields = index_fields(raw, root, "")
    assert fields.other.count("inside") == 100
    assert decoded == [part.id for part in root.parts]


def test_html_of_an_attached_message() -> None:
    raw = crlf(
        "Content-Type: message/rfc822\n\nContent-Type: text/html\n\n<style>p{color:red}</style><p>caf&eacute;<br>bar"
    )
    other = index_fields(raw, parse_message(raw), "").other
    assert other.split() == ["café", "bar"]


def test_repeated_fields_are_all_indexed() -> None:
    raw = crlf("To: a@example.com\nTo: b@example.com\n\n")
    assert index_fields(raw, parse_message(raw), "").to == "a@example.com b@example.com"


def test_texts_are_bounded_together() -> None:
    raw = crlf("Subject: s\nContent-Type: image/png; name=file.png\n\n")
    fields = index_fields(raw, parse_message(raw), "x" * 3_000_000)
    assert sum(map(len, fields)) <= LARGEST_TEXT_CHARS
    assert fields.subject == "s"
    assert fields.attachments == fields.other == ""


def test_html_words() -> None:
    assert html_words("a<b>b</b>&amp;<!-- no --><script>no</script><p class='x'>c").split() == [
        "a",
        "b",
        "&",
        "c",
    ]
    assert html_words("1 < 2 and <unclosed").split() == ["1", "<", "2", "and"]
