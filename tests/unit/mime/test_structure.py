"""Best body, attachments, inline images."""

import base64

import pytest

from postroom.mime.decode import decode_body
from postroom.mime.parse import parse_message
from postroom.mime.structure import (
    Sources,
    best_body,
    find_part,
    has_attachments,
    iter_parts,
    list_attachments,
    may_have_inline,
    part_source,
)
from postroom.model.mail import Attachment
from tests.unit.mime.messages import FORWARDED, MIXED, RELATED, crlf


def _body_ids(raw: bytes) -> tuple[int | None, int | None]:
    root = parse_message(raw)
    html, text = best_body(root, "html"), best_body(root, "text")
    return (html.id if html else None), (text.id if text else None)


def _names(raw: bytes, html: str | None = None) -> list[str]:
    return [attachment.name for attachment in list_attachments(raw, parse_message(raw), html)]


def _multipart(kind: str, *parts: str) -> str:
    boundary = f"b{abs(hash((kind, parts))) % 10**8}"
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n" + "".join(
        f"--{boundary}\n{part}\n" for part in parts
    ) + f"--{boundary}--\n"  # fmt: skip


PLAIN = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\n<p>html"
NAMED_TEXT = "Content-Type: text/plain; name=notes.txt\n\nnotes"
ATTACHED_TEXT = "Content-Type: text/plain\nContent-Disposition: attachment\n\nnotes"
IMAGE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw=="
CALENDAR = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR"
MESSAGE = "Content-Type: message/rfc822\n\nSubject: in/ner\n\ninner text"


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        (PLAIN, (None, 0)),
        (HTML, (0, None)),
        ("Content-Type: text/x-unheard\n\nwords", (None, 0)),
        (IMAGE, (None, None)),
        (CALENDAR, (None, None)),
        (ATTACHED_TEXT, (None, None)),
        (_multipart("alternative", PLAIN, HTML), (2, 1)),
        (_multipart("alternative", HTML, PLAIN), (1, 2)),
        (_multipart("alternative", PLAIN, HTML, CALENDAR), (2, 1)),
        (_multipart("alternative", PLAIN, _multipart("related", HTML, IMAGE)), (3, 1)),
        (_multipart("alternative", PLAIN, HTML, HTML), (3, 1)),
        (_multipart("related", HTML, IMAGE), (1, None)),
        (_multipart("related", _multipart("alternative", PLAIN, HTML), IMAGE), (3, 2)),
        (_multipart("mixed", PLAIN, PLAIN), (None, 1)),
        (_multipart("mixed", PLAIN, HTML), (2, 1)),
        (_multipart("mixed", IMAGE, PLAIN), (None, 2)),
        (_multipart("mixed", "Content-Type: text/plain\n\n", PLAIN), (None, 2)),
        (_multipart("mixed", "Content-Type: text/plain\n\n", IMAGE), (None, 1)),
        (_multipart("mixed", NAMED_TEXT, IMAGE), (None, 1)),
        (_multipart("mixed", IMAGE, NAMED_TEXT), (None, None)),
        (_multipart("mixed", ATTACHED_TEXT, PLAIN), (None, 2)),
        (_multipart("mixed", PLAIN, MESSAGE), (None, 1)),
        (_multipart("mixed", MESSAGE), (None, 2)),
        (_multipart("mixed", MESSAGE, HTML), (3, None)),
        (_multipart("signed", PLAIN, "Content-Type: application/pgp-signature\n\nx"), (None, 1)),
        (_multipart("report", PLAIN, "Content-Type: message/delivery-status\n\nx: y", MESSAGE), (None, 1)),
        (MESSAGE, (None, 1)),
    ],
)
def test_best_body(source: str, ids: tuple[int | None, int | None]) -> None:
    assert _body_ids(crlf(source)) == ids


def test_attachments_of_a_usual_message() -> None:
    root = parse_message(MIXED)
    assert list_attachments(MIXED, root, "<p>html text</p>") == (
        Attachment(4, "report.pdf", "", "application/pdf", 9, is_inline=False),
    )


def test_inline_is_what_the_html_refers_to_inside_related() -> None:
    root = parse_message(RELATED)
    html = RELATED[root.parts[0].body_start : root.parts[0].end].decode()
    attachments = list_attachments(RELATED, root, html)
    assert [(a.name, a.content_id, a.is_inline) for a in attachments] == [
        ("logo.png", "logo@example.com", True),
        ("attachment-2.gif", "second", True),
        ("unused.gif", "unused", False),
    ]
    assert has_attachments(attachments)
    assert not has_attachments(attachments[:2])
    assert not any(attachment.is_inline for attachment in list_attachments(RELATED, root, None))


def test_only_related_parts_may_be_inline() -> None:
    assert may_have_inline(parse_message(RELATED))
    assert not may_have_inline(parse_message(MIXED))
    raw = crlf(_multipart("mixed", "\n\ntext", "Content-Type: message/rfc822\n\n" + RELATED.decode()))
    assert not may_have_inline(parse_message(raw))


def test_image_in_mixed_is_not_inline() -> None:
    image = IMAGE.replace("image/png", "image/png\nContent-ID: <x>\nContent-Disposition: inline")
    raw = crlf(_multipart("mixed", HTML, image))
    assert not list_attachments(raw, parse_message(raw), "<img src=cid:x>")[0].is_inline


def test_attached_message_is_one_attachment() -> None:
    root = parse_message(FORWARDED)
    (attachment,) = list_attachments(FORWARDED, root, None)
    message = root.parts[1]
    assert attachment == Attachment(
        message.id, "Grüße.eml", "", "message/rfc822", message.end - message.body_start, is_inline=False
    )


def test_attached_message_has_attachments_of_its_own() -> None:
    inner = parse_message(FORWARDED).parts[1].parts[0]
    assert [a.name for a in list_attachments(FORWARDED, inner, None)] == ["logo.png"]


def test_attachments_of_an_encoded_message() -> None:
    body = base64.encodebytes(MIXED).decode()
    raw = crlf(f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{body}")
    root = parse_message(raw)
    assert [a.name for a in list_attachments(raw, root, None)] == ["Report.eml"]
    assert list_attachments(raw, root, None)[0].size == len(MIXED)
    inner = root.parts[0]
    source = part_source(raw, root, inner)
    assert [(a.name, a.size) for a in list_attachments(source, inner, None)] == [("report.pdf", 9)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (PLAIN, []),
        (IMAGE, ["attachment-1.png"]),
        (ATTACHED_TEXT, ["attachment-1.txt"]),
        (_multipart("mixed", PLAIN, PLAIN, HTML), []),
        (_multipart("mixed", PLAIN, NAMED_TEXT, ATTACHED_TEXT), ["notes.txt", "attachment-2.txt"]),
        (_multipart("alternative", PLAIN, HTML, CALENDAR), []),
        (
            _multipart("alternative", PLAIN, HTML, CALENDAR.replace("REQUEST", "REQUEST; name=invite.ics")),
            ["invite.ics"],
        ),
        (_multipart("mixed", PLAIN, CALENDAR), ["attachment-1.ics"]),
        (_multipart("mixed", PLAIN, MESSAGE), ["in-ner.eml"]),
        (_multipart("mixed", PLAIN, MESSAGE.replace("Subject: in/ner", "X: y")), ["attachment-1.eml"]),
        (_multipart("mixed", PLAIN, "Content-Type: application/x-unheard\n\nx"), ["attachment-1.bin"]),
        (_multipart("mixed", PLAIN, 'Content-Type: image/png; name="../../etc/passwd"\n\nx'), ["passwd"]),
    ],
)
def test_attachment_names(source: str, names: list[str]) -> None:
    assert _names(crlf(source)) == names


def test_find_part() -> None:
    for raw in (MIXED, FORWARDED, RELATED):
        root = parse_message(raw)
        for part in iter_parts(root):
            assert find_part(root, part.id) is part
        assert find_part(root, 99) is None
        assert find_part(root, -1) is None


def test_parts_without_attached_messages() -> None:
    assert [p.content_type for p in iter_parts(parse_message(FORWARDED), into_messages=False)] == [
        "multipart/mixed", "text/plain", "message/rfc822",
    ]  # fmt: skip


def test_sources_of_messages_inside_of_encoded_ones() -> None:
    def attach(message: bytes) -> bytes:
        encoded = base64.encodebytes(message)
        return b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + encoded

    def mix(boundary: bytes, *parts: bytes) -> bytes:
        begin = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n"
        return begin + b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)

    inner = mix(b"i", b"\none", attach(b"\ntwo"), attach(b"\nthree"), b"\nfour")
    raw = mix(b"o", attach(inner), b"\nfive", attach(b"\nsix"))
    root = parse_message(raw)
    leaves = [part for part in iter_parts(root) if not part.parts]
    words = ["one", "two", "three", "four", "five", "six"]
    for order in (1, -1):
        sources = Sources(raw, root)
        found = [decode_body(sources.of(part), part).strip().decode() for part in leaves[::order]]
        assert found == words[::order]
