"""The mime package on awkward messages: nothing fails, offsets fit, and every difference from the oracle is known.

The oracle is the standard library, with ``compat32`` for structure, bodies and file names, and ``policy.default``
for text, subject and addresses. A difference that is not listed fails, and so does a listed one that is gone.
Where the tree differs, bodies, headers, file names and texts differ as a matter of course and are not compared.
"""

import re
from pathlib import Path

import pytest

from postroom.mime.decode import decode_bytes, decoded_size
from postroom.mime.headers import parse_headers
from postroom.mime.index_text import index_fields
from postroom.mime.parse import parse_message
from postroom.mime.structure import best_body, iter_parts, list_attachments, part_source
from postroom.mime.summary import sort_keys, summarise
from tests.corpus.awkward import corpus_files
from tests.corpus.oracle import oracle_aspects, our_aspects
from tests.unit.mime.messages import check_tree, iter_decoded, iter_slices

FILES = corpus_files()
STRUCTURE = {"bodies", "headers", "filenames", "texts"}

DIFFERENCES: dict[str, dict[str, set[str]]] = {
    "a junk line between header fields is passed over; the oracle begins the body there": {
        "enmime/low-quality-bad-header-wrap.eml": {"bodies", "headers", "filenames"},
        "mail-gem/plain_emails_raw_email_incorrect_header.eml": {
            "bodies",
            "headers",
            "texts",
            "subject",
            "addresses",
        },
        "mime4j/malformedHeader-nocrlfcrlf.eml": {"bodies", "headers", "texts"},
        "mime4j/malformedHeaderStartsBody-nocrlfcrlf.eml": {"bodies", "headers", "texts"},
    },
    "white space before the colon of a field (RFC 5322 §4.5) is accepted": {
        "mail-gem/rfc2822_example13.eml": {"bodies", "headers", "texts", "addresses"},
        "mime4j/obsolete.eml": {"bodies", "headers", "texts", "subject"},
    },
    "a charset that is unknown, or that the bytes do not fit, is guessed; the oracle raises or gives up": {
        "enmime/low-quality-incorrect-charset.eml": {"texts"},
        "enmime/low-quality-unk-charset-part.eml": {"texts"},
        "enmime/mail-html-mime-bad-charset-inline.eml": {"texts"},
        "enmime/mail-html-mime-bad-unknown-charset-inline.eml": {"texts"},
        "enmime/mail-non-mime-missing-charset.eml": {"texts"},
        "mail-gem/error_emails_content_transfer_encoding_plain.eml": {"texts"},
        "mail-gem/plain_emails_raw_email10.eml": {"texts"},
        "mail-gem/plain_emails_raw_email5.eml": {"texts"},
        "mail-gem/plain_emails_raw_email6.eml": {"texts"},
        "mime4j/infinite.eml": {"texts"},
    },
    "iso-8859-1 is read as windows-1252, as senders mean it": {
        "mail-gem/attachment_emails_attachment_pdf_non_ascii.eml": {"texts"},
        "mail-gem/attachment_emails_attachment_pdf_non_ascii_lf.eml": {"texts"},
        "mail-gem/error_emails_content_transfer_encoding_7-bit.eml": {"texts"},
    },
    "8-bit bytes in a header are read as UTF-8, else windows-1252": {
        "enmime/mail-mime-bad-8bit-filename.eml": {"filenames"},
        "mail-gem/attachment_emails_attachment_nonascii_filename.eml": {"filenames"},
        "mail-gem/error_emails_encoding_madness.eml": {"addresses"},
        "mail-gem/error_emails_invalid_subject_characters.eml": {"subject"},
        "mail-gem/error_emails_must_supply_encoding.eml": {"addresses"},
        "mail-gem/rfc6532_utf8_headers.eml": {"addresses"},
    },
    "encoded words in parameters are decoded, though RFC 2047 §5 forbids them": {
        "mail-gem/attachment_emails_attachment_with_base64_encoded_name.eml": {"filenames"},
        "mail-gem/multi_charset_japanese_attachment.eml": {"filenames"},
        "mime4j/multi-2evil.eml": {"filenames"},
        "mime4j/russian-headers.eml": {"filenames"},
        "mime4j/russian.eml": {"filenames"},
    },
    "words behind a type without a semicolon are no part of it": {
        "enmime/mail-mime-bad-content-type.eml": {"tree"},
        "enmime/mail-mime-blank-media-name.eml": {"tree"},
    },
    "a transfer-encoded message/rfc822 is decoded and taken apart": {
        "mime4j/bad-newlines-multiple-parts-base64.eml": {"tree"},
        "mime4j/base64encoded-rfc822message-nested.eml": {"tree"},
        "mime4j/base64encoded-rfc822message.eml": {"bodies", "headers", "texts"},
        "mime4j/multi-2gifs-base64.eml": {"tree"},
    },
    "a boundary is unfolded; the oracle looks for one with a line end in it": {
        "mime4j/multi-badnames.eml": {"tree"},
        "mime4j/multi-clen.eml": {"tree"},
        "mime4j/multi-digest.eml": {"tree"},
        "mime4j/multi-simple.eml": {"tree"},
    },
    "a delimiter with words behind it is one (RFC 2046 §5.1.1)": {
        "mime4j/ending-boundaries.eml": {"tree"},
    },
    "a close delimiter of a boundary that ends in spaces is recognised": {
        "mime4j/very-long-boundary.eml": {"bodies", "texts"},
        "mime4j/very-very-long-boundary.eml": {"bodies", "texts"},
        "mime4j/weird-boundary.eml": {"bodies", "texts"},
    },
    "a multipart without parts is shown with all its lines": {
        "mime4j/missing-inner-start-boundary.eml": {"bodies", "texts"},
        "mime4j/multipartnopart.eml": {"bodies", "texts"},
    },
    "the line end before a delimiter belongs to it, and the last one of a message cut off to its last part": {
        "mail-gem/mime_emails_raw_email4.eml": {"bodies"},
        "mime4j/jt-0498.eml": {"bodies"},
        "mime4j/missing-inner-boundary.eml": {"bodies"},
        "mime4j/multi-bad.eml": {"bodies"},
    },
    "an epilogue is no body; the oracle gives it to an empty part": {
        "mime4j/multipartemptypart.eml": {"bodies", "texts"},
    },
    "base64 that lacks padding is decoded all the same": {
        "mime4j/twopart.eml": {"bodies"},
    },
    "plain text said to be base64 stays with its line ends": {
        "enmime/mail-mime-bad-content-transfer-encoding.eml": {"bodies", "texts"},
    },
    "policy.default fails on a boundary, or on a type, that compat32 and we read": {
        "mail-gem/mime_emails_raw_email_with_binary_encoded.eml": {"texts"},
        "mail-gem/mime_emails_raw_email_with_illegal_boundary.eml": {"texts"},
        "mail-gem/plain_emails_raw_email_bad_time.eml": {"texts"},
    },
    "a name in a comment behind an address is its display name": {
        "mail-gem/multipart_report_emails_multi_address_bounce1.eml": {"addresses"},
        "mail-gem/multipart_report_emails_multi_address_bounce2.eml": {"addresses"},
        "mime4j/german.eml": {"addresses"},
        "mime4j/not-mime.eml": {"addresses"},
    },
    "a tab in a fold counts as a space": {
        "mail-gem/rfc2822_example14.eml": {"subject"},
    },
    "of a broken address the likeliest reading is taken; the oracle drops it, takes it apart, or raises": {
        "enmime/mail-malformed-multiple-address-header-values.eml": {"addresses"},
        "enmime/mail-qp-utf8-header-recursed.eml": {"addresses"},
        "mail-gem/error_emails_bad_subject.eml": {"addresses"},
        "mail-gem/error_emails_missing_body.eml": {"addresses"},
        "mail-gem/plain_emails_mix_caps_content_type.eml": {"addresses"},
        "mail-gem/plain_emails_raw_email_with_at_display_name.eml": {"addresses"},
    },
}

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus is not there")


def _known(name: str) -> set[str]:
    return {aspect for files in DIFFERENCES.values() for aspect in files.get(name, ())}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line_ends", ["as found", "CRLF", "LF"])
def test_every_message_can_be_read(name: str, line_ends: str) -> None:
    raw = _with_line_ends(FILES[name].read_bytes(), line_ends)
    root = parse_message(raw)
    check_tree(raw, root)
    for part in iter_parts(root):
        source = part_source(raw, root, part)
        parse_headers(source, part)
        decoded = decode_bytes(source[part.body_start : part.end], part.encoding)
        assert decoded_size(source, part) == len(decoded)
        pieces = iter_slices(source, part.body_start, end=part.end, slice_bytes=100)
        assert b"".join(iter_decoded(pieces, part.encoding)) == decoded
    summary = summarise(raw, root, body_text="", html=None)
    sort_keys(summary)
    index_fields(raw, root, "")
    assert summary.attachments == list_attachments(raw, root, None)


@pytest.mark.parametrize("name", FILES)
def test_raw_header_list_is_the_block(name: str) -> None:
    raw = FILES[name].read_bytes()
    root = parse_message(raw)
    position = 0
    for field in parse_headers(raw, root):
        field_pattern = rb"^%b[ \t]*:%b" % (re.escape(field.name.encode()), re.escape(field.value))
        match = re.compile(field_pattern, re.MULTILINE).search(raw, position, root.body_start)
        assert match is not None
        # Between two fields lies nothing but lines that are none.
        assert not re.match(rb"[!-9;-~]+[ \t]*:", raw[position : match.start()])
        position = match.end()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_differences_from_the_oracle_are_the_known_ones(name: str) -> None:
    raw = FILES[name].read_bytes()
    ours, theirs = our_aspects(raw), oracle_aspects(raw)
    found = {aspect for aspect in ours if ours[aspect] != theirs[aspect]}
    if "tree" in found:
        found -= STRUCTURE
    assert found == _known(name), {aspect: (ours[aspect], theirs[aspect]) for aspect in found ^ _known(name)}


def test_listed_files_exist() -> None:
    assert {name for files in DIFFERENCES.values() for name in files} <= set(FILES)


BODIES = {
    "enmime/mail-mime-mixed-related.eml": ("text/html", None),
    "enmime/mail-html-mime-inline.eml": ("text/html", "text/plain"),
    "enmime/mail-attachment-only.eml": (None, None),
    "enmime/mail-multipart-wo-boundary.eml": (None, "text/plain"),
    "mail-gem/attachment_emails_attachment_only_email.eml": (None, None),
    "mail-gem/mime_emails_raw_email7.eml": (None, "text/plain"),
    "mime4j/multi-nested.eml": (None, "text/plain"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    root = parse_message(_read(name))
    html, text = best_body(root, "html"), best_body(root, "text")
    assert (html and html.content_type, text and text.content_type) == BODIES[name]


ATTACHMENTS = {
    "enmime/mail-attachment.eml": ["test.html"],
    "enmime/mail-mime-bad-8bit-filename.eml": ["管理.doc"],
    "enmime/mail-html-mime-inline.eml": ["favicon.png"],
    "mail-gem/attachment_emails_attachment_message_rfc822.eml": ["ForwardedMessage.eml"],
    "mail-gem/multi_charset_japanese_attachment.eml": ["てすと.txt"],
    "mime4j/badfile.eml": [],
    "mime4j/multi-nested.eml": ["3d-vise.gif", "3d-eye.gif", "attachment-3.txt", "filename"],
}


@pytest.mark.parametrize("name", ATTACHMENTS)
def test_attachments(name: str) -> None:
    raw = _read(name)
    assert [a.name for a in list_attachments(raw, parse_message(raw), None)] == ATTACHMENTS[name]


def _read(name: str) -> bytes:
    path = FILES.get(name, Path())
    return path.read_bytes()


def _with_line_ends(raw: bytes, line_ends: str) -> bytes:
    if line_ends == "as found":
        return raw
    raw = raw.replace(b"\r\n", b"\n")
    return raw.replace(b"\n", b"\r\n") if line_ends == "CRLF" else raw
