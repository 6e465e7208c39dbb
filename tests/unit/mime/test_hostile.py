"""Hostile messages: never an exception, and never more than linear time.

The inputs are so large that anything quadratic would take hours, and fail by the time limit of the test run.
"""

import pytest

from postroom.mime.address import parse_addresses
from postroom.mime.decode import decode_bytes, decoded_size
from postroom.mime.headers import decode_address_value, decode_value, parse_headers
from postroom.mime.index_text import html_words, index_fields
from postroom.mime.params import parse_content_type, parse_disposition
from postroom.mime.parse import parse_message
from postroom.mime.structure import best_body, iter_parts, list_attachments
from postroom.mime.summary import base_subject, sort_keys, summarise
from postroom.mime.text import make_snippet, quoted_parts
from tests.unit.mime.messages import check_tree, decode_text

MANY = 50_000
HEAD = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

MESSAGES = {
    "delimiters": HEAD + b"--b\r\n" * MANY,
    "empty parts": HEAD + b"--b\r\n\r\n" * MANY,
    "close delimiters": HEAD + b"--b--\r\n" * MANY,
    "almost delimiters": HEAD + b"--b\r\n\r\n" + b"--bb\r\n" * MANY,
    "dashes": HEAD + b"\n--" * MANY,
    "delimiters with words": HEAD + b"--x " * 4 * MANY + b"\n" + b"--x y\n" * MANY,
    "parts without blank lines": HEAD + b"--b\r\nX\r\n" * MANY,
    "parts with one field": HEAD + b"--b\r\nX: y\r\n" * MANY,
    "nested with the same boundary": (HEAD.replace(b"\r\n\r\n", b"\r\n\r\n--b\r\n")) * 20_000,
    "nested with many boundaries": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(20_000)
    ),
    "nested messages": b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "digest of digests": b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" * 20_000,
    "fields": b"Subject: x\r\n" * MANY,
    "content fields": b"Content-Type: text/plain; charset=x\r\n" * 50_000,
    "names without colons": b"x" * 5_000_000,
    "lines without colons": b"xxxx\r\n" * MANY,
    "junk between fields": b"A: b\r\njunk\r\n" * MANY,
    "folds": b"Subject: x" + b"\r\n " * MANY,
    "colons": b":" * 500_000,
    "carriage returns": b"\r" * 500_000,
    "line feeds": b"\n" * 500_000,
    "zeros": b"\0" * 500_000,
    "one boundary character": b"Content-Type: multipart/mixed; boundary=-\r\n\r\n" + b"---\r\n" * MANY,
    "huge boundary": b"Content-Type: multipart/mixed; boundary="
    + b"b" * 900_000
    + b"\r\n\r\n"
    + b"--bb\r\n" * MANY,
    "dashes as boundary": b'Content-Type: multipart/mixed; boundary="--"\r\n\r\n' + b"----\r\n" * MANY,
    "encoded messages": b"Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n"
    * 20_000,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name: str) -> None:
    raw = MESSAGES[name]
    root = parse_message(raw)
    check_tree(raw, root)
    assert len(list(iter_parts(root))) <= 10_000
    summary = summarise(raw, root, body_text="", html="")
    sort_keys(summary)
    parse_headers(raw, root)
    index_fields(raw, root, "")
    for kind in ("html", "text"):
        part = best_body(root, "html" if kind == "html" else "text")
        if part is not None and part.decoded_base < 0:
            decode_text(raw, part)
    list_attachments(raw, root, "cid:" * 1000)


VALUES = [
    b"=?utf-8?q?" * MANY,
    b"=?utf-8?q?" * MANY + b"?=",
    b"=?utf-8?q?a?= " * MANY,
    b"=?utf-8?q?a?=" + b" " * 500_000 + b"=?x",
    b"=?" * 250_000,
    b"?=" * 250_000,
    b"=?a?b?c" * MANY,
    b'"' * 250_000,
    b"(" * 250_000,
    b"()" * 500_000,
    b"<" * 250_000,
    b"<>" * 500_000,
    b"a@b:" * MANY,
    b":" * 250_000,
    b"a@b" + b":" * 250_000,
    b"@" * 250_000,
    b". " * 500_000,
    b"\\" * 250_000,
    b" " * 500_000 + b"x",
    b"a " * 500_000 + b"@",
    b"," * 250_000,
    b"a@b," * MANY,
    b"[" * 500_000,
    b"x" * 3_000_000,
    b"; x" * MANY,
    b"; x*0=y" * MANY,
    b"; x=" + b"y " * 500_000,
    b"; x=" + b" (" * 500_000,
    b'; x="' + b"\\" * 250_000,
    b"text/plain; " + b"a" * 500_000,
    b"text/plain; x=" + b"'" * 250_000,
    b"; (" * 300_000,
    b"re: " * MANY,
    b"re[1" * MANY,
    b"\r\n " * MANY,
    b"\xc3" * 250_000,
    b"\x1b$B" * 300_000,
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_header_value(value: bytes) -> None:
    text = decode_value(value)
    assert "\n" not in text
    base_subject(text)
    address_text = decode_address_value(value)
    assert "\n" not in address_text
    parse_addresses(value)
    parse_addresses(address_text)
    assert parse_content_type(value).content_type
    parse_disposition(value)


TEXTS = [
    ">" * 250_000,
    "> x\n\n" * MANY,
    "\n" * 250_000,
    "\n \n" * 300_000 + "x",
    ":\n" * MANY,
    "On 1 Jan wrote:\n" * 50_000,
    "On 1 Jan " * 100_000 + "wrote:\n> x",
    "From: a\n" * MANY,
    "From: a" + "\n " * 500_000,
    "---\n" * MANY,
    "-" * 250_000,
    "_____\n\n" * MANY,
    "-- \n" * MANY,
    "\u200c" * 500_000,
    " \u200c" * 300_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text(text: str) -> None:
    for start, end in quoted_parts(text):
        assert start < end
    assert len(make_snippet(text)) <= 256


BODIES = [
    b"=" * 500_000,
    b"= " * 250_000,
    b"= \t" * 500_000 + b"x",
    b"=" + b" " * 500_000,
    b"=\r" * 250_000,
    b"A=" * 250_000,
    b"AAAA=" * 500_000,
    b"A" * 500_001,
    b"begin 644 \n" * MANY,
    b"begin 644 x\n" + b"\n" * 250_000,
    b"begin 644 x\n" + b"M" * 500_000,
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-uuencode"])
def test_body(body: bytes, encoding: str) -> None:
    raw = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    assert decoded_size(raw, parse_message(raw)) == len(decode_bytes(body, encoding))


@pytest.mark.parametrize(
    "html", ["<" * 500_000, "<!--" * 100_000, "<script" * 100_000, "&" * 200_000, "<style></script>" * 20_000]
)
def test_html(html: str) -> None:
    html_words(html)
