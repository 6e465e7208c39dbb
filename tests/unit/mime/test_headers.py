"""Header lists, decoded values, encoded words."""

import pytest

from postroom.mime.encoded_words import decode_words
from postroom.mime.headers import (
    Header,
    HeaderField,
    decode_address_value,
    decode_value,
    find_header,
    parse_headers,
)
from postroom.mime.parse import parse_message

RAW = (
    b"Subject: one\r\n two\r\nX-Empty:\r\nTo :x\r\nsubject:\tagain\r\nno field\r\nLast: z\r\n\r\nBody: no\r\n"
)


def test_raw_list_keeps_folds_and_line_ends() -> None:
    assert parse_headers(RAW, parse_message(RAW)) == [
        HeaderField("Subject", b" one\r\n two\r\n"),
        HeaderField("X-Empty", b"\r\n"),
        HeaderField("To", b"x\r\n"),
        HeaderField("subject", b"\tagain\r\n"),
        HeaderField("Last", b" z\r\n"),
    ]


def test_header_without_end() -> None:
    raw = b"Subject: a\r\n b"
    assert parse_headers(raw, parse_message(raw)) == [HeaderField("Subject", b" a\r\n b")]


def test_number_of_fields_is_bounded() -> None:
    raw = b"A: b\n" * 30_000
    assert len(parse_headers(raw, parse_message(raw))) == 10_000


def test_header() -> None:
    header = Header(RAW, parse_message(RAW))
    assert header.values(b"subject") == [b" one\r\n two\r\n", b"\tagain\r\n"]
    assert (header.first(b"subject"), header.first(b"cc"), header.values(b"cc")) == (
        b" one\r\n two\r\n",
        b"",
        [],
    )
    assert b"x-empty" in header
    assert b"cc" not in header
    for value in (b" =?utf-8?q?Doe=2C_J?= <j@x.test>\r\n", b""):
        for _ in range(2):
            assert header.text(value) == decode_value(value)
            assert header.address_text(value) == decode_address_value(value)


def test_find_header() -> None:
    fields = parse_headers(RAW, parse_message(RAW))
    assert find_header(fields, "SUBJECT") == b" one\r\n two\r\n"
    assert find_header(fields, "Cc") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain\r\n", "plain"),
        (b" one\r\n two\r\n", "one two"),
        (b" one\r\n\ttwo\n three", "one two three"),
        (b"  kept  inside  ", "kept  inside"),
        (b"", ""),
        (b"\r\n", ""),
        (b" a\x00b\x07c\x7fd", "abcd"),
        (b" =?utf-8?Q?caf=C3=A9?=", "café"),
        (b" =?UTF-8?q?caf=C3=A9_au_lait?= please", "café au lait please"),
        (b" =?iso-8859-1?B?Y2Fm6Q==?=", "café"),
        (b" =?utf-8?B?5pel?=\r\n =?utf-8?B?5pys?=", "日本"),
        (b" =?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        (b" =?utf-8?Q?a?= x =?utf-8?Q?b?=", "a x b"),
        (b" =?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
        (b" =?utf-8?Q?=E6=97?= =?utf-8?B?pQ==?=", "日"),
        (b" =?utf-8?Q?=C3?=\r\n =?UTF-8?Q?=A9?=", "é"),
        (b" =?iso-8859-1?Q?=E9?= =?utf-8?Q?=C3=A9?=", "éé"),
        (b" =?utf-8*en?Q?hello?=", "hello"),
        (b" =?utf-8?Q?with spaces in it?=", "with spaces in it"),
        (b" =?utf-8?Q??=", ""),
        (b" =?utf-8?B?Y2Fmw6k?=", "café"),
        (b" =?utf-8?B?Y2F*mw6k=?=", "café"),
        (b" =?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b" =?utf-8?Q?no end", "=?utf-8?Q?no end"),
        (b" =?utf-8?Q?a?= =?broken", "a =?broken"),
        (b" =??Q?x?=", "=??Q?x?="),
        (b" =?no-such-charset?Q?caf=C3=A9?=", "café"),
        (b" =?us-ascii?Q?caf=E9?=", "café"),
        (b" =?utf-8?Q?a=0D=0AX-Evil:_b?=", "aX-Evil: b"),
        (b" x=?utf-8?Q?y?=z", "xyz"),
        (b" caf\xc3\xa9", "café"),
        (b" caf\xe9", "café"),
        (b" caf\xc3\xa9 =?utf-8?Q?caf=C3=A9?=", "café café"),
        (" 日本".encode("iso-2022-jp"), "日本"),
        (b" =?ks_c_5601-1987?B?x9GxuQ==?=", "한국"),
    ],
)
def test_decoded_value(value: bytes, text: str) -> None:
    assert decode_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            b" Ann <ann@example.com>,\r\n Bob <bob@example.com>\r\n",
            "Ann <ann@example.com>, Bob <bob@example.com>",
        ),
        (b" =?utf-8?Q?J=C3=B6rg?= <j@example.com>", "Jörg <j@example.com>"),
        (b" =?utf-8?Q?M=C3=BCller=2C_J=C3=B6rg?= <j@example.com>", '"Müller, Jörg" <j@example.com>'),
        (b' "=?utf-8?Q?M=C3=BCller=2C_J?=" <j@example.com>', '"Müller, J" <j@example.com>'),
        (b' "=?utf-8?Q?say_=22hi=22?=" <j@example.com>', '"say \\"hi\\"" <j@example.com>'),
        (b" =?utf-8?Q?say_=22hi=22?= <j@example.com>", '"say \\"hi\\"" <j@example.com>'),
        (b' "Doe, John" <j@example.com>', '"Doe, John" <j@example.com>'),
        (b" =?utf-8?B?5pel?= =?utf-8?B?5pys?= <j@example.com>", "日本 <j@example.com>"),
    ],
)
def test_decoded_address_value_still_parses(value: bytes, text: str) -> None:
    assert decode_address_value(value) == text


@pytest.mark.parametrize("text", ["", "nothing ?= here", "=?=?=?", "?=" * 20, "=?a?q?"])
def test_text_without_words_stays(text: str) -> None:
    assert decode_words(text) == text
