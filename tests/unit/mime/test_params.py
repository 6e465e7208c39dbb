"""Content-Type, Content-Disposition, Content-Transfer-Encoding and Content-ID values."""

import pytest

from postroom.mime.params import (
    parse_content_id,
    parse_content_type,
    parse_disposition,
    parse_encoding,
    parse_parameters,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" text/plain; charset=utf-8\r\n", ("text/plain", "utf-8")),
        (b" TEXT/HTML;CHARSET=ISO-8859-1", ("text/html", "iso-8859-1")),
        (b' text/plain; charset="us-ascii" (comment)', ("text/plain", "us-ascii")),
        (b" text/plain; charset=us-ascii (Plain text)", ("text/plain", "us-ascii")),
        (b" text/plain (hello); charset=us-ascii", ("text/plain", "us-ascii")),
        (b" text/plain;; ; charset=utf-8;", ("text/plain", "utf-8")),
        (b" text/plain charset=utf-8", ("text/plain", "utf-8")),
        (b" text/plain;\r\n\tcharset = 'utf-8'", ("text/plain", "utf-8")),
        (b" text/plain; charset=utf-8; charset=latin1", ("text/plain", "utf-8")),
        (b" text/plain; charset=utf-8 format=flowed", ("text/plain", "utf-8")),
        (b" image/png; charset=utf-8", ("image/png", "")),
        (b" text/x-vnd.foo+bar", ("text/x-vnd.foo+bar", "")),
    ],
)
def test_type_and_charset(value: bytes, expected: tuple[str, str]) -> None:
    assert parse_content_type(value)[:2] == expected


def test_other_parameters() -> None:
    assert parse_content_type(b"text/plain; format=Flowed; delsp=yes").flowed
    assert not parse_content_type(b"text/html; format=flowed").flowed
    assert parse_content_type(b'text/calendar; method="REQUEST"').method == "request"
    assert parse_content_type(b"text/plain; method=request").method == ""
    assert parse_content_type(b'multipart/mixed; boundary="a b=_\\"c "').boundary == b'a b=_"c'
    assert parse_content_type(b"multipart/mixed; boundary=a b; x=y").boundary == b"a b"
    assert parse_content_type(b"multipart/mixed; boundary*0=ab; boundary*1=cd").boundary == b"abcd"
    assert parse_content_type(b"text/plain; boundary=a").boundary == b""


@pytest.mark.parametrize(
    ("value", "filename"),
    [
        (b"attachment; filename=report.pdf", "report.pdf"),
        (b'attachment; filename="a;b, c.pdf"', "a;b, c.pdf"),
        (b"attachment; filename=two words.pdf", "two words.pdf"),
        (b"attachment; filename=two words (1).pdf; size=3", "two words (1).pdf"),
        (b'attachment; filename="say \\"hi\\".txt"', 'say "hi".txt'),
        (b'attachment; filename="C:\\dir\\file.txt"', "C:\\dir\\file.txt"),
        (b'attachment; filename="no end.pdf', "no end.pdf"),
        (b'attachment; filename=""', ""),
        (b"attachment; filename*=utf-8'en'na%C3%AFve%20file.txt", "naïve file.txt"),
        (b"attachment; filename*=iso-8859-1''caf%E9.txt", "café.txt"),
        (b"attachment; filename*=plain.txt", "plain.txt"),
        (b"attachment; filename=old.txt; filename*=utf-8''new.txt", "new.txt"),
        (b'attachment; filename*0="long"; filename*1="name.txt"', "longname.txt"),
        (b"attachment; filename*1*=%BC.txt; filename*0*=utf-8''%C3", "ü.txt"),
        (b"attachment; filename*0*=utf-8''a%20; filename*1=b%20c.txt", "a b%20c.txt"),
        (b"attachment; filename*0=a; filename*2=c", "a"),
        (b"attachment; filename*1=b; filename=whole.txt", "whole.txt"),
        (b"attachment; filename*1=a; filename*2=b", "ab"),
        (b'attachment; filename="=?utf-8?B?w7xiZXI=?= =?utf-8?Q?_uns=2Etxt?="', "über uns.txt"),
        (b"attachment; filename==?iso-8859-1?Q?caf=E9.txt?=", "café.txt"),
        (b'attachment; filename*0="=?utf-8?B?w7xi"; filename*1="ZXI=?="', "über"),
        (b'attachment; filename="\xc3\xbcber.txt"', "über.txt"),
        (b'attachment; filename="\xfcber.txt"', "über.txt"),
        (b'attachment; filename="a\x00b\x07.txt"', "ab.txt"),
        (b"attachment;\r\n filename=folded.txt", "folded.txt"),
        (b"attachment; FileName=case.txt", "case.txt"),
        (b"attachment; filename=first.txt; filename=second.txt", "first.txt"),
    ],
)
def test_filename(value: bytes, filename: str) -> None:
    assert parse_disposition(value) == ("attachment", filename)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"INLINE", ("inline", "")),
        (b" attachment filename=x.txt", ("attachment", "x.txt")),
        (b"filename=x.txt", ("", "x.txt")),
        (b"", ("", "")),
        (b"; filename=x", ("", "x")),
    ],
)
def test_disposition(value: bytes, expected: tuple[str, str]) -> None:
    assert parse_disposition(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" base64\r\n", "base64"),
        (b" BASE64", "base64"),
        (b'"quoted-printable"', "quoted-printable"),
        (b" quoted-printable;", "quoted-printable"),
        (b" 7-bit (comment)", "7bit"),
        (b" 8bits", "8bit"),
        (b"uuencode", "x-uuencode"),
        (b"", "7bit"),
        (b" \r\n", "7bit"),
        (b"x-gzip64", "x-gzip64"),
        (b"text/html", "text/html"),
    ],
)
def test_encoding(value: bytes, expected: str) -> None:
    assert parse_encoding(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" <a@b>\r\n", "a@b"),
        (b"a@b", "a@b"),
        (b"(comment) < a@b >", "a@b"),
        (b"<a@b", "a@b"),
        (b"", ""),
        (b"<>", ""),
    ],
)
def test_content_id(value: bytes, expected: str) -> None:
    assert parse_content_id(value) == expected


def test_parameters_in_a_comment_do_not_count() -> None:
    assert parse_parameters("; (charset=x) charset=utf-8") == {"charset": "utf-8"}
