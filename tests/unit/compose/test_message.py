"""Messages: valid to the letter, read alike by the standard library and by our own reader, nothing slipped in."""

import re
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.compose.addresses import Address, parse_address_list
from postroom.compose.message import AttachedFile, Fields, compose_message, needs_smtputf8
from postroom.compose.outbound import is_8bit, without_bcc
from postroom.errors import PostroomError
from postroom.mime.address import parse_addresses
from postroom.mime.decode import decode_body
from postroom.mime.headers import decode_address_value, decode_value, find_header, parse_headers
from postroom.mime.parse import parse_message
from postroom.mime.structure import best_body, list_attachments
from postroom.model.mail import Part
from tests.unit.compose.strict import ANN, BOB, DATE, make_fields, read_again, read_strictly
from tests.unit.mime.messages import decode_text

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3
INLINE = AttachedFile("logo.png", "image/png", "logo@here", True, PNG)
PDF = AttachedFile("Bericht für März.pdf", "application/pdf", "", False, b"%PDF-1.7\n" + PNG)
TEXT = "Grüße,\nAnn\n"
HTML = '<p>Grüße</p><img src="cid:logo@here">'


def shape(part: Part) -> Any:
    return (part.content_type, [shape(child) for child in part.parts]) if part.parts else part.content_type


ALTERNATIVE = ("multipart/alternative", ["text/plain", "text/html"])
RELATED = ("multipart/related", ["text/html", "image/png"])
SHAPES: dict[tuple[bool, bool, bool, bool], Any] = {
    (False, False, False, False): "text/plain",
    (True, False, False, False): "text/plain",
    (False, True, False, False): "text/html",
    (True, True, False, False): ALTERNATIVE,
    (False, False, True, False): ("multipart/mixed", ["text/plain", "image/png"]),
    (True, False, True, False): ("multipart/mixed", ["text/plain", "image/png"]),
    (False, True, True, False): RELATED,
    (True, True, True, False): ("multipart/alternative", ["text/plain", RELATED]),
    (False, False, False, True): ("multipart/mixed", ["text/plain", "application/pdf"]),
    (True, False, False, True): ("multipart/mixed", ["text/plain", "application/pdf"]),
    (False, True, False, True): ("multipart/mixed", ["text/html", "application/pdf"]),
    (True, True, False, True): ("multipart/mixed", [ALTERNATIVE, "application/pdf"]),
    (False, False, True, True): ("multipart/mixed", ["text/plain", "image/png", "application/pdf"]),
    (True, False, True, True): ("multipart/mixed", ["text/plain", "image/png", "application/pdf"]),
    (False, True, True, True): ("multipart/mixed", [RELATED, "application/pdf"]),
    (True, True, True, True): (
        "multipart/mixed",
        [("multipart/alternative", ["text/plain", RELATED]), "application/pdf"],
    ),
}


@pytest.mark.parametrize("has", SHAPES)
def test_all_combinations(has: tuple[bool, bool, bool, bool]) -> None:
    has_text, has_html, has_inline, has_file = has
    fields = make_fields(body_text=TEXT if has_text else None, body_html=HTML if has_html else None)
    files = [file for file, is_there in ((INLINE, has_inline), (PDF, has_file)) if is_there]
    raw = compose_message(fields, files)
    assert raw == compose_message(fields, files)
    root = parse_message(raw)
    assert shape(root) == SHAPES[has]

    text, html = best_body(root, "text"), best_body(root, "html")
    if has_text:
        assert text is not None
        assert decode_text(raw, text).replace("\r\n", "\n") == TEXT
    assert (html is not None) is has_html
    if html is not None:
        assert decode_text(raw, html).rstrip() == HTML
    attached = list_attachments(raw, root, HTML if has_html else None)
    assert [(one.name, one.content_type, one.content_id, one.size) for one in attached] == [
        (file.name, file.content_type, file.content_id, len(file.content)) for file in files
    ]
    assert [one.is_inline for one in attached] == [file.is_inline and has_html for file in files]

    message = read_strictly(raw)
    theirs = [part for part in message.walk() if part.get_filename()]
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in theirs] == [
        (file.name, file.content) for file in files
    ]
    for kind, there in (("plain", has_text), ("html", has_html)):
        body = message.get_body((kind,))
        assert not there or body is not None


def test_the_header() -> None:
    fields = make_fields(
        to=tuple(parse_address_list('"Doe, J." <j@x.test>, "a b"@[192.0.2.1]', parameter="to")),
        cc=(ANN,),
        bcc=(BOB,),
        reply_to=(BOB, ANN),
        importance="high",
        in_reply_to="<0@x.test>",
        references=("<a@x.test>", "<0@x.test>"),
        read_receipt_to=ANN,
        extra=(("Auto-Submitted", "auto-replied"), ("X-Note", "für dich")),
    )
    message = read_strictly(compose_message(fields))
    assert [(name, str(value)) for name, value in message.items()] == [
        ("Date", "Sun, 15 Jun 2025 15:06:40 +0000"),
        ("From", "Ann Lee <ann@example.test>"),
        ("Reply-To", "bob@other.test, Ann Lee <ann@example.test>"),
        ("To", '"Doe, J." <j@x.test>, "a b"@[192.0.2.1]'),
        ("Cc", "Ann Lee <ann@example.test>"),
        ("Bcc", "bob@other.test"),
        ("Message-ID", "<1@example.test>"),
        ("In-Reply-To", "<0@x.test>"),
        ("References", "<a@x.test> <0@x.test>"),
        ("Subject", "Lunch"),
        ("Importance", "high"),
        ("X-Priority", "1"),
        ("Disposition-Notification-To", "Ann Lee <ann@example.test>"),
        ("Auto-Submitted", "auto-replied"),
        ("X-Note", "für dich"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
    ]
    assert b"\r\n\r\nAt noon?\r\n" in compose_message(fields)
    low = read_strictly(compose_message(make_fields(importance="low", subject="")))
    assert (low["Importance"], low["X-Priority"], low["Subject"]) == ("low", "5", None)


def test_an_address_beyond_ascii_asks_for_utf8() -> None:
    umlaut = Address("Jörg", "jörg", "xn--bcher-kva.example")
    for name in ("from_", "to", "cc", "reply_to", "read_receipt_to"):
        value = umlaut if name in ("from_", "read_receipt_to") else (umlaut,)
        fields = make_fields(**{name: value}, in_reply_to="<ü@x.test>")
        assert needs_smtputf8(fields)
        raw = compose_message(fields)
        read_strictly(raw, is_utf8=True)
        assert "=?utf-8?B?SsO2cmc=?= <jörg@xn--bcher-kva.example>".encode() in raw.replace(b"\r\n", b"")
        assert "In-Reply-To: <ü@x.test>".encode() in raw
    # Bcc is shown to nobody: it asks nothing of the servers of others.
    fields = make_fields(bcc=(umlaut,), in_reply_to="<ü@x.test>")
    assert not needs_smtputf8(fields)
    raw = compose_message(fields)
    assert "<jörg@xn--bcher-kva.example>".encode() in raw
    assert not is_8bit(raw)
    assert without_bcc(raw).isascii()
    fields = make_fields(to=(Address("Jörg", "joerg", "xn--bcher-kva.example"),), in_reply_to="<ü@x.test>")
    assert not needs_smtputf8(fields)
    assert b"In-Reply-To" not in compose_message(fields)
    assert compose_message(fields).isascii()


EVIL = ("\r\nBcc: eve@evil.test", "\nBcc: eve@evil.test", "\rBcc: eve@evil.test", "\r\n\r\nbody", "x\0y")


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    ("field", "parameter"),
    [
        ("subject", "subject"), ("from_", "from"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc"),
        ("reply_to", "replyTo"), ("read_receipt_to", "requestReadReceipt"), ("message_id", "messageId"),
        ("importance", "importance"), ("extra", "X-Note"), ("name", "temporaryAttachments"),
        ("content_id", "contentId"),
    ],
)  # fmt: skip
def test_nothing_is_slipped_into_the_header(field: str, parameter: str, evil: str) -> None:
    values: list[Any]
    files: tuple[AttachedFile, ...] = ()
    if field in ("from_", "read_receipt_to"):
        values = [Address(evil, "a", "b.c"), Address("", evil, "b.c"), Address("", "a", evil)]
    elif field in ("to", "cc", "bcc", "reply_to"):
        values = [(Address(evil, "a", "b.c"),), (BOB, Address("", evil, "b.c")), (Address("", "a", evil),)]
    elif field == "extra":
        values = [(("X-Note", f"note{evil}"),)]
    elif field == "message_id":
        values = [f"<1{evil}@example.test>", f"<1@example.test>{evil}"]
    else:
        values = [f"Hello{evil}"]
    if field in ("name", "content_id"):
        files = (INLINE._replace(**{field: values[0]}),)
        values = [None]
    for value in values:
        fields = make_fields(body_html="") if files else make_fields(**{field: value})
        with pytest.raises(PostroomError) as raised:
            compose_message(fields, files)
        assert raised.value.details == {"parameter": parameter}


@pytest.mark.parametrize("name", ["", "X Note", "X-Note:", "Bcc\r\nX", "Ü", "x" * 77])
def test_names_of_more_fields_are_checked(name: str) -> None:
    with pytest.raises(PostroomError):
        compose_message(make_fields(extra=((name, "value"),)))


@pytest.mark.parametrize("evil", EVIL)
def test_ids_and_types_of_others_are_passed_over(evil: str) -> None:
    fields = make_fields(in_reply_to=f"<1{evil}@x>", references=(f"<2{evil}@x>", "<3@x>", f"4{evil}"))
    raw = compose_message(fields, [PDF._replace(content_type=f"text/plain{evil}")])
    message = read_strictly(raw)
    assert message["Bcc"] is None
    assert message["References"] == "<3@x>"
    assert [part.get_content_type() for part in message.iter_attachments()] == ["application/octet-stream"]


def test_limits() -> None:
    with pytest.raises(PostroomError) as raised:
        compose_message(make_fields(subject="x" * 4001))
    assert raised.value.details == {"parameter": "subject"}
    fields = make_fields(
        subject="x" * 4000,
        to=(Address("n" * 500, "l" * 230, "example.test"), ANN) * 50,
        in_reply_to=f"<{'x' * 880}@y>",
    )
    message = read_strictly(compose_message(fields))
    assert message["Subject"] == "x" * 4000


_LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cn")) | st.sampled_from("\n\n\r= \t.-ä日"),
    max_size=300,
)


@settings(deadline=None)
@given(_LINES, st.integers(1, 40), st.none() | _LINES, st.binary(max_size=200))
def test_bodies_come_out_as_they_went_in(text: str, times: int, html: str | None, data: bytes) -> None:
    text *= times
    file = AttachedFile("f.bin", "application/octet-stream", "", False, data)
    raw = compose_message(make_fields(body_text=text, body_html=html), [file])
    message = read_strictly(raw)
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_payload(decode=True) for part in parts] == [
        *(re.sub("\r\n|\r|\n", "\r\n", one).encode() for one in (text, html) if one is not None),
        data,
    ]
    root = parse_message(raw)
    body = best_body(root, "text")
    assert body is not None
    assert decode_body(raw, body) == parts[0].get_payload(decode=True)
    single = compose_message(make_fields(body_text=text))
    payload = read_strictly(single).get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.removesuffix(b"\r\n") == re.sub("\r\n|\r|\n", "\r\n", text).encode().removesuffix(b"\r\n")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"), ("plain\ntext \n\n.\nFrom me\n", "7bit"), ("x" * 997, "7bit"), ("x" * 999, "quoted-printable"),
        ("Grüße und viel anderer Text", "quoted-printable"), ("日本語のテキスト", "base64"),
        ("a\0b" + "c" * 30, "quoted-printable"),
        ("\x1b[31mred and more text", "quoted-printable"),
    ],
)  # fmt: skip
def test_the_shorter_encoding_is_used(text: str, encoding: str) -> None:
    message = read_strictly(compose_message(make_fields(body_text=text)))
    assert message["Content-Transfer-Encoding"] == encoding


_CHARS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")) | st.sampled_from(
    " =?_äöü日"
)
_SUBJECTS = st.text(_CHARS, max_size=200)
_NAMES = st.text(_CHARS, max_size=60).map(lambda text: " ".join(text.split()))
_LOCAL = st.text(string.ascii_letters + '!#$.+-_ @,;:<>()[]"\\', max_size=12)
_ADDRESSES = st.builds(Address, _NAMES, _LOCAL, st.sampled_from(["example.test", "[IPv6:2001:db8::1]"]))


@settings(deadline=None)
@given(_SUBJECTS, _ADDRESSES, st.lists(_ADDRESSES, min_size=1, max_size=4))
def test_headers_come_out_as_they_went_in(subject: str, sender: Address, to: list[Address]) -> None:
    raw = compose_message(make_fields(subject=subject, from_=sender, to=tuple(to)))
    read_strictly(raw)
    if subject.strip():
        assert read_again(raw, "Subject") == subject.strip()
    found = parse_headers(raw, parse_message(raw))
    ours = find_header(found, "Subject")
    assert decode_value(ours or b"").split() == subject.split()
    for name, addresses in (("From", [sender]), ("To", to)):
        # What is written is what our strict reader reads, before and after it is decoded.
        value = find_header(found, name)
        assert value is not None
        text = re.sub("\r\n", "", value.decode().strip())
        assert parse_address_list(text, parameter="to") == addresses
        if all(address.local_part.isalpha() and "=?" not in address.name for address in addresses):
            decoded = parse_addresses(decode_address_value(value))
            assert [(one.display, one.address) for one in decoded] == [
                (address.name, address.addr_spec) for address in addresses
            ]


_FILE_NAMES = st.text(_CHARS, min_size=1, max_size=120).map(str.strip).filter(bool)


@settings(deadline=None)
@given(_FILE_NAMES)
def test_file_names_come_out_as_they_went_in(name: str) -> None:
    raw = compose_message(make_fields(), [PDF._replace(name=name)])
    (attached,) = list(read_strictly(raw).iter_attachments())
    assert attached["Content-Disposition"].params["filename"] == name
    assert attached["Content-Type"].params["name"] == name
    assert attached.get_content_disposition() == "attachment"
    part = parse_message(raw).parts[1]
    assert part.filename == name.strip()


MESSAGE = compose_message(make_fields(subject="Inside", body_html=HTML), [INLINE])


@pytest.mark.parametrize(
    ("content_type", "content", "found", "encoding"),
    [
        ("message/rfc822", MESSAGE, "message/rfc822", "7bit"),
        ("message/rfc822", MESSAGE.replace(b"\r\n", b"\n"), "message/rfc822", "7bit"),
        ("Message/RFC822; x=y", MESSAGE.replace(b"logo", "lögo".encode()), "message/rfc822", "8bit"),
        ("message/global", MESSAGE.replace(b"Inside", "Gruß".encode()), "message/global", "8bit"),
        ("message/rfc822", MESSAGE.replace(b"\r\n", b"\n", 1), "application/octet-stream", "base64"),
        ("message/rfc822", MESSAGE + b"x" * 999, "application/octet-stream", "base64"),
        ("message/rfc822", MESSAGE + b"\0", "application/octet-stream", "base64"),
        ("message/delivery-status", b"Reporting-MTA: dns; x\r\n\r\n", "message/delivery-status", "7bit"),
        ("message/delivery-status", "Reporting-MTA: ü\r\n".encode(), "application/octet-stream", "base64"),
        ("message/partial", b"x", "application/octet-stream", "base64"),
        ("message/external-body; access-type=x", b"x", "application/octet-stream", "base64"),
        ("multipart/mixed; boundary=x", b"--x\r\n\r\n--x--", "application/octet-stream", "base64"),
        ("text/csv; charset=\"iso-8859-1\"; name=x", b"\xe4;b", "text/csv", "base64"),
        ("text/plain; charset=a\"b", b"x", "text/plain", "base64"),
        ("", b"", "application/octet-stream", "base64"),
        ("nonsense", b"x", "application/octet-stream", "base64"),
        ("a/b/c", b"x", "application/octet-stream", "base64"),
        ("image/ü", b"x", "application/octet-stream", "base64"),
    ],
)  # fmt: skip
def test_types_of_files(content_type: str, content: bytes, found: str, encoding: str) -> None:
    raw = compose_message(make_fields(), [AttachedFile("f", content_type, "", False, content)])
    message = read_strictly(raw, is_8bit=encoding == "8bit")
    (attached,) = list(message.iter_attachments())
    assert (attached.get_content_type(), attached["Content-Transfer-Encoding"]) == (found, encoding)
    if encoding == "8bit":
        assert message["Content-Transfer-Encoding"] == "8bit"
    root = parse_message(raw)
    (ours,) = list_attachments(raw, root, None)
    assert ours.content_type == found
    if found == "text/csv":
        assert root.parts[1].charset == "iso-8859-1"


def test_a_boundary_is_not_in_what_is_attached() -> None:
    inner = compose_message(make_fields(), [PDF])
    # The same Message-ID makes the same boundaries, so it does occur.
    outer = compose_message(make_fields(), [AttachedFile("m.eml", "message/rfc822", "", False, inner)])
    root = parse_message(outer)
    assert shape(root) == (
        "multipart/mixed",
        ["text/plain", ("message/rfc822", [("multipart/mixed", ["text/plain", "application/pdf"])])],
    )
    assert outer[root.parts[1].body_start : root.parts[1].end] == inner


@pytest.mark.parametrize("content_id", ["a@b", "<a@b>", " a@b ", "image 1", "a%20b'(c)"])
def test_content_ids(content_id: str) -> None:
    raw = compose_message(make_fields(body_html=HTML), [INLINE._replace(content_id=content_id)])
    assert parse_message(raw).parts[1].parts[1].content_id == content_id.strip("<> ")


@pytest.mark.parametrize("content_id", ["<>", "ü@b", "a>b", "a\tb", "x" * 301])
def test_no_content_ids(content_id: str) -> None:
    with pytest.raises(PostroomError):
        compose_message(make_fields(body_html=HTML), [INLINE._replace(content_id=content_id)])


def test_a_large_file() -> None:
    data = bytes(range(256)) * 20_000
    raw = compose_message(make_fields(), [PDF._replace(content=data)])
    (attached,) = list(read_strictly(raw).iter_attachments())
    assert attached.get_payload(decode=True) == data


def test_no_message_id_is_refused() -> None:
    with pytest.raises(PostroomError):
        compose_message(make_fields(message_id=""))
    assert b"Message-ID: <a@b>\r\n" in compose_message(make_fields(message_id="a@b"))


def test_bcc_is_left_out_on_the_way_out() -> None:
    many = tuple(Address(f"Number {number}", f"n{number}", "x.test") for number in range(30))
    with_bcc = compose_message(make_fields(bcc=many))
    assert without_bcc(with_bcc) == compose_message(make_fields())


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (
            b"A: b\r\nBcc: x\r\n y\r\n \r\n\tz\r\nC: d\r\n\r\nBcc: body\r\n",
            b"A: b\r\nC: d\r\n\r\nBcc: body\r\n",
        ),
        (b"bCC : x\nA: b\n\nbody", b"A: b\n\nbody"),
        (b"Resent-Bcc:\r\nBCC:x\r\n\r\n", b"\r\n"),
        (b"Bcc: x", b""),
        (b"A: b\r\nBcc: x\r\n", b"A: b\r\n"),
        (b"\r\nBcc: x\r\n\r\ny", b"\r\nBcc: x\r\n\r\ny"),
        (b"X-Bcc: x\r\nBccx: y\r\n\r\n", b"X-Bcc: x\r\nBccx: y\r\n\r\n"),
        (b"", b""),
    ],
)
def test_only_bcc_is_left_out(raw: bytes, left: bytes) -> None:
    assert without_bcc(raw) == left


def test_the_date_is_that_of_the_fields() -> None:
    assert Fields(from_=ANN).date == 0
    assert b"Date: Thu, 01 Jan 1970 00:00:00 +0000" in compose_message(make_fields(date=0))
    assert make_fields().date == DATE
