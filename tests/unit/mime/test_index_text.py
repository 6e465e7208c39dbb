"""Text for the full-text index."""

from postroom.mime.index_text import LARGEST_TEXT_CHARS, html_words, index_fields
from postroom.mime.parse import parse_message
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
