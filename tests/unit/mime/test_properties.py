"""Whatever the bytes: nothing raises, trees are consistent, decoding is deterministic."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.mime import parse
from postroom.mime.address import parse_addresses
from postroom.mime.charset import decode_charset
from postroom.mime.decode import decode_body, decode_bytes, decoded_size
from postroom.mime.headers import decode_address_value, decode_value, parse_headers
from postroom.mime.index_text import index_fields
from postroom.mime.params import (
    parse_content_id,
    parse_content_type,
    parse_disposition,
    parse_encoding,
)
from postroom.mime.parse import parse_message
from postroom.mime.raw import Limits
from postroom.mime.structure import best_body, iter_parts, list_attachments, part_source
from postroom.mime.summary import sort_keys, summarise
from postroom.mime.text import quoted_parts
from tests.unit.mime.messages import check_tree, decode_text

_LINES = [
    b"Content-Type: multipart/mixed; boundary=a",
    b'Content-Type: multipart/alternative; boundary="a b"',
    b"Content-Type: multipart/digest;\r\n boundary=a-1",
    b"Content-Type: multipart/related; boundary=",
    b"content-type: text/html",
    b"Content-Type: message/rfc822",
    b"Content-Type: text/plain; charset=utf-16; name*=utf-8''%C3",
    b"Content-Type",
    b":",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Content-Transfer-Encoding: x-uue",
    b'Content-Disposition: attachment; filename="=?utf-8?q?a?="',
    b"Content-ID: <x",
    b"Subject: =?utf-8?b?4oKs",
    b" folded",
    b'From: "a <b@c>, d:;',
    b"",
    b"",
    b"",
    b"--a",
    b"--a--",
    b"--a b",
    b"--a-1",
    b"--a-1--",
    b"--",
    b"--a b--",
    b"begin 644 x",
    b"Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK",
    b"=41=",
    b"\xff\x00\r",
    b"text",
]

MESSAGES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.tuples(st.sampled_from(_LINES), st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r"])), max_size=40
    ).map(lambda lines: b"".join(line + end for line, end in lines)),
)


@given(MESSAGES)
@settings(max_examples=400)
def test_any_message_can_be_read(raw: bytes) -> None:
    root = parse_message(raw)
    check_tree(raw, root)
    for part in iter_parts(root):
        source = part_source(raw, root, part)
        parse_headers(source, part)
        data = decode_body(source, part)
        assert decoded_size(source, part) == len(data)
        text = decode_text(source, part)
        text.encode()
    html_part = best_body(root, "html")
    html = decode_text(part_source(raw, root, html_part), html_part) if html_part else None
    summary = summarise(raw, root, body_text=html or "", html=html)
    for value in (summary.from_, summary.subject, summary.to, summary.message_id, summary.snippet):
        value.encode()
        assert "\n" not in value
        assert "\0" not in value
    for key in sort_keys(summary):
        assert len(key) <= 400
    for attachment in list_attachments(raw, root, html):
        assert attachment.name
        assert attachment.name == attachment.name.strip()
    "".join(index_fields(raw, root, "")).encode()


@given(MESSAGES)
@settings(max_examples=400)
def test_sifting_candidates_by_a_pattern_changes_nothing(raw: bytes) -> None:
    root = parse_message(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse, "_MANY_MISSES", 0)
        assert parse_message(raw) == root


@given(MESSAGES, st.integers(1, 5), st.integers(1, 8))
def test_limits_hold(raw: bytes, depth: int, parts: int) -> None:
    root = parse_message(raw, limits=Limits(depth=depth, parts=parts))
    check_tree(raw, root)
    assert len(list(iter_parts(root))) <= parts
    level, found = [root], 0
    while level := [child for part in level for child in part.parts]:
        found += 1
    assert found <= depth


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text("=?utf8bqQB_ \t\r\n,;:<>@\"\\()[]aé*'%0", max_size=80).map(str.encode),
    )
)
@settings(max_examples=400)
def test_any_header_value_can_be_read(value: bytes) -> None:
    for text in (decode_value(value), decode_address_value(value)):
        text.encode()
        assert not {"\n", "\r", "\0"} & set(text)
    for address in parse_addresses(value) + parse_addresses(decode_address_value(value)):
        assert any(address)
        "".join(address).encode()
    parse_content_type(value).charset.encode()
    parse_disposition(value).filename.encode()
    parse_encoding(value)
    parse_content_id(value).encode()


@given(
    st.binary(max_size=300),
    st.text(max_size=20)
    | st.sampled_from(["utf-8", "utf-16", "utf-32", "gb18030", "hz", "iso-2022-jp", "big5", "euc-kr"]),
)
def test_any_bytes_in_any_charset_are_text(data: bytes, charset: str) -> None:
    decode_charset(data, charset).encode()


@given(st.binary(max_size=500), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "", "7bit"]))
def test_any_body_decodes(body: bytes, encoding: str) -> None:
    assert len(decode_bytes(body, encoding)) <= len(body)


@given(st.text(max_size=300))
def test_quoted_parts_never_overlap(text: str) -> None:
    position = 0
    for start, end in quoted_parts(text):
        assert position <= start < end <= len(text)
        position = end
